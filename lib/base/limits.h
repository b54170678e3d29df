/* SPDX-License-Identifier: Apache-2.0 */
/* Named bounds on everything that comes from outside, with the reason. */
#ifndef HG_BASE_LIMITS_H
#define HG_BASE_LIMITS_H

/* The specification's gRPC message bound; the option can lower or raise it. */
#define HG_MAX_MESSAGE_BYTES ((size_t)64 << 20)

/* A source file beyond this is refused by workers (HYBRIDGRID_ERR_002). */
#define HG_MAX_SOURCE_BYTES ((size_t)32 << 20)

/* Captured stdout or stderr of one compile; the rest is cut with a note. */
#define HG_MAX_CAPTURE_BYTES ((size_t)16 << 20)

/* Arguments of one compile, response files expanded. */
#define HG_MAX_ARGS 100000

/* Any single file that we read whole. */
#define HG_MAX_FILE_BYTES ((size_t)1 << 30)

/* Input files of one compile (large C++ projects reach about 8,000). */
#define HG_MAX_INPUTS 50000

/* A path; Linux's PATH_MAX. */
#define HG_MAX_PATH_BYTES 4096

/* One argument or environment variable; Linux's MAX_ARG_STRLEN. */
#define HG_MAX_ARG_BYTES ((size_t)128 << 10)

/* Files that one compile writes. */
#define HG_MAX_OUTPUTS 1000

/* Files and failed look-ups that one compile was seen to depend on. */
#define HG_MAX_OBSERVED 400000

/* Workers of one coordinator. */
#define HG_MAX_WORKERS 10000

/* Architectures, compilers: what one worker says of itself. */
#define HG_MAX_CAPABILITIES 1000

/*
 * Fields of one message, nested ones included: each costs memory while it is
 * unpacked, so that small bytes must not become many. Well over what the
 * largest message within the limits above needs.
 */
#define HG_MAX_WIRE_FIELDS ((size_t)4 << 20)

#endif
