/* SPDX-License-Identifier: Apache-2.0 */
/* Amounts as people read them. */
#include "config.h"

#include <inttypes.h>

#include "cli/text.h"

void
hg_text_seconds(double seconds, struct hg_strbuf *out)
{
	uint64_t s = (uint64_t)seconds;

	if (s >= 3600)
		hg_strbuf_addf(out, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
		    s / 60 % 60);
	else if (s >= 60)
		hg_strbuf_addf(
		    out, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		hg_strbuf_addf(out, "%.1f s", seconds);
}

void
hg_text_bytes(uint64_t bytes, struct hg_strbuf *out)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double v = (double)bytes / 1000;
	size_t i = 0;

	if (bytes < 1000) {
		hg_strbuf_addf(out, "%" PRIu64 " B", bytes);
		return;
	}
	while (v >= 999.95 && i < sizeof(units) / sizeof(*units) - 1) {
		v /= 1000;
		i++;
	}
	hg_strbuf_addf(out, "%.1f %s", v, units[i]);
}

void
hg_text_defuse(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}
