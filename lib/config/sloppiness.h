/* SPDX-License-Identifier: Apache-2.0 */
/* The set of names in launcher.sloppiness (sloppiness.def). */
#ifndef HG_CONFIG_SLOPPINESS_H
#define HG_CONFIG_SLOPPINESS_H

struct hg_error;
struct hg_strbuf;

enum hg_sloppiness {
#define HG_SLOPPINESS(name, effect, text) HG_SLOPPY_##name,
#include "lib/config/sloppiness.def"
	HG_SLOPPY_COUNT
};

enum hg_sloppiness_effect {
	HG_SLOPPY_EFFECT_NONE,
	HG_SLOPPY_EFFECT_LOOKUP,
	HG_SLOPPY_EFFECT_KEPT,
};

struct hg_sloppiness_info {
	const char *name;
	enum hg_sloppiness_effect effect;
	const char *text;
};
extern const struct hg_sloppiness_info hg_sloppiness_table[HG_SLOPPY_COUNT];

/* Names separated by commas or blanks; *ret has bit 1 << name for each. */
int hg_sloppiness_parse(
    const char *text, unsigned *ret, struct hg_error *err);
/* Those of set that make a difference to what is kept. */
unsigned hg_sloppiness_kept(unsigned set);
/* The names in set, separated by commas, appended to out. */
void hg_sloppiness_format(unsigned set, struct hg_strbuf *out);

#endif
