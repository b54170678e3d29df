/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-runner is the first process of a container and runs one compile after the
 * other in it, so that a compile costs a fork and not the start of a container.
 * It is called by the worker over a socket that it connects to once; no process
 * of the container can come between. After each call it kills whatever is left.
 * When the worker hangs up it ends, and with it all else: first processes cannot
 * be outlived. It uses the C library alone and is linked statically, because the
 * container's libraries are anybody's.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/runner/message.h"

/* Descriptors of ours lie beyond all that a call may want kept. */
#define OWN_FDS (HG_RUNNER_MAX_KEEP + 1)

/* stdout, stderr, the one that is kept */
#define MAX_PASSED 3

struct call {
	struct hg_runner_call head;
	int fd[MAX_PASSED];
	size_t n_fds;
	char *text;
	const char *cwd;
	char **argv;
	char **env;
};

static _Noreturn void
die(const char *what)
{
	dprintf(STDERR_FILENO, "hg-runner: %s: %s\n", what, strerror(errno));
	_exit(EXIT_FAILURE);
}

/* ---- the socket -------------------------------------------------------- */

static int
connect_to_worker(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd, own;

	errno = ENAMETOOLONG;
	if (n >= sizeof(address.sun_path))
		die(path);
	memcpy(address.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(path);
	own = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FDS);
	if (own < 0)
		die("no descriptor");
	close(fd);
	return own;
}

static void
say_hello(int conn)
{
	struct hg_runner_hello hello = { .magic = HG_RUNNER_HELLO };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec iov = { &hello, sizeof(hello) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		die("cannot open /");
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &root, sizeof(int));
	if (sendmsg(conn, &msg, MSG_NOSIGNAL) != (ssize_t)sizeof(hello))
		die("cannot say hello");
	close(root);
}

/* Reads n bytes; ends the program when the worker has gone. */
static void
read_exactly(int conn, char *to, size_t n)
{
	while (n > 0) {
		ssize_t k = read(conn, to, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			_exit(EXIT_SUCCESS);
		to += k;
		n -= (size_t)k;
	}
}

/* The head with its descriptors. */
static void
receive_head(int conn, struct call *call)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(MAX_PASSED * sizeof(int))];
	} control;
	struct iovec iov = { &call->head, sizeof(call->head) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		_exit(EXIT_SUCCESS);
	read_exactly(conn, (char *)&call->head + n, sizeof(call->head) - (size_t)n);
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len <= CMSG_LEN(sizeof(call->fd))) {
		call->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(call->fd, CMSG_DATA(c), call->n_fds * sizeof(int));
	}
}

static bool
is_sound(const struct call *call)
{
	const struct hg_runner_call *h = &call->head;

	return h->magic == HG_RUNNER_CALL && h->bytes > 0 &&
	    h->bytes <= HG_RUNNER_MAX_BYTES && h->n_argv > 0 &&
	    h->n_argv <= HG_RUNNER_MAX_WORDS &&
	    h->n_env <= HG_RUNNER_MAX_WORDS &&
	    h->keep_fd <= HG_RUNNER_MAX_KEEP &&
	    call->n_fds == (h->keep_fd >= 0 ? 3U : 2U);
}

/* Takes n words off the text; false when it has not so many. */
static bool
take_words(char **at, const char *end, size_t n, char **ret)
{
	for (size_t i = 0; i < n; i++) {
		char *nul = memchr(*at, '\0', (size_t)(end - *at));

		if (!nul)
			return false;
		ret[i] = *at;
		*at = nul + 1;
	}
	return true;
}

static void
receive_call(int conn, struct call *call)
{
	const struct hg_runner_call *h = &call->head;
	char *at, *cwd;

	*call = (struct call){ .n_fds = 0 };
	receive_head(conn, call);
	errno = EBADMSG;
	if (!is_sound(call))
		die("a call is not understood");
	call->text = malloc(h->bytes);
	call->argv = calloc(h->n_argv + 1, sizeof(char *));
	call->env = calloc(h->n_env + 1, sizeof(char *));
	if (!call->text || !call->argv || !call->env)
		die("no memory");
	read_exactly(conn, call->text, h->bytes);
	at = call->text;
	if (!take_words(&at, call->text + h->bytes, 1, &cwd) ||
	    !take_words(&at, call->text + h->bytes, h->n_argv, call->argv) ||
	    !take_words(&at, call->text + h->bytes, h->n_env, call->env))
		die("a call is cut short");
	call->cwd = cwd;
}

static void
release_call(struct call *call)
{
	for (size_t i = 0; i < call->n_fds; i++)
		close(call->fd[i]);
	free(call->text);
	free(call->argv);
	free(call->env);
}

/* ---- the program ------------------------------------------------------- */

/* The descriptor, at a number where nothing is moved onto it. */
static int
out_of_the_way(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, OWN_FDS);
}

static bool
arrange_descriptors(const struct call *call)
{
	int out = out_of_the_way(call->fd[0]);
	int err = out_of_the_way(call->fd[1]);
	int keep = call->n_fds > 2 ? out_of_the_way(call->fd[2]) : -1;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (out < 0 || err < 0 || null < 0 || (call->n_fds > 2 && keep < 0))
		return false;
	return dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0 &&
	    (keep < 0 || dup2(keep, call->head.keep_fd) >= 0);
}

static const char *
path_of(char *const *env)
{
	for (; *env; env++)
		if (strncmp(*env, "PATH=", 5) == 0)
			return *env + 5;
	return "/usr/local/bin:/usr/bin:/bin";
}

/* In the child. Tells errno through the descriptor if it comes back. */
static _Noreturn void
run_program(const struct call *call, int report)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (arrange_descriptors(call) && chdir(call->cwd) == 0) {
		umask(call->head.umask & 0777);
		/* where execvpe() looks */
		setenv("PATH", path_of(call->env), 1);
		execvpe(call->argv[0], call->argv, call->env);
	}
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Takes what has ended; true when pid is among it. */
static bool
reap(pid_t pid, struct hg_runner_reply *reply)
{
	struct rusage usage;
	int status;
	pid_t ended;
	bool found = false;

	while ((ended = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (ended != pid)
			continue;
		found = true;
		reply->status = status;
		reply->cpu_us = (uint64_t)(usage.ru_utime.tv_sec +
				    usage.ru_stime.tv_sec) * 1000000 +
		    (uint64_t)(usage.ru_utime.tv_usec +
			usage.ru_stime.tv_usec);
		reply->peak_rss_kib = (uint64_t)usage.ru_maxrss;
	}
	return found;
}

/* Until the program's end; ends the container when the worker hangs up. */
static void
wait_for(pid_t pid, int conn, int child_fd, struct hg_runner_reply *reply)
{
	struct signalfd_siginfo info;
	struct pollfd p[] = {
		{ .fd = conn, .events = POLLIN | POLLRDHUP },
		{ .fd = child_fd, .events = POLLIN },
	};

	while (!reap(pid, reply)) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			die("cannot wait");
		/* there is nothing to be said before we have answered */
		if (p[0].revents)
			_exit(EXIT_SUCCESS);
		if (p[1].revents && read(child_fd, &info, sizeof(info)) < 0 &&
		    errno != EAGAIN)
			die("cannot wait");
	}
}

/* Nothing of a compile outlives it. */
static void
kill_all_else(void)
{
	kill(-1, SIGKILL);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

static void
run_call(const struct call *call, int conn, int child_fd,
    struct hg_runner_reply *reply)
{
	int report[2];
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		die("no pipe");
	pid = fork();
	if (pid == 0)
		run_program(call, report[1]);
	close(report[1]);
	if (pid < 0)
		reply->error = errno;
	else if (read(report[0], &reply->error, sizeof(reply->error)) < 0)
		die("cannot start a program");
	close(report[0]);
	if (pid > 0)
		wait_for(pid, conn, child_fd, reply);
	kill_all_else();
}

static const char usage[] =
    "usage: hg-runner SOCKET\n"
    "\n"
    "Runs compiles in a container; hg-worker starts it and serves the socket.\n";

int
main(int argc, char **argv)
{
	int conn, child_fd;
	sigset_t child;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("hg-runner " PACKAGE_VERSION) < 0;
	if (argc != 2) {
		fputs(usage, stderr);
		return 64;
	}
	/* compiles run as the same user: they must not get at our descriptors */
	prctl(PR_SET_DUMPABLE, 0);
	umask(0);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (child_fd < 0)
		die("no signals");
	conn = connect_to_worker(argv[1]);
	say_hello(conn);
	for (;;) {
		struct hg_runner_reply reply = { .magic = HG_RUNNER_REPLY };
		struct call call;

		receive_call(conn, &call);
		run_call(&call, conn, child_fd, &reply);
		release_call(&call);
		if (send(conn, &reply, sizeof(reply), MSG_NOSIGNAL) !=
		    (ssize_t)sizeof(reply))
			return EXIT_SUCCESS;
	}
}
