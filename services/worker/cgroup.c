/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control group is a folder, and its limits are files in it. A limit for which
 * no group can be made is left to the limits of single processes; that is no
 * error, as an ordinary user often has no group to write to.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/parse.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "services/worker/capability.h"
#include "services/worker/cgroup.h"

#define SMALL_FILE_BYTES ((size_t)1 << 20)

/* Folders of ours: this, the process, a number. */
#define PREFIX "hybridgrid-"

enum controller {
	MEMORY,
	PIDS,
	CONTROLLERS,
};

static const char *const controller_name[] = {
	[MEMORY] = "memory",
	[PIDS] = "pids",
};

/* Where groups are made that uphold the limit of one controller. */
struct place {
	/* NULL: nowhere */
	char *dir;
	bool version_2;
};

struct hg_cgroups {
	const struct hg_capability_roots *roots;
	uint64_t limit[CONTROLLERS];
	struct place place[CONTROLLERS];
	char trouble[256];
	/* covers the number of the next group */
	pthread_mutex_t lock;
	unsigned next;
};

static int
write_text(const char *dir, const char *name, const char *text,
    struct hg_error *err)
{
	char *path = hg_path_join(dir, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		rc = hg_fail_errno(err, HG_DENIED, "cannot write %s", path);
	hg_fd_close(&fd);
	free(path);
	return rc;
}

static int
write_number(const char *dir, const char *name, uint64_t v,
    struct hg_error *err)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	return write_text(dir, name, text, err);
}

static bool
read_text(const char *dir, const char *name, struct hg_strbuf *ret)
{
	char *path = hg_path_join(dir, name);
	int rc;

	hg_strbuf_reset(ret);
	rc = hg_read_file(path, SMALL_FILE_BYTES, ret, NULL);
	free(path);
	return rc == 0;
}

/* Is name among the words of list? */
static bool
has_word(const char *list, const char *name, const char *separators)
{
	size_t n = strlen(name);

	for (const char *p = list; *p;) {
		size_t k = strcspn(p, separators);

		if (k == n && strncmp(p, name, n) == 0)
			return true;
		p += k + (p[k] != '\0');
	}
	return false;
}

/* ---- places ------------------------------------------------------------ */

/* In a container the own group's path may name what cannot be seen. */
static char *
visible(char *top, const char *path)
{
	char *dir = hg_xasprintf("%s%s", top, path);
	struct stat st;

	if (strcmp(path, "/") == 0) {
		free(dir);
		return top;
	}
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode)) {
		free(top);
		return dir;
	}
	free(dir);
	return top;
}

/* Of one line of /proc/self/cgroup, "4:cpu,memory:/path" or "0::/path". */
static void
find_in_line(struct hg_cgroups *g, char *line, enum controller c)
{
	struct hg_strbuf have = HG_STRBUF_INIT;
	char *names = strchr(line, ':');
	char *path = names ? strchr(names + 1, ':') : NULL;
	bool version_2;
	char *top;

	if (!path || g->place[c].dir)
		return;
	*path++ = '\0';
	names++;
	version_2 = *names == '\0';
	if (!version_2 && !has_word(names, controller_name[c], ","))
		return;
	top = hg_path_join(g->roots->cgroup, version_2 ? "unified" : names);
	if (access(top, F_OK) < 0) {
		free(top);
		top = version_2
		    ? hg_xstrdup(g->roots->cgroup)
		    : hg_path_join(g->roots->cgroup, controller_name[c]);
	}
	top = visible(top, path);
	if (version_2 && (!read_text(top, "cgroup.controllers", &have) ||
			     !has_word(have.buf, controller_name[c], " \n"))) {
		free(top);
		top = NULL;
	}
	g->place[c] = (struct place){ top, version_2 };
	hg_strbuf_release(&have);
}

static void
find_place(struct hg_cgroups *g, enum controller c)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	char *rest, *line;

	if (read_text(g->roots->proc, "self/cgroup", &text))
		for (rest = text.buf; (line = strsep(&rest, "\n"));)
			find_in_line(g, line, c);
	hg_strbuf_release(&text);
}

/*
 * Version 2 gives controllers only to groups below one that has no processes
 * itself: so this one has to move.
 */
static int
enable(const char *dir, const char *what, struct hg_error *err)
{
	char *own;
	int rc = write_text(dir, "cgroup.subtree_control", what, err);

	if (rc == 0 || err->sys_errno != EBUSY)
		return rc;
	own = hg_xasprintf("%s/" PREFIX "%ld-worker", dir, (long)getpid());
	if (mkdir(own, 0755) < 0 && errno != EEXIST)
		rc = hg_fail_errno(err, HG_DENIED, "cannot make %s", own);
	else
		rc = write_text(own, "cgroup.procs", "0", err);
	if (rc == 0)
		rc = write_text(dir, "cgroup.subtree_control", what, err);
	free(own);
	return rc;
}

/* Those of workers that are no more; where a process lives it fails. */
static void
remove_left(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *end;
		long pid;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0)
			continue;
		pid = strtol(e->d_name + strlen(PREFIX), &end, 10);
		if (*end == '-' && pid > 0 && kill((pid_t)pid, 0) < 0 &&
		    errno == ESRCH)
			unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	if (d)
		closedir(d);
}

static void
drop_place(struct hg_cgroups *g, enum controller c)
{
	free(g->place[c].dir);
	g->place[c].dir = NULL;
}

/* ---- groups ------------------------------------------------------------ */

static int
set_memory(const char *dir, bool version_2, uint64_t bytes,
    struct hg_error *err)
{
	int rc;

	if (version_2) {
		rc = write_number(dir, "memory.max", bytes, err);
		/* there may be none */
		if (rc == 0)
			write_text(dir, "memory.swap.max", "0", NULL);
	} else {
		rc = write_number(dir, "memory.limit_in_bytes", bytes, err);
		if (rc == 0)
			write_number(dir, "memory.memsw.limit_in_bytes", bytes,
			    NULL);
	}
	return rc;
}

static int
set_limit(struct hg_cgroups *g, enum controller c, const char *dir,
    struct hg_error *err)
{
	switch (c) {
	case MEMORY:
		return set_memory(
		    dir, g->place[c].version_2, g->limit[c], err);
	case PIDS:
		return write_number(dir, "pids.max", g->limit[c], err);
	case CONTROLLERS:
		break;
	}
	return 0;
}

/* Adds the folder of one controller, which may be there for another one. */
static int
add_controller(struct hg_cgroups *g, enum controller c, unsigned number,
    struct hg_cgroup *ret, struct hg_error *err)
{
	char *dir = hg_xasprintf("%s/" PREFIX "%ld-%u", g->place[c].dir,
	    (long)getpid(), number);

	if (hg_strvec_find(&ret->dirs, dir) < 0) {
		if (mkdir(dir, 0755) < 0) {
			int rc = hg_fail_errno(
			    err, HG_DENIED, "cannot make %s", dir);

			free(dir);
			return rc;
		}
		hg_strvec_add(&ret->dirs, dir);
	}
	free(dir);
	return set_limit(g, c, ret->dirs.v[ret->dirs.n - 1], err);
}

int
hg_cgroup_make(struct hg_cgroups *g, struct hg_cgroup *ret, struct hg_error *err)
{
	unsigned number;
	int rc = 0;

	hg_strvec_init(&ret->dirs);
	pthread_mutex_lock(&g->lock);
	number = g->next++;
	pthread_mutex_unlock(&g->lock);
	for (enum controller c = 0; rc == 0 && c < CONTROLLERS; c++)
		if (g->place[c].dir)
			rc = add_controller(g, c, number, ret, err);
	if (rc)
		hg_cgroup_remove(ret);
	return rc;
}

uint64_t
hg_cgroup_oom_kills(const struct hg_cgroup *c)
{
	static const char *const names[] = {
		"memory.events",
		"memory.oom_control",
	};
	struct hg_strbuf text = HG_STRBUF_INIT;
	uint64_t kills = 0;

	for (size_t i = 0; i < c->dirs.n * 2; i++) {
		char *rest, *line;

		if (!read_text(c->dirs.v[i / 2], names[i % 2], &text))
			continue;
		for (rest = text.buf; (line = strsep(&rest, "\n"));)
			if (strncmp(line, "oom_kill ", 9) == 0)
				hg_parse_u64(
				    line + 9, 0, UINT64_MAX, &kills, NULL);
	}
	hg_strbuf_release(&text);
	return kills;
}

/* A process that has just ended may still be counted for a moment. */
void
hg_cgroup_remove(struct hg_cgroup *c)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (size_t i = 0; i < c->dirs.n; i++)
		for (int k = 0; k < 50; k++) {
			if (rmdir(c->dirs.v[i]) == 0 || errno != EBUSY)
				break;
			nanosleep(&pause, NULL);
		}
	hg_strvec_release(&c->dirs);
}

/* ---- all of it --------------------------------------------------------- */

/* Leaves the place only if a group with the limit can be made there. */
static void
try_place(struct hg_cgroups *g, enum controller c)
{
	struct hg_error err = { .text = "" };
	struct hg_cgroup trial = { .dirs = HG_STRVEC_INIT };
	char what[16];
	int rc = 0;

	if (!g->place[c].dir) {
		rc = hg_fail(&err, HG_UNSUPPORTED,
		    "there is no controller of that kind");
	} else {
		remove_left(g->place[c].dir);
		snprintf(what, sizeof(what), "+%s", controller_name[c]);
		if (g->place[c].version_2)
			rc = enable(g->place[c].dir, what, &err);
		if (rc == 0)
			rc = add_controller(g, c, g->next++, &trial, &err);
		hg_cgroup_remove(&trial);
	}
	if (rc == 0)
		return;
	drop_place(g, c);
	if (!*g->trouble)
		snprintf(g->trouble, sizeof(g->trouble), "%s: %.200s",
		    controller_name[c], err.text);
}

struct hg_cgroups *
hg_cgroups_new(const struct hg_capability_roots *roots,
    const struct hg_cgroup_limits *limits)
{
	struct hg_cgroups *g = hg_xcalloc(1, sizeof(*g));

	g->roots = roots;
	g->limit[MEMORY] = limits->memory_bytes;
	g->limit[PIDS] = limits->processes;
	pthread_mutex_init(&g->lock, NULL);
	/* all before the first, as that may move this process */
	for (enum controller c = 0; c < CONTROLLERS; c++)
		if (g->limit[c] > 0)
			find_place(g, c);
	for (enum controller c = 0; c < CONTROLLERS; c++)
		if (g->limit[c] > 0)
			try_place(g, c);
	return g;
}

void
hg_cgroups_free(struct hg_cgroups *g)
{
	if (!g)
		return;
	for (enum controller c = 0; c < CONTROLLERS; c++)
		drop_place(g, c);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

bool
hg_cgroups_hold_memory(const struct hg_cgroups *g)
{
	return g->place[MEMORY].dir != NULL;
}

bool
hg_cgroups_hold_processes(const struct hg_cgroups *g)
{
	return g->place[PIDS].dir != NULL;
}

const char *
hg_cgroups_trouble(const struct hg_cgroups *g)
{
	return g->trouble;
}
