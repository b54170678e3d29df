/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of documents that are made elsewhere than in docgen.c. */
#ifndef HG_DOCS_DOCGEN_H
#define HG_DOCS_DOCGEN_H

struct hg_strbuf;

/* All compiler arguments that are known, as a table. arg is not used. */
void hg_docgen_arguments(const char *arg, struct hg_strbuf *out);
/* The environment variables that matter to compilers. arg is not used. */
void hg_docgen_environment(const char *arg, struct hg_strbuf *out);

#endif
