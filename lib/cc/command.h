/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiler's command line, understood: what it does, with which sources, what
 * it calls its outputs, and which of its words make the result what it is.
 */
#ifndef HG_CC_COMMAND_H
#define HG_CC_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/reason.h"
#include "lib/base/strvec.h"

enum hg_cc_mode {
	HG_CC_LINK,
	HG_CC_COMPILE,
	HG_CC_ASSEMBLY,
	HG_CC_PREPROCESS,
	HG_CC_DEPENDENCIES,
	HG_CC_SYNTAX,
};

struct hg_cc_command {
	/* HG_REASON_miss: ours to handle. Else why it is not */
	enum hg_reason reason;
	/* the word that is the reason, or NULL; borrowed from args */
	const char *word;
	enum hg_cc_mode mode;
	/* all words after the compiler, response files expanded */
	struct hg_strvec args;
	struct hg_strvec sources;
	/* the words that enter the key, in order: names of outputs left out */
	struct hg_strvec key;
	/* the same command made to preprocess only, writing nothing */
	struct hg_strvec preprocess;
	/* the object (or whatever -o names) as the compiler will name it, or NULL */
	char *output;
	/* the dependency file, or NULL */
	char *depfile;
	/*
	 * The output depends on the working folder; it does so beyond what
	 * -fdebug-prefix-map can change
	 */
	bool cwd_matters;
	bool cwd_binds;
	/* the notes for coverage do */
	bool coverage;
	/*
	 * It depends on the names of all outputs; the dependency file depends
	 * on the object's name
	 */
	bool name_matters;
	bool target_matters;
	/* the source, the only one, is standard input */
	bool from_stdin;
	/*
	 * The output is a precompiled header, or another of the compiler's own
	 * images of the source; in which are the inputs' time stamps
	 */
	bool makes_pch;
	bool stamped;
	/* -march=native and its kin */
	bool native;
	/* cannot be done on another machine */
	bool local_only;
};

/*
 * argv: the words after the compiler. Response files are read, nothing else is.
 * is_clang: the compiler takes Clang's options rather than GCC's.
 */
void hg_cc_command_parse(struct hg_cc_command *c, const char *const *argv,
    bool is_clang);
void hg_cc_command_release(struct hg_cc_command *c);

/* True for the output that keeps nothing, and which must not be replaced. */
bool hg_cc_discards(const char *output);

/* "gcc" of x86_64-linux-gnu-gcc-12, "clang++" of clang++-14; NULL: no compiler
 * that we know. Borrowed, static. */
const char *hg_cc_family(const char *program);

#endif
