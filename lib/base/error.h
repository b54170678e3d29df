/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a code for the program and a sentence for the person. Functions that
 * can fail return 0 or a negative enum hg_code and fill the caller's
 * struct hg_error, when it is not NULL. Libraries never print.
 */
#ifndef HG_BASE_ERROR_H
#define HG_BASE_ERROR_H

enum hg_code {
	HG_OK = 0,
#define HG_ERROR(name, exit, grpc, action, text) HG_##name,
#include "lib/base/errors.def"
	HG_CODE_COUNT
};

enum hg_action {
	HG_ACTION_LOCAL,
	HG_ACTION_RETRY,
	HG_ACTION_FAIL,
};

struct hg_error {
	enum hg_code code;
	/* errno of the failed call, or 0 */
	int sys_errno;
	char text[256];
};

/* Fills err (may be NULL) and returns -code. */
int hg_fail(struct hg_error *err, enum hg_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As hg_fail(), keeping errno and appending its text. */
int hg_fail_errno(struct hg_error *err, enum hg_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before err's text; returns the error's negative code. */
int hg_wrap(struct hg_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Name ("TIMEOUT"), meaning, exit status, gRPC status, action. */
const char *hg_code_name(enum hg_code code);
const char *hg_code_text(enum hg_code code);
int hg_code_exit(enum hg_code code);
int hg_code_grpc(enum hg_code code);
enum hg_action hg_code_action(enum hg_code code);

/* Programmer errors: always compiled in, never on data from outside. */
#define hg_assert(x) \
	((x) ? (void)0 : hg_assert_failed(#x, __FILE__, __LINE__, __func__))
_Noreturn void hg_assert_failed(
    const char *what, const char *file, int line, const char *func);

#endif
