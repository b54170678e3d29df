/* SPDX-License-Identifier: Apache-2.0 */
/* XXH3-128 over bytes and files, and keys built from length-prefixed fields. */
#ifndef HG_DIGEST_DIGEST_H
#define HG_DIGEST_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_error;

#define HG_DIGEST_BYTES 16
#define HG_DIGEST_HEX_BYTES 33

struct hg_digest {
	unsigned char b[HG_DIGEST_BYTES];
};

void hg_digest_bytes(const void *p, size_t n, struct hg_digest *ret);
/* Whole content of an open file, from its start. */
int hg_digest_fd(int fd, struct hg_digest *ret, struct hg_error *err);
/* -HG_NOTFOUND when it is not there. */
int hg_digest_file(
    const char *path, struct hg_digest *ret, struct hg_error *err);
bool hg_digest_equal(const struct hg_digest *a, const struct hg_digest *b);
/* Lower-case hex with a NUL. */
void hg_digest_hex(const struct hg_digest *d, char ret[HG_DIGEST_HEX_BYTES]);

/* A checksum, for damage only. */
uint64_t hg_checksum(const void *p, size_t n);

/* The same over pieces: _new, _add as often as needed, _done (frees). */
struct hg_checksum_state;
struct hg_checksum_state *hg_checksum_new(void);
void hg_checksum_add(struct hg_checksum_state *s, const void *p, size_t n);
uint64_t hg_checksum_done(struct hg_checksum_state *s);

/*
 * A key: named fields, each with its length before it, so that no two lists of
 * fields give the same bytes.
 */
struct hg_key;
struct hg_key *hg_key_new(const char *version);
void hg_key_free(struct hg_key *k);
void hg_key_add(struct hg_key *k, const char *field, const void *p, size_t n);
void hg_key_adds(struct hg_key *k, const char *field, const char *s);
void hg_key_done(const struct hg_key *k, struct hg_digest *ret);
/* Calls fn on each field in order, the version first. */
typedef void (*hg_key_fn)(
    const char *field, const void *p, size_t n, void *arg);
void hg_key_each(const struct hg_key *k, hg_key_fn fn, void *arg);

#endif
