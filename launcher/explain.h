/* SPDX-License-Identifier: Apache-2.0 */
/* Remembering why a compile was not taken from the cache. */
#ifndef HG_LAUNCHER_EXPLAIN_H
#define HG_LAUNCHER_EXPLAIN_H

struct hg_job;

/*
 * Writes the record of a compile that ended, or is about to be handed over, in
 * any way but a hit: what the key was made of, now and the time before, what
 * the look-up found, and how it ended. "hgbuild why" (cli/why.c) makes
 * sentences of it. Never an error.
 */
void hg_explain(const struct hg_job *job, int exit_code);

#endif
