/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-sandbox runs one program apart from this machine. The order of the calls in
 * enter_sandbox() is the security argument: first the namespaces, then the view
 * of files, then the limits, at last the privileges that the former needed.
 *
 * Three processes: the one that was started, which waits outside and passes the
 * status on; process 1 of the new namespace, which reaps orphans and whose end
 * ends all others; and the program itself.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/sandbox/confine.h"
#include "services/sandbox/control.h"
#include "services/sandbox/mounts.h"
#include "services/sandbox/options.h"

static int
status_to_pass_on(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

/* Waits for pid, reaping whatever else ends before it. */
static int
wait_for(pid_t pid)
{
	int status;

	for (;;) {
		pid_t ended = wait(&status);

		if (ended == pid)
			return status_to_pass_on(status);
		if (ended < 0 && errno != EINTR)
			hg_sandbox_die("cannot wait for the program");
	}
}

static pid_t
fork_or_die(const char *what)
{
	pid_t pid = fork();

	if (pid < 0)
		hg_sandbox_die("cannot start %s", what);
	return pid;
}

static void
enter_sandbox(struct hg_sandbox_options *o)
{
	int real_root = hg_sandbox_part_mounts(o->root);

	hg_sandbox_mount_root(o->root, o->scratch_bytes);
	if (o->control >= 0)
		hg_sandbox_receive_command(o);
	hg_sandbox_make_mounts_private(real_root);
	hg_sandbox_mount_dev(o->root);
	hg_sandbox_mount_proc(o->root);
	hg_sandbox_make_tmp(o->root);
	hg_sandbox_mount_tmpfs(o->root, &o->tmpfs);
	hg_sandbox_bind_readonly(o->root, &o->bind_ro);
	hg_sandbox_seal_dev(o->root);
	hg_sandbox_change_root(o->root, real_root);
	hg_sandbox_close_descriptors(o->keep_fd);
	hg_sandbox_set_limits(o->limit);
	hg_sandbox_drop_privileges();
	hg_sandbox_filter_syscalls();
	if (chdir(o->cwd) < 0)
		hg_sandbox_die("cannot enter %s in the sandbox", o->cwd);
	umask(o->umask);
}

static _Noreturn void
run_program(const struct hg_sandbox_options *o)
{
	char *no_env[] = { NULL };

	execve(o->program[0], o->program, o->env.v ? o->env.v : no_env);
	hg_sandbox_die("cannot run %s in the sandbox", o->program[0]);
}

/* Process 1. It ends with the program, and with it all that is left. */
static _Noreturn void
be_first_process(struct hg_sandbox_options *o)
{
	pid_t pid;

	enter_sandbox(o);
	if (o->check)
		_Exit(EXIT_SUCCESS);
	pid = fork_or_die("the program");
	if (pid == 0)
		run_program(o);
	_Exit(wait_for(pid));
}

int
main(int argc, char **argv)
{
	struct hg_sandbox_options options;
	pid_t parent = getppid();
	pid_t pid;

	hg_sandbox_options_parse(&options, argc, argv);
	hg_sandbox_die_with_parent(parent);
	/* files of the sandbox are made with the modes we give */
	umask(0);
	hg_sandbox_offer_to_oom_killer();
	hg_sandbox_enter_cgroups(&options.cgroup);
	hg_sandbox_unshare();
	pid = fork_or_die("the first process");
	if (pid == 0) {
		/* the parent is outside the namespace, and so without number */
		hg_sandbox_die_with_parent(0);
		/* or a signal to its own group would reach us outside */
		setsid();
		be_first_process(&options);
	}
	_Exit(wait_for(pid));
}
