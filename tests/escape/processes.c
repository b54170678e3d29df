/* SPDX-License-Identifier: Apache-2.0 */
/* Seeing, signalling and tracing processes that are not ours. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/pidfd.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/escape/escape.h"

/* The driver, its shell and this: whatever stands in for a compiler. */
#define MAX_SEEN 8

static bool
others_in_proc(const char **ret_how)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int seen = 0;

	(void)ret_how;
	while (d && (e = readdir(d)))
		seen += *e->d_name >= '1' && *e->d_name <= '9';
	if (d)
		closedir(d);
	return d && seen <= MAX_SEEN;
}

/*
 * The numbers of outside mean nothing, or something else, in here: all that is
 * there can be tried.
 */
static bool
signals(const char **ret_how)
{
	pid_t pid = (pid_t)told_number("PID");

	(void)ret_how;
	return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH &&
	    pidfd_open(pid, 0) < 0;
}

/* The group of processes may reach outside, wherever numbers do not. */
static bool
own_group(const char **ret_how)
{
	(void)ret_how;
	return getpgrp() > 0 && getsid(0) > 0;
}

static bool
first_process(const char **ret_how)
{
	(void)ret_how;
	kill(1, SIGKILL);
	kill(1, SIGSTOP);
	kill(1, SIGTERM);
	return kill(1, 0) == 0 && !can_open("/proc/1/mem", 0) &&
	    !can_open("/proc/1/maps", 0) && !can_open("/proc/1/fd/0", 0) &&
	    ptrace(PTRACE_ATTACH, 1, NULL, NULL) < 0 &&
	    ptrace(PTRACE_SEIZE, 1, NULL, NULL) < 0;
}

static bool
memory_of_others(const char **ret_how)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { &byte, 1 };

	(void)ret_how;
	return process_vm_readv(getppid(), &here, 1, &there, 1, 0) < 0 &&
	    process_vm_writev(getppid(), &here, 1, &there, 1, 0) < 0 &&
	    ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0;
}

static bool
schedule_of_others(const char **ret_how)
{
	pid_t pid = (pid_t)told_number("PID");
	cpu_set_t one;

	(void)ret_how;
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return setpriority(PRIO_PROCESS, (id_t)pid, 10) < 0 &&
	    sched_setaffinity(pid, sizeof(one), &one) < 0;
}

static bool
shared_memory(const char **ret_how)
{
	(void)ret_how;
	return shmget((key_t)told_number("SHM_KEY"), 0, 0) < 0;
}

static const struct attempt attempts[] = {
	{ "processes of others cannot be seen", others_in_proc },
	{ "processes of others cannot be signalled", signals },
	{ "the group and session are its own", own_group },
	{ "the sandbox's first process cannot be harmed", first_process },
	{ "memory of other processes cannot be read", memory_of_others },
	{ "the schedule of others cannot be changed", schedule_of_others },
	{ "shared memory of this machine cannot be found", shared_memory },
};

ATTEMPTS(escape_processes, attempts);
