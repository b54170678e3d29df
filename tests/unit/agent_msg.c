/* SPDX-License-Identifier: Apache-2.0 */
/* lib/wire: the launcher's and agent's messages, and their frames. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/wire/agent_msg.h"
#include "tests/lib/unit.h"

#define BLOB(s) { s, sizeof(s) - 1 }
static char gcc[] = "/usr/bin/gcc", dash_c[] = "-c", latin1[] = "/src/\xFC.c",
	    src[] = "/src", a_o[] = "a.o", home[] = "HOME=/root",
	    coordinator[] = "127.0.0.1:9000", reason[] = "no_workers",
	    detail[] = "every worker is busy", worker[] = "w1", empty[] = "";

static void
make_pair(int fds[2])
{
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
}

START_TEST(compile_request_survives_the_round_trip)
{
	char *args[] = { dash_c, latin1, empty };
	char *pre[] = { latin1 };
	char *env[] = { home };
	char *outputs[] = { a_o };
	struct hg_agent_request m = { HG_AGENT_COMPILE, gcc, args, 3, pre, 1,
		src, env, 1, latin1, outputs, 1, 077, coordinator, 1500 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_agent_request *r;

	hg_agent_request_pack(&m, &sb);
	r = hg_agent_request_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->kind, HG_AGENT_COMPILE);
	ck_assert_str_eq(r->compiler, gcc);
	ck_assert_uint_eq(r->n_args, 3);
	ck_assert_str_eq(r->args[1], latin1);
	ck_assert_str_eq(r->args[2], "");
	ck_assert_uint_eq(r->n_preprocess_args, 1);
	ck_assert_str_eq(r->preprocess_args[0], latin1);
	ck_assert_str_eq(r->cwd, src);
	ck_assert_str_eq(r->env[0], home);
	ck_assert_str_eq(r->source, latin1);
	ck_assert_str_eq(r->outputs[0], a_o);
	ck_assert_uint_eq(r->umask, 077);
	ck_assert_str_eq(r->coordinator, coordinator);
	ck_assert_uint_eq(r->timeout_ms, 1500);
	hg_agent_request_free(r);
	hg_agent_request_free(NULL);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(other_kinds_survive_the_round_trip)
{
	static const enum hg_agent_kind kinds[] = {
		HG_AGENT_STATUS, HG_AGENT_STOP };

	for (size_t i = 0; i < 2; i++) {
		struct hg_agent_request m = { .kind = kinds[i] };
		struct hg_strbuf sb = HG_STRBUF_INIT;
		struct hg_agent_request *r;

		hg_agent_request_pack(&m, &sb);
		r = hg_agent_request_unpack(sb.buf, sb.len, NULL);
		ck_assert_ptr_nonnull(r);
		ck_assert_int_eq(r->kind, kinds[i]);
		ck_assert_str_eq(r->cwd, "");
		hg_agent_request_free(r);
		hg_strbuf_release(&sb);
	}
}
END_TEST

START_TEST(reply_survives_the_round_trip)
{
	struct hg_wire_output outputs[] = { { latin1, BLOB("a\0b"), 0600 } };
	struct hg_wire_observed observed[] = {
		{ latin1, 1, { "0123456789abcde" } } };
	struct hg_agent_reply m = { reason, detail, 2, BLOB("\xFF\0"),
		BLOB("err"), outputs, 1, observed, 1, worker, true, 99, 1, 2, 3,
		4, 5, 6 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_agent_reply *r;

	hg_agent_reply_pack(&m, &sb);
	r = hg_agent_reply_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->local_reason, reason);
	ck_assert_str_eq(r->detail, detail);
	ck_assert_int_eq(r->exit_code, 2);
	ck_assert_uint_eq(r->out.n, 2);
	ck_assert_mem_eq(r->out.p, "\xFF\0", 2);
	ck_assert_mem_eq(r->err.p, "err", 3);
	ck_assert_str_eq(r->outputs[0].path, latin1);
	ck_assert_mem_eq(r->outputs[0].content.p, "a\0b", 3);
	ck_assert_uint_eq(r->outputs[0].mode, 0600);
	ck_assert_str_eq(r->observed[0].path, latin1);
	ck_assert_int_eq(r->observed[0].kind, 1);
	ck_assert(memcmp(&r->observed[0].digest, &observed[0].digest, 16) == 0);
	ck_assert_str_eq(r->worker_id, worker);
	ck_assert(r->from_cache);
	ck_assert_uint_eq(r->compile_time_ms, 99);
	ck_assert_uint_eq(r->pid, 1);
	ck_assert_uint_eq(r->compiles, 2);
	ck_assert_uint_eq(r->remote, 3);
	ck_assert_uint_eq(r->local, 4);
	ck_assert_uint_eq(r->active, 5);
	ck_assert_uint_eq(r->uptime_ms, 6);
	hg_agent_reply_free(r);
	hg_agent_reply_free(NULL);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(refuses_another_version)
{
	struct hg_error err = { 0 };

	ck_assert_ptr_null(hg_agent_request_unpack("\x08\x02\x1A\0", 4, &err));
	ck_assert_int_eq(err.code, HG_UNSUPPORTED);
	ck_assert_ptr_null(hg_agent_reply_unpack("", 0, &err));
	ck_assert_int_eq(err.code, HG_UNSUPPORTED);
}
END_TEST

START_TEST(refuses_a_request_for_nothing)
{
	struct hg_error err = { 0 };

	ck_assert_ptr_null(hg_agent_request_unpack("\x08\x01", 2, &err));
	ck_assert_int_eq(err.code, HG_PROTOCOL);
	ck_assert(strstr(err.text, "names no compiler"));
}
END_TEST

START_TEST(refuses_paths_with_nul)
{
	struct hg_error err = { 0 };

	ck_assert_ptr_null(hg_agent_request_unpack(
	    "\x08\x01\x12\x05\x0A\x03/\0b", 9, &err));
	ck_assert_str_eq(err.text, "AgentCompile.compiler: contains NUL");
	ck_assert_ptr_null(hg_agent_request_unpack(
	    "\x08\x01\x12\x05\x12\x03-\0b", 9, &err));
	ck_assert_str_eq(err.text, "AgentCompile.args: contains NUL");
}
END_TEST

START_TEST(frames_arrive_whole)
{
	struct hg_strbuf body = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
	int fds[2];

	make_pair(fds);
	hg_strbuf_add(&body, "a\0b", 3);
	ck_assert_int_eq(hg_agent_send(fds[0], &body, NULL), 0);
	hg_strbuf_reset(&body);
	ck_assert_int_eq(hg_agent_send(fds[0], &body, NULL), 0);
	ck_assert_int_eq(hg_agent_receive(fds[1], 3, 0, &got, NULL), 0);
	ck_assert_uint_eq(got.len, 3);
	ck_assert_mem_eq(got.buf, "a\0b", 3);
	ck_assert_int_eq(hg_agent_receive(fds[1], 3, 0, &got, NULL), 0);
	ck_assert_uint_eq(got.len, 0);
	close(fds[0]);
	close(fds[1]);
	hg_strbuf_release(&body);
	hg_strbuf_release(&got);
}
END_TEST

START_TEST(frames_larger_than_the_socket_buffer_pass)
{
	struct hg_strbuf body = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
	int fds[2], status;
	pid_t child;

	make_pair(fds);
	hg_strbuf_grow(&body, 5000000);
	memset(body.buf, 'x', 5000000);
	hg_strbuf_setlen(&body, 5000000);
	child = fork();
	if (child == 0)
		_exit(hg_agent_send(fds[0], &body, NULL) ? 1 : 0);
	ck_assert_int_eq(hg_agent_receive(fds[1], 5000000,
	    hg_now_ns() + 20 * HG_NS_PER_SEC, &got, NULL), 0);
	ck_assert_uint_eq(got.len, 5000000);
	ck_assert_mem_eq(got.buf, body.buf, 5000000);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(fds[0]);
	close(fds[1]);
	hg_strbuf_release(&body);
	hg_strbuf_release(&got);
}
END_TEST

START_TEST(refuses_a_frame_over_the_limit)
{
	struct hg_strbuf got = HG_STRBUF_INIT;
	int fds[2];

	make_pair(fds);
	ck_assert_int_eq(write(fds[0], "\xFF\xFF\xFF\xFF", 4), 4);
	ck_assert_int_eq(
	    hg_agent_receive(fds[1], 1 << 20, 0, &got, NULL), -HG_TOOBIG);
	close(fds[0]);
	close(fds[1]);
	hg_strbuf_release(&got);
}
END_TEST

START_TEST(waiting_for_a_frame_ends_at_the_deadline)
{
	struct hg_strbuf got = HG_STRBUF_INIT;
	uint64_t start = hg_now_ns();
	int fds[2];

	make_pair(fds);
	ck_assert_int_eq(write(fds[0], "\x05\0\0\0ab", 6), 6);
	ck_assert_int_eq(hg_agent_receive(fds[1], 100,
	    start + 50 * HG_NS_PER_MS, &got, NULL), -HG_TIMEOUT);
	ck_assert_uint_ge(hg_now_ns() - start, 50 * HG_NS_PER_MS);
	close(fds[0]);
	close(fds[1]);
	hg_strbuf_release(&got);
}
END_TEST

START_TEST(a_dead_peer_is_an_error_and_no_signal)
{
	struct hg_strbuf body = HG_STRBUF_INIT, got = HG_STRBUF_INIT;
	int fds[2];

	make_pair(fds);
	ck_assert_int_eq(write(fds[0], "\x05\0\0\0ab", 6), 6);
	close(fds[0]);
	ck_assert_int_eq(
	    hg_agent_receive(fds[1], 100, 0, &got, NULL), -HG_UNAVAILABLE);
	hg_strbuf_adds(&body, "hello");
	ck_assert_int_eq(hg_agent_send(fds[1], &body, NULL), -HG_UNAVAILABLE);
	close(fds[1]);
	hg_strbuf_release(&body);
	hg_strbuf_release(&got);
}
END_TEST

UNIT_MAIN("agent_msg", compile_request_survives_the_round_trip,
    other_kinds_survive_the_round_trip, reply_survives_the_round_trip,
    refuses_another_version, refuses_a_request_for_nothing,
    refuses_paths_with_nul, frames_arrive_whole,
    frames_larger_than_the_socket_buffer_pass, refuses_a_frame_over_the_limit,
    waiting_for_a_frame_ends_at_the_deadline,
    a_dead_peer_is_an_error_and_no_signal)
