/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of ccache, as ours. */
#ifndef HG_CLI_CCACHE_H
#define HG_CLI_CCACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"
#include "lib/config/hg_config.h"

struct hg_error;

/* One setting that was found. */
struct hg_ccache_setting {
	char *key;
	/* as ccache understands it */
	char *value;
	/* "FILE:LINE" or the variable */
	char *origin;
};

struct hg_ccache {
	struct hg_ccache_setting *v;
	size_t n;
};

#define HG_CCACHE_INIT { NULL, 0 }

void hg_ccache_release(struct hg_ccache *c);
/* Adds what a file sets; a later setting takes the place of an earlier one. */
int hg_ccache_read_file(struct hg_ccache *c, const char *path,
    const char *const *env, struct hg_error *err);
/* Adds what CCACHE_ variables set. */
void hg_ccache_read_env(struct hg_ccache *c, const char *const *env);
/* Where ccache looks for its file; owned, NULL when there is none. */
char *hg_ccache_file(const char *const *env);

/*
 * Our option for a setting: sets it in cfg. HG_OPTION_COUNT when there is none,
 * or not for this value; remark (may be left empty) says why, or what was left
 * out.
 */
enum hg_option_id hg_ccache_convert(const struct hg_ccache_setting *s,
    struct hg_config *cfg, struct hg_strbuf *remark);

#endif
