/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that outlives the build which happened to start it must not keep
 * anything of it: a pipe held open makes "make | cat" hang, a job server's
 * descriptor steals a job slot, the session's end kills it. So the agent gets a
 * session of its own, /dev/null for its standard streams, "/" as its folder,
 * default signals, and one descriptor: the lock, which passes from launcher to
 * agent without a moment in which nobody holds it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher/agent_start.h"
#include "launcher/detach.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strvec.h"

/* Variables of one build, not of the user: all that begin so are dropped. */
static const char *const dropped[] = {
	"LD_PRELOAD=",
	"MAKE",
	"MFLAGS=",
	"NINJA_",
	"PWD=",
	"OLDPWD=",
};

static bool
is_dropped(const char *var)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++)
		if (strncmp(var, dropped[i], strlen(dropped[i])) == 0)
			return true;
	return false;
}

static void
agent_env(struct hg_strvec *ret)
{
	for (char **e = environ; *e; e++)
		if (!is_dropped(*e))
			hg_strvec_add(ret, *e);
}

_Noreturn static void
become_agent(const char *program, int lock_fd, char **argv, char **env)
{
	hg_detach_signals();
	umask(077);
	if (chdir("/") == 0 && hg_detach_descriptors(lock_fd) == 0)
		execve(program, argv, env);
	_exit(127);
}

/* Forks twice: the agent is nobody's child and leads no terminal. */
static int
detach(const char *program, int lock_fd, char **argv, char **env,
    struct hg_error *err)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return hg_fail_errno(
		    err, HG_UNAVAILABLE, "cannot start %s", program);
	if (pid == 0) {
		setsid();
		if (fork() == 0)
			become_agent(program, lock_fd, argv, env);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int
hg_agent_start(const char *program, const char *lock, const char *socket,
    bool *ret_started, struct hg_error *err)
{
	struct hg_strvec argv = HG_STRVEC_INIT, env = HG_STRVEC_INIT;
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	*ret_started = false;
	if (fd < 0)
		return hg_fail_errno(
		    err, HG_UNAVAILABLE, "cannot open %s", lock);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			rc = hg_fail_errno(
			    err, HG_UNAVAILABLE, "cannot lock %s", lock);
		goto out;
	}
	if (access(program, X_OK) < 0) {
		rc = hg_fail_errno(
		    err, HG_UNAVAILABLE, "cannot start %s", program);
		goto out;
	}
	hg_strvec_add(&argv, program);
	hg_strvec_add(&argv, "--socket");
	hg_strvec_add(&argv, socket);
	hg_strvec_addf(&argv, "--lock-fd=%d", HG_DETACH_FD);
	agent_env(&env);
	rc = detach(program, fd, argv.v, env.v, err);
	*ret_started = rc == 0;
out:
	hg_fd_close(&fd);
	hg_strvec_release(&argv);
	hg_strvec_release(&env);
	return rc;
}
