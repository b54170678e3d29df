/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a compiler: a digest over the contents of the driver, of the
 * programs it runs (cc1, cc1plus, as, collect2, lto-wrapper) and of the
 * libraries in which they generate code. Two machines whose digests are equal
 * compile alike; client and worker both compute it with this function.
 */
#ifndef HG_TOOLCHAIN_TOOLCHAIN_H
#define HG_TOOLCHAIN_TOOLCHAIN_H

#include "lib/digest/digest.h"

struct hg_error;
struct hg_toolchains;

/* What was computed is remembered here; safe to use from several threads. */
struct hg_toolchains *hg_toolchains_new(void);
void hg_toolchains_free(struct hg_toolchains *t);

/*
 * The digest, in hex, of the compiler at an absolute path, when PATH is
 * path_list (where gcc finds its assembler). The first time it runs the driver
 * a few times and reads all the files (some 100 ms, so never on an event loop);
 * later it only looks whether they changed. -HG_NOTFOUND: no such program.
 */
int hg_toolchain_digest(struct hg_toolchains *t, const char *compiler,
    const char *path_list, char ret_hex[HG_DIGEST_HEX_BYTES],
    struct hg_error *err);

#endif
