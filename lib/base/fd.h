/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes on descriptors and files. All opens are O_CLOEXEC. */
#ifndef HG_BASE_FD_H
#define HG_BASE_FD_H

#include <stddef.h>
#include <sys/types.h>

struct hg_error;
struct hg_strbuf;

/* Closes *fd if open and sets it to -1; errno is kept. */
void hg_fd_close(int *fd);

/* Writes all of it, over interruptions and short writes. 0 or -HG_IO. */
int hg_write_all(int fd, const void *p, size_t n, struct hg_error *err);
/* Reads exactly n bytes; an early end is an error. 0 or -HG_IO. */
int hg_read_exact(int fd, void *p, size_t n, struct hg_error *err);
/* Reads to the end, at most max bytes (more is -HG_TOOBIG). */
int hg_read_fd(
    int fd, size_t max, struct hg_strbuf *out, struct hg_error *err);

/* Reads a whole file; -HG_NOTFOUND when there is none. */
int hg_read_file(const char *path, size_t max, struct hg_strbuf *out,
    struct hg_error *err);

/*
 * Publishes a file: written beside path under a temporary name, then renamed
 * over it. mode is used as given (not masked).
 */
int hg_write_file_atomic(const char *path, const void *p, size_t n, mode_t mode,
    struct hg_error *err);

#endif
