/* SPDX-License-Identifier: Apache-2.0 */
/* A source on standard input. */
#ifndef HG_LAUNCHER_STDIN_H
#define HG_LAUNCHER_STDIN_H

struct hg_error;
struct hg_strbuf;

/*
 * Reads standard input to its end and puts a file in memory with the same in its
 * place, for whoever reads it next. 0; -HG_UNSUPPORTED when it was left alone;
 * -HG_IO when it cannot be read, which the compiler will find, too; -HG_TOOBIG
 * when it is in place but larger than any file that is read whole.
 */
int hg_stdin_take(struct hg_strbuf *ret, struct hg_error *err);

#endif
