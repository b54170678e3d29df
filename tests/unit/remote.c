/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher's client of the agent, against agents that behave and agents
 * that do not. An agent here is a thread with a script of what to send.
 */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "launcher/agent_start.h"
#include "launcher/remote.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/agent_msg.h"
#include "tests/lib/unit.h"

enum fake {
	ANSWERS,
	SAYS_LOCAL,
	BEATS_THEN_ANSWERS,
	BEATS_FOR_EVER,
	FREEZES,
	FREEZES_IN_REPLY,
	DIES,
	DIES_BUT_COMES_BACK,
	SENDS_GARBAGE,
	SENDS_HUGE_FRAME,
	WRONG_VERSION,
	ANSWERS_UNASKED,
};

struct world {
	char dir[32];
	struct hg_remote_options options;
	char *socket;
	char *stamp;
	pthread_t thread;
	int listener;
	enum fake fake;
	uint64_t delay_ns;
};

static void
nap(uint64_t ns)
{
	struct timespec t = { (time_t)(ns / HG_NS_PER_SEC),
		(long)(ns % HG_NS_PER_SEC) };

	nanosleep(&t, NULL);
}

static void
send_reply(int fd, const char *local_reason)
{
	struct hg_strbuf body = HG_STRBUF_INIT;
	char reason[32], detail[] = "because";
	struct hg_agent_reply reply = {
		.local_reason = reason,
		.detail = detail,
		.exit_code = 7,
	};

	snprintf(reason, sizeof(reason), "%s", local_reason);
	hg_agent_reply_pack(&reply, &body);
	hg_agent_send(fd, &body, NULL);
	hg_strbuf_release(&body);
}

static void
beat(int fd, int times)
{
	struct hg_strbuf none = HG_STRBUF_INIT;

	for (int i = 0; i < times; i++) {
		if (hg_agent_send(fd, &none, NULL))
			return;
		nap(100 * HG_NS_PER_MS);
	}
}

/* Until the launcher has closed its end. */
static void
wait_for_end(int fd)
{
	char c;

	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void
play(enum fake fake, int fd)
{
	/* a reply of version 99: field 1 */
	static const char version[] = { 2, 0, 0, 0, 0x08, 99 };
	static const char garbage[] = { 4, 0, 0, 0, 'x', 'x', 'x', 'x' };
	static const char huge[] = { 0, 0, 0, (char)0xff };
	static const char cut[] = { 100, 0, 0, 0, 8 };
	struct hg_strbuf body = HG_STRBUF_INIT;

	if (fake != ANSWERS_UNASKED)
		hg_agent_receive(fd, 1 << 20, 0, &body, NULL);
	hg_strbuf_release(&body);
	switch (fake) {
	case BEATS_THEN_ANSWERS:
		beat(fd, 8);
		send_reply(fd, "");
		break;
	case ANSWERS:
	case ANSWERS_UNASKED:
		send_reply(fd, "");
		break;
	case SAYS_LOCAL:
		send_reply(fd, "queue_full");
		break;
	case BEATS_FOR_EVER:
		beat(fd, 1000);
		break;
	case FREEZES:
		wait_for_end(fd);
		break;
	case FREEZES_IN_REPLY:
		send(fd, cut, sizeof(cut), MSG_NOSIGNAL);
		wait_for_end(fd);
		break;
	case DIES:
	case DIES_BUT_COMES_BACK:
		break;
	case SENDS_GARBAGE:
		send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL);
		break;
	case SENDS_HUGE_FRAME:
		send(fd, huge, sizeof(huge), MSG_NOSIGNAL);
		wait_for_end(fd);
		break;
	case WRONG_VERSION:
		send(fd, version, sizeof(version), MSG_NOSIGNAL);
		break;
	}
}

static void
start_listening(struct world *w)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, w->socket, strlen(w->socket) + 1);
	w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    bind(w->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(w->listener, 5), 0);
}

static void *
agent_main(void *arg)
{
	struct world *w = arg;
	int fd;

	if (w->delay_ns) {
		nap(w->delay_ns);
		start_listening(w);
	}
	fd = accept(w->listener, NULL, NULL);
	if (w->fake == DIES)
		hg_fd_close(&w->listener);
	play(w->fake, fd);
	close(fd);
	if (w->fake != DIES_BUT_COMES_BACK)
		return NULL;
	fd = accept(w->listener, NULL, NULL);
	play(ANSWERS, fd);
	close(fd);
	return NULL;
}

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "/tmp/hgremoteXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	w->options = (struct hg_remote_options)HG_REMOTE_OPTIONS_INIT;
	w->options.folder = w->dir;
	w->options.connect_wait_ns = 600 * HG_NS_PER_MS;
	w->options.silence_ns = 400 * HG_NS_PER_MS;
	w->socket = hg_path_join(w->dir, "agent.sock");
	w->stamp = hg_path_join(w->dir, "agent.down");
	w->listener = -1;
}

static void
world_start(struct world *w, enum fake fake, uint64_t delay_ns)
{
	world_init(w);
	w->fake = fake;
	w->delay_ns = delay_ns;
	if (!delay_ns)
		start_listening(w);
	ck_assert_int_eq(pthread_create(&w->thread, NULL, agent_main, w), 0);
}

static void
world_release(struct world *w)
{
	if (w->thread)
		pthread_join(w->thread, NULL);
	hg_fd_close(&w->listener);
	ck_assert_int_eq(hg_remove_tree(w->dir, NULL), 0);
	free(w->socket);
	free(w->stamp);
}

static int
compile(struct world *w, uint32_t timeout_ms, enum hg_reason *ret_reason)
{
	char compiler[] = "/usr/bin/cc", cwd[] = "/", source[] = "a.c";
	char coordinator[] = "127.0.0.1:1";
	struct hg_agent_request request = {
		.kind = HG_AGENT_COMPILE,
		.compiler = compiler,
		.cwd = cwd,
		.source = source,
		.coordinator = coordinator,
		.timeout_ms = timeout_ms,
	};
	struct hg_agent_reply *reply = NULL;
	struct hg_error err = { 0 };
	int rc =
	    hg_remote_compile(&w->options, &request, &reply, ret_reason, &err);

	if (rc == 0) {
		ck_assert_int_eq(reply->exit_code, 7);
		hg_agent_reply_free(reply);
	} else {
		ck_assert_str_ne(err.text, "");
	}
	return rc;
}

static bool
has_stamp(const struct world *w)
{
	return access(w->stamp, F_OK) == 0;
}

/* One compile with such an agent; its reason, and whether there is a stamp. */
static enum hg_reason
reason_with(enum fake fake, bool *ret_stamp)
{
	enum hg_reason reason;
	struct world w;

	world_start(&w, fake, 0);
	compile(&w, 1000, &reason);
	*ret_stamp = has_stamp(&w);
	world_release(&w);
	return reason;
}

START_TEST(takes_the_agents_result)
{
	bool stamp;

	ck_assert_int_eq(reason_with(ANSWERS, &stamp), HG_REASON_remote);
	ck_assert(!stamp);
	/* an agent that is full answers before it has read */
	ck_assert_int_eq(
	    reason_with(ANSWERS_UNASKED, &stamp), HG_REASON_remote);
}
END_TEST

START_TEST(passes_the_agents_reason_on)
{
	bool stamp;

	ck_assert_int_eq(reason_with(SAYS_LOCAL, &stamp), HG_REASON_queue_full);
	ck_assert(!stamp);
}
END_TEST

START_TEST(signs_of_life_keep_it_waiting)
{
	bool stamp;

	ck_assert_int_eq(
	    reason_with(BEATS_THEN_ANSWERS, &stamp), HG_REASON_remote);
	ck_assert(!stamp);
}
END_TEST

START_TEST(a_dead_agent_is_noticed_at_once)
{
	uint64_t start = hg_now_ns();
	bool stamp;

	ck_assert_int_eq(reason_with(DIES, &stamp), HG_REASON_no_agent);
	/* the next launcher starts another one */
	ck_assert(!stamp);
	ck_assert_uint_lt(hg_now_ns() - start, 300 * HG_NS_PER_MS);
}
END_TEST

START_TEST(an_agent_that_left_just_now_is_asked_again)
{
	bool stamp;

	ck_assert_int_eq(
	    reason_with(DIES_BUT_COMES_BACK, &stamp), HG_REASON_remote);
	ck_assert(!stamp);
}
END_TEST

START_TEST(a_broken_agent_leaves_a_stamp)
{
	static const enum fake fakes[] = { FREEZES, FREEZES_IN_REPLY,
		SENDS_GARBAGE, SENDS_HUGE_FRAME, WRONG_VERSION };

	for (size_t i = 0; i < sizeof(fakes) / sizeof(*fakes); i++) {
		uint64_t start = hg_now_ns();
		bool stamp;

		ck_assert_msg(
		    reason_with(fakes[i], &stamp) == HG_REASON_no_agent,
		    "fake %d", fakes[i]);
		ck_assert_msg(stamp, "fake %d", fakes[i]);
		ck_assert_uint_lt(hg_now_ns() - start, 2 * HG_NS_PER_SEC);
	}
}
END_TEST

START_TEST(a_stamp_keeps_others_from_waiting)
{
	struct timespec old[2] = { { 0, 0 }, { 0, 0 } };
	enum hg_reason reason;
	uint64_t start;
	struct world w;

	world_start(&w, ANSWERS, 0);
	ck_assert_int_eq(hg_write_file_atomic(w.stamp, "", 0, 0600, NULL), 0);
	start = hg_now_ns();
	compile(&w, 1000, &reason);
	ck_assert_int_eq(reason, HG_REASON_no_agent);
	ck_assert_uint_lt(hg_now_ns() - start, 100 * HG_NS_PER_MS);
	/* not for ever */
	old[1].tv_sec = time(NULL) - 31;
	ck_assert_int_eq(utimensat(AT_FDCWD, w.stamp, old, 0), 0);
	ck_assert_int_eq(compile(&w, 1000, &reason), 0);
	world_release(&w);
}
END_TEST

static void *
stamp_soon(void *arg)
{
	struct world *w = arg;

	nap(200 * HG_NS_PER_MS);
	hg_write_file_atomic(w->stamp, "", 0, 0600, NULL);
	return NULL;
}

START_TEST(a_stamp_ends_the_wait_of_others)
{
	enum hg_reason reason;
	pthread_t thread;
	struct world w;
	uint64_t start;

	world_start(&w, FREEZES, 0);
	w.options.silence_ns = 20 * HG_NS_PER_SEC;
	pthread_create(&thread, NULL, stamp_soon, &w);
	start = hg_now_ns();
	compile(&w, 60000, &reason);
	ck_assert_int_eq(reason, HG_REASON_no_agent);
	ck_assert_uint_lt(hg_now_ns() - start, 2 * HG_NS_PER_SEC);
	pthread_join(thread, NULL);
	world_release(&w);
}
END_TEST

START_TEST(signs_of_life_do_not_keep_it_for_ever)
{
	enum hg_reason reason;
	struct world w;

	world_start(&w, BEATS_FOR_EVER, 0);
	w.options.grace_ns = 500 * HG_NS_PER_MS;
	compile(&w, 1, &reason);
	ck_assert_int_eq(reason, HG_REASON_remote_timeout);
	ck_assert(!has_stamp(&w));
	world_release(&w);
}
END_TEST

START_TEST(without_agent_and_program_it_does_not_wait)
{
	enum hg_reason reason;
	struct world w;
	uint64_t start = hg_now_ns();

	world_init(&w);
	compile(&w, 1000, &reason);
	ck_assert_int_eq(reason, HG_REASON_no_agent);
	ck_assert_uint_lt(hg_now_ns() - start, 100 * HG_NS_PER_MS);
	world_release(&w);
}
END_TEST

START_TEST(waits_for_an_agent_that_another_starts)
{
	enum hg_reason reason;
	struct world w;
	char *lock;
	int fd;

	world_start(&w, ANSWERS, 200 * HG_NS_PER_MS);
	w.options.agent = "/bin/false";
	w.options.connect_wait_ns = 5 * HG_NS_PER_SEC;
	lock = hg_path_join(w.dir, "agent.lock");
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(compile(&w, 1000, &reason), 0);
	close(fd);
	free(lock);
	world_release(&w);
}
END_TEST

START_TEST(a_program_that_does_not_serve_costs_one_wait)
{
	static const char *const programs[] = { "/bin/false", "/no/such" };

	for (size_t i = 0; i < 2; i++) {
		uint64_t start = hg_now_ns();
		enum hg_reason reason;
		struct world w;

		world_init(&w);
		w.options.agent = programs[i];
		compile(&w, 1000, &reason);
		ck_assert_int_eq(reason, HG_REASON_no_agent);
		ck_assert(has_stamp(&w));
		ck_assert_uint_lt(hg_now_ns() - start, HG_NS_PER_SEC);
		start = hg_now_ns();
		compile(&w, 1000, &reason);
		ck_assert_uint_lt(hg_now_ns() - start, 100 * HG_NS_PER_MS);
		world_release(&w);
	}
}
END_TEST

/* ---- starting ----------------------------------------------------------- */

static void
wait_for_file(const char *path)
{
	for (int i = 0; i < 200 && access(path, F_OK) < 0; i++)
		nap(20 * HG_NS_PER_MS);
	ck_assert_int_eq(access(path, F_OK), 0);
}

START_TEST(starts_the_agent_free_of_the_build)
{
	/* writes down what it got; the lock is descriptor 3 */
	static const char script[] = "#!/bin/sh\n"
				     "dir=${2%/*}\n"
				     "{ ls -l /proc/self/fd | sed 1d |\n"
				     "    awk '{ print $9, $11 }'; pwd; env;\n"
				     "    echo $*; } "
				     ">$dir/tmp\n"
				     "mv $dir/tmp $dir/seen\n"
				     "sleep 0.3\n";
	struct hg_strbuf seen = HG_STRBUF_INIT;
	char *program, *lock, *path;
	bool started;
	struct world w;
	int pipes[2];

	world_init(&w);
	program = hg_path_join(w.dir, "agent");
	lock = hg_path_join(w.dir, "agent.lock");
	path = hg_path_join(w.dir, "seen");
	ck_assert_int_eq(hg_write_file_atomic(
			     program, script, sizeof(script) - 1, 0755, NULL),
	    0);
	ck_assert_int_eq(pipe(pipes), 0);
	setenv("MAKEFLAGS", "-j --jobserver-auth=3,4", 1);
	setenv("HG_KEPT", "kept", 1);
	ck_assert_int_eq(
	    hg_agent_start(program, lock, w.socket, &started, NULL), 0);
	ck_assert(started);
	/* until it ends it holds the lock */
	ck_assert_int_eq(
	    hg_agent_start(program, lock, w.socket, &started, NULL), 0);
	ck_assert(!started);
	wait_for_file(path);
	ck_assert_int_eq(hg_read_file(path, 1 << 20, &seen, NULL), 0);
	ck_assert_ptr_nonnull(strstr(seen.buf, "0 /dev/null\n"));
	ck_assert_ptr_nonnull(strstr(seen.buf, "2 /dev/null\n"));
	ck_assert_ptr_nonnull(strstr(seen.buf, "agent.lock\n"));
	ck_assert_ptr_null(strstr(seen.buf, "MAKEFLAGS"));
	ck_assert_ptr_nonnull(strstr(seen.buf, "HG_KEPT=kept\n"));
	ck_assert_ptr_nonnull(strstr(seen.buf, "\n/\n"));
	ck_assert_ptr_nonnull(strstr(seen.buf, "--lock-fd=3\n"));
	/* the pipe ends here, as nobody else has it */
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], program, 1), 0);
	close(pipes[0]);
	nap(500 * HG_NS_PER_MS);
	ck_assert_int_eq(
	    hg_agent_start("/bin/true", lock, w.socket, &started, NULL), 0);
	ck_assert(started);
	hg_strbuf_release(&seen);
	free(program);
	free(lock);
	free(path);
	world_release(&w);
}
END_TEST

/* ---- the folder --------------------------------------------------------- */

START_TEST(finds_a_folder_that_is_ours_alone)
{
	struct hg_error err;
	struct world w;
	struct stat st;
	char *folder, *want;

	world_init(&w);
	setenv("XDG_RUNTIME_DIR", w.dir, 1);
	want = hg_path_join(w.dir, "hybridgrid");
	folder = hg_remote_folder(&err);
	ck_assert_str_eq(folder, want);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	free(folder);
	/* others may enter */
	ck_assert_int_eq(chmod(want, 0755), 0);
	ck_assert_ptr_null(hg_remote_folder(&err));
	/* not a folder at all */
	ck_assert_int_eq(rmdir(want), 0);
	ck_assert_int_eq(symlink("/tmp", want), 0);
	ck_assert_ptr_null(hg_remote_folder(&err));
	free(want);
	world_release(&w);
}
END_TEST

START_TEST(falls_back_to_a_folder_of_the_user)
{
	char *folder, *want, *run;
	struct world w;

	world_init(&w);
	setenv("XDG_RUNTIME_DIR", "/no/such/folder", 1);
	setenv("TMPDIR", w.dir, 1);
	run = hg_xasprintf("/run/user/%lu", (unsigned long)geteuid());
	if (access(run, F_OK) == 0)
		want = hg_path_join(run, "hybridgrid");
	else
		want = hg_xasprintf(
		    "%s/hybridgrid-%lu", w.dir, (unsigned long)geteuid());
	folder = hg_remote_folder(NULL);
	ck_assert_str_eq(folder, want);
	free(folder);
	free(want);
	free(run);
	world_release(&w);
}
END_TEST

UNIT_MAIN("remote", takes_the_agents_result, passes_the_agents_reason_on,
    signs_of_life_keep_it_waiting, a_dead_agent_is_noticed_at_once,
    an_agent_that_left_just_now_is_asked_again, a_broken_agent_leaves_a_stamp,
    a_stamp_keeps_others_from_waiting, a_stamp_ends_the_wait_of_others,
    signs_of_life_do_not_keep_it_for_ever,
    without_agent_and_program_it_does_not_wait,
    waits_for_an_agent_that_another_starts,
    a_program_that_does_not_serve_costs_one_wait,
    starts_the_agent_free_of_the_build, finds_a_folder_that_is_ours_alone,
    falls_back_to_a_folder_of_the_user)
