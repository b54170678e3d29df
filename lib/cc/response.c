/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response files. The rules are those of libiberty's buildargv(): white space
 * separates words, single and double quotes bind, a backslash takes the next
 * character literally, inside quotes too.
 */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/cc/response.h"

enum { MAX_DEPTH = 64, MAX_FILE_BYTES = 16 << 20 };

/* Takes one word off text; returns what follows it. */
static const char *
take_word(const char *text, struct hg_strbuf *word)
{
	char quote = 0;

	for (; *text && (quote || !isspace((unsigned char)*text)); text++) {
		if (*text == '\\' && text[1]) {
			hg_strbuf_addc(word, *++text);
		} else if (*text == quote) {
			quote = 0;
		} else if (!quote && (*text == '\'' || *text == '"')) {
			quote = *text;
		} else {
			hg_strbuf_addc(word, *text);
		}
	}
	return text;
}

void
hg_response_split(const char *text, struct hg_strvec *words)
{
	struct hg_strbuf word = HG_STRBUF_INIT;

	for (;;) {
		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		hg_strbuf_reset(&word);
		text = take_word(text, &word);
		hg_strvec_add(words, word.buf);
	}
	hg_strbuf_release(&word);
}

static int
expand(const char *word, int depth, struct hg_strvec *args,
    struct hg_error *err)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	struct hg_strvec words = HG_STRVEC_INIT;
	int rc = 0;

	if (args->n >= HG_MAX_ARGS || depth > MAX_DEPTH)
		return hg_fail(err, HG_TOOBIG, "too many arguments");
	if (word[0] != '@' ||
	    hg_read_file(word + 1, MAX_FILE_BYTES, &text, NULL) != 0) {
		hg_strvec_add(args, word);
	} else {
		hg_response_split(text.buf, &words);
		for (size_t i = 0; rc == 0 && i < words.n; i++)
			rc = expand(words.v[i], depth + 1, args, err);
	}
	hg_strbuf_release(&text);
	hg_strvec_release(&words);
	return rc;
}

int
hg_response_expand(
    const char *word, struct hg_strvec *args, struct hg_error *err)
{
	return expand(word, 0, args, err);
}
