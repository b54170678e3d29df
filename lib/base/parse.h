/* SPDX-License-Identifier: Apache-2.0 */
/* Text to numbers, strictly: the whole text must be the value. */
#ifndef HG_BASE_PARSE_H
#define HG_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

struct hg_error;

/* Decimal within [min, max]. */
int hg_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
    struct hg_error *err);
/* Bytes: "0", "512", "64M", "5G", "1.5GiB"; k M G T are powers of 1000, with
 * "i" (Ki, Mi, Gi, Ti) of 1024. */
int hg_parse_size(const char *text, uint64_t *ret, struct hg_error *err);
/* Nanoseconds from "250ms", "10s", "5m", "2h", "7d"; a bare number is seconds. */
int hg_parse_duration(const char *text, uint64_t *ret, struct hg_error *err);
/* true/false, yes/no, on/off, 1/0. */
int hg_parse_bool(const char *text, bool *ret, struct hg_error *err);
/* Finite decimal number. */
int hg_parse_double(const char *text, double *ret, struct hg_error *err);

#endif
