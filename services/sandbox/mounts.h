/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program will see of files. Called in this order by the first process
 * of the new namespaces; each ends the process when it fails.
 */
#ifndef HG_SANDBOX_MOUNTS_H
#define HG_SANDBOX_MOUNTS_H

#include <stdint.h>

struct hg_strvec;

/*
 * Nothing mounted from now on is seen outside. Returns -1, or the real root folder
 * where "/" is no mount (a plain chroot). root is any folder that is not "/".
 */
int hg_sandbox_part_mounts(const char *root);
/* From now on nothing mounted or unmounted outside is seen here either. */
void hg_sandbox_make_mounts_private(int real_root);
/*
 * The folder becomes a mount of its own, without devices and set-id programs:
 * of itself, or of an empty file system in memory where scratch_bytes is not 0.
 */
void hg_sandbox_mount_root(const char *root, uint64_t scratch_bytes);
/* /dev with null, zero, full, random and urandom, and no terminal. */
void hg_sandbox_mount_dev(const char *root);
/* /proc of the new process namespace, to be read only. */
void hg_sandbox_mount_proc(const char *root);
/* /tmp for everybody. */
void hg_sandbox_make_tmp(const char *root);
/* An empty file system in memory at each path. */
void hg_sandbox_mount_tmpfs(const char *root, const struct hg_strvec *paths);
/* Each "SOURCE[:TARGET]", to be read only, without devices and set-id programs. */
void hg_sandbox_bind_readonly(const char *root, const struct hg_strvec *binds);
/* Nothing more can be made in /dev. */
void hg_sandbox_seal_dev(const char *root);
/* root becomes "/", and the old one is gone; real_root is from above. */
void hg_sandbox_change_root(const char *root, int real_root);

#endif
