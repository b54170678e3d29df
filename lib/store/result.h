/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results: everything that one compile gave, in one entry: exit code, stdout,
 * stderr and the files it wrote. Every byte is covered by a checksum; a damaged
 * entry counts as a miss. One of the files may stand beside the entry, where
 * trees can have hard links to it; it is of the entry all the same.
 */
#ifndef HG_STORE_RESULT_H
#define HG_STORE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/digest/digest.h"
#include "lib/store/zip.h"

struct hg_cache;
struct hg_error;
struct hg_strbuf;

/* Which file of the compile an output is: names may differ at the next one. */
enum hg_output_role {
	/* what -o names */
	HG_OUTPUT_MAIN,
	/* the dependency file */
	HG_OUTPUT_DEP,
	/* any other, at the path it had */
	HG_OUTPUT_OTHER,
};

struct hg_output {
	enum hg_output_role role;
	uint32_t mode;
	const char *path;
	const void *p;
	size_t n;
	/* stands beside the entry, as it is: true for one output at most */
	bool linked;
};

struct hg_result {
	int exit_code;
	const void *out;
	size_t out_n;
	const void *err;
	size_t err_n;
	const struct hg_output *outputs;
	size_t n_outputs;
	/* for hg_result_write(): zstd's level, 0 to store contents as they are */
	int zip_level;
	/* stored so that file systems can share the blocks; costs some space */
	bool for_clones;
};

int hg_result_write(struct hg_cache *c, const struct hg_digest *key,
    const struct hg_result *r, struct hg_error *err);

/* An opened entry. */
struct hg_result_reader;

/*
 * NULL: there is none (HG_NOTFOUND), or it is damaged or not the one that its
 * name says (HG_CORRUPT: the caller should remove it).
 */
struct hg_result_reader *hg_result_open(
    struct hg_cache *c, const struct hg_digest *key, struct hg_error *err);
/*
 * Says that the entry was of use: what was used last is kept longest. See
 * hg_cache_touch_is_due().
 */
void hg_result_touch(struct hg_result_reader *r);
void hg_result_close(struct hg_result_reader *r);
/*
 * Head of the entry: exit code, stdout, stderr, outputs (without contents: p is
 * NULL). Valid until close.
 */
const struct hg_result *hg_result_head(const struct hg_result_reader *r);
/*
 * Gives the content of output i to sink piece by piece, checking it on the way.
 * -HG_CORRUPT: what sink got is not to be used; or sink's own error.
 */
int hg_result_copy(struct hg_result_reader *r, size_t i, hg_sink_fn *sink,
    void *arg, struct hg_error *err);
/*
 * As hg_result_copy(), the file system sharing the blocks; fd is a new file.
 * -HG_UNSUPPORTED: it cannot; nothing was done.
 */
int hg_result_clone(
    struct hg_result_reader *r, size_t i, int fd, struct hg_error *err);
/*
 * Makes path a hard link to output i, which is checked on the way, and its time
 * that of now: for all who have it. -HG_UNSUPPORTED: it is not there to be linked,
 * its mode is not the wanted one, or the file system declines; nothing was done.
 */
int hg_result_link(struct hg_result_reader *r, size_t i, const char *path,
    mode_t mode, struct hg_error *err);
/* Appends the checked content of output i to ret. */
int hg_result_read(struct hg_result_reader *r, size_t i, struct hg_strbuf *ret,
    struct hg_error *err);

/* True when there was one, and it was removed by us with all that is of it. */
bool hg_result_remove(struct hg_cache *c, const struct hg_digest *key);

#endif
