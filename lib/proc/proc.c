/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running another program to its end. The child leads its own process group and
 * is watched through a pidfd, so that one poll() covers its output, its end, the
 * time limit and the caller's change of mind. The group is killed while its
 * leader is still a zombie: until then its number cannot be anybody else's. What
 * a left-over process still holds open is therefore never waited for.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"

/* Read at once from a pipe: what a Linux pipe holds. */
#define CHUNK_BYTES 65536

/* Chunks to look for after the end; one would do for a pipe of usual size. */
#define REST_CHUNKS 16

/* How often the child is looked at where the kernel has no pidfd. */
#define TICK_MS 10

/* One output of the child and what was kept of it. */
struct stream {
	int fd;
	struct hg_strbuf *kept;
};

struct hg_proc {
	/* what of the spec is needed after the start */
	size_t max_capture_bytes;
	uint64_t timeout_ns;
	int cancel_fd;

	struct hg_proc_result *result;
	struct stream stream[2];
	pid_t pid;
	int pid_fd;
	/* of the wait */
	uint64_t started_ns;
};

/* A pipe whose ends are clear of 0, 1 and 2, which the child gets anew. */
static int
open_pipe(int ret[2], struct hg_error *err)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return hg_fail_errno(err, HG_EXHAUSTED, "cannot open a pipe");
	for (int i = 0; i < 2; i++) {
		ret[i] = fd[i];
		if (fd[i] > STDERR_FILENO)
			continue;
		ret[i] = fcntl(fd[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		hg_fd_close(&fd[i]);
	}
	if (ret[0] < 0 || ret[1] < 0) {
		hg_fd_close(&ret[0]);
		hg_fd_close(&ret[1]);
		return hg_fail_errno(err, HG_EXHAUSTED, "cannot open a pipe");
	}
	return 0;
}

static int
add_file_actions(posix_spawn_file_actions_t *actions,
    const struct hg_proc_spec *spec, int out, int err_out)
{
	int e;

	if (spec->stdin_fd >= 0)
		e = posix_spawn_file_actions_adddup2(
		    actions, spec->stdin_fd, STDIN_FILENO);
	else
		e = posix_spawn_file_actions_addopen(
		    actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(
		    actions, out, STDOUT_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(
		    actions, err_out, STDERR_FILENO);
	/* to itself: glibc then clears close-on-exec in the child alone */
	if (e == 0 && spec->pass_fd >= 0)
		e = posix_spawn_file_actions_adddup2(
		    actions, spec->pass_fd, spec->pass_fd);
	if (e == 0 && spec->cwd)
		e = posix_spawn_file_actions_addchdir_np(actions, spec->cwd);
	return e;
}

/*
 * An own group, no signal blocked, and SIGPIPE, which services ignore, back. What
 * else is ignored (SIGHUP under nohup) stays so.
 */
static int
set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, pipe_only;
	int e;

	sigemptyset(&none);
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	e = posix_spawnattr_setflags(attr,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF);
	if (e == 0)
		e = posix_spawnattr_setpgroup(attr, 0);
	if (e == 0)
		e = posix_spawnattr_setsigmask(attr, &none);
	if (e == 0)
		e = posix_spawnattr_setsigdefault(attr, &pipe_only);
	return e;
}

/* The kernel's answer to an exec does not tell the program from the folder. */
static int
spawn_failed(const struct hg_proc_spec *spec, int e, struct hg_error *err)
{
	errno = e;
	if (spec->cwd && access(spec->cwd, X_OK) < 0)
		return hg_fail_errno(err, HG_IO,
		    "cannot run %s in folder %s", spec->argv[0], spec->cwd);
	errno = e;
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return hg_fail_errno(
		    err, HG_NOTFOUND, "cannot run %s", spec->argv[0]);
	case EACCES:
	case EPERM:
	case ENOEXEC:
		return hg_fail_errno(
		    err, HG_DENIED, "cannot run %s", spec->argv[0]);
	case E2BIG:
		return hg_fail_errno(
		    err, HG_TOOBIG, "cannot run %s", spec->argv[0]);
	default:
		return hg_fail_errno(
		    err, HG_EXHAUSTED, "cannot run %s", spec->argv[0]);
	}
}

static int
spawn(struct hg_proc *run, const struct hg_proc_spec *spec, int out,
    int err_out, struct hg_error *err)
{
	struct hg_strvec argv = HG_STRVEC_INIT;
	struct hg_strvec envp = HG_STRVEC_INIT;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int e;

	/* copies, as posix_spawn takes strings that are not const */
	hg_strvec_add_all(&argv, spec->argv);
	if (spec->envp)
		hg_strvec_add_all(&envp, spec->envp);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	e = add_file_actions(&actions, spec, out, err_out);
	if (e == 0)
		e = set_attributes(&attr);
	if (e == 0)
		e = posix_spawnp(&run->pid, argv.v[0], &actions, &attr,
		    argv.v, spec->envp ? envp.v : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	hg_strvec_release(&envp);
	hg_strvec_release(&argv);
	return e ? spawn_failed(spec, e, err) : 0;
}

/* Opens the pipes and starts the child; on an error nothing is left open. */
static int
start(
    struct hg_proc *run, const struct hg_proc_spec *spec, struct hg_error *err)
{
	int out[2] = { -1, -1 };
	int err_out[2] = { -1, -1 };
	int rc = open_pipe(out, err);

	if (rc == 0)
		rc = open_pipe(err_out, err);
	if (rc == 0)
		rc = spawn(run, spec, out[1], err_out[1], err);
	hg_fd_close(&out[1]);
	hg_fd_close(&err_out[1]);
	if (rc) {
		hg_fd_close(&out[0]);
		hg_fd_close(&err_out[0]);
		return rc;
	}
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err_out[0], F_SETFL, O_NONBLOCK);
	run->stream[0].fd = out[0];
	run->stream[1].fd = err_out[0];
	run->pid_fd = pidfd_open(run->pid, 0);
	return 0;
}

/* Takes one chunk; false when there is nothing more to take now. */
static bool
take(struct hg_proc *run, struct stream *s)
{
	size_t max = run->max_capture_bytes;
	char buf[CHUNK_BYTES];
	size_t n, room;
	ssize_t k;

	do
		k = read(s->fd, buf, sizeof(buf));
	while (k < 0 && errno == EINTR);
	if (k < 0 && errno == EAGAIN)
		return false;
	if (k <= 0) {
		hg_fd_close(&s->fd);
		return false;
	}
	n = (size_t)k;
	room = max > s->kept->len ? max - s->kept->len : 0;
	if (n > room)
		run->result->truncated = true;
	hg_strbuf_add(s->kept, buf, n < room ? n : room);
	return true;
}

/* Milliseconds until the limit, for poll(): 0 when it has passed. */
static int
poll_time(const struct hg_proc *run)
{
	uint64_t limit = run->timeout_ns;
	uint64_t gone, left_ms;
	int most = run->pid_fd < 0 ? TICK_MS : -1;

	if (limit == 0)
		return most;
	gone = hg_now_ns() - run->started_ns;
	if (gone >= limit)
		return 0;
	left_ms = (limit - gone + HG_NS_PER_MS - 1) / HG_NS_PER_MS;
	if (left_ms > 60000)
		left_ms = 60000;
	return most >= 0 && left_ms > (uint64_t)most ? most : (int)left_ms;
}

static bool
time_is_up(const struct hg_proc *run)
{
	return run->timeout_ns > 0 &&
	    hg_now_ns() - run->started_ns >= run->timeout_ns;
}

/* Has the child ended? It stays a zombie. */
static bool
has_ended(const struct hg_proc *run)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)run->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == run->pid;
}

/* Collects output until the child ends or is to be ended. */
static void
watch(struct hg_proc *run)
{
	enum { OUT, ERR, CHILD, CANCEL, COUNT };

	for (;;) {
		/* poll() passes over negative descriptors */
		struct pollfd p[COUNT] = {
			[OUT] = { .fd = run->stream[0].fd, .events = POLLIN },
			[ERR] = { .fd = run->stream[1].fd, .events = POLLIN },
			[CHILD] = { .fd = run->pid_fd, .events = POLLIN },
			[CANCEL] = { .fd = run->cancel_fd,
			    .events = POLLIN },
		};
		int n = poll(p, COUNT, poll_time(run));

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		for (int i = OUT; n > 0 && i <= ERR; i++)
			if (p[i].revents)
				take(run, &run->stream[i]);
		if (has_ended(run))
			return;
		if (n > 0 && p[CANCEL].revents) {
			run->result->end = HG_PROC_CANCELLED;
			return;
		}
		if (time_is_up(run)) {
			run->result->end = HG_PROC_TIMED_OUT;
			return;
		}
	}
}

static uint64_t
timeval_ns(const struct timeval *tv)
{
	return (uint64_t)tv->tv_sec * HG_NS_PER_SEC +
	    (uint64_t)tv->tv_usec * 1000;
}

/*
 * What the child wrote before its end is in the pipes by now. Bounded, as a
 * process that left the group may still be writing.
 */
static void
take_rest(struct hg_proc *run, struct stream *s)
{
	for (int i = 0; i < REST_CHUNKS && s->fd >= 0; i++)
		if (!take(run, s))
			break;
	hg_fd_close(&s->fd);
}

/* Ends the group, then its leader's life as a zombie. */
static void
reap(struct hg_proc *run)
{
	struct hg_proc_result *r = run->result;
	struct rusage usage = { 0 };
	siginfo_t info;
	int status = 0;

	kill(-run->pid, SIGKILL);
	/* should it have left its group */
	kill(run->pid, SIGKILL);
	while (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOWAIT) < 0 &&
	    errno == EINTR)
		;
	/* those that the leader started while it was being killed */
	kill(-run->pid, SIGKILL);
	while (wait4(run->pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		r->signal = WTERMSIG(status);
		r->status = 128 + r->signal;
		if (r->end == HG_PROC_EXITED)
			r->end = HG_PROC_SIGNALLED;
	} else {
		r->status = WEXITSTATUS(status);
	}
	r->cpu_ns = timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
	r->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
	r->wall_ns = hg_now_ns() - run->started_ns;
}

void
hg_proc_limit(struct hg_proc *run, uint64_t timeout_ns, int cancel_fd)
{
	run->timeout_ns = timeout_ns;
	run->cancel_fd = cancel_fd;
	run->started_ns = hg_now_ns();
}

static void
init_result(struct hg_proc_result *r)
{
	*r = (struct hg_proc_result){ .end = HG_PROC_EXITED };
	hg_strbuf_init(&r->out);
	hg_strbuf_init(&r->err);
}

static int
begin(
    struct hg_proc *run, const struct hg_proc_spec *spec, struct hg_error *err)
{
	*run = (struct hg_proc){
		.max_capture_bytes = spec->max_capture_bytes,
		.stream = { { -1, NULL }, { -1, NULL } },
		.pid_fd = -1,
	};
	hg_proc_limit(run, spec->timeout_ns, spec->cancel_fd);
	return start(run, spec, err);
}

/* Fills ret, which was initialised. */
static void
complete(struct hg_proc *run, struct hg_proc_result *ret)
{
	run->result = ret;
	run->stream[0].kept = &ret->out;
	run->stream[1].kept = &ret->err;
	watch(run);
	reap(run);
	for (int i = 0; i < 2; i++)
		take_rest(run, &run->stream[i]);
	hg_fd_close(&run->pid_fd);
}

int
hg_proc_start(const struct hg_proc_spec *spec, struct hg_proc **ret,
    struct hg_error *err)
{
	struct hg_proc *run = hg_xmalloc(sizeof(*run));
	int rc = begin(run, spec, err);

	if (rc)
		free(run);
	else
		*ret = run;
	return rc;
}

void
hg_proc_finish(struct hg_proc *run, struct hg_proc_result *ret)
{
	init_result(ret);
	complete(run, ret);
	free(run);
}

int
hg_proc_run(const struct hg_proc_spec *spec, struct hg_proc_result *ret,
    struct hg_error *err)
{
	struct hg_proc run;
	int rc;

	init_result(ret);
	rc = begin(&run, spec, err);
	if (rc == 0)
		complete(&run, ret);
	return rc;
}

void
hg_proc_result_release(struct hg_proc_result *r)
{
	hg_strbuf_release(&r->out);
	hg_strbuf_release(&r->err);
}
