/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names as a compile in its sandbox sees them, turned into names of this machine:
 * below the job's root folder, or the host's own where a folder of the host is
 * bound. Symbolic links are followed as the compile would, so that one which the
 * client or the compile made cannot lead us out of the job.
 *
 * Only while no process of the job lives: what is resolved must stay so.
 */
#ifndef HG_WORKER_VIEW_H
#define HG_WORKER_VIEW_H

#include <stdbool.h>

#include "lib/base/strvec.h"

struct hg_error;

struct hg_view {
	/* the job's root folder; absolute, without a link in it */
	const char *root;
	/* bound folders and files of the host, ... */
	struct hg_strvec binds;
	/* ... or, unless it is NULL, of this folder in the host's place */
	const char *tools;
	/*
	 * Unless it is NULL, all that is not the host's: in a container, whose
	 * image stands for the host and whose root folder is tools, too.
	 */
	const struct hg_strvec *areas;
};

void hg_view_init(struct hg_view *v, const char *root, bool with_headers);
/* The same of a container, all of which is below root; borrows both. */
void hg_view_init_container(
    struct hg_view *v, const char *root, const struct hg_strvec *areas);
void hg_view_release(struct hg_view *v);
/* Shows these names of a folder, both of which outlive v, instead of the host. */
void hg_view_use_tools(
    struct hg_view *v, const char *tools, const struct hg_strvec *names);

/* Is path (plain, absolute) the host's own, or below what is? */
bool hg_view_is_host(const struct hg_view *v, const char *path);

/*
 * The real name of path, which is taken from cwd when it is relative; owned. Its
 * last component is followed too, but need not exist. *ret_host tells whether it
 * is one of the host's own. NULL and err when there are too many links.
 */
char *hg_view_resolve(const struct hg_view *v, const char *cwd,
    const char *path, bool *ret_host, struct hg_error *err);

#endif
