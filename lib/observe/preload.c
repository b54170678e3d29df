/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-observe.so: preloaded into a compiler's processes, notes what they look
 * at (see notes.h). Each libc function through which a program can reach a file
 * by name is wrapped: the real one is called, then the outcome noted. A process
 * that is not observed (static, or started without our environment) leaves no
 * HG_NOTE_START behind, which the reader takes for "not seen".
 *
 * It must never disturb: no output, no allocation, errno as the real call left
 * it. State is per process and static by nature.
 */
#include "config.h"

#undef _FORTIFY_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/observe/loads.h"
#include "lib/observe/notes.h"

/* The shared memory, or NULL: then nothing is noted. */
static struct hg_notes_head *head;
/* This process is not in the folder the compile was started in. */
static bool moved;
/* Hashes of what this process has noted, to note it once. */
static uint64_t seen[4096];

/* The real function behind a wrapper. */
#define REAL(name) \
	static __typeof__(&name) real; \
	if (!real) \
		real = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

static bool
is_new(enum hg_note_kind kind, const char *path, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)kind;
	size_t slot;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)path[i]) * UINT64_C(1099511628211);
	h |= 1;
	slot = (h >> 20) % (sizeof(seen) / sizeof(*seen));
	if (seen[slot] == h)
		return false;
	seen[slot] = h;
	return true;
}

/* struct hg_note_stat of any kind of struct stat. */
#define STAT_OF(st) \
	(&(struct hg_note_stat){ (uint64_t)(st)->st_size, (st)->st_ino, \
		(int64_t)(st)->st_mtim.tv_sec * 1000000000 + \
		    (st)->st_mtim.tv_nsec, \
		(int64_t)(st)->st_ctim.tv_sec * 1000000000 + \
		    (st)->st_ctim.tv_nsec })

/* path is relative to dir, unless that is NULL; st may be NULL. */
static void
put(enum hg_note_kind kind, const char *dir, const char *path,
    const struct hg_note_stat *st)
{
	size_t dn = dir ? strlen(dir) : 0, pn = strlen(path);
	size_t size = (sizeof(struct hg_note) + dn + 1 + pn + 1 + 7) & ~7UL;
	uint64_t at = atomic_fetch_add(&head->used, size);
	struct hg_note *note;

	if (at + size > HG_NOTES_BYTES)
		return;
	note = (struct hg_note *)((char *)head + at);
	note->kind = kind;
	if (st)
		note->st = *st;
	if (dir) {
		memcpy(note->path, dir, dn);
		note->path[dn] = '/';
		memcpy(note->path + dn + 1, path, pn + 1);
	} else {
		memcpy(note->path, path, pn + 1);
	}
	note->size = (uint32_t)size;
}

/* The folder that relative names of this call belong to, "" if unknown. */
static const char *
folder_of(int dirfd, char buf[PATH_MAX])
{
	char link[32];
	ssize_t n;

	if (dirfd == AT_FDCWD)
		return getcwd(buf, PATH_MAX) ? buf : "";
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlinkat(AT_FDCWD, link, buf, PATH_MAX - 1);
	if (n < 0)
		return "";
	buf[n] = '\0';
	return buf;
}

static void
note_file(enum hg_note_kind kind, int dirfd, const char *path,
    const struct hg_note_stat *st)
{
	char buf[PATH_MAX];
	int saved = errno;

	if (!head || !path || !*path)
		return;
	if (*path == '/' || (dirfd == AT_FDCWD && !moved)) {
		if (kind >= HG_NOTE_START ||
		    is_new(kind, path, strlen(path)))
			put(kind, NULL, path, st);
	} else {
		put(kind, folder_of(dirfd, buf), path, st);
	}
	errno = saved;
}

static void
note_at(enum hg_note_kind kind, int dirfd, const char *path)
{
	note_file(kind, dirfd, path, NULL);
}

/* Not to be had by that name, which a look at the file system shows again. */
static bool
is_absent(int e)
{
	return e == ENOENT || e == ENOTDIR || e == EACCES || e == ELOOP ||
	    e == ENAMETOOLONG;
}

/* After an open that failed. */
static void
note_failure(int dirfd, const char *path, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;

	if (errno == ENOENT || errno == ENOTDIR ||
	    (!writes && is_absent(errno)))
		note_at(HG_NOTE_ABSENT, dirfd, path);
	else if (errno != EEXIST && errno != EISDIR)
		note_at(HG_NOTE_FAULT, dirfd, path);
}

/* What becomes of a file that was opened to be written. */
static enum hg_note_kind
how_written(int flags)
{
	/* a shell's >> stays open to what the shell runs; LLVM's does not */
	if ((flags & O_APPEND) && !(flags & O_CLOEXEC))
		return HG_NOTE_APPENDED;
	return flags & (O_TRUNC | O_EXCL) ? HG_NOTE_WRITTEN : HG_NOTE_EXTENDED;
}

/* After an attempt to open path: fd is the descriptor or -1. */
static void
note_open(int dirfd, const char *path, int flags, int fd)
{
	struct stat st;
	int saved = errno;

	if (!head)
		return;
	if (fd < 0) {
		note_failure(dirfd, path, flags);
		errno = saved;
		return;
	}
	if ((flags & O_ACCMODE) != O_RDONLY)
		note_at(how_written(flags), dirfd, path);
	else if (fstat(fd, &st) == 0)
		note_file(S_ISDIR(st.st_mode) ? HG_NOTE_LISTED : HG_NOTE_READ,
		    dirfd, path, STAT_OF(&st));
	errno = saved;
}

/* After a question about path that was answered with rc, a mode and a stat. */
static void
note_query(int dirfd, const char *path, int rc, mode_t mode,
    const struct hg_note_stat *st)
{
	if (rc == 0)
		note_file(S_ISDIR(mode) ? HG_NOTE_FOLDER : HG_NOTE_SEEN, dirfd,
		    path, st);
	else if (is_absent(errno))
		note_at(HG_NOTE_ABSENT, dirfd, path);
}

/* For calls that do not tell what path is. */
static void
note_exists(int dirfd, const char *path, int rc)
{
	struct stat st;
	int saved = errno;

	if (head && rc == 0 && fstatat(dirfd, path, &st, 0) == 0)
		note_file(S_ISDIR(st.st_mode) ? HG_NOTE_FOLDER : HG_NOTE_SEEN,
		    dirfd, path, STAT_OF(&st));
	else if (head && rc != 0 && is_absent(saved))
		note_at(HG_NOTE_ABSENT, dirfd, path);
	errno = saved;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv(HG_NOTES_ENV);
	char exe[PATH_MAX];
	struct stat st;
	ssize_t n;
	void *p;

	if (!text)
		return;
	p = mmap(NULL, HG_NOTES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
	    (int)strtol(text, NULL, 10), 0);
	if (p == MAP_FAILED)
		return;
	if (((struct hg_notes_head *)p)->magic != HG_NOTES_MAGIC) {
		munmap(p, HG_NOTES_BYTES);
		return;
	}
	head = p;
	moved = stat(".", &st) != 0 || st.st_dev != head->cwd_dev ||
	    st.st_ino != head->cwd_ino;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n < 0 ? 0 : n] = '\0';
	put(HG_NOTE_START, NULL, exe, NULL);
}

/* ---- opening ----------------------------------------------------------- */

#define MODE_ARGUMENT(flags) \
	mode_t mode = 0; \
	if ((flags) & (O_CREAT | __O_TMPFILE)) { \
		va_list ap; \
		va_start(ap, flags); \
		mode = va_arg(ap, mode_t); \
		va_end(ap); \
	}

#define WRAP_OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		int fd; \
		MODE_ARGUMENT(flags) \
		REAL(name); \
		fd = real(path, flags, mode); \
		note_open(AT_FDCWD, path, flags, fd); \
		return fd; \
	}
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name) \
	int name(int dirfd, const char *path, int flags, ...) \
	{ \
		int fd; \
		MODE_ARGUMENT(flags) \
		REAL(name); \
		fd = real(dirfd, path, flags, mode); \
		note_open(dirfd, path, flags, fd); \
		return fd; \
	}
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

#define WRAP_OPEN_2(name) \
	int name(const char *path, int flags); \
	int name(const char *path, int flags) \
	{ \
		int fd; \
		REAL(name); \
		fd = real(path, flags); \
		note_open(AT_FDCWD, path, flags, fd); \
		return fd; \
	}
WRAP_OPEN_2(__open_2)
WRAP_OPEN_2(__open64_2)

#define WRAP_OPENAT_2(name) \
	int name(int dirfd, const char *path, int flags); \
	int name(int dirfd, const char *path, int flags) \
	{ \
		int fd; \
		REAL(name); \
		fd = real(dirfd, path, flags); \
		note_open(dirfd, path, flags, fd); \
		return fd; \
	}
WRAP_OPENAT_2(__openat_2)
WRAP_OPENAT_2(__openat64_2)

#define WRAP_CREAT(name) \
	int name(const char *path, mode_t mode) \
	{ \
		int fd; \
		REAL(name); \
		fd = real(path, mode); \
		note_open(AT_FDCWD, path, O_WRONLY | O_TRUNC, fd); \
		return fd; \
	}
WRAP_CREAT(creat)
WRAP_CREAT(creat64)

static int
flags_of(const char *mode)
{
	if (strchr(mode, 'a'))
		return O_WRONLY | O_APPEND | O_CLOEXEC;
	if (strchr(mode, 'w'))
		return O_RDWR | O_TRUNC;
	return strchr(mode, '+') ? O_RDWR : O_RDONLY;
}

#define WRAP_FOPEN(name) \
	FILE *name(const char *path, const char *mode) \
	{ \
		FILE *f; \
		REAL(name); \
		f = real(path, mode); \
		note_open(AT_FDCWD, path, flags_of(mode), f ? fileno(f) : -1); \
		return f; \
	}
WRAP_FOPEN(fopen)
WRAP_FOPEN(fopen64)

#define WRAP_FREOPEN(name) \
	FILE *name(const char *path, const char *mode, FILE *old) \
	{ \
		FILE *f; \
		REAL(name); \
		f = real(path, mode, old); \
		if (path) \
			note_open(AT_FDCWD, path, flags_of(mode), \
			    f ? fileno(f) : -1); \
		return f; \
	}
WRAP_FREOPEN(freopen)
WRAP_FREOPEN(freopen64)

/* Temporary files: libc makes them out of our sight. */
#define WRAP_MKSTEMP(name, parameters, arguments) \
	int name parameters \
	{ \
		int fd; \
		REAL(name); \
		fd = real arguments; \
		note_open(AT_FDCWD, path, O_RDWR | O_EXCL, fd); \
		return fd; \
	}
WRAP_MKSTEMP(mkstemp, (char *path), (path))
WRAP_MKSTEMP(mkstemp64, (char *path), (path))
WRAP_MKSTEMP(mkstemps, (char *path, int suffix), (path, suffix))
WRAP_MKSTEMP(mkstemps64, (char *path, int suffix), (path, suffix))
WRAP_MKSTEMP(mkostemp, (char *path, int flags), (path, flags))
WRAP_MKSTEMP(mkostemp64, (char *path, int flags), (path, flags))
WRAP_MKSTEMP(
    mkostemps, (char *path, int suffix, int flags), (path, suffix, flags))
WRAP_MKSTEMP(
    mkostemps64, (char *path, int suffix, int flags), (path, suffix, flags))

DIR *
opendir(const char *path)
{
	DIR *d;

	REAL(opendir);
	d = real(path);
	note_open(AT_FDCWD, path, O_RDONLY, d ? dirfd(d) : -1);
	return d;
}

void *
dlopen(const char *path, int flags)
{
	bool is_name = head && path && strchr(path, '/');
	bool there = false;
	struct stat st;
	void *p;

	REAL(dlopen);
	/* from before, so that it shows if another file takes the name */
	if (is_name)
		there = fstatat(AT_FDCWD, path, &st, 0) == 0;
	p = real(path, flags);
	if (is_name)
		note_file(there ? HG_NOTE_READ : HG_NOTE_ABSENT, AT_FDCWD, path,
		    there ? STAT_OF(&st) : NULL);
	return p;
}

/* ---- asking ------------------------------------------------------------ */

/* of a link itself nothing is known that stat() would say */
#define WRAP_STAT(name, type, known) \
	int name(const char *path, struct type *st) \
	{ \
		int rc; \
		REAL(name); \
		rc = real(path, st); \
		note_query(AT_FDCWD, path, rc, st->st_mode, known); \
		return rc; \
	}
WRAP_STAT(stat, stat, STAT_OF(st))
WRAP_STAT(stat64, stat64, STAT_OF(st))
WRAP_STAT(lstat, stat, NULL)
WRAP_STAT(lstat64, stat64, NULL)

#define WRAP_FSTATAT(name, type) \
	int name(int dirfd, const char *path, struct type *st, int flags) \
	{ \
		int rc; \
		REAL(name); \
		rc = real(dirfd, path, st, flags); \
		note_query(dirfd, path, rc, st->st_mode, \
		    flags & AT_SYMLINK_NOFOLLOW ? NULL : STAT_OF(st)); \
		return rc; \
	}
WRAP_FSTATAT(fstatat, stat)
WRAP_FSTATAT(fstatat64, stat64)

/* What programs built before glibc 2.33 call for stat and its kin. */
#define WRAP_XSTAT(name, type, known) \
	int name(int version, const char *path, struct type *st); \
	int name(int version, const char *path, struct type *st) \
	{ \
		int rc; \
		REAL(name); \
		rc = real(version, path, st); \
		note_query(AT_FDCWD, path, rc, st->st_mode, known); \
		return rc; \
	}
WRAP_XSTAT(__xstat, stat, STAT_OF(st))
WRAP_XSTAT(__xstat64, stat64, STAT_OF(st))
WRAP_XSTAT(__lxstat, stat, NULL)
WRAP_XSTAT(__lxstat64, stat64, NULL)

int
statx(int dirfd, const char *restrict path, int flags, unsigned mask,
    struct statx *restrict st)
{
	int rc;

	REAL(statx);
	rc = real(dirfd, path, flags, mask, st);
	note_query(dirfd, path, rc, st->stx_mode, NULL);
	return rc;
}

#define WRAP_ACCESS(name) \
	int name(const char *path, int mode) \
	{ \
		int rc; \
		REAL(name); \
		rc = real(path, mode); \
		note_exists(AT_FDCWD, path, rc); \
		return rc; \
	}
WRAP_ACCESS(access)
WRAP_ACCESS(eaccess)
WRAP_ACCESS(euidaccess)

int
faccessat(int dirfd, const char *path, int mode, int flags)
{
	int rc;

	REAL(faccessat);
	rc = real(dirfd, path, mode, flags);
	note_exists(dirfd, path, rc);
	return rc;
}

ssize_t
readlink(const char *restrict path, char *restrict buf, size_t n)
{
	ssize_t k;

	REAL(readlink);
	k = real(path, buf, n);
	if (k >= 0 || is_absent(errno))
		note_exists(AT_FDCWD, path, k >= 0 ? 0 : -1);
	return k;
}

char *
realpath(const char *restrict path, char *restrict resolved)
{
	char *p;

	REAL(realpath);
	p = real(path, resolved);
	note_exists(AT_FDCWD, path, p ? 0 : -1);
	return p;
}

/* ---- changing ---------------------------------------------------------- */

int
rename(const char *from, const char *to)
{
	int rc;

	REAL(rename);
	rc = real(from, to);
	if (rc == 0)
		note_at(HG_NOTE_WRITTEN, AT_FDCWD, to);
	return rc;
}

/* Gone is a way of being written. */
static void
note_removal(int dirfd, const char *path, int rc)
{
	int saved = errno;

	if (rc == 0)
		note_at(HG_NOTE_WRITTEN, dirfd, path);
	else if (is_absent(errno))
		note_at(HG_NOTE_ABSENT, dirfd, path);
	errno = saved;
}

int
unlink(const char *path)
{
	int rc;

	REAL(unlink);
	rc = real(path);
	note_removal(AT_FDCWD, path, rc);
	return rc;
}

int
unlinkat(int dirfd, const char *path, int flags)
{
	int rc;

	REAL(unlinkat);
	rc = real(dirfd, path, flags);
	note_removal(dirfd, path, rc);
	return rc;
}

int
remove(const char *path)
{
	int rc;

	REAL(remove);
	rc = real(path);
	note_removal(AT_FDCWD, path, rc);
	return rc;
}

int
chdir(const char *path)
{
	int rc;

	REAL(chdir);
	rc = real(path);
	moved = moved || rc == 0;
	return rc;
}

int
fchdir(int fd)
{
	int rc;

	REAL(fchdir);
	rc = real(fd);
	moved = moved || rc == 0;
	return rc;
}

/* ---- the clock --------------------------------------------------------- */

static void
note_time(void)
{
	if (head)
		put(HG_NOTE_TIME, NULL, "", NULL);
}

struct tm *
localtime(const time_t *t)
{
	REAL(localtime);
	note_time();
	return real(t);
}

struct tm *
localtime_r(const time_t *restrict t, struct tm *restrict ret)
{
	REAL(localtime_r);
	note_time();
	return real(t, ret);
}

/* ---- running ----------------------------------------------------------- */

/*
 * Shells search PATH by trying to run: a program that is not there was looked
 * for in vain, and not run. The call is the kernel's, as libc's is wrapped.
 */
static enum hg_note_kind
run_or_absent(const char *path)
{
	int saved = errno;
	bool absent =
	    syscall(SYS_faccessat, AT_FDCWD, path, F_OK) < 0 &&
	    (errno == ENOENT || errno == ENOTDIR);

	errno = saved;
	return absent ? HG_NOTE_ABSENT : HG_NOTE_RUN;
}

/* Before path is run, or found not to be there. */
static void
note_run(enum hg_note_kind kind, const char *path)
{
	int saved = errno;

	note_at(kind, AT_FDCWD, path);
	if (head && kind == HG_NOTE_RUN && !hg_observe_loads(path))
		note_at(HG_NOTE_UNSEEN, AT_FDCWD, path);
	errno = saved;
}

int
execve(const char *path, char *const argv[], char *const envp[])
{
	enum hg_note_kind kind = run_or_absent(path);

	REAL(execve);
	note_run(kind, path);
	real(path, argv, envp);
	if (kind == HG_NOTE_RUN)
		note_at(HG_NOTE_RUN_FAILED, AT_FDCWD, path);
	return -1;
}

int
execv(const char *path, char *const argv[])
{
	enum hg_note_kind kind = run_or_absent(path);

	REAL(execv);
	note_run(kind, path);
	real(path, argv);
	if (kind == HG_NOTE_RUN)
		note_at(HG_NOTE_RUN_FAILED, AT_FDCWD, path);
	return -1;
}

/*
 * A name without a slash is searched in PATH by libc, out of our sight: each
 * folder up to the one that has it is noted here.
 */
static void
note_search(enum hg_note_kind kind, const char *file)
{
	const char *list = getenv("PATH");
	char path[PATH_MAX];
	int saved = errno;

	if (!head || strchr(file, '/')) {
		note_run(kind, file);
		return;
	}
	for (const char *p = list ? list : "/bin:/usr/bin"; *p;) {
		int n = (int)strcspn(p, ":");

		snprintf(path, sizeof(path), "%.*s%s%s", n, p, n ? "/" : "",
		    file);
		if (faccessat(AT_FDCWD, path, X_OK, 0) == 0) {
			note_run(kind, path);
			break;
		}
		p += n + (p[n] == ':');
	}
	errno = saved;
}

int
execvp(const char *file, char *const argv[])
{
	REAL(execvp);
	note_search(HG_NOTE_RUN, file);
	real(file, argv);
	note_search(HG_NOTE_RUN_FAILED, file);
	return -1;
}

int
execvpe(const char *file, char *const argv[], char *const envp[])
{
	REAL(execvpe);
	note_search(HG_NOTE_RUN, file);
	real(file, argv, envp);
	note_search(HG_NOTE_RUN_FAILED, file);
	return -1;
}

#define WRAP_SPAWN(name) \
	int name(pid_t *restrict pid, const char *restrict file, \
	    const posix_spawn_file_actions_t *restrict actions, \
	    const posix_spawnattr_t *restrict attr, \
	    char *const argv[restrict], char *const envp[restrict]) \
	{ \
		int rc; \
		REAL(name); \
		note_search(HG_NOTE_RUN, file); \
		rc = real(pid, file, actions, attr, argv, envp); \
		if (rc != 0) \
			note_search(HG_NOTE_RUN_FAILED, file); \
		return rc; \
	}
WRAP_SPAWN(posix_spawn)
WRAP_SPAWN(posix_spawnp)
