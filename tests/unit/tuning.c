/* SPDX-License-Identifier: Apache-2.0 */
/* Sloppiness, and what settings leave out of keys and inputs. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "launcher/tuning.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/observe/observe.h"
#include "tests/lib/unit.h"

static struct hg_config cfg;
static struct hg_error err;

static void
set(enum hg_option_id id, const char *text)
{
	ck_assert_int_eq(hg_config_set(&cfg, id, text, "test", &err), 0);
}

START_TEST(names_are_read_and_written)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	unsigned set = 1;

	ck_assert_int_eq(hg_sloppiness_parse("", &set, &err), 0);
	ck_assert_uint_eq(set, 0);
	ck_assert_int_eq(
	    hg_sloppiness_parse(" time_macros,, locale ,", &set, &err), 0);
	ck_assert_uint_eq(
	    set, 1U << HG_SLOPPY_time_macros | 1U << HG_SLOPPY_locale);
	hg_sloppiness_format(set, &text);
	ck_assert_str_eq(text.buf, "locale,time_macros");
	ck_assert_int_eq(
	    hg_sloppiness_parse("locale,time", &set, &err), -HG_INVALID);
	ck_assert_ptr_nonnull(strstr(err.text, "'time'"));
	hg_strbuf_release(&text);
}
END_TEST

START_TEST(the_table_of_names_is_in_order)
{
	for (int i = 0; i < HG_SLOPPY_COUNT; i++) {
		const struct hg_sloppiness_info *s = &hg_sloppiness_table[i];

		ck_assert_int_gt(strlen(s->text), 0);
		ck_assert(i == 0 || strcmp(s[-1].name, s->name) < 0);
	}
}
END_TEST

START_TEST(arguments_can_be_left_out)
{
	char *words[] = { (char *)(uintptr_t)"-ivfsoverlay",
		(char *)(uintptr_t)"x", (char *)(uintptr_t)"-frandom-seed=1",
		(char *)(uintptr_t)"-DX", (char *)(uintptr_t)"-DXY",
		(char *)(uintptr_t)"-ivfsoverlayx", NULL };

	hg_config_init(&cfg);
	for (size_t i = 0; i < 6; i++)
		ck_assert_uint_eq(hg_tuning_ignored(&cfg, words + i), 0);
	set(HG_OPT_launcher_sloppiness, "ivfsoverlay,random_seed");
	ck_assert_uint_eq(hg_tuning_ignored(&cfg, words), 2);
	ck_assert_uint_eq(hg_tuning_ignored(&cfg, words + 2), 1);
	ck_assert_uint_eq(hg_tuning_ignored(&cfg, words + 3), 0);
	ck_assert_uint_eq(hg_tuning_ignored(&cfg, words + 5), 1);
	set(HG_OPT_launcher_ignore_options, " -DX  -Wno*");
	ck_assert_uint_eq(hg_tuning_ignored(&cfg, words + 3), 1);
	ck_assert_uint_eq(hg_tuning_ignored(&cfg, words + 4), 0);
	hg_config_release(&cfg);
}
END_TEST

START_TEST(variables_can_be_added_and_left_out)
{
	hg_config_init(&cfg);
	ck_assert_int_eq(hg_tuning_env(&cfg, "LANG=C"), HG_ENV_KEY);
	ck_assert_int_eq(hg_tuning_env(&cfg, "MINE=1"), HG_ENV_NONE);
	set(HG_OPT_launcher_sloppiness, "locale");
	set(HG_OPT_launcher_env, "YOURS MI*");
	ck_assert_int_eq(hg_tuning_env(&cfg, "LANG=C"), HG_ENV_NONE);
	ck_assert_int_eq(hg_tuning_env(&cfg, "LC_ALL=C"), HG_ENV_NONE);
	ck_assert_int_eq(hg_tuning_env(&cfg, "CPATH=x"), HG_ENV_KEY);
	ck_assert_int_eq(hg_tuning_env(&cfg, "MINE=1"), HG_ENV_KEY);
	ck_assert_int_eq(hg_tuning_env(&cfg, "YOURS=1"), HG_ENV_KEY);
	ck_assert_int_eq(hg_tuning_env(&cfg, "YOURSELF=1"), HG_ENV_NONE);
	hg_config_release(&cfg);
}
END_TEST

static bool
skips(enum hg_observed_kind kind, const char *path)
{
	struct hg_observed o = { .kind = kind,
		.path = (char *)(uintptr_t)path };

	return hg_tuning_skips(&cfg, "/usr/bin/gcc", &o);
}

START_TEST(inputs_can_be_left_out)
{
	static const char cc1[] = "/usr/lib/gcc/cc1";

	hg_config_init(&cfg);
	ck_assert(!skips(HG_OBSERVED_READ, "/usr/include/stdio.h"));
	ck_assert(!skips(HG_OBSERVED_RUN, cc1));
	set(HG_OPT_launcher_sloppiness, "system_headers");
	ck_assert(skips(HG_OBSERVED_READ, "/usr/include/stdio.h"));
	ck_assert(skips(HG_OBSERVED_ABSENT, "/usr/local/include/stdio.h"));
	ck_assert(!skips(HG_OBSERVED_READ, "/usr/includes/stdio.h"));
	ck_assert(!skips(HG_OBSERVED_READ, "usr/include/stdio.h"));
	ck_assert(!skips(HG_OBSERVED_RUN, cc1));
	ck_assert(!skips(HG_OBSERVED_OVERWRITTEN, "/usr/include/stdio.h"));
	set(HG_OPT_launcher_compiler_check, "mtime");
	ck_assert(!skips(HG_OBSERVED_RUN, cc1));
	ck_assert(skips(HG_OBSERVED_READ, "/usr/bin/gcc"));
	set(HG_OPT_launcher_compiler_check, "string:1");
	ck_assert(skips(HG_OBSERVED_RUN, cc1));
	ck_assert_int_eq(hg_config_set(&cfg, HG_OPT_launcher_compiler_check,
			     "guess", "test", &err), -HG_INVALID);
	hg_config_release(&cfg);
}
END_TEST

START_TEST(lists_of_files_are_taken_apart)
{
	const char *at = ":a::/b/c:";
	char *path = hg_tuning_next_file(&at);

	ck_assert_str_eq(path, "a");
	free(path);
	path = hg_tuning_next_file(&at);
	ck_assert_str_eq(path, "/b/c");
	free(path);
	ck_assert_ptr_null(hg_tuning_next_file(&at));
	ck_assert_ptr_null(hg_tuning_next_file(&at));
}
END_TEST

UNIT_MAIN("tuning", names_are_read_and_written, the_table_of_names_is_in_order,
    arguments_can_be_left_out, variables_can_be_added_and_left_out,
    inputs_can_be_left_out, lists_of_files_are_taken_apart)
