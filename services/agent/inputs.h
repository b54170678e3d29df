/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files, folders and symbolic links that a worker must have so that every
 * path which the compiler spells leads to the same file there. "src/../inc/x.h"
 * needs a folder src; "include/x.h" through a link needs the link and what it
 * leads to. Everything is therefore named by its real path, and links are kept
 * as links.
 */
#ifndef HG_AGENT_INPUTS_H
#define HG_AGENT_INPUTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/base/hmap.h"

struct hg_error;

enum hg_input_kind {
	HG_INPUT_FILE,
	HG_INPUT_LINK,
	HG_INPUT_FOLDER,
	/* a device or the like: passed over */
	HG_INPUT_OTHER,
};

/* Constant, and shared by the compiles that need it. */
struct hg_input {
	atomic_uint refs;
	enum hg_input_kind kind;
	/* absolute, and no component of it is a link */
	char *path;
	/* of a link; else NULL */
	char *target;
	/* TOOLS of host_paths.def: the worker has its own */
	bool is_toolchain;
};

struct hg_inputs {
	/* holds a reference on each */
	struct hg_input **v;
	size_t n;
	size_t cap;
	/* path to struct hg_input, of what hg_inputs_add() added */
	struct hg_hmap index;
};

#define HG_INPUTS_INIT     \
 {                         \
  NULL, 0, 0, HG_HMAP_INIT \
 }

/* target: of a link, which is taken; else NULL. With one reference. */
struct hg_input *hg_input_new(
    const char *path, enum hg_input_kind kind, char *target);
void hg_input_unref(struct hg_input *input);

void hg_inputs_release(struct hg_inputs *in);

/*
 * Adds path (relative: to cwd, which is absolute) and all that lies on the way
 * to it. One that does not exist adds the way as far as it goes. -HG_TOOBIG:
 * more than HG_MAX_INPUTS, or a path longer than the system allows.
 */
int hg_inputs_add(struct hg_inputs *in, const char *cwd, const char *path,
    struct hg_error *err);
/* Adds one that others share; doubles go when sorting. -HG_TOOBIG as above. */
int hg_inputs_share(
    struct hg_inputs *in, struct hg_input *input, struct hg_error *err);

/*
 * By path, each once, so that a folder comes before what it holds. After more
 * was added it is to be done again.
 */
void hg_inputs_sort(struct hg_inputs *in);

/* Is an absolute path below what the kernel makes up, different for every process? */
bool hg_inputs_is_unreal(const char *path);

#endif
