/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services/worker/cgroup.c: groups of this machine where it lets us make some,
 * and where they would be made on machines of either layout, as trees of files.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "services/worker/capability.h"
#include "services/worker/cgroup.h"
#include "tests/lib/unit.h"

/* A machine's /proc and /sys/fs/cgroup. */
struct tree {
	char dir[64];
	char *proc;
	char *cgroup;
	struct hg_capability_roots roots;
};

static void
tree_open(struct tree *t, const char *self)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/hg-cgroup.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->dir));
	t->proc = hg_path_join(t->dir, "proc");
	t->cgroup = hg_path_join(t->dir, "cgroup");
	t->roots = (struct hg_capability_roots){ t->proc, t->cgroup };
	ck_assert_int_eq(hg_mkdir_p(t->cgroup, NULL), 0);
	char *own = hg_path_join(t->proc, "self");
	ck_assert_int_eq(hg_mkdir_p(own, NULL), 0);
	char *path = hg_path_join(own, "cgroup");
	ck_assert_int_eq(
	    hg_write_file_atomic(path, self, strlen(self), 0644, NULL), 0);
	free(path);
	free(own);
}

static void
tree_add(struct tree *t, const char *name, const char *text)
{
	char *path = hg_path_join(t->cgroup, name);
	char *dir = hg_path_dir(path);

	ck_assert_int_eq(hg_mkdir_p(dir, NULL), 0);
	ck_assert_int_eq(
	    hg_write_file_atomic(path, text, strlen(text), 0644, NULL), 0);
	free(dir);
	free(path);
}

static void
tree_close(struct tree *t)
{
	hg_remove_tree(t->dir, NULL);
	free(t->proc);
	free(t->cgroup);
}

static const struct hg_cgroup_limits limits = { 100 << 20, 50 };

START_TEST(a_group_bounds_what_runs_in_it)
{
	struct hg_cgroups *g =
	    hg_cgroups_new(&hg_capability_system_roots, &limits);
	struct hg_cgroup a, b;
	struct hg_strvec dirs;

	if (hg_cgroups_hold_memory(g) || hg_cgroups_hold_processes(g)) {
		ck_assert_int_eq(hg_cgroup_make(g, &a, NULL), 0);
		ck_assert_int_eq(hg_cgroup_make(g, &b, NULL), 0);
		ck_assert_str_ne(a.dirs.v[0], b.dirs.v[0]);
		ck_assert_uint_eq(hg_cgroup_oom_kills(&a), 0);
		hg_strvec_init(&dirs);
		hg_strvec_add_all(&dirs, (const char *const *)a.dirs.v);
		hg_cgroup_remove(&a);
		hg_cgroup_remove(&b);
		for (size_t i = 0; i < dirs.n; i++)
			ck_assert_int_ne(access(dirs.v[i], F_OK), 0);
		hg_strvec_release(&dirs);
	} else {
		ck_assert_str_ne(hg_cgroups_trouble(g), "");
	}
	hg_cgroups_free(g);
}
END_TEST

START_TEST(no_limit_needs_no_group)
{
	const struct hg_cgroup_limits none = { 0, 0 };
	struct hg_cgroups *g = hg_cgroups_new(&hg_capability_system_roots, &none);
	struct hg_cgroup c;

	ck_assert(!hg_cgroups_hold_memory(g));
	ck_assert_str_eq(hg_cgroups_trouble(g), "");
	ck_assert_int_eq(hg_cgroup_make(g, &c, NULL), 0);
	ck_assert_uint_eq(c.dirs.n, 0);
	hg_cgroup_remove(&c);
	hg_cgroups_free(g);
}
END_TEST

START_TEST(a_machine_without_controllers_is_told)
{
	struct hg_cgroups *g;
	struct tree t;

	tree_open(&t, "0::/user.slice\n");
	tree_add(&t, "user.slice/cgroup.controllers", "cpu io\n");
	g = hg_cgroups_new(&t.roots, &limits);
	ck_assert(!hg_cgroups_hold_memory(g));
	ck_assert(!hg_cgroups_hold_processes(g));
	ck_assert_ptr_nonnull(strstr(hg_cgroups_trouble(g), "memory"));
	hg_cgroups_free(g);
	tree_close(&t);
}
END_TEST

/*
 * Files of such a tree do not appear by themselves, so a group cannot be made
 * whole there; what is tried first tells where it was looked for.
 */
static void
assert_place(const char *self, const char *file, const char *text,
    const char *place)
{
	struct hg_cgroups *g;
	struct tree t;
	char *want;

	tree_open(&t, self);
	tree_add(&t, file, text);
	g = hg_cgroups_new(&t.roots, &limits);
	want = hg_xasprintf("%s/%s", t.cgroup, place);
	ck_assert_msg(strstr(hg_cgroups_trouble(g), want) != NULL, "%s",
	    hg_cgroups_trouble(g));
	free(want);
	hg_cgroups_free(g);
	tree_close(&t);
}

START_TEST(places_are_found_in_either_layout)
{
	assert_place("4:memory:/a/b\n", "memory/a/b/x", "",
	    "memory/a/b/hybridgrid-");
	/* in a container the path of the host is not to be seen */
	assert_place("4:memory:/docker/x\n", "memory/x", "",
	    "memory/hybridgrid-");
	assert_place("7:cpu,memory:/\n", "cpu,memory/x", "",
	    "cpu,memory/hybridgrid-");
	assert_place("0::/a\n", "a/cgroup.controllers", "cpu memory pids\n",
	    "a/cgroup.subtree_control");
	assert_place("1:cpu:/\n0::/a\n", "unified/a/cgroup.controllers",
	    "memory\n", "unified/a/cgroup.subtree_control");
}
END_TEST

START_TEST(groups_of_killed_workers_are_removed)
{
	struct hg_cgroups *g;
	struct tree t;
	char *left, *used;

	tree_open(&t, "4:memory:/\n");
	/* a number that no process has */
	left = hg_xasprintf("%s/memory/hybridgrid-99999999-1", t.cgroup);
	used = hg_xasprintf(
	    "%s/memory/hybridgrid-%ld-99", t.cgroup, (long)getpid());
	ck_assert_int_eq(hg_mkdir_p(left, NULL), 0);
	ck_assert_int_eq(hg_mkdir_p(used, NULL), 0);
	g = hg_cgroups_new(&t.roots, &limits);
	ck_assert_int_ne(access(left, F_OK), 0);
	ck_assert_int_eq(access(used, F_OK), 0);
	hg_cgroups_free(g);
	free(left);
	free(used);
	tree_close(&t);
}
END_TEST

START_TEST(kills_are_counted_in_either_layout)
{
	struct hg_cgroup c = { .dirs = HG_STRVEC_INIT };
	struct tree t;
	char *dir;

	tree_open(&t, "");
	dir = hg_path_join(t.cgroup, "g");
	hg_strvec_add_take(&c.dirs, dir);
	ck_assert_uint_eq(hg_cgroup_oom_kills(&c), 0);
	tree_add(&t, "g/memory.oom_control",
	    "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	ck_assert_uint_eq(hg_cgroup_oom_kills(&c), 2);
	hg_remove_tree(dir, NULL);
	tree_add(&t, "g/memory.events",
	    "low 0\nmax 7\noom 1\noom_kill 3\noom_group_kill 0\n");
	ck_assert_uint_eq(hg_cgroup_oom_kills(&c), 3);
	hg_strvec_release(&c.dirs);
	tree_close(&t);
}
END_TEST

UNIT_MAIN("cgroup", a_group_bounds_what_runs_in_it, no_limit_needs_no_group,
    a_machine_without_controllers_is_told, places_are_found_in_either_layout,
    groups_of_killed_workers_are_removed, kills_are_counted_in_either_layout)
