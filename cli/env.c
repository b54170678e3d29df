/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Environments for other programs. Settings that came as flags of ours reach
 * the launchers as variables.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/env.h"
#include "lib/base/strbuf.h"

static void
unset(struct hg_strvec *env, const char *name)
{
	size_t n = strlen(name), kept = 0;

	for (size_t i = 0; i < env->n; i++) {
		if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
			free(env->v[i]);
		else
			env->v[kept++] = env->v[i];
	}
	env->n = kept;
	if (env->v)
		env->v[kept] = NULL;
}

void
hg_env_set(struct hg_strvec *env, const char *name, const char *value)
{
	unset(env, name);
	hg_strvec_addf(env, "%s=%s", name, value);
}

void
hg_env_set_option(
    struct hg_strvec *env, enum hg_option_id id, const char *value)
{
	const char *alias = hg_option_table[id].alias;
	struct hg_strbuf name = HG_STRBUF_INIT;

	hg_option_env_name(id, &name);
	unset(env, name.buf);
	hg_env_set(env, alias ? alias : name.buf, value);
	hg_strbuf_release(&name);
}

void
hg_env_set_flags(struct hg_strvec *env, const struct hg_config *cfg)
{
	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		enum hg_option_id id = (enum hg_option_id)i;
		struct hg_strbuf value = HG_STRBUF_INIT;

		if (strncmp(cfg->origin[i], "flag ", 5) != 0)
			continue;
		if (hg_config_text(cfg, id))
			hg_strbuf_adds(&value, hg_config_text(cfg, id));
		else
			hg_config_format(cfg, id, &value);
		hg_env_set_option(env, id, value.buf);
		hg_strbuf_release(&value);
	}
}
