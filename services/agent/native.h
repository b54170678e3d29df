/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What -march=native and its kin stand for on this machine, as a specs file that
 * makes the driver give its compiler the very same words on another. GCC only:
 * Clang has no such files, and its options do not say all that "native" does.
 * Any thread.
 */
#ifndef HG_AGENT_NATIVE_H
#define HG_AGENT_NATIVE_H

#include <stdbool.h>
#include <stddef.h>

struct hg_error;
struct hg_natives;

/* dir: where the files are kept; it exists. */
struct hg_natives *hg_natives_new(const char *dir);
void hg_natives_free(struct hg_natives *n);

/* Does one of the words after the compiler mean this machine's processor? */
bool hg_native_is_asked(char *const *args, size_t n);

/*
 * The file for those words, to be given by -specs=; valid as long as n. NULL and
 * -HG_UNSUPPORTED when it cannot be made so that it is proved to be right. The
 * first time runs the driver three times. toolchain: the compiler's digest.
 */
const char *hg_native_specs(struct hg_natives *n, const char *compiler,
    const char *path_list, const char *toolchain, char *const *args,
    size_t n_args, struct hg_error *err);

#endif
