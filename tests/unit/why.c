/* SPDX-License-Identifier: Apache-2.0 */
/* Records of misses, and what differs between two of them. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/why.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "tests/lib/unit.h"

static char dir[64];
static const struct hg_digest ID = { { 0xab, 0x41, 3 } };

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/hgwhyXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
finish(void)
{
	hg_remove_tree(dir, NULL);
}

START_TEST(fields_come_back_as_they_were_added)
{
	struct hg_record r = HG_RECORD_INIT;
	struct hg_record_field f;
	size_t at = 0;

	hg_record_adds(&r, "a", "one");
	hg_record_add(&r, "b", "x\0y", 3);
	hg_record_addu(&r, "c", UINT64_MAX);
	ck_assert_str_eq(hg_record_text(&r, "a"), "one");
	ck_assert_uint_eq(hg_record_number(&r, "c"), UINT64_MAX);
	ck_assert_str_eq(hg_record_text(&r, "none"), "");
	ck_assert_uint_eq(hg_record_number(&r, "a"), 0);
	ck_assert(hg_record_next(&r, &at, &f) && hg_record_next(&r, &at, &f));
	ck_assert_str_eq(f.name, "b");
	ck_assert_uint_eq(f.n, 3);
	ck_assert_mem_eq(f.p, "x\0y", 4);
	ck_assert(hg_record_next(&r, &at, &f));
	ck_assert(!hg_record_next(&r, &at, &f));
	hg_record_release(&r);
}
END_TEST

START_TEST(bytes_that_make_no_sense_end_a_record)
{
	struct hg_record r = HG_RECORD_INIT;
	struct hg_record_field f;

	hg_record_adds(&r, "name", "value");
	for (size_t n = 0; n < r.bytes.len; n++) {
		struct hg_record cut = HG_RECORD_INIT;
		size_t at = 0;

		hg_strbuf_add(&cut.bytes, r.bytes.buf, n);
		ck_assert(!hg_record_next(&cut, &at, &f));
		hg_record_release(&cut);
	}
	memset(r.bytes.buf + 5, 0xff, 8);
	ck_assert(!hg_record_find(&r, "name", &f));
	hg_record_release(&r);
}
END_TEST

START_TEST(a_record_is_read_back)
{
	struct hg_record r = HG_RECORD_INIT, back = HG_RECORD_INIT;
	struct hg_digest other = ID;
	struct hg_error err;
	struct stat st;
	char path[128];

	setup();
	hg_record_adds(&r, "source", "a.c");
	ck_assert_int_eq(
	    hg_record_read(dir, &ID, &back, &err), -HG_NOTFOUND);
	ck_assert_int_eq(hg_record_write(dir, &ID, &r, &err), 0);
	ck_assert_int_eq(hg_record_read(dir, &ID, &back, &err), 0);
	ck_assert_str_eq(hg_record_text(&back, "source"), "a.c");
	hg_record_release(&back);
	/* another compile of the same slot */
	other.b[5] = 1;
	ck_assert_int_eq(
	    hg_record_read(dir, &other, &back, &err), -HG_NOTFOUND);
	snprintf(path, sizeof(path), "%s/why/ab/01", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	hg_record_release(&r);
	finish();
}
END_TEST

START_TEST(no_damaged_byte_goes_unnoticed)
{
	struct hg_record r = HG_RECORD_INIT, back = HG_RECORD_INIT;
	struct hg_error err;
	struct stat st;
	char path[128], byte;
	int fd;

	setup();
	hg_record_adds(&r, "source", "a.c");
	ck_assert_int_eq(hg_record_write(dir, &ID, &r, &err), 0);
	snprintf(path, sizeof(path), "%s/why/ab/01", dir);
	fd = open(path, O_RDWR);
	ck_assert_int_eq(fstat(fd, &st), 0);
	for (off_t i = 0; i < st.st_size; i++) {
		ck_assert_int_eq(pread(fd, &byte, 1, i), 1);
		byte ^= 1;
		ck_assert_int_eq(pwrite(fd, &byte, 1, i), 1);
		ck_assert_int_ne(hg_record_read(dir, &ID, &back, &err), 0);
		byte ^= 1;
		ck_assert_int_eq(pwrite(fd, &byte, 1, i), 1);
	}
	ck_assert_int_eq(ftruncate(fd, 10), 0);
	ck_assert_int_eq(hg_record_read(dir, &ID, &back, &err), -HG_CORRUPT);
	close(fd);
	hg_record_release(&r);
	finish();
}
END_TEST

static void
count(const struct hg_record *r, void *arg)
{
	ck_assert_str_eq(hg_record_text(r, "source"), "a.c");
	(*(int *)arg)++;
}

START_TEST(a_scan_finds_all_that_is_sound)
{
	struct hg_record r = HG_RECORD_INIT;
	struct hg_digest id = ID;
	char path[128];
	int n = 0;

	setup();
	hg_record_scan(dir, count, &n);
	ck_assert_int_eq(n, 0);
	hg_record_adds(&r, "source", "a.c");
	for (int i = 0; i < 3; i++) {
		id.b[1] = (unsigned char)i;
		ck_assert_int_eq(hg_record_write(dir, &id, &r, NULL), 0);
	}
	snprintf(path, sizeof(path), "%s/why/ab/00", dir);
	ck_assert_int_eq(truncate(path, 20), 0);
	hg_record_scan(dir, count, &n);
	ck_assert_int_eq(n, 2);
	hg_record_release(&r);
	finish();
}
END_TEST

/* ---- differences ------------------------------------------------------- */

/* "field:value|field:value" */
static void
parts_of(const char *text, struct hg_record *ret)
{
	while (*text) {
		size_t n = strcspn(text, ":"), k = strcspn(text + n + 1, "|");
		char field[32];

		snprintf(field, sizeof(field), "%.*s", (int)n, text);
		hg_record_add(ret, field, text + n + 1, k);
		text += n + 1 + k;
		text += *text == '|';
	}
}

static const struct {
	const char *was;
	const char *now;
	const char *texts;
} cases[] = {
	{ "arg:-c|arg:-DX", "arg:-c|arg:-DX", "" },
	{ "arg:-DX=1", "arg:-DX=2", "argument -DX=1 is now -DX=2" },
	{ "arg:-O1|arg:-DA", "arg:-DA|arg:-O2|arg:-g",
	    "argument -O1 is now -O2; argument -g is new" },
	{ "arg:-Wall|arg:-c", "arg:-c", "argument -Wall is gone" },
	{ "arg:-I|arg:a", "arg:-I|arg:b", "argument a is now b" },
	{ "arg:-c|arg:-g|arg:x", "arg:x|arg:-c|arg:-g",
	    "the arguments stand in another order" },
	{ "env:CPATH=a", "env:CPATH=b",
	    "environment variable CPATH was 'a', and is now 'b'" },
	{ "", "env:CPATH=b",
	    "environment variable CPATH was not set, and is now 'b'" },
	{ "env:CPATH=a|env:LANG=C", "env:LANG=C",
	    "environment variable CPATH was 'a', and is not set now" },
	{ "compiler:/bin/gcc|driver:1234", "compiler:/bin/gcc|driver:5678",
	    "the compiler /bin/gcc has other content" },
	{ "compiler:/bin/gcc", "compiler:/bin/cc",
	    "the compiler was /bin/gcc, and is now /bin/cc" },
	{ "source:a.c|content:1|source:b.c|content:2",
	    "source:a.c|content:1|source:b.c|content:3",
	    "the source b.c has other content" },
	{ "", "cwd:/x", "the working folder did not count, and is now /x" },
	{ "cpuid:a|cpuid:b|hwcap:c", "cpuid:d|cpuid:e|hwcap:f",
	    "the processor (for -march=native) is another" },
	{ "fancy:1", "fancy:2", "fancy was 1, and is now 2" },
};

START_TEST(differences_are_told)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hg_record was = HG_RECORD_INIT, now = HG_RECORD_INIT;
		struct hg_strbuf text = HG_STRBUF_INIT;
		struct hg_changes c;

		parts_of(cases[i].was, &was);
		parts_of(cases[i].now, &now);
		hg_changes_find(&was, &now, &c);
		for (size_t k = 0; k < c.n; k++)
			hg_strbuf_addf(&text, "%s%s", k > 0 ? "; " : "",
			    c.v[k].text);
		ck_assert_str_eq(text.buf, cases[i].texts);
		hg_changes_release(&c);
		hg_record_release(&was);
		hg_record_release(&now);
		hg_strbuf_release(&text);
	}
}
END_TEST

UNIT_MAIN("why", fields_come_back_as_they_were_added,
    bytes_that_make_no_sense_end_a_record, a_record_is_read_back,
    no_damaged_byte_goes_unnoticed, a_scan_finds_all_that_is_sound,
    differences_are_told)
