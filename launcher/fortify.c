/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only in a launcher linked with a C library of its own (see
 * docs/decisions/0006-launcher-start-up.md): the names by which libraries that
 * were built for glibc with _FORTIFY_SOURCE call stdio.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

int __fprintf_chk(FILE *f, int flag, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int __sprintf_chk(char *s, int flag, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int __vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

int
__vfprintf_chk(FILE *f, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return vfprintf(f, fmt, ap);
}

int
__fprintf_chk(FILE *f, int flag, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = __vfprintf_chk(f, flag, fmt, ap);
	va_end(ap);
	return n;
}

int
__sprintf_chk(char *s, int flag, size_t n, const char *fmt, ...)
{
	va_list ap;
	int k;

	(void)flag;
	va_start(ap, fmt);
	k = vsnprintf(s, n, fmt, ap);
	va_end(ap);
	return k;
}
