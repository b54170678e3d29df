/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Privileges, limits and namespaces of a sandbox. As root the namespaces are
 * made directly and the program stays root without any capability; anybody else
 * (and a root that was given none, as in many containers) gets a user namespace
 * that maps just the own user and group.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "services/sandbox/confine.h"
#include "services/sandbox/options.h"

#define NAMESPACES \
	(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

void
hg_sandbox_die_with_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		hg_sandbox_die("cannot ask for a signal at the parent's end");
	/* it may have ended before */
	if (getppid() != parent)
		_Exit(HG_SANDBOX_FAILED);
}

static void
write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		hg_sandbox_die("cannot open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		hg_sandbox_die("cannot write %s", path);
	close(fd);
}

void
hg_sandbox_offer_to_oom_killer(void)
{
	static const char more[] = "500";
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t ignored;

	/* a favour to others only, so no failure */
	if (fd < 0)
		return;
	ignored = write(fd, more, sizeof(more) - 1);
	(void)ignored;
	close(fd);
}

void
hg_sandbox_enter_cgroups(const struct hg_strvec *dirs)
{
	for (size_t i = 0; i < dirs->n; i++) {
		char *path = hg_path_join(dirs->v[i], "cgroup.procs");

		/* the process that writes */
		write_proc(path, "0");
		free(path);
	}
}

/* Why the kernel, or who set it up, allows none. */
static _Noreturn void
no_namespaces(void)
{
	switch (errno) {
	case EPERM:
		hg_sandbox_die("the kernel allows no user namespace to this "
			       "user, or none in this container or chroot");
	case ENOSPC:
		hg_sandbox_die("the kernel allows no further namespaces (see "
			       "/proc/sys/user/max_user_namespaces)");
	default:
		hg_sandbox_die("the kernel makes no namespaces");
	}
}

static void
unshare_user(uid_t uid, gid_t gid)
{
	char map[64];

	if (unshare(CLONE_NEWUSER | NAMESPACES) < 0)
		no_namespaces();
	/* without this the kernel allows no map of groups */
	write_proc("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)uid, (unsigned)uid);
	write_proc("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "%u %u 1", (unsigned)gid, (unsigned)gid);
	write_proc("/proc/self/gid_map", map);
}

void
hg_sandbox_unshare(void)
{
	static const char name[] = "localhost";
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid != 0 || unshare(NAMESPACES) < 0) {
		if (uid == 0 && errno != EPERM)
			no_namespaces();
		unshare_user(uid, gid);
	}
	if (sethostname(name, sizeof(name) - 1) < 0)
		hg_sandbox_die("cannot set the host name");
}

void
hg_sandbox_close_descriptors(int keep_fd)
{
	unsigned int first = STDERR_FILENO + 1;

	if (keep_fd >= 0 && fcntl(keep_fd, F_GETFD) < 0)
		hg_sandbox_die("cannot keep descriptor %d", keep_fd);
	if (keep_fd > STDERR_FILENO) {
		if ((unsigned int)keep_fd > first)
			close_range(first, (unsigned int)keep_fd - 1, 0);
		first = (unsigned int)keep_fd + 1;
	}
	if (close_range(first, ~0U, 0) < 0)
		hg_sandbox_die("cannot close descriptors");
}

void
hg_sandbox_set_limits(const uint64_t limit[HG_SANDBOX_LIMIT_COUNT])
{
	static const int resource[] = {
#define HG_LIMIT(name, constant, help) constant,
#include "services/sandbox/limits.def"
	};

	for (size_t i = 0; i < HG_SANDBOX_LIMIT_COUNT; i++) {
		struct rlimit r;

		if (limit[i] == HG_SANDBOX_NO_LIMIT)
			continue;
		if (getrlimit((__rlimit_resource_t)resource[i], &r) < 0)
			hg_sandbox_die("cannot read limit %zu", i);
		if (limit[i] < r.rlim_max)
			r.rlim_max = limit[i];
		r.rlim_cur = r.rlim_max;
		if (setrlimit((__rlimit_resource_t)resource[i], &r) < 0)
			hg_sandbox_die("cannot set limit %zu", i);
	}
}

void
hg_sandbox_drop_privileges(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		hg_sandbox_die("cannot give up new privileges");
	/* root is then a user like any other */
	if (prctl(PR_SET_SECUREBITS,
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
		    SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED) < 0)
		hg_sandbox_die("cannot lock the secure bits");
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0;
	     cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			hg_sandbox_die("cannot drop capability %lu", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		hg_sandbox_die("cannot clear the ambient capabilities");
	if (syscall(SYS_capset, &head, none) < 0)
		hg_sandbox_die("cannot drop the capabilities");
	/* process 1 is not to be read or traced by the program */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		hg_sandbox_die("cannot hide the first process");
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OUR_ARCH AUDIT_ARCH_RISCV64
#endif

/* The bit that marks the numbers of x32. */
#define X32_FIRST 0x40000000U

#define REFUSE(e) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (e))
#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Runs the next instruction only where the loaded word is k. */
#define IF_EQUAL(k) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), 0, 1)

void
hg_sandbox_filter_syscalls(void)
{
#ifdef OUR_ARCH
	/*
	 * Calls of another architecture (32-bit programs) have other numbers
	 * and are not let through. clone3 hides its flags in memory: ENOSYS
	 * makes libc use clone, whose flags can be read here. Sockets are those
	 * of the own network only, but not all families know networks.
	 */
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
		REFUSE(ENOSYS),
		LOAD(nr),
#ifdef __x86_64__
		/* x32 has its own numbers, above all others */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_FIRST, 0, 1),
		REFUSE(ENOSYS),
#endif
#define HG_SYSCALL(name) IF_EQUAL(SYS_##name), REFUSE(EPERM),
#include "services/sandbox/syscalls.def"
		IF_EQUAL(SYS_clone3),
		REFUSE(ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 4),
		LOAD(args[0]),
		IF_EQUAL(AF_UNIX),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		REFUSE(EAFNOSUPPORT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_NEWUSER, 0, 1),
		REFUSE(EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(*code),
		.filter = code,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		hg_sandbox_die("cannot set the filter of system calls");
#endif
}
