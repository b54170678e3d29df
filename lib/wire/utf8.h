/* SPDX-License-Identifier: Apache-2.0 */
/* Text as protobuf's string type wants it; hg_wire_is_utf8() is in wire.h. */
#ifndef HG_WIRE_UTF8_H
#define HG_WIRE_UTF8_H

#include <stddef.h>

/*
 * Bytes of the well-formed UTF-8 character at p (n > 0 bytes are there), or 0
 * when there is none. NUL is not counted as one.
 */
size_t hg_utf8_char(const void *p, size_t n);
/* Copies n bytes to ret and a NUL, putting '?' for each that is not UTF-8. */
void hg_utf8_clean(const void *p, size_t n, char *ret);

#endif
