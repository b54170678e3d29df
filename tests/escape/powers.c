/* SPDX-License-Identifier: Apache-2.0 */
/* Gaining privileges, and reaching parts of the kernel that no compiler needs. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/escape/escape.h"

static bool
no_new_privileges(const char **ret_how)
{
	(void)ret_how;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0;
}

static bool
capabilities(const char **ret_how)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct have[2] = { 0 };
	struct __user_cap_data_struct all[2] = {
		{ ~0U, ~0U, ~0U },
		{ ~0U, ~0U, ~0U },
	};

	(void)ret_how;
	if (syscall(SYS_capget, &head, have) < 0 || have[0].effective ||
	    have[0].permitted || have[0].inheritable || have[1].permitted)
		return false;
	if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
		return false;
	return syscall(SYS_capset, &head, all) < 0;
}

static bool
other_users(const char **ret_how)
{
	gid_t group = 0;
	uid_t other = getuid() == 0 ? 1 : 0;

	(void)ret_how;
	return setuid(other) < 0 && setgid(getgid() == 0 ? 1 : 0) < 0 &&
	    setgroups(1, &group) < 0 && chown("/tmp", other, 0) < 0;
}

static bool
namespaces(const char **ret_how)
{
	static const int flags[] = {
		CLONE_NEWUSER,
		CLONE_NEWNS,
		CLONE_NEWPID,
		CLONE_NEWNET,
		CLONE_NEWIPC,
		CLONE_NEWUTS,
		CLONE_NEWCGROUP,
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		long pid;

		if (unshare(flags[i]) == 0) {
			*ret_how = "unshare";
			return false;
		}
		pid = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(0);
		if (pid > 0) {
			waitpid((pid_t)pid, NULL, 0);
			*ret_how = "clone";
			return false;
		}
	}
	return true;
}

/* Its flags cannot be seen by a filter. */
static bool
clone3_is_not_there(const char **ret_how)
{
	uint64_t args[11] = { CLONE_NEWUSER, [4] = SIGCHLD };

	(void)ret_how;
	return syscall(SYS_clone3, args, sizeof(args)) < 0 && errno == ENOSYS;
}

static bool
mounts(const char **ret_how)
{
	(void)ret_how;
	return mount("x", "/tmp", "tmpfs", 0, NULL) < 0 &&
	    mount(NULL, "/usr/bin", NULL, MS_REMOUNT | MS_BIND, NULL) < 0 &&
	    umount2("/proc", MNT_DETACH) < 0 &&
	    umount2("/dev/null", MNT_DETACH) < 0;
}

static bool
refused_calls(const char **ret_how)
{
	static const struct {
		long number;
		const char *name;
	} calls[] = {
#define HG_SYSCALL(name) { SYS_##name, #name },
#include "services/sandbox/syscalls.def"
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		/* arguments that would be wrong, were it let through */
		errno = 0;
		if (syscall(calls[i].number, -1L, -1L, -1L, -1L, -1L, -1L) <
			0 &&
		    errno == EPERM)
			continue;
		*ret_how = calls[i].name;
		return false;
	}
	return true;
}

/* Calls of other architectures have other numbers. */
static bool
other_numbers(const char **ret_how)
{
#if defined(__x86_64__)
	long r;

	/* x32: getpid() */
	if (syscall(0x40000000L + SYS_getpid) >= 0) {
		*ret_how = "x32";
		return false;
	}
	/* i386: getpid() */
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory");
	if ((int)r >= 0) {
		*ret_how = "i386";
		return false;
	}
#endif
	(void)ret_how;
	return true;
}

static bool
priorities(const char **ret_how)
{
	const struct sched_param first = { .sched_priority = 1 };

	(void)ret_how;
	return setpriority(PRIO_PROCESS, 0, -20) < 0 &&
	    sched_setscheduler(0, SCHED_FIFO, &first) < 0;
}

static bool
limits(const char **ret_how)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	(void)ret_how;
	return setrlimit(RLIMIT_CORE, &none) < 0 &&
	    setrlimit(RLIMIT_NOFILE, &none) < 0 &&
	    setrlimit(RLIMIT_FSIZE, &none) < 0;
}

static bool
names_and_clock(const char **ret_how)
{
	const struct timespec then = { .tv_sec = 1 };

	(void)ret_how;
	return sethostname("x", 1) < 0 && setdomainname("x", 1) < 0 &&
	    clock_settime(CLOCK_REALTIME, &then) < 0;
}

static const struct attempt attempts[] = {
	{ "no program gives new privileges", no_new_privileges },
	{ "there are no capabilities", capabilities },
	{ "it cannot become another user", other_users },
	{ "no namespaces can be made", namespaces },
	{ "clone3 is not there", clone3_is_not_there },
	{ "nothing can be mounted or unmounted", mounts },
	{ "system calls that no compiler needs are refused", refused_calls },
	{ "other numbers of system calls are refused", other_numbers },
	{ "priorities cannot be raised", priorities },
	{ "limits cannot be raised", limits },
	{ "names and clock cannot be set", names_and_clock },
};

ATTEMPTS(escape_powers, attempts);
