/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hgbuild cc and c++: become hg-launcher with the chosen compiler. Whatever is
 * wrong with us, the compiler still runs.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/env.h"
#include "lib/base/alloc.h"
#include "lib/base/strvec.h"

static const char blank[] = " \t";

/* "gcc -m32" is two words. */
static void
add_words(struct hg_strvec *argv, const char *text)
{
	for (text += strspn(text, blank); *text; text += strspn(text, blank)) {
		size_t n = strcspn(text, blank);

		hg_strvec_add_take(argv, hg_xstrndup(text, n));
		text += n;
	}
}

static int
become(struct hg_cli *cli, const char *compiler)
{
	struct hg_strvec argv = HG_STRVEC_INIT, env = HG_STRVEC_INIT;
	char *launcher = hg_cli_find_launcher();

	if (launcher)
		hg_strvec_add(&argv, launcher);
	add_words(&argv, compiler);
	hg_strvec_add_all(&argv, (const char *const *)cli->argv);
	hg_strvec_add_all(&env, (const char *const *)environ);
	hg_env_set_flags(&env, &cli->cfg);
	execvpe(argv.v[0], argv.v, env.v);
	fprintf(
	    stderr, "hgbuild: cannot run %s: %s\n", argv.v[0], strerror(errno));
	free(launcher);
	hg_strvec_release(&argv);
	hg_strvec_release(&env);
	return 127;
}

/* A compiler of only blanks is none. */
static const char *
or_else(const char *compiler, const char *fallback)
{
	return compiler[strspn(compiler, blank)] ? compiler : fallback;
}

int
hg_cli_cc(struct hg_cli *cli)
{
	return become(cli, or_else(cli->cfg.launcher_cc, "cc"));
}

int
hg_cli_cxx(struct hg_cli *cli)
{
	return become(cli, or_else(cli->cfg.launcher_cxx, "c++"));
}
