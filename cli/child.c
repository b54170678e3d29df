/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a command as a shell does: ctrl-C reaches it from the terminal by
 * itself, so we only outlast it. There are no signal handlers; the signals are
 * blocked here (not in the command) and taken by sigtimedwait(), whose timeout
 * is also the clock for progress.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/child.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/path.h"

#define TICK_NS 100000000

static void
watched(sigset_t *set)
{
	static const int signals[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM,
		SIGHUP };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(set, signals[i]);
}

static const char *
env_value(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++) {
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	}
	return NULL;
}

static int
start(char *const *argv, char *const *envp, const sigset_t *mask, pid_t *ret,
    struct hg_error *err)
{
	const char *list = env_value(envp, "PATH");
	char *path = strchr(argv[0], '/') ? hg_xstrdup(argv[0])
					  : hg_path_search(argv[0],
						list ? list : "/usr/bin:/bin");
	posix_spawnattr_t attr;
	int rc;

	if (!path)
		return hg_fail(
		    err, HG_NOTFOUND, "there is no program '%s'", argv[0]);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(ret, path, NULL, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	free(path);
	if (rc == 0)
		return 0;
	errno = rc;
	return hg_fail_errno(err, HG_NOTFOUND, "cannot run '%s'", argv[0]);
}

static int
wait_end(pid_t pid, const sigset_t *set, void (*tick)(void *arg), void *arg)
{
	const struct timespec step = { 0, TICK_NS };
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		siginfo_t info;
		int signo = sigtimedwait(set, &info, &step);

		/* from the terminal, the command has got it too */
		if (signo > 0 && signo != SIGCHLD && info.si_code != SI_KERNEL)
			kill(pid, signo);
		tick(arg);
	}
	tick(arg);
	return status;
}

int
hg_child_run(char *const *argv, char *const *envp, void (*tick)(void *arg),
    void *arg, int *ret_status, struct hg_error *err)
{
	sigset_t set, old;
	pid_t pid;
	int rc;

	watched(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	rc = start(argv, envp, &old, &pid, err);
	if (rc == 0)
		*ret_status = wait_end(pid, &set, tick, arg);
	else
		sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}

static void
die_by(int signo)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(signo, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
}

int
hg_child_leave(int status)
{
	int signo;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	signo = WTERMSIG(status);
	if (signo == SIGINT || signo == SIGTERM || signo == SIGHUP)
		die_by(signo);
	return 128 + signo;
}
