/* SPDX-License-Identifier: Apache-2.0 */
/* The folder where a worker's compiles have theirs. */
#ifndef HG_WORKER_WORK_DIR_H
#define HG_WORKER_WORK_DIR_H

#include <stdbool.h>

struct hg_error;

struct hg_work_dir {
	char *path;
	/* held while the folder is used */
	int lock_fd;
	/* named after our process, so to be removed */
	bool own;
};

#define HG_WORK_DIR_INIT { .lock_fd = -1 }

/*
 * Opens the folder of that name, or if it is empty one of our own in $TMPDIR or
 * /tmp. It must belong to this user. What workers of this user that were killed
 * left there is removed: in that folder, or the folders of their own.
 */
int hg_work_dir_open(
    struct hg_work_dir *w, const char *wanted, struct hg_error *err);
void hg_work_dir_close(struct hg_work_dir *w);

#endif
