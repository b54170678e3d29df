/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observer's side: makes the shared memory, tells the child of it, and
 * turns the notes of all processes into one list with each path once.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/hmap.h"
#include "lib/base/strvec.h"
#include "lib/observe/loads.h"
#include "lib/observe/notes.h"
#include "lib/observe/observe.h"

/* High, so that it is not a number that a wrapper script redirects. */
enum { PREFERRED_FD = 600 };

struct hg_observe {
	char *so_path;
	/* what the child runs, if that cannot be observed */
	char *unseen;
	int fd;
	struct hg_notes_head *head;
};

static int
shared_memory(void)
{
	int low = memfd_create("hg-observe", MFD_CLOEXEC);
	int high;

	if (low < 0)
		return -1;
	high = fcntl(low, F_DUPFD_CLOEXEC, PREFERRED_FD);
	if (high < 0)
		return low;
	close(low);
	return high;
}

struct hg_observe *
hg_observe_new(const char *so_path, struct hg_error *err)
{
	struct hg_observe *o;
	void *p = MAP_FAILED;
	int fd;

	if (access(so_path, R_OK) < 0) {
		hg_fail_errno(err, HG_NOTFOUND, "cannot read %s", so_path);
		return NULL;
	}
	fd = shared_memory();
	if (fd >= 0 && ftruncate(fd, HG_NOTES_BYTES) == 0)
		p = mmap(NULL, HG_NOTES_BYTES, PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		hg_fail_errno(err, HG_IO, "cannot make shared memory");
		hg_fd_close(&fd);
		return NULL;
	}
	o = hg_xcalloc(1, sizeof(*o));
	o->so_path = hg_xstrdup(so_path);
	o->fd = fd;
	o->head = p;
	atomic_store(&o->head->used, sizeof(*o->head));
	o->head->magic = HG_NOTES_MAGIC;
	hg_observe_set_cwd(o, ".");
	return o;
}

void
hg_observe_set_cwd(struct hg_observe *o, const char *cwd)
{
	struct stat st;

	if (stat(cwd, &st) == 0) {
		o->head->cwd_dev = st.st_dev;
		o->head->cwd_ino = st.st_ino;
	}
}

void
hg_observe_set_program(struct hg_observe *o, const char *path)
{
	if (!hg_observe_loads(path))
		o->unseen = hg_xstrdup(path);
}

void
hg_observe_free(struct hg_observe *o)
{
	if (!o)
		return;
	munmap(o->head, HG_NOTES_BYTES);
	hg_fd_close(&o->fd);
	free(o->unseen);
	free(o->so_path);
	free(o);
}

int
hg_observe_fd(const struct hg_observe *o)
{
	return o->fd;
}

void
hg_observe_env(
    const struct hg_observe *o, const char *const *env, struct hg_strvec *ret)
{
	static const char preload[] = "LD_PRELOAD=";
	const char *theirs = NULL;

	for (; *env; env++) {
		if (strncmp(*env, preload, strlen(preload)) == 0)
			theirs = *env + strlen(preload);
		else
			hg_strvec_add(ret, *env);
	}
	if (theirs && *theirs)
		hg_strvec_addf(ret, "%s%s:%s", preload, o->so_path, theirs);
	else
		hg_strvec_addf(ret, "%s%s", preload, o->so_path);
	hg_strvec_addf(ret, "%s=%d", HG_NOTES_ENV, o->fd);
}

/* While collecting only. Found to be there, not opened: READ in the end. */
#define SEEN ((enum hg_observed_kind)100)
/*
 * Added to: what it was before matters, unless the compile itself began it, as
 * GCC does with a dump that several passes write.
 */
#define EXTENDED ((enum hg_observed_kind)101)

/* ---- collecting -------------------------------------------------------- */

struct collect {
	struct hg_hmap index;
	struct hg_observed_list *list;
	size_t cap;
	long starts;
	long runs;
	/* a program that could not be observed, or NULL; borrowed */
	const char *unseen;
};

/* What a path is after a further note on it: rows the old, columns the new. */
static enum hg_observed_kind
merge(enum hg_observed_kind old, enum hg_observed_kind new)
{
	if (new == EXTENDED)
		return old == HG_OBSERVED_WRITTEN ? old
						  : HG_OBSERVED_OVERWRITTEN;
	if (old == HG_OBSERVED_OVERWRITTEN || new == HG_OBSERVED_OVERWRITTEN)
		return HG_OBSERVED_OVERWRITTEN;
	if (new == HG_OBSERVED_WRITTEN) {
		return old == HG_OBSERVED_READ || old == HG_OBSERVED_RUN
		    ? HG_OBSERVED_OVERWRITTEN
		    : HG_OBSERVED_WRITTEN;
	}
	if (old == HG_OBSERVED_WRITTEN)
		return old;
	if (old == HG_OBSERVED_RUN || new == HG_OBSERVED_RUN)
		return HG_OBSERVED_RUN;
	if (new == SEEN && old == HG_OBSERVED_READ)
		return old;
	if (old == HG_OBSERVED_LISTED || new == HG_OBSERVED_LISTED)
		return HG_OBSERVED_LISTED;
	/* absent first, there later: made meanwhile by something unseen */
	if (old == HG_OBSERVED_ABSENT || new == HG_OBSERVED_ABSENT)
		return old == new ? old : HG_OBSERVED_OVERWRITTEN;
	return new;
}

static void
keep_stat(struct hg_observed *o, const struct hg_note *note)
{
	const struct hg_observed_stat st = { note->st.bytes, note->st.ino,
		note->st.mtime_ns, note->st.ctime_ns };

	if (st.ino == 0 || o->kind == HG_OBSERVED_FOLDER)
		return;
	if (o->st.ino == 0)
		o->st = st;
	else if (memcmp(&o->st, &st, sizeof(st)) != 0)
		o->kind = HG_OBSERVED_OVERWRITTEN;
}

static void
add_path(struct collect *c, enum hg_observed_kind kind, const char *path,
    const struct hg_note *note)
{
	size_t i = (uintptr_t)hg_hmap_get(&c->index, path);
	struct hg_observed_list *l = c->list;

	if (i > 0) {
		l->v[i - 1].kind = merge(l->v[i - 1].kind, kind);
		if (l->v[i - 1].kind == HG_OBSERVED_READ ||
		    l->v[i - 1].kind == SEEN)
			keep_stat(&l->v[i - 1], note);
		return;
	}
	if (l->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 512;
		l->v = hg_xrealloc(l->v, c->cap * sizeof(*l->v));
	}
	l->v[l->n] = (struct hg_observed){
		.kind = kind == EXTENDED ? HG_OBSERVED_OVERWRITTEN : kind
	};
	l->v[l->n].path = hg_xstrdup(path);
	keep_stat(&l->v[l->n++], note);
	hg_hmap_set(&c->index, path, (void *)(uintptr_t)l->n);
}

static bool
is_ignored(const char *path)
{
	return strncmp(path, "/dev/", 5) == 0 ||
	    strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0;
}

/* Without "./" in front and "/." behind, which name the same thing; owned. */
static char *
plain_name(const char *path)
{
	size_t n;

	while (path[0] == '.' && path[1] == '/' && path[2] != '\0') {
		path += 2;
		while (path[0] == '/' && path[1] != '\0')
			path++;
	}
	n = strlen(path);
	while (n > 2 && path[n - 1] == '.' && path[n - 2] == '/')
		n -= 2;
	return hg_xstrndup(path, n);
}

static void
add_note(struct collect *c, const struct hg_note *note)
{
	static const enum hg_observed_kind kinds[] = {
		[HG_NOTE_READ] = HG_OBSERVED_READ,
		[HG_NOTE_SEEN] = SEEN,
		[HG_NOTE_ABSENT] = HG_OBSERVED_ABSENT,
		[HG_NOTE_FOLDER] = HG_OBSERVED_FOLDER,
		[HG_NOTE_LISTED] = HG_OBSERVED_LISTED,
		[HG_NOTE_WRITTEN] = HG_OBSERVED_WRITTEN,
		[HG_NOTE_EXTENDED] = EXTENDED,
		[HG_NOTE_RUN] = HG_OBSERVED_RUN,
	};
	char *plain;

	switch ((enum hg_note_kind)note->kind) {
	case HG_NOTE_START:
		c->starts++;
		return;
	case HG_NOTE_RUN_FAILED:
		c->runs--;
		return;
	case HG_NOTE_TIME:
		c->list->uses_time = true;
		return;
	case HG_NOTE_FAULT:
		c->list->has_fault = true;
		return;
	case HG_NOTE_UNSEEN:
		c->unseen = note->path;
		return;
	case HG_NOTE_APPENDED:
		return;
	case HG_NOTE_RUN:
		c->runs++;
		break;
	case HG_NOTE_READ:
	case HG_NOTE_SEEN:
	case HG_NOTE_ABSENT:
	case HG_NOTE_FOLDER:
	case HG_NOTE_LISTED:
	case HG_NOTE_WRITTEN:
	case HG_NOTE_EXTENDED:
		break;
	default:
		return;
	}
	if (is_ignored(note->path))
		return;
	plain = plain_name(note->path);
	add_path(c, kinds[note->kind], plain, note);
	free(plain);
}

int
hg_observe_collect(struct hg_observe *o, struct hg_observed_list *ret,
    struct hg_error *err)
{
	struct collect c = { HG_HMAP_INIT, ret, 0, 0, 0, o->unseen };
	uint64_t used = atomic_load(&o->head->used);
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	if (used > HG_NOTES_BYTES)
		return hg_fail(err, HG_TOOBIG,
		    "the compile looked at more files than can be noted");
	for (uint64_t at = sizeof(*o->head); at < used;) {
		const struct hg_note *note =
		    (const struct hg_note *)((const char *)o->head + at);
		uint32_t size = atomic_load(&note->size);

		if (size < sizeof(*note) + 1 || size % 8 || size > used - at ||
		    !memchr(note->path, 0, size - sizeof(*note))) {
			rc = hg_fail(err, HG_UNSUPPORTED,
			    "a process of the compile was killed");
			goto out;
		}
		add_note(&c, note);
		at += size;
	}
	if (c.unseen)
		rc = hg_fail(err, HG_UNSUPPORTED,
		    "%s is linked statically and cannot be observed", c.unseen);
	else if (c.starts < 1 + c.runs)
		rc = hg_fail(err, HG_UNSUPPORTED,
		    "%ld of %ld processes of the compile could not be observed",
		    1 + c.runs - c.starts, 1 + c.runs);
	for (size_t i = 0; i < ret->n; i++)
		if (ret->v[i].kind == SEEN) {
			ret->v[i].kind = HG_OBSERVED_READ;
			ret->v[i].only_seen = true;
		}
out:
	hg_hmap_release(&c.index, NULL);
	if (rc)
		hg_observed_list_release(ret);
	return rc;
}

void
hg_observed_list_release(struct hg_observed_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].path);
	free(l->v);
	l->v = NULL;
	l->n = 0;
}
