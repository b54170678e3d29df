/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it: shortest form, no surrogates, nothing above
 * U+10FFFF. NUL is refused too, because our strings end at it.
 */
#include "config.h"

#include <stdint.h>
#include <string.h>

#include "lib/wire/utf8.h"
#include "lib/wire/wire.h"

static size_t
length_by_first(unsigned char c)
{
	if (c >= 0xC2 && c <= 0xDF)
		return 2;
	if (c >= 0xE0 && c <= 0xEF)
		return 3;
	if (c >= 0xF0 && c <= 0xF4)
		return 4;
	return 0;
}

/* The second byte's range is what excludes long forms and surrogates. */
static bool
is_second(unsigned char first, unsigned char c)
{
	unsigned char low = 0x80, high = 0xBF;

	if (first == 0xE0)
		low = 0xA0;
	else if (first == 0xED)
		high = 0x9F;
	else if (first == 0xF0)
		low = 0x90;
	else if (first == 0xF4)
		high = 0x8F;
	return c >= low && c <= high;
}

size_t
hg_utf8_char(const void *p, size_t n)
{
	const unsigned char *s = p;
	size_t length;

	if (s[0] < 0x80)
		return s[0] != 0;
	length = length_by_first(s[0]);
	if (length == 0 || length > n || !is_second(s[0], s[1]))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

/* Are the eight bytes at s characters of ASCII, none of them NUL? */
static bool
is_plain(const unsigned char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	/* from NUL one cannot be taken without borrowing the highest bit */
	return (((v - UINT64_C(0x0101010101010101)) | v) &
		   UINT64_C(0x8080808080808080)) == 0;
}

bool
hg_wire_is_utf8(const void *p, size_t n)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < n;) {
		size_t length;

		/* nearly all there is, hundreds of paths in each message */
		if (n - i >= sizeof(uint64_t) && is_plain(s + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		length = hg_utf8_char(s + i, n - i);

		if (length == 0)
			return false;
		i += length;
	}
	return true;
}

void
hg_utf8_clean(const void *p, size_t n, char *ret)
{
	const unsigned char *s = p;

	for (size_t i = 0; i < n;) {
		size_t length = hg_utf8_char(s + i, n - i);

		if (length == 0)
			ret[i++] = '?';
		for (; length > 0; length--, i++)
			ret[i] = (char)s[i];
	}
	ret[n] = '\0';
}
