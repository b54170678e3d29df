/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of the file system, as far as compiles looked at it: each real
 * path has a place, which is looked at (one lstat) at most once in a round, that
 * is, a compile. Names that are missing are answered from the listing of their
 * folder, which is good while the folder's signature is. One thread at a time.
 *
 *   hg_tree_begin(t);
 *   place = hg_tree_find(t, hg_tree_root(t), "/usr/include/stdio.h", NULL);
 *   hg_tree_add(t, place, &inputs, &err)
 */
#ifndef HG_AGENT_TREE_H
#define HG_AGENT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_inputs;
struct hg_place;
struct hg_tree;

enum hg_place_kind {
	HG_PLACE_NOTHING,
	HG_PLACE_FILE,
	HG_PLACE_LINK,
	HG_PLACE_FOLDER,
	HG_PLACE_OTHER,
};

/* An answer that holds while the place is in that state. */
struct hg_seen {
	struct hg_place *place;
	unsigned state;
};

/* How a path was followed; the caller's, and added to. */
struct hg_trail {
	/* what must be there beside the end: links, and folders left by ".." */
	struct hg_place **pass;
	size_t n_pass, cap_pass;
	/* what the way rests on */
	struct hg_seen *seen;
	size_t n_seen, cap_seen;
	/* the last component of the path itself, before links in it */
	struct hg_place *leaf;
};

void hg_trail_release(struct hg_trail *trail);

struct hg_tree *hg_tree_new(void);
/* Also ends the life of all places. */
void hg_tree_free(struct hg_tree *t);

/* A new round: nothing is believed without a look. */
void hg_tree_begin(struct hg_tree *t);
struct hg_place *hg_tree_root(struct hg_tree *t);
/*
 * Where path leads to from a folder, as the kernel follows it; NULL when nothing
 * is there. trail may be NULL.
 */
struct hg_place *hg_tree_find(struct hg_tree *t, struct hg_place *from,
    const char *path, struct hg_trail *trail);
/* Is it as it was? Looks again, once a round. */
bool hg_tree_holds(struct hg_tree *t, const struct hg_seen *seen);
/*
 * Adds the place and the folders above it, unless they were added in this round.
 * -HG_TOOBIG as hg_inputs_share().
 */
int hg_tree_add(struct hg_tree *t, struct hg_place *place,
    struct hg_inputs *in, struct hg_error *err);

enum hg_place_kind hg_place_kind(const struct hg_place *p);
/* Real and absolute. */
const char *hg_place_path(const struct hg_place *p);
/* The folder it is in; the root has none. */
struct hg_place *hg_place_parent(const struct hg_place *p);
/* Looks at a file; the number changes when its content may have. */
unsigned hg_place_version(struct hg_tree *t, struct hg_place *p);
/* The state to compare with later. */
struct hg_seen hg_place_seen(struct hg_place *p);

/*
 * Folders have become links: paths may lead elsewhere than the tree knows, and it
 * should be made anew.
 */
bool hg_tree_is_stale(const struct hg_tree *t);
/* Memory taken, and look-ups of names in this round. */
size_t hg_tree_bytes(const struct hg_tree *t);
uint64_t hg_tree_work(const struct hg_tree *t);

#endif
