/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the compiler: its stdout and stderr go to memory files (a terminal on
 * stderr is stood in for by a pseudo-terminal of the same size, so that the
 * compiler colours and cuts its lines as it would have), and are passed on when
 * it has ended. Signals that would end us are passed on to it first.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "launcher/job.h"
#include "launcher/run.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/observe/observe.h"

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

int
hg_run_exec(const struct hg_job *job)
{
	const char *path = job->compiler.path;

	if (path)
		execv(path, job->argv);
	else
		errno = ENOENT;
	fprintf(stderr, "hg-launcher: cannot run %s: %s\n",
	    path ? path : job->argv[0], strerror(errno));
	return errno == ENOENT ? 127 : 126;
}

/* ---- catching output --------------------------------------------------- */

struct catch {
	int out;
	int err;
	/* our side of the pseudo-terminal, or -1 */
	int master;
};

/* A pseudo-terminal like the one on our stderr: the child's side, or -1. */
static int
open_terminal(int *ret_master)
{
	struct winsize size;
	struct termios t;
	char name[64];
	int slave, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0)
		return -1;
	if (grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0) {
		close(master);
		return -1;
	}
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0) {
		close(master);
		return -1;
	}
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(slave, TIOCSWINSZ, &size);
	/* bytes as written: the real terminal does what is to be done */
	if (tcgetattr(slave, &t) == 0) {
		cfmakeraw(&t);
		tcsetattr(slave, TCSANOW, &t);
	}
	*ret_master = master;
	return slave;
}

static int
catch_open(const struct hg_job *job, struct catch *c, struct hg_error *err)
{
	c->master = -1;
	c->out = memfd_create("hg-stdout", MFD_CLOEXEC);
	c->err = job->tty ? open_terminal(&c->master)
			  : memfd_create("hg-stderr", MFD_CLOEXEC);
	if (c->out >= 0 && c->err >= 0)
		return 0;
	return hg_fail_errno(err, HG_IO, "cannot catch the compiler's output");
}

static void
catch_close(struct catch *c)
{
	hg_fd_close(&c->out);
	hg_fd_close(&c->err);
	hg_fd_close(&c->master);
}

static void
take_file(int fd, struct hg_strbuf *ret)
{
	lseek(fd, 0, SEEK_SET);
	(void)!hg_read_fd(fd, HG_MAX_FILE_BYTES, ret, NULL);
}

/* What is ready on the pseudo-terminal now. */
static void
take_terminal(int master, struct hg_strbuf *ret)
{
	struct pollfd p = { .fd = master, .events = POLLIN };

	while (poll(&p, 1, 0) == 1 && (p.revents & POLLIN)) {
		ssize_t k;

		hg_strbuf_grow(ret, 4096);
		k = read(master, ret->buf + ret->len, 4096);
		if (k <= 0)
			return;
		hg_strbuf_setlen(ret, ret->len + (size_t)k);
	}
}

/* ---- waiting ----------------------------------------------------------- */

static void
set_default(int sig)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(sig, &action, NULL);
}

static void
signals_of_interest(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(ret, passed_on[i]);
}

static void
wait_for(pid_t pid, const sigset_t *set, int master, struct hg_run *ret)
{
	/* with a terminal to empty, look at it often */
	struct timespec tick = { 0, 20 * 1000 * 1000 };

	for (;;) {
		int sig;

		if (waitpid(pid, &ret->status, WNOHANG) != 0)
			return;
		if (master >= 0) {
			take_terminal(master, &ret->err);
			sig = sigtimedwait(set, NULL, &tick);
		} else {
			sig = sigwaitinfo(set, NULL);
		}
		if (sig > 0 && sig != SIGCHLD) {
			ret->signal = sig;
			kill(pid, sig);
		}
	}
}

static int
start(const struct hg_job *job, struct hg_observe *o, const struct catch *c,
    const sigset_t *old, pid_t *ret_pid)
{
	struct hg_strvec env = HG_STRVEC_INIT;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, c->out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, c->err, STDERR_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, old);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (o) {
		hg_observe_set_program(o, job->compiler.path);
		hg_observe_env(o, (const char *const *)environ, &env);
		posix_spawn_file_actions_adddup2(
		    &actions, hg_observe_fd(o), hg_observe_fd(o));
	}
	rc = posix_spawn(ret_pid, job->compiler.path, &actions, &attr,
	    job->argv, o ? env.v : environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	hg_strvec_release(&env);
	return rc;
}

int
hg_run_captured(const struct hg_job *job, struct hg_observe *o,
    struct hg_run *ret, struct hg_error *err)
{
	uint64_t began = hg_now_ns();
	struct catch c;
	sigset_t set, old;
	pid_t pid;
	int rc;

	memset(ret, 0, sizeof(*ret));
	hg_strbuf_init(&ret->out);
	hg_strbuf_init(&ret->err);
	rc = catch_open(job, &c, err);
	if (rc)
		goto out;
	set_default(SIGCHLD);
	signals_of_interest(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	errno = start(job, o, &c, &old, &pid);
	if (errno) {
		rc = hg_fail_errno(
		    err, HG_NOCOMPILER, "cannot run %s", job->compiler.path);
	} else {
		if (c.master >= 0)
			hg_fd_close(&c.err);
		wait_for(pid, &set, c.master, ret);
		take_file(c.out, &ret->out);
		if (c.master >= 0)
			take_terminal(c.master, &ret->err);
		else
			take_file(c.err, &ret->err);
		(void)!hg_write_all(
		    STDOUT_FILENO, ret->out.buf, ret->out.len, NULL);
		(void)!hg_write_all(
		    STDERR_FILENO, ret->err.buf, ret->err.len, NULL);
	}
	ret->wall_us = (hg_now_ns() - began) / 1000;
	sigprocmask(SIG_SETMASK, &old, NULL);
out:
	catch_close(&c);
	return rc;
}

void
hg_run_release(struct hg_run *run)
{
	hg_strbuf_release(&run->out);
	hg_strbuf_release(&run->err);
}

void
hg_run_raise(const struct hg_run *run)
{
	int sig = run->signal;

	if (sig == 0 && WIFSIGNALED(run->status))
		sig = WTERMSIG(run->status);
	if (sig != 0) {
		set_default(sig);
		raise(sig);
	}
}
