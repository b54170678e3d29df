/* SPDX-License-Identifier: Apache-2.0 */
/* services/worker/work_dir.c: what is removed, and what never is. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"
#include "services/worker/work_dir.h"
#include "tests/lib/unit.h"

struct lab {
	char tmp[64];
	struct hg_work_dir a;
	struct hg_work_dir b;
	struct hg_error err;
};

static void
lab_open(struct lab *l)
{
	*l = (struct lab){ .err = { .text = "" } };
	l->a.lock_fd = l->b.lock_fd = -1;
	snprintf(l->tmp, sizeof(l->tmp), "/tmp/hg-work.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->tmp));
	ck_assert_int_eq(setenv("TMPDIR", l->tmp, 1), 0);
}

static void
lab_close(struct lab *l)
{
	hg_work_dir_close(&l->a);
	hg_work_dir_close(&l->b);
	hg_remove_tree(l->tmp, NULL);
}

static char *
make(const char *dir, const char *name)
{
	char *path = hg_path_join(dir, name);

	ck_assert_int_eq(hg_mkdir_p(path, NULL), 0);
	return path;
}

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

START_TEST(an_own_folder_goes_with_the_worker)
{
	struct lab l;
	struct stat st;
	char *path;

	lab_open(&l);
	ck_assert_int_eq(hg_work_dir_open(&l.a, "", &l.err), 0);
	ck_assert_int_eq(strncmp(l.a.path, l.tmp, strlen(l.tmp)), 0);
	ck_assert_int_eq(stat(l.a.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	path = hg_xstrdup(l.a.path);
	hg_work_dir_close(&l.a);
	ck_assert(!is_there(path));
	free(path);
	lab_close(&l);
}
END_TEST

START_TEST(folders_of_killed_workers_are_removed)
{
	struct lab l;
	char *left, *used, *other;

	lab_open(&l);
	left = make(l.tmp, "hybridgrid-worker-1/job-1");
	other = make(l.tmp, "something-else");
	/* one that is in use */
	used = make(l.tmp, "hybridgrid-worker-3");
	ck_assert_int_eq(hg_work_dir_open(&l.b, used, &l.err), 0);
	ck_assert_int_eq(hg_work_dir_open(&l.a, "", &l.err), 0);
	ck_assert(!is_there(left));
	ck_assert(is_there(other));
	ck_assert(is_there(used));
	free(left);
	free(other);
	free(used);
	lab_close(&l);
}
END_TEST

START_TEST(a_named_folder_is_cleaned_by_who_is_alone)
{
	struct lab l;
	char *dir, *job, *file;

	lab_open(&l);
	dir = make(l.tmp, "named");
	job = make(dir, "job-7/root");
	file = make(dir, "the-users-own");
	ck_assert_int_eq(hg_work_dir_open(&l.a, dir, &l.err), 0);
	ck_assert(!is_there(job));
	ck_assert(is_there(file));
	free(job);
	/* now it is that of a compile that runs */
	job = make(dir, "job-7/root");
	ck_assert_int_eq(hg_work_dir_open(&l.b, dir, &l.err), 0);
	ck_assert(is_there(job));
	hg_work_dir_close(&l.b);
	hg_work_dir_close(&l.a);
	/* the folder is the user's */
	ck_assert(is_there(dir));
	free(dir);
	free(job);
	free(file);
	lab_close(&l);
}
END_TEST

/* In /tmp everybody can make a folder of the name that ours will have. */
START_TEST(a_folder_of_somebody_else_is_not_used)
{
	struct lab l;
	char *path;

	lab_open(&l);
	path = hg_xasprintf(
	    "%s/hybridgrid-worker-%ld", l.tmp, (long)getpid());
	if (geteuid() == 0) {
		ck_assert_int_eq(mkdir(path, 0777), 0);
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
	} else {
		ck_assert_int_eq(symlink("/tmp", path), 0);
	}
	ck_assert_int_eq(
	    hg_work_dir_open(&l.a, "", &l.err), -HG_DENIED);
	ck_assert_ptr_nonnull(strstr(l.err.text, path));
	free(path);
	lab_close(&l);
}
END_TEST

UNIT_MAIN("work_dir", an_own_folder_goes_with_the_worker,
    folders_of_killed_workers_are_removed,
    a_named_folder_is_cleaned_by_who_is_alone,
    a_folder_of_somebody_else_is_not_used)
