/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people read them. */
#ifndef HG_CLI_TEXT_H
#define HG_CLI_TEXT_H

#include <stdint.h>

#include "lib/base/strbuf.h"

/* "12.3 s", "4 min 5 s", "6 h 7 min", appended to out. */
void hg_text_seconds(double seconds, struct hg_strbuf *out);
/* "512 B", "1.5 MB" (powers of 1000), appended to out. */
void hg_text_bytes(uint64_t bytes, struct hg_strbuf *out);
/* Makes bytes that a terminal would obey question marks. */
void hg_text_defuse(char *s);

#endif
