/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a source or header asks for, found by looking at its text
 * alone. No macro is expanded. A condition with two possible branches counts
 * with both, so that what is found is all that any compile of it can ask for,
 * and some more.
 */
#ifndef HG_SCAN_TEXT_H
#define HG_SCAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_macros;

enum hg_ref_kind {
	/* #include, #import: searched for, and looked at in turn */
	HG_REF_INCLUDE,
	/* #include_next: whatever has the name, as the place is not known */
	HG_REF_NEXT,
	/* __has_include, #embed: searched for, must be there, is not looked at */
	HG_REF_EXISTS,
	/* .incbin, .include: searched for by the assembler */
	HG_REF_ASSEMBLER,
};

enum hg_ref_form {
	HG_REF_QUOTE,
	HG_REF_ANGLE,
	/* the name of a macro */
	HG_REF_MACRO,
};

struct hg_ref {
	enum hg_ref_kind kind;
	enum hg_ref_form form;
	const char *name;
};

/* A macro that may stand for a header's name. */
struct hg_ref_macro {
	const char *name;
	/* <...>, "...", or the name of a macro */
	const char *body;
};

enum hg_text_flag {
	/* wants the time of the compile */
	HG_TEXT_TIME = 1 << 0,
	/* a name that only a preprocessor can find out */
	HG_TEXT_COMPUTED = 1 << 1,
	/* means something else where trigraphs count */
	HG_TEXT_TRIGRAPH = 1 << 2,
	/* more than the limits of text.c allow */
	HG_TEXT_LIMIT = 1 << 3,
};

/* Constant: threads may share it. */
struct hg_text {
	struct hg_ref *ref;
	size_t n_refs;
	/* by name */
	struct hg_ref_macro *macro;
	size_t n_macros;
	/* hg_text_hash() of all other macros, in order */
	uint32_t *other;
	size_t n_others;
	unsigned flags;
	/* what all of it takes in memory */
	size_t bytes;
	char *names;
};

/* known decides conditions; NULL: none. Any bytes; never fails. */
struct hg_text *hg_text_new(
    const char *p, size_t n, const struct hg_macros *known);
void hg_text_free(struct hg_text *t);

uint32_t hg_text_hash(const char *name, size_t n);
/* Is a macro of that hash defined as what is no header's name? */
bool hg_text_has_other(const struct hg_text *t, uint32_t hash);

#endif
