/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making files below a folder under names that others chose. Names are walked
 * from the root's descriptor one component at a time, no symbolic link is ever
 * followed, and the working folder does not matter, so that no name leads out.
 */
#ifndef HG_BASE_ROOTED_H
#define HG_BASE_ROOTED_H

struct hg_error;

struct hg_rooted {
	int root;
	/* the folder used last, as names come folder by folder; -1: none */
	int dir;
	char *dir_name;
};

#define HG_ROOTED_INIT { -1, -1, NULL }

/* root is an existing folder. Close it, also after an error. */
int hg_rooted_open(
    struct hg_rooted *t, const char *root, struct hg_error *err);
void hg_rooted_close(struct hg_rooted *t);

/*
 * Opens the folder of path (hg_path_is_beneath()), making what is missing of it
 * (0755): t->dir until the next call. -HG_DENIED when a component is a link or a
 * file.
 */
int hg_rooted_parent(
    struct hg_rooted *t, const char *path, struct hg_error *err);

/* Makes the folder at path itself; it may exist. Errors as above. */
int hg_rooted_folder(
    struct hg_rooted *t, const char *path, struct hg_error *err);

#endif
