/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: their sources and precedence, and every way to get them wrong. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/config/hg_config.h"
#include "tests/lib/unit.h"

/* A folder with a configuration file in it, and settings. */
struct fixture {
	char dir[32];
	char *file;
	struct hg_config cfg;
	struct hg_error err;
};

static void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "/tmp/hgconfigXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	f->file = hg_path_join(f->dir, "test.conf");
	hg_config_init(&f->cfg);
}

static void
teardown(struct fixture *f)
{
	hg_config_release(&f->cfg);
	ck_assert_int_eq(hg_remove_tree(f->dir, NULL), 0);
	free(f->file);
}

static void
write_file(const char *path, const void *text, size_t n)
{
	char *dir = hg_path_dir(path);

	ck_assert_int_eq(hg_mkdir_p(dir, NULL), 0);
	ck_assert_int_eq(hg_write_file_atomic(path, text, n, 0644, NULL), 0);
	free(dir);
}

static int
read_text(struct fixture *f, const char *text)
{
	write_file(f->file, text, strlen(text));
	return hg_config_read_file(&f->cfg, f->file, "/home/me", &f->err);
}

START_TEST(defaults_are_the_tables)
{
	struct hg_config cfg;

	hg_config_init(&cfg);
	ck_assert_uint_eq(cfg.cache_max_size, 5000000000);
	ck_assert_uint_eq(cfg.launcher_timeout, 300 * HG_NS_PER_SEC);
	ck_assert_int_eq(cfg.coordinator_grpc_port, 9000);
	ck_assert(!cfg.launcher_disable);
	ck_assert(cfg.scheduler_per_active_task < -14.9);
	ck_assert_str_eq(cfg.launcher_coordinator, "");
	for (int i = 0; i < HG_OPTION_COUNT; i++)
		ck_assert_str_eq(cfg.origin[i], "default");
	hg_config_release(&cfg);
}
END_TEST

START_TEST(the_table_is_sound)
{
	struct hg_strbuf a = HG_STRBUF_INIT, b = HG_STRBUF_INIT;

	for (int i = 0; i < HG_OPTION_COUNT; i++) {
		const struct hg_option_info *o = &hg_option_table[i];

		ck_assert_int_gt(strlen(o->help), 0);
		ck_assert_uint_eq(hg_option_find(o->section, o->key), i);
		ck_assert(o->flag ? *o->programs != '\0' : true);
		hg_strbuf_reset(&a);
		hg_option_env_name((enum hg_option_id)i, &a);
		for (int j = 0; j < HG_OPTION_COUNT; j++) {
			const char *alias = hg_option_table[j].alias;

			hg_strbuf_reset(&b);
			hg_option_env_name((enum hg_option_id)j, &b);
			ck_assert(i == j || strcmp(a.buf, b.buf) != 0);
			ck_assert(
			    i == j || !alias || strcmp(a.buf, alias) != 0);
		}
	}
	ck_assert_uint_eq(hg_option_find("cache", "no"), HG_OPTION_COUNT);
	hg_strbuf_release(&a);
	hg_strbuf_release(&b);
}
END_TEST

START_TEST(a_file_sets_values_and_their_origin)
{
	struct fixture f;
	char *origin;

	setup(&f);
	ck_assert_int_eq(
	    read_text(&f, "# a comment\n; another\n\n[cache]\n"
			  "  max_size = 7GiB ; a remark\nREADONLY=yes\r\n"
			  "dir = ~/c\n[Scheduler]\nper_gb_ram = 1.5\n[cache]\n"
			  "direct = off\n[launcher]\ncoordinator = \"a;b#c \"\n"
			  "log=\ncc = ''\ntimeout = 250ms"),
	    0);
	ck_assert_uint_eq(f.cfg.cache_max_size, (uint64_t)7 << 30);
	ck_assert(f.cfg.cache_readonly);
	ck_assert(!f.cfg.cache_direct);
	ck_assert_str_eq(f.cfg.cache_dir, "/home/me/c");
	ck_assert(f.cfg.scheduler_per_gb_ram > 1.49);
	ck_assert(f.cfg.scheduler_per_gb_ram < 1.51);
	ck_assert_str_eq(f.cfg.launcher_coordinator, "a;b#c ");
	ck_assert_str_eq(f.cfg.launcher_log, "");
	ck_assert_str_eq(f.cfg.launcher_cc, "");
	ck_assert_uint_eq(f.cfg.launcher_timeout, 250 * HG_NS_PER_MS);
	origin = hg_xasprintf("%s:5", f.file);
	ck_assert_str_eq(f.cfg.origin[HG_OPT_cache_max_size], origin);
	ck_assert_str_eq(f.cfg.origin[HG_OPT_cache_recache], "default");
	free(origin);
	teardown(&f);
}
END_TEST

START_TEST(file_errors_name_file_line_and_key)
{
	static const struct {
		const char *text, *want;
	} bad[] = {
		{ "[cache]\nmax_size = big\n",
		    "test.conf:2: cache.max_size: 'big' is not a size" },
		{ "[cache]\n\nsize = 1\n",
		    "test.conf:3: unknown key 'size' in section [cache]" },
		{ "[cash]\n", "test.conf:1: unknown section [cash]" },
		{ "[]\n", "test.conf:1: unknown section []" },
		{ "[\n", "test.conf:1: nothing may follow" },
		{ "[cache] x\n", "test.conf:1: nothing may follow" },
		{ "dir = /x\n", "test.conf:1: a key before" },
		{ "[cache]\ndir = /x\n[cache]\nDir = /y\n",
		    "test.conf:4: cache.dir is already set on line 2" },
		{ "[cache]\ndir\n", "test.conf:2: neither" },
		{ "[cache]\n= x\n", "test.conf:2: unknown key ''" },
		{ "[cache]\ndir = \"/x\n",
		    "test.conf:2: cache.dir: the quotes do not match" },
		{ "[cache]\ndir = \"/x\" y\n",
		    "test.conf:2: cache.dir: the quotes do not match" },
		{ "[cache]\n# C:\\\ndir = /x\n",
		    "test.conf:2: a line cannot be continued" },
		{ "[cache]\ndir = x/y\n",
		    "test.conf:2: cache.dir: 'x/y' is neither an absolute" },
		{ "[cache]\ndirect = maybe\n",
		    "test.conf:2: cache.direct: 'maybe' is neither" },
		{ "[worker]\ngrpc_port = 65536\n",
		    "test.conf:2: worker.grpc_port: 65536 is not between" },
		{ "[worker]\nmax_parallel = -1\n",
		    "test.conf:2: worker.max_parallel: '-1' is not" },
		{ "[worker]\nheartbeat = 5y\n",
		    "test.conf:2: worker.heartbeat: '5y' is not a duration" },
		{ "[resilience]\nfailure_rate = 60\n",
		    "test.conf:2: resilience.failure_rate: '60' is not a sh" },
		{ "[scheduler]\nlan_source = nan\n",
		    "test.conf:2: scheduler.lan_source: 'nan' is not a numb" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fixture f;

		setup(&f);
		ck_assert_int_eq(read_text(&f, bad[i].text), -HG_INVALID);
		ck_assert_msg(strstr(f.err.text, bad[i].want), "%s\nnot: %s",
		    f.err.text, bad[i].want);
		ck_assert(strncmp(f.err.text, f.dir, strlen(f.dir)) == 0);
		teardown(&f);
	}
}
END_TEST

START_TEST(refuses_what_is_no_text_file)
{
	struct fixture f;
	struct hg_strbuf sb = HG_STRBUF_INIT;
	char *fifo;

	setup(&f);
	write_file(f.file, "[cache]\ndir\0=/x\n", 15);
	ck_assert_int_eq(
	    hg_config_read_file(&f.cfg, f.file, NULL, &f.err), -HG_INVALID);
	ck_assert_ptr_nonnull(strstr(f.err.text, ":2: the line holds a NUL"));
	ck_assert_int_eq(
	    hg_config_read_file(&f.cfg, f.dir, NULL, &f.err), -HG_INVALID);
	ck_assert_ptr_nonnull(strstr(f.err.text, "is not a file"));
	fifo = hg_path_join(f.dir, "fifo");
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(
	    hg_config_read_file(&f.cfg, fifo, NULL, &f.err), -HG_INVALID);
	ck_assert_int_eq(
	    hg_config_read_file(&f.cfg, "/dev/null", NULL, &f.err), 0);
	ck_assert_int_eq(
	    hg_config_read_file(&f.cfg, "/dev/zero", NULL, &f.err), -HG_TOOBIG);
	while (sb.len < 2000)
		hg_strbuf_adds(&sb, "# long");
	ck_assert_int_eq(read_text(&f, sb.buf), -HG_INVALID);
	ck_assert_ptr_nonnull(strstr(f.err.text, ":1: the line is too long"));
	free(fifo);
	hg_strbuf_release(&sb);
	teardown(&f);
}
END_TEST

START_TEST(a_long_line_within_the_limit_is_read_whole)
{
	struct fixture f;
	struct hg_strbuf sb = HG_STRBUF_INIT;

	setup(&f);
	hg_strbuf_adds(&sb, "[launcher]\ncc = /");
	while (sb.len < 11 + 1000)
		hg_strbuf_addc(&sb, 'x');
	ck_assert_int_eq(read_text(&f, sb.buf), 0);
	ck_assert_str_eq(f.cfg.launcher_cc, sb.buf + 16);
	hg_strbuf_release(&sb);
	teardown(&f);
}
END_TEST

START_TEST(later_sources_win)
{
	struct fixture f;
	char *user, *home, *named;
	const char *env[4];
	char flag[] = "--grpc-port=4";
	char *argv[] = { flag, NULL };
	int used;

	setup(&f);
	home = hg_xasprintf("HOME=%s", f.dir);
	named = hg_xasprintf("HG_CONFIG=%s", f.file);
	user = hg_path_join(f.dir, ".config/hybridgrid/hybridgrid.conf");
	write_file(user, "[coordinator]\ngrpc_port=1\nqueue_limit=1\n", 40);
	write_file(f.file, "[coordinator]\ngrpc_port = 2\n", 28);
	env[0] = home;
	env[1] = NULL;
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), 0);
	ck_assert_int_eq(f.cfg.coordinator_grpc_port, 1);
	env[1] = named;
	env[2] = NULL;
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), 0);
	ck_assert_int_eq(f.cfg.coordinator_grpc_port, 2);
	ck_assert_int_eq(f.cfg.coordinator_queue_limit, 1);
	env[2] = "HG_COORDINATOR_GRPC_PORT=3";
	env[3] = NULL;
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), 0);
	ck_assert_int_eq(f.cfg.coordinator_grpc_port, 3);
	ck_assert_str_eq(f.cfg.origin[HG_OPT_coordinator_grpc_port],
	    "env HG_COORDINATOR_GRPC_PORT");
	ck_assert_int_eq(
	    hg_config_flags(&f.cfg, 'C', 1, argv, &used, &f.err), 0);
	ck_assert_int_eq(f.cfg.coordinator_grpc_port, 4);
	ck_assert_str_eq(
	    f.cfg.origin[HG_OPT_coordinator_grpc_port], "flag --grpc-port");
	free(home);
	free(named);
	free(user);
	teardown(&f);
}
END_TEST

START_TEST(only_the_named_file_must_exist)
{
	struct fixture f;
	const char *env[] = { "HOME=/nonexistent", "XDG_CONFIG_HOME=/dev/null",
		"HG_CONFIG=/nonexistent/x.conf", NULL };

	setup(&f);
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), -HG_NOTFOUND);
	ck_assert_ptr_nonnull(
	    strstr(f.err.text, "HG_CONFIG: cannot open /nonexistent/x.conf"));
	env[2] = "HG_CONFIG=";
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), 0);
	teardown(&f);
}
END_TEST

START_TEST(the_environment_sets_by_name_and_alias)
{
	struct fixture f;
	const char *env[] = { "HG_COORDINATOR=a:1", "HG_WORKER_MAX_PARALLEL=3",
		"HG_LAUNCHER_COORDINATOR=a:1", "HG_DISABLE=", "HG_UNKNOWN=x",
		"HG_LOG=", "HG_CACHE_READONLY=1", NULL };
	const char *bad[] = { "HG_CACHE_MAX_SIZE=lots", NULL };

	setup(&f);
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), 0);
	ck_assert_str_eq(f.cfg.launcher_coordinator, "a:1");
	ck_assert_str_eq(
	    f.cfg.origin[HG_OPT_launcher_coordinator], "env HG_COORDINATOR");
	ck_assert_int_eq(f.cfg.worker_max_parallel, 3);
	ck_assert(!f.cfg.launcher_disable);
	ck_assert(f.cfg.cache_readonly);
	env[2] = "HG_LAUNCHER_COORDINATOR=b:2";
	ck_assert_int_eq(hg_config_load(&f.cfg, env, &f.err), -HG_INVALID);
	ck_assert_str_eq(f.err.text,
	    "HG_COORDINATOR and HG_LAUNCHER_COORDINATOR are both set, and "
	    "differ: unset one of them");
	ck_assert_int_eq(hg_config_load(&f.cfg, bad, &f.err), -HG_INVALID);
	ck_assert_ptr_nonnull(strstr(f.err.text,
	    "env HG_CACHE_MAX_SIZE: cache.max_size: 'lots' is not a size"));
	teardown(&f);
}
END_TEST

START_TEST(finds_a_folder_for_the_cache)
{
	static const struct {
		const char *env[4];
		const char *want;
	} cases[] = {
		{ { "HOME=/nonexistent/h" },
		    "/nonexistent/h/.hybridgrid/cache" },
		{ { "HOME=/nonexistent/h", "XDG_CACHE_HOME=/x" },
		    "/x/hybridgrid" },
		{ { "HOME=/nonexistent/h", "XDG_CACHE_HOME=" },
		    "/nonexistent/h/.hybridgrid/cache" },
		{ { "XDG_CACHE_HOME=/x" }, "/x/hybridgrid" },
		{ { "XDG_CACHE_HOME=/x", "HG_CACHE_DIR=/d" }, "/d" },
	};
	struct fixture f;
	const char *tmp[] = { "TMPDIR=/t", NULL };
	char *want;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		setup(&f);
		ck_assert_int_eq(
		    hg_config_load(&f.cfg, cases[i].env, &f.err), 0);
		ck_assert_str_eq(f.cfg.cache_dir, cases[i].want);
		teardown(&f);
	}
	setup(&f);
	want = hg_xasprintf("/t/hybridgrid-%lu", (unsigned long)getuid());
	ck_assert_int_eq(hg_config_load(&f.cfg, tmp, &f.err), 0);
	ck_assert_str_eq(f.cfg.cache_dir, want);
	free(want);
	teardown(&f);
}
END_TEST

START_TEST(takes_flags_up_to_the_first_word)
{
	struct fixture f;
	char words[][24] = { "--port", "7", "--insecure", "--id=w", "--", "x" };
	char *argv[] = { words[0], words[1], words[2], words[3], words[4],
		words[5], NULL };
	int used;

	setup(&f);
	ck_assert_int_eq(
	    hg_config_flags(&f.cfg, 'W', 6, argv, &used, &f.err), 0);
	ck_assert_int_eq(used, 5);
	ck_assert_int_eq(f.cfg.worker_grpc_port, 7);
	ck_assert(f.cfg.worker_insecure);
	ck_assert(!f.cfg.coordinator_insecure);
	ck_assert_str_eq(f.cfg.worker_id, "w");
	ck_assert_int_eq(
	    hg_config_flags(&f.cfg, 'W', 1, argv + 5, &used, &f.err), 0);
	ck_assert_int_eq(used, 0);
	teardown(&f);
}
END_TEST

START_TEST(refuses_bad_flags)
{
	static const struct {
		const char *word, *want;
	} bad[] = {
		{ "--ports", "unknown flag '--ports'" },
		{ "-p", "unknown flag '-p'" },
		{ "--grpc-port", "unknown flag '--grpc-port'" },
		{ "--port", "flag --port needs a value" },
		{ "--port=x", "flag --port: worker.grpc_port: 'x' is not" },
		{ "--insecure=perhaps", "flag --insecure: worker.insecure: " },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fixture f;
		char word[32];
		char *argv[] = { word, NULL };
		int used;

		setup(&f);
		snprintf(word, sizeof(word), "%s", bad[i].word);
		ck_assert_int_eq(
		    hg_config_flags(&f.cfg, 'W', 1, argv, &used, &f.err),
		    -HG_INVALID);
		ck_assert_msg(
		    strstr(f.err.text, bad[i].want), "%s", f.err.text);
		teardown(&f);
	}
}
END_TEST

START_TEST(a_formatted_value_reads_back_the_same)
{
	static const struct {
		enum hg_option_id id;
		const char *text, *want;
	} cases[] = {
		{ HG_OPT_cache_max_size, "5368709120", "5GiB" },
		{ HG_OPT_cache_max_size, "1500000", "1500k" },
		{ HG_OPT_cache_max_size, "1001", "1001" },
		{ HG_OPT_cache_max_size, "0", "0" },
		{ HG_OPT_launcher_timeout, "0", "0ms" },
		{ HG_OPT_launcher_timeout, "90", "90s" },
		{ HG_OPT_launcher_timeout, "120s", "2m" },
		{ HG_OPT_launcher_timeout, "1.5s", "1500ms" },
		{ HG_OPT_launcher_timeout, "0.5ms", "0.5ms" },
		{ HG_OPT_scheduler_per_ms_latency, "-0.25", "-0.25" },
		{ HG_OPT_resilience_failure_rate, "1", "1" },
		{ HG_OPT_cache_readonly, "Yes", "true" },
		{ HG_OPT_launcher_cc, "gcc -m32", "gcc -m32" },
		{ HG_OPT_launcher_cc, "a;b", "\"a;b\"" },
		{ HG_OPT_launcher_cc, "a\"b", "'a\"b'" },
		{ HG_OPT_launcher_cc, " a", "\" a\"" },
		{ HG_OPT_worker_grpc_port, "0", "0" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct hg_option_info *o = &hg_option_table[cases[i].id];
		struct hg_strbuf sb = HG_STRBUF_INIT;
		struct fixture f;
		char *text;

		setup(&f);
		ck_assert_int_eq(hg_config_set(&f.cfg, cases[i].id,
				     cases[i].text, "test", &f.err),
		    0);
		hg_config_format(&f.cfg, cases[i].id, &sb);
		ck_assert_str_eq(sb.buf, cases[i].want);
		text =
		    hg_xasprintf("[%s]\n%s = %s\n", o->section, o->key, sb.buf);
		ck_assert_int_eq(read_text(&f, text), 0);
		hg_strbuf_reset(&sb);
		hg_config_format(&f.cfg, cases[i].id, &sb);
		ck_assert_str_eq(sb.buf, cases[i].want);
		free(text);
		hg_strbuf_release(&sb);
		teardown(&f);
	}
}
END_TEST

START_TEST(help_lists_the_flags_of_one_program)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_config_help('C', &sb);
	ck_assert_ptr_nonnull(strstr(sb.buf,
	    "  --grpc-port PORT          port of the gRPC service; 0: any free "
	    "one [9000]\n"));
	ck_assert_ptr_nonnull(strstr(sb.buf, "  --insecure "));
	ck_assert_ptr_null(strstr(sb.buf, "--advertise-address"));
	hg_strbuf_release(&sb);
}
END_TEST

UNIT_MAIN("config", defaults_are_the_tables, the_table_is_sound,
    a_file_sets_values_and_their_origin, file_errors_name_file_line_and_key,
    refuses_what_is_no_text_file, a_long_line_within_the_limit_is_read_whole,
    later_sources_win, only_the_named_file_must_exist,
    the_environment_sets_by_name_and_alias, finds_a_folder_for_the_cache,
    takes_flags_up_to_the_first_word, refuses_bad_flags,
    a_formatted_value_reads_back_the_same, help_lists_the_flags_of_one_program)
