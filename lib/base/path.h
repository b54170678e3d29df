/* SPDX-License-Identifier: Apache-2.0 */
/* File names. Purely textual unless a function says that it looks at disk. */
#ifndef HG_BASE_PATH_H
#define HG_BASE_PATH_H

#include <stdbool.h>
#include <sys/types.h>

struct hg_error;
struct hg_strbuf;

/* "a/b/c.o" -> "c.o"; borrowed from path. */
const char *hg_path_base(const char *path);
/* "a/b/c.o" -> "a/b", "c.o" -> ".", "/c.o" -> "/"; owned. */
char *hg_path_dir(const char *path);
/* dir/name, or name itself when it is absolute; owned. */
char *hg_path_join(const char *dir, const char *name);
/* The last ".ext" of the last component, or the end of the string. */
const char *hg_path_ext(const char *path);

/*
 * Sets ret to an absolute path without ".", ".." and double slashes, as if there
 * were no links: "/a/./b/../c" -> "/a/c"; "/" -> "".
 */
void hg_path_plain(const char *path, struct hg_strbuf *ret);

/* Is path the folder top, or below it? Both are plain: "/a/bc" is not in "/a/b". */
bool hg_path_is_within(const char *path, const char *top);

/*
 * True when path is safe below a root: relative, no "..", no empty and no "."
 * component, no NUL, shorter than HG_MAX_PATH_BYTES.
 */
bool hg_path_is_beneath(const char *path);

/* Makes dir and its parents (mode 0777 & ~umask). Fine if it is there. */
int hg_mkdir_p(const char *dir, struct hg_error *err);
/* Removes a tree; does not follow symbolic links. Missing is fine. */
int hg_remove_tree(const char *dir, struct hg_error *err);
/* name in the folder that the n bytes at list, of a PATH-like list, name; owned.
 */
char *hg_path_in(const char *list, size_t n, const char *name);
/* First executable regular file of that name in a PATH-like list; owned. */
char *hg_path_search(const char *name, const char *path_list);

#endif
