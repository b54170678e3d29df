/* SPDX-License-Identifier: Apache-2.0 */
/* ccache's settings: reading them, and what each becomes. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ccache.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/config/sloppiness.h"
#include "tests/lib/unit.h"

static const char *const keys[] = { "absolute_paths_in_stderr", "base_dir",
	"cache_dir", "ceiling_dirs", "ceiling_markers", "compiler",
	"compiler_check", "compiler_type", "compression", "compression_level",
	"cpp_extension", "debug", "debug_dir", "debug_level", "depend_mode",
	"direct_mode", "disable", "extra_files_to_hash", "file_clone",
	"hard_link", "hash_dir", "ignore_headers_in_manifest",
	"ignore_options", "inode_cache", "keep_comments_cpp", "libexec_dirs",
	"log_file", "max_files", "max_size", "msvc_dep_prefix", "msvc_utf8",
	"namespace", "path", "pch_external_checksum", "prefix_command",
	"prefix_command_cpp", "read_only", "read_only_direct", "recache",
	"remote_only", "remote_storage", "reshare", "response_file_format",
	"run_second_cpp", "safe_dirs", "sloppiness", "stats", "stats_log",
	"temporary_dir", "umask" };

static const struct row {
	const char *key;
	const char *option;
	const char *text;
} rows[] = {
#define HG_CCACHE(key, variable, form, kind, option, text) \
	{ #key, option, text },
#include "cli/ccache.def"
};

START_TEST(every_setting_has_its_row)
{
	ck_assert_uint_eq(
	    sizeof(rows) / sizeof(*rows), sizeof(keys) / sizeof(*keys));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *dot = strchr(rows[i].option, '.');
		char section[32];

		ck_assert_str_eq(rows[i].key, keys[i]);
		if (!dot) {
			ck_assert_int_gt(strlen(rows[i].text), 0);
			continue;
		}
		snprintf(section, sizeof(section), "%.*s",
		    (int)(dot - rows[i].option), rows[i].option);
		ck_assert_uint_lt(
		    hg_option_find(section, dot + 1), HG_OPTION_COUNT);
	}
}
END_TEST

static const struct {
	const char *key;
	const char *value;
	const char *option;
	const char *ours;
	const char *remark;
} cases[] = {
	{ "max_size", "20G", "max_size", "20G", "" },
	{ "max_size", "5.0 GiB", "max_size", "5GiB", "" },
	{ "max_size", "10", "max_size", "10GiB", "" },
	{ "max_size", "0", "max_size", "0", "" },
	{ "max_size", "big", NULL, NULL, "'bigGiB'|'big'" },
	{ "read_only", "true", "readonly", "true", "" },
	{ "read_only_direct", "true", "readonly", "true", "" },
	{ "read_only_direct", "false", NULL, NULL, "off here too" },
	{ "compiler_check", "mtime", "compiler_check", "mtime", "" },
	{ "compiler_check", "%compiler% -v", NULL, NULL, "a command cannot" },
	{ "ignore_options", "-a -b*", "ignore_options", "-a -b*", "" },
	{ "sloppiness", "locale, time_macros", "sloppiness",
	    "locale,time_macros", "" },
	{ "sloppiness", "file_stat_matches,locale,new", "sloppiness", "locale",
	    "new is not known" },
	{ "sloppiness", "file_stat_matches,file_stat_matches_ctime",
	    "sloppiness", "file_stat_matches,file_stat_matches_ctime", "" },
	{ "hash_dir", "false", NULL, NULL, "the working folder counts only" },
	{ "nonsense", "1", NULL, NULL, "not a setting" },
};

START_TEST(values_become_ours)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hg_ccache_setting s = {
			(char *)(uintptr_t)cases[i].key,
			(char *)(uintptr_t)cases[i].value,
			(char *)(uintptr_t)"test"
		};
		struct hg_strbuf remark = HG_STRBUF_INIT,
				 text = HG_STRBUF_INIT;
		struct hg_config cfg;
		enum hg_option_id id;

		hg_config_init(&cfg);
		id = hg_ccache_convert(&s, &cfg, &remark);
		ck_assert_msg((id < HG_OPTION_COUNT) == (cases[i].ours != NULL),
		    "%s = %s: %s", s.key, s.value, remark.buf);
		if (cases[i].ours) {
			hg_config_format(&cfg, id, &text);
			ck_assert_str_eq(
			    hg_option_table[id].key, cases[i].option);
			ck_assert_str_eq(text.buf, cases[i].ours);
		}
		if (!strchr(cases[i].remark, '|'))
			ck_assert_msg(strstr(remark.buf, cases[i].remark) &&
				(*cases[i].remark || remark.len == 0),
			    "%s", remark.buf);
		hg_config_release(&cfg);
		hg_strbuf_release(&remark);
		hg_strbuf_release(&text);
	}
}
END_TEST

static const char *
value_of(const struct hg_ccache *c, const char *key)
{
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->v[i].key, key) == 0)
			return c->v[i].value;
	return NULL;
}

START_TEST(files_are_read)
{
	static const char text[] = "# a comment\n\n  max_size =  7G \n"
				   "base_dir = ${HOME}/x$NONE-$\n"
				   "path = ${HOME\nsloppiness=locale\n"
				   "max_size = 8G\numask = a=b";
	const char *const env[] = { "HOME=/h", NULL };
	char path[] = "/tmp/hgccacheXXXXXX";
	struct hg_ccache c = HG_CCACHE_INIT;
	struct hg_error err;
	int fd = mkstemp(path);

	ck_assert_int_eq(hg_write_all(fd, text, strlen(text), NULL), 0);
	ck_assert_int_eq(hg_ccache_read_file(&c, path, env, &err), 0);
	ck_assert_str_eq(value_of(&c, "max_size"), "8G");
	ck_assert_str_eq(value_of(&c, "base_dir"), "/h/x-$");
	ck_assert_str_eq(value_of(&c, "path"), "${HOME");
	ck_assert_str_eq(value_of(&c, "umask"), "a=b");
	ck_assert_uint_eq(c.n, 5);
	ck_assert_int_eq(hg_write_all(fd, "\nwhat\n", 6, NULL), 0);
	ck_assert_int_eq(
	    hg_ccache_read_file(&c, path, env, &err), -HG_INVALID);
	ck_assert_ptr_nonnull(strstr(err.text, ":9: not key = value"));
	close(fd);
	unlink(path);
	ck_assert_int_eq(
	    hg_ccache_read_file(&c, path, env, &err), -HG_NOTFOUND);
	hg_ccache_release(&c);
}
END_TEST

START_TEST(variables_are_read)
{
	const char *const env[] = { "CCACHE_MAXSIZE=9G", "CCACHE_READONLY=",
		"CCACHE_NODISABLE=1", "CCACHE_CPP2=yes", "CCACHE_X=1", NULL };
	struct hg_ccache c = HG_CCACHE_INIT;

	hg_ccache_read_env(&c, env);
	ck_assert_str_eq(value_of(&c, "max_size"), "9G");
	ck_assert_str_eq(value_of(&c, "read_only"), "true");
	ck_assert_str_eq(value_of(&c, "disable"), "false");
	ck_assert_str_eq(value_of(&c, "run_second_cpp"), "true");
	ck_assert_uint_eq(c.n, 4);
	hg_ccache_release(&c);
}
END_TEST

UNIT_MAIN("ccache", every_setting_has_its_row, values_become_ours,
    files_are_read, variables_are_read)
