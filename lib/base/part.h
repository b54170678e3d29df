/* SPDX-License-Identifier: Apache-2.0 */
/* Where the other parts of this installation are. */
#ifndef HG_BASE_PART_H
#define HG_BASE_PART_H

/*
 * The helper program or library of that name: beside the running program (as in
 * a build tree), else in ../libexec/hybridgrid from there (so that a tree can
 * be moved), else where it was configured to be. Owned; NULL when it is nowhere.
 */
char *hg_part_path(const char *name);

#endif
