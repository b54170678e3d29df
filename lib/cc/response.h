/* SPDX-License-Identifier: Apache-2.0 */
/* Response files ("@file" among the arguments), as GCC and Clang read them. */
#ifndef HG_CC_RESPONSE_H
#define HG_CC_RESPONSE_H

struct hg_error;
struct hg_strvec;

/*
 * Appends word to args, or, when it is "@file" and the file can be read, the
 * file's words, recursively. -HG_TOOBIG beyond HG_MAX_ARGS or a depth of 64.
 */
int hg_response_expand(
    const char *word, struct hg_strvec *args, struct hg_error *err);

/* Appends the words of text: blanks separate, quotes and backslashes bind. */
void hg_response_split(const char *text, struct hg_strvec *words);

#endif
