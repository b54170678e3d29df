/* SPDX-License-Identifier: Apache-2.0 */
/* What a command line says about the search for headers. */
#ifndef HG_AGENT_INCLUDES_H
#define HG_AGENT_INCLUDES_H

#include <stdbool.h>

#include "lib/base/strvec.h"

struct hg_agent_request;

/* The four kinds of folders that commands usually add. */
enum hg_include_kind {
	/* -iquote, -I, -isystem, -idirafter */
	HG_INCLUDE_QUOTE,
	HG_INCLUDE_USER,
	HG_INCLUDE_SYSTEM,
	HG_INCLUDE_AFTER,
	HG_INCLUDE_KINDS,
};

enum hg_includes_trouble {
	HG_INCLUDES_FINE,
	HG_INCLUDES_LANGUAGE,
	HG_INCLUDES_OPTION,
};

struct hg_includes {
	/* why nothing can be said; the rest is incomplete then */
	enum hg_includes_trouble trouble;
	/* for -x; static */
	const char *language;
	/* folders as given, in order */
	struct hg_strvec folder[HG_INCLUDE_KINDS];
	/* -include and -imacros */
	struct hg_strvec files;
	/* -D: NAME, NAME=BODY */
	struct hg_strvec defines;
	/*
	 * Words for the driver when it is asked where it searches. is_whole:
	 * with the folders, as something in the command or the environment
	 * bears on them; else without.
	 */
	struct hg_strvec ask;
	bool is_whole;
	bool trigraphs;
};

/* Goes over the request's preprocess_args. Release it in any case. */
void hg_includes_parse(
    struct hg_includes *in, const struct hg_agent_request *request);
void hg_includes_release(struct hg_includes *in);

/* The option that adds a folder of that kind: "-I". */
const char *hg_include_option(enum hg_include_kind kind);

#endif
