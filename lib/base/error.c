/* SPDX-License-Identifier: Apache-2.0 */
/* The error table and the functions that fill struct hg_error. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"

static const struct {
	const char *name;
	int exit;
	int grpc;
	enum hg_action action;
	const char *text;
} errors[HG_CODE_COUNT] = {
	[HG_OK] = { "OK", 0, 0, HG_ACTION_LOCAL, "no error" },
#define HG_ERROR(n, e, g, a, t) [HG_##n] = { #n, e, g, HG_ACTION_##a, t },
#include "lib/base/errors.def"
};

int
hg_fail(struct hg_error *err, enum hg_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -(int)code;
	err->code = code;
	err->sys_errno = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -(int)code;
}

int
hg_fail_errno(struct hg_error *err, enum hg_code code, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	if (!err)
		return -(int)code;
	err->code = code;
	err->sys_errno = saved;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(saved));
	errno = saved;
	return -(int)code;
}

int
hg_wrap(struct hg_error *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	size_t n;
	va_list ap;

	if (!err)
		return -HG_INTERNAL;
	memcpy(old, err->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", old);
	return -(int)err->code;
}

const char *
hg_code_name(enum hg_code code)
{
	return code < HG_CODE_COUNT ? errors[code].name : "UNKNOWN";
}

const char *
hg_code_text(enum hg_code code)
{
	return code < HG_CODE_COUNT ? errors[code].text : "unknown error";
}

int
hg_code_exit(enum hg_code code)
{
	return code < HG_CODE_COUNT ? errors[code].exit : 70;
}

int
hg_code_grpc(enum hg_code code)
{
	return code < HG_CODE_COUNT ? errors[code].grpc : 13;
}

enum hg_action
hg_code_action(enum hg_code code)
{
	return code < HG_CODE_COUNT ? errors[code].action : HG_ACTION_LOCAL;
}

void
hg_assert_failed(
    const char *what, const char *file, int line, const char *func)
{
	fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, func,
	    what);
	abort();
}
