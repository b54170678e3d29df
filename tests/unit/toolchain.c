/* SPDX-License-Identifier: Apache-2.0 */
/* lib/toolchain: which changes of a compiler change its identity. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/toolchain/toolchain.h"
#include "tests/lib/unit.h"

/* A folder with a driver that is a script, its cc1 and its assembler. */
struct fake {
	char dir[64];
	char driver[80];
	char cc1[80];
	char path_list[96];
};

static void
write_program(const char *path, const char *text)
{
	struct hg_error err;

	ck_assert_int_eq(
	    hg_write_file_atomic(path, text, strlen(text), 0755, &err), 0);
}

static void
fake_make(struct fake *f)
{
	char *text, *as;

	snprintf(f->dir, sizeof(f->dir), "/tmp/hg-toolchain.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->driver, sizeof(f->driver), "%s/gcc", f->dir);
	snprintf(f->cc1, sizeof(f->cc1), "%s/cc1", f->dir);
	snprintf(f->path_list, sizeof(f->path_list), "%s:/usr/bin:/bin", f->dir);
	text = hg_xasprintf("#!/bin/sh\n"
			    "echo >>%s/asked\n"
			    "case $1 in\n"
			    "-print-prog-name=cc1) echo %s;;\n"
			    "-print-prog-name=*) echo ${1#*=};;\n"
			    "esac\n",
	    f->dir, f->cc1);
	as = hg_path_join(f->dir, "as");
	write_program(f->driver, text);
	write_program(f->cc1, "#!/bin/sh\n: one\n");
	write_program(as, "#!/bin/sh\n: as\n");
	free(text);
	free(as);
}

static void
fake_remove(struct fake *f)
{
	ck_assert_int_eq(hg_remove_tree(f->dir, NULL), 0);
}

static void
digest(struct hg_toolchains *t, const struct fake *f,
    char ret[HG_DIGEST_HEX_BYTES])
{
	struct hg_error err = { .text = "" };
	int rc = hg_toolchain_digest(t, f->driver, f->path_list, ret, &err);

	ck_assert_msg(rc == 0, "%s", err.text);
}

/* How often the driver was run. */
static long
times_asked(const struct fake *f)
{
	char *path = hg_path_join(f->dir, "asked");
	struct stat st = { .st_size = 0 };

	stat(path, &st);
	free(path);
	return (long)st.st_size;
}

START_TEST(the_same_compiler_has_the_same_digest)
{
	struct hg_toolchains *a = hg_toolchains_new();
	struct hg_toolchains *b = hg_toolchains_new();
	char one[HG_DIGEST_HEX_BYTES], two[HG_DIGEST_HEX_BYTES];
	struct hg_error err;
	char *cc = hg_path_search("cc", "/usr/bin:/bin:/usr/local/bin");

	ck_assert_ptr_nonnull(cc);
	ck_assert_int_eq(hg_toolchain_digest(a, cc, "/usr/bin", one, &err), 0);
	ck_assert_int_eq(hg_toolchain_digest(b, cc, "/usr/bin", two, &err), 0);
	ck_assert_str_eq(one, two);
	ck_assert_uint_eq(strlen(one), HG_DIGEST_HEX_BYTES - 1);
	free(cc);
	hg_toolchains_free(a);
	hg_toolchains_free(b);
}
END_TEST

START_TEST(the_place_does_not_count)
{
	struct hg_toolchains *t = hg_toolchains_new();
	char one[HG_DIGEST_HEX_BYTES], two[HG_DIGEST_HEX_BYTES];
	struct fake a, b;
	char *text;

	fake_make(&a);
	fake_make(&b);
	/* the same driver in both places */
	text = hg_xasprintf("#!/bin/sh\n"
			    "case $1 in -print-prog-name=cc1)\n"
			    "echo ${0%%/*}/cc1;; *) echo ${1#*=};; esac\n");
	write_program(a.driver, text);
	write_program(b.driver, text);
	free(text);
	digest(t, &a, one);
	digest(t, &b, two);
	ck_assert_str_eq(one, two);
	hg_toolchains_free(t);
	fake_remove(&a);
	fake_remove(&b);
}
END_TEST

START_TEST(a_changed_program_changes_the_digest)
{
	static const char *const changed[] = { "gcc", "cc1", "as" };

	for (size_t i = 0; i < 3; i++) {
		struct hg_toolchains *t = hg_toolchains_new();
		char one[HG_DIGEST_HEX_BYTES], two[HG_DIGEST_HEX_BYTES];
		struct fake f;
		char *path;

		fake_make(&f);
		digest(t, &f, one);
		path = hg_path_join(f.dir, changed[i]);
		write_program(path, "#!/bin/sh\n: two\n");
		digest(t, &f, two);
		ck_assert_str_ne(one, two);
		free(path);
		hg_toolchains_free(t);
		fake_remove(&f);
	}
}
END_TEST

START_TEST(the_driver_is_asked_once)
{
	struct hg_toolchains *t = hg_toolchains_new();
	char hex[HG_DIGEST_HEX_BYTES];
	struct fake f;
	long once;

	fake_make(&f);
	digest(t, &f, hex);
	once = times_asked(&f);
	ck_assert_int_gt(once, 0);
	digest(t, &f, hex);
	digest(t, &f, hex);
	ck_assert_int_eq(times_asked(&f), once);
	hg_toolchains_free(t);
	fake_remove(&f);
}
END_TEST

START_TEST(a_missing_compiler_is_not_found)
{
	struct hg_toolchains *t = hg_toolchains_new();
	char hex[HG_DIGEST_HEX_BYTES];
	struct hg_error err;

	ck_assert_int_eq(
	    hg_toolchain_digest(t, "/no/such/gcc", "/usr/bin", hex, &err),
	    -HG_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(err.text, "/no/such/gcc"));
	hg_toolchains_free(t);
	hg_toolchains_free(NULL);
}
END_TEST

UNIT_MAIN("toolchain", the_same_compiler_has_the_same_digest,
    the_place_does_not_count, a_changed_program_changes_the_digest,
    the_driver_is_asked_once, a_missing_compiler_is_not_found)
