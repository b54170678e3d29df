/* SPDX-License-Identifier: Apache-2.0 */
/* lib/wire: the messages of hybridgrid.proto, whole and damaged. */
#include "config.h"

#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"
#include "tests/lib/unit.h"

#define BLOB(s) { s, sizeof(s) - 1 }
/* Copies of literals, for structs whose strings are not const. */
static char gcc[] = "gcc", dash_c[] = "-c", a_c[] = "/src/a.c", src[] = "/src",
	    umlaut[] = "/src/\xC3\xBC.h", lang[] = "LANG", c_utf8[] = "C.UTF-8",
	    x86[] = "x86_64", linux_os[] = "linux", id[] = "worker-1",
	    address[] = "10.0.0.1:50052", a_o[] = "a.o", link_to[] = "../b.h",
	    hex[] = "00ff", version[] = "1.2.3", host[] = "build1",
	    closed[] = "CLOSED", mdns[] = "mdns", ok[] = "ok", epoch[] = "e7";

static const struct hg_digest some_digest = { "0123456789abcde" };
static const struct hg_content_id some_id = {
	"0123456789abcdef0123456789abcde"
};

/* One length-delimited field of number < 16. */
static void
add_field(struct hg_strbuf *sb, unsigned number, const void *p, size_t n)
{
	hg_strbuf_addc(sb, (char)(number << 3 | 2));
	ck_assert_uint_lt(n, 128);
	hg_strbuf_addc(sb, (char)n);
	hg_strbuf_add(sb, p, n);
}

static void
add_bytes(struct hg_strbuf *sb, const char *bytes, size_t n)
{
	hg_strbuf_add(sb, bytes, n);
}

static bool
is_same(const struct hg_digest *a, const struct hg_digest *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static void
assert_blob(struct hg_blob blob, const char *want, size_t n)
{
	ck_assert_uint_eq(blob.n, n);
	if (n)
		ck_assert_mem_eq(blob.p, want, n);
}

/* Unpacking sb as a CompileRequest fails with code and a text with what. */
static void
assert_compile_refused(
    struct hg_strbuf *sb, enum hg_code code, const char *what)
{
	struct hg_error err = { 0 };

	ck_assert_ptr_null(hg_wire_compile_unpack(sb->buf, sb->len, &err));
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, what), "'%s' lacks '%s'", err.text, what);
	hg_strbuf_release(sb);
}

START_TEST(compile_survives_the_round_trip)
{
	char *args[] = { dash_c, a_c };
	char *outputs[] = { a_o };
	struct hg_wire_include includes[] = {
		{ umlaut, BLOB("int x;\0\xFF") }, { a_c, { NULL, 0 } } };
	struct hg_wire_input inputs[] = {
		{ a_c, some_id, 0644, NULL, false },
		{ umlaut, { { 0 } }, 0, link_to, false },
		{ src, { { 0 } }, 0755, NULL, true } };
	struct hg_wire_env env[] = { { lang, c_utf8 } };
	struct hg_wire_compile m = { a_c, BLOB("int main;"), gcc, args, 2, x86,
		linux_os, includes, 2, inputs, 3, src, env, 1, hex, 1, outputs,
		1, 022, a_c, some_id, some_id, true };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_compile *r;

	hg_wire_compile_pack(&m, &sb);
	r = hg_wire_compile_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->source_file, a_c);
	assert_blob(r->source, "int main;", 9);
	ck_assert_str_eq(r->compiler, gcc);
	ck_assert_uint_eq(r->n_args, 2);
	ck_assert_str_eq(r->args[1], a_c);
	ck_assert_str_eq(r->target_arch, x86);
	ck_assert_str_eq(r->target_os, linux_os);
	ck_assert_uint_eq(r->n_includes, 2);
	ck_assert_str_eq(r->includes[0].path, umlaut);
	assert_blob(r->includes[0].content, "int x;\0\xFF", 8);
	assert_blob(r->includes[1].content, "", 0);
	ck_assert_uint_eq(r->n_inputs, 3);
	ck_assert(hg_content_id_equal(&r->inputs[0].id, &some_id));
	ck_assert(hg_content_id_equal(&r->input_list, &some_id));
	ck_assert(hg_content_id_equal(&r->toolchain_list, &some_id));
	ck_assert(r->accepts_packed);
	ck_assert_uint_eq(r->inputs[0].mode, 0644);
	ck_assert_str_eq(r->inputs[0].symlink, "");
	ck_assert_str_eq(r->inputs[1].symlink, link_to);
	ck_assert(!hg_content_id_is_set(&r->inputs[1].id));
	ck_assert(!r->inputs[1].folder && r->inputs[2].folder);
	ck_assert_str_eq(r->cwd, src);
	ck_assert_str_eq(r->env[0].name, lang);
	ck_assert_str_eq(r->env[0].value, c_utf8);
	ck_assert_str_eq(r->toolchain, hex);
	ck_assert_uint_eq(r->protocol, 1);
	ck_assert_str_eq(r->outputs[0], a_o);
	ck_assert_uint_eq(r->umask, 022);
	ck_assert_str_eq(r->compiler_path, a_c);
	hg_wire_compile_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(result_survives_the_round_trip)
{
	struct hg_wire_output outputs[] = { { a_o, BLOB("\x7F" "ELF\0"), 0644 } };
	struct hg_wire_observed observed[] = { { a_c, 3, some_digest } };
	struct hg_wire_result m = { true, BLOB("obj\0"), BLOB("out"),
		BLOB("err"), -1, INT64_MAX, id, true, outputs, 1, observed, 1,
		UINT64_MAX, 4711, ok, BLOB("some id"), true, BLOB("zip"),
		99, BLOB("zap"), 98 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_result *r;

	hg_wire_result_pack(&m, &sb);
	r = hg_wire_result_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert(r->success && r->from_cache);
	assert_blob(r->object, "obj\0", 4);
	assert_blob(r->out, "out", 3);
	assert_blob(r->err, "err", 3);
	ck_assert_int_eq(r->exit_code, -1);
	ck_assert_int_eq(r->compile_time_ms, INT64_MAX);
	ck_assert_str_eq(r->worker_id, id);
	ck_assert_uint_eq(r->n_outputs, 1);
	ck_assert_str_eq(r->outputs[0].path, a_o);
	assert_blob(r->outputs[0].content, "\x7F" "ELF\0", 5);
	ck_assert_uint_eq(r->outputs[0].mode, 0644);
	ck_assert_uint_eq(r->n_observed, 1);
	ck_assert_str_eq(r->observed[0].path, a_c);
	ck_assert_int_eq(r->observed[0].kind, 3);
	ck_assert(is_same(&r->observed[0].digest, &some_digest));
	assert_blob(r->missing, "some id", 7);
	ck_assert(r->uses_time);
	assert_blob(r->packed_outputs, "zip", 3);
	ck_assert_uint_eq(r->outputs_size, 99);
	assert_blob(r->packed_observed, "zap", 3);
	ck_assert_uint_eq(r->observed_size, 98);
	ck_assert_uint_eq(r->cpu_us, UINT64_MAX);
	ck_assert_uint_eq(r->peak_rss_bytes, 4711);
	ck_assert_str_eq(r->infra_error, ok);
	hg_wire_result_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(output_that_is_not_text_arrives_exactly)
{
	static const char bytes[] = "caf\xE9 \0 na\xC3\xAFve \xED\xA0\x80";
	static const char text[] = "\x1A\x11" "caf? ? na\xC3\xAFve ???";
	struct hg_wire_result m = { .out = BLOB(bytes), .err = BLOB("plain") };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_result *r;

	hg_wire_result_pack(&m, &sb);
	ck_assert_mem_eq(sb.buf + 1, text + 1, sizeof(text) - 2);
	r = hg_wire_result_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	assert_blob(r->out, bytes, sizeof(bytes) - 1);
	assert_blob(r->err, "plain", 5);
	hg_wire_result_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(raw_output_is_sent_only_when_needed)
{
	struct hg_wire_result m = { .out = BLOB("one two three") };
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_wire_result_pack(&m, &sb);
	ck_assert_uint_eq(sb.len, 2 + 13);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(handshake_survives_the_round_trip)
{
	char *architectures[] = { x86 };
	char *compilers[] = { gcc, gcc };
	struct hg_wire_handshake m = { id, { architectures, 1, compilers, 2, 8,
		INT64_C(1) << 40, true, 4, version, host, ok }, address, 1 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_handshake *r;

	hg_wire_handshake_pack(&m, &sb);
	r = hg_wire_handshake_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(r->worker_id, id);
	ck_assert_str_eq(r->caps.architectures[0], x86);
	ck_assert_uint_eq(r->caps.n_compilers, 2);
	ck_assert_int_eq(r->caps.cpu_cores, 8);
	ck_assert_int_eq(r->caps.memory_bytes, INT64_C(1) << 40);
	ck_assert(r->caps.docker_available);
	ck_assert_int_eq(r->caps.slots, 4);
	ck_assert_str_eq(r->caps.version, version);
	ck_assert_str_eq(r->caps.hostname, host);
	ck_assert_str_eq(r->caps.no_sandbox, ok);
	ck_assert_str_eq(r->address, address);
	ck_assert_uint_eq(r->protocol, 1);
	hg_wire_handshake_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(small_messages_survive_the_round_trip)
{
	struct hg_wire_handshake_reply hr = { true, id, ok, 10, epoch };
	struct hg_wire_health h = { id, 3, 0.75, 1 << 20, true };
	struct hg_wire_status s = { id };
	struct hg_wire_handshake_reply *hr2;
	struct hg_wire_health *h2;
	struct hg_wire_status *s2;
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_wire_handshake_reply_pack(&hr, &sb);
	hr2 = hg_wire_handshake_reply_unpack(sb.buf, sb.len, NULL);
	ck_assert(hr2->accepted);
	ck_assert_str_eq(hr2->assigned_id, id);
	ck_assert_str_eq(hr2->message, ok);
	ck_assert_uint_eq(hr2->heartbeat_seconds, 10);
	ck_assert_str_eq(hr2->epoch, epoch);
	hg_wire_handshake_reply_free(hr2);

	hg_strbuf_reset(&sb);
	hg_wire_health_pack(&h, &sb);
	h2 = hg_wire_health_unpack(sb.buf, sb.len, NULL);
	ck_assert_str_eq(h2->worker_id, id);
	ck_assert(h2->draining);
	ck_assert_int_eq(h2->active_tasks, 3);
	ck_assert_double_eq(h2->load, 0.75);
	ck_assert_int_eq(h2->memory_free_bytes, 1 << 20);
	hg_wire_health_free(h2);

	hg_strbuf_reset(&sb);
	hg_wire_status_pack(&s, &sb);
	s2 = hg_wire_status_unpack(sb.buf, sb.len, NULL);
	ck_assert_str_eq(s2->worker_id, id);
	hg_wire_status_free(s2);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(health_reply_survives_the_round_trip)
{
	struct hg_wire_health_reply m = { true, ok, 1, 2, 3, 4, 5, version,
		epoch, true, 6, 7, 8, 9 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_health_reply *r;

	hg_wire_health_reply_pack(&m, &sb);
	r = hg_wire_health_reply_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert(r->healthy && r->should_drain);
	ck_assert_str_eq(r->status, ok);
	ck_assert_int_eq(r->active_tasks, 1);
	ck_assert_int_eq(r->uptime_seconds, 2);
	ck_assert_int_eq(r->queued_tasks, 3);
	ck_assert_int_eq(r->workers, 4);
	ck_assert_int_eq(r->slots, 5);
	ck_assert_str_eq(r->version, version);
	ck_assert_str_eq(r->epoch, epoch);
	ck_assert_uint_eq(r->cache_hits, 6);
	ck_assert_uint_eq(r->cache_misses, 7);
	ck_assert_uint_eq(r->cache_entries, 8);
	ck_assert_uint_eq(r->cache_bytes, 9);
	hg_wire_health_reply_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(status_reply_survives_the_round_trip)
{
	struct hg_wire_worker w[2] = { { id, address, { .cpu_cores = 2 }, 1, 9,
		8, 250, closed, mdns, 1.5, 300, true }, { .worker_id = host } };
	struct hg_wire_status_reply m = { w, 2 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_status_reply *r;

	hg_wire_status_reply_pack(&m, &sb);
	r = hg_wire_status_reply_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->n_workers, 2);
	ck_assert_str_eq(r->workers[0].address, address);
	ck_assert_int_eq(r->workers[0].caps.cpu_cores, 2);
	ck_assert_int_eq(r->workers[0].active_tasks, 1);
	ck_assert_int_eq(r->workers[0].total_tasks, 9);
	ck_assert_int_eq(r->workers[0].successful_tasks, 8);
	ck_assert_int_eq(r->workers[0].avg_compile_time_ms, 250);
	ck_assert_str_eq(r->workers[0].circuit_state, closed);
	ck_assert_str_eq(r->workers[0].source, mdns);
	ck_assert_double_eq(r->workers[0].latency_ms, 1.5);
	ck_assert_int_eq(r->workers[0].heartbeat_age_ms, 300);
	ck_assert(r->workers[0].draining);
	ck_assert_str_eq(r->workers[1].worker_id, host);
	ck_assert_str_eq(r->workers[1].caps.hostname, "");
	hg_wire_status_reply_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(nothing_is_a_message_of_empty_fields)
{
	struct hg_wire_handshake *h = hg_wire_handshake_unpack("", 0, NULL);
	struct hg_wire_compile *c = hg_wire_compile_unpack("", 0, NULL);
	struct hg_wire_result *r = hg_wire_result_unpack("", 0, NULL);

	ck_assert_str_eq(h->worker_id, "");
	ck_assert_str_eq(h->caps.version, "");
	ck_assert_ptr_null(h->caps.compilers);
	ck_assert_str_eq(c->source_file, "");
	ck_assert_uint_eq(c->n_includes, 0);
	ck_assert_uint_eq(r->out.n, 0);
	hg_wire_handshake_free(h);
	hg_wire_compile_free(c);
	hg_wire_result_free(r);
	hg_wire_result_free(NULL);
}
END_TEST

START_TEST(packing_appends_and_takes_null_strings)
{
	struct hg_wire_status m = { NULL };
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_strbuf_adds(&sb, "before");
	hg_wire_status_pack(&m, &sb);
	ck_assert_str_eq(sb.buf, "before");
	m.worker_id = id;
	hg_wire_status_pack(&m, &sb);
	ck_assert_str_eq(sb.buf, "before\n\bworker-1");
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(unknown_fields_are_skipped)
{
	/* varint 500, fixed64 501, fixed32 502, bytes 503, then worker_id */
	static const char bytes[] = "\xA0\x1F\x96\x01"
		"\xA9\x1F" "12345678"
		"\xB5\x1F" "1234"
		"\xBA\x1F\x03\0\xFF\0"
		"\x0A\x02w1";
	struct hg_wire_status *m =
	    hg_wire_status_unpack(bytes, sizeof(bytes) - 1, NULL);

	ck_assert_ptr_nonnull(m);
	ck_assert_str_eq(m->worker_id, "w1");
	hg_wire_status_free(m);
}
END_TEST

START_TEST(utf8_is_told_from_other_bytes)
{
	static const struct hg_blob good[] = { BLOB(""), BLOB("abc"),
		BLOB("\x7F"), BLOB("\xC2\x80"), BLOB("\xDF\xBF"),
		BLOB("\xE0\xA0\x80"), BLOB("\xED\x9F\xBF"),
		BLOB("\xEE\x80\x80"), BLOB("\xF0\x90\x80\x80"),
		BLOB("\xF4\x8F\xBF\xBF") };
	static const struct hg_blob bad[] = { BLOB("a\0b"), BLOB("\x80"),
		BLOB("\xC0\x80"), BLOB("\xC1\xBF"), BLOB("\xC3"),
		BLOB("\xC3("), BLOB("\xE0\x9F\xBF"), BLOB("\xED\xA0\x80"),
		BLOB("\xE2\x82"), BLOB("\xF0\x8F\xBF\xBF"),
		BLOB("\xF4\x90\x80\x80"), BLOB("\xF5\x80\x80\x80"),
		BLOB("\xFE"), BLOB("\xF0\x90\x80" "a") };

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(hg_wire_is_utf8(good[i].p, good[i].n), "%zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!hg_wire_is_utf8(bad[i].p, bad[i].n), "%zu", i);
}
END_TEST

/* Text is looked at in larger pieces; it must not matter where in them. */
START_TEST(utf8_is_told_in_all_places)
{
	char text[40];

	for (size_t at = 0; at < sizeof(text) - 1; at++)
		for (int c = 0; c < 256; c++) {
			memset(text, 'a', sizeof(text));
			text[at] = (char)c;
			ck_assert_int_eq(hg_wire_is_utf8(text, sizeof(text)),
			    c > 0 && c < 0x80);
			text[at] = '\xC3';
			text[at + 1] = (char)c;
			ck_assert_int_eq(hg_wire_is_utf8(text, sizeof(text)),
			    (c & 0xC0) == 0x80);
		}
}
END_TEST

START_TEST(refuses_strings_with_nul_or_not_utf8)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	add_field(&sb, 1, "/src/a.c\0/etc/passwd", 20);
	assert_compile_refused(
	    &sb, HG_PROTOCOL, "CompileRequest.source_file: is not UTF-8");
	add_field(&sb, 4, "-c", 2);
	add_field(&sb, 4, "\xFF", 1);
	assert_compile_refused(
	    &sb, HG_PROTOCOL, "CompileRequest.args: is not UTF-8");
	add_field(&sb, 7, "\x0A\x03" "a\0b", 5);
	assert_compile_refused(
	    &sb, HG_PROTOCOL, "IncludesEntry.key: is not UTF-8");
}
END_TEST

START_TEST(refuses_a_map_key_that_comes_twice)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	add_field(&sb, 7, "\x0A\x01" "a\x12\x01" "1", 6);
	add_field(&sb, 7, "\x0A\x01" "b\x12\x01" "2", 6);
	add_field(&sb, 7, "\x0A\x01" "a\x12\x01" "3", 6);
	assert_compile_refused(&sb, HG_PROTOCOL, "'a' comes twice");
}
END_TEST

START_TEST(refuses_a_digest_of_another_size)
{
	/* inputs = 100: tag 0xA2 0x06 */
	static const char bytes[] = "\xA2\x06\x07\x0A\x01" "a\x12\x02zz";
	struct hg_strbuf sb = HG_STRBUF_INIT;

	add_bytes(&sb, bytes, sizeof(bytes) - 1);
	assert_compile_refused(
	    &sb, HG_PROTOCOL, "InputFile.digest: is not a digest");
}
END_TEST

START_TEST(refuses_a_part_that_comes_twice)
{
	static const char bytes[] = "\x12\x02\x18\x01\x12\x02\x18\x02";
	struct hg_error err;

	ck_assert_ptr_null(
	    hg_wire_handshake_unpack(bytes, sizeof(bytes) - 1, &err));
	ck_assert_str_eq(
	    err.text, "HandshakeRequest.capabilities: comes twice");
}
END_TEST

START_TEST(refuses_more_elements_than_the_limit)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	for (int i = 0; i < HG_MAX_ARGS; i++)
		add_field(&sb, 4, "", 0);
	hg_wire_compile_free(hg_wire_compile_unpack(sb.buf, sb.len, NULL));
	add_field(&sb, 4, "", 0);
	assert_compile_refused(
	    &sb, HG_TOOBIG, "CompileRequest.args: too many");
}
END_TEST

START_TEST(refuses_a_flood_of_unknown_fields)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;

	for (size_t i = 0; i <= HG_MAX_WIRE_FIELDS; i++)
		hg_strbuf_add(&sb, "\x78\x01", 2);
	assert_compile_refused(&sb, HG_TOOBIG, "too many fields");
}
END_TEST

START_TEST(refuses_strings_over_their_limit)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	char *path = malloc(HG_MAX_PATH_BYTES + 2);
	struct hg_wire_compile m = { .cwd = path };

	memset(path, 'a', HG_MAX_PATH_BYTES + 1);
	path[HG_MAX_PATH_BYTES + 1] = '\0';
	hg_wire_compile_pack(&m, &sb);
	assert_compile_refused(&sb, HG_TOOBIG, "CompileRequest.cwd: is too long");
	path[HG_MAX_PATH_BYTES] = '\0';
	hg_wire_compile_pack(&m, &sb);
	hg_wire_compile_free(hg_wire_compile_unpack(sb.buf, sb.len, NULL));
	hg_strbuf_release(&sb);
	free(path);
}
END_TEST

START_TEST(refuses_damaged_bytes)
{
	static const struct hg_blob bad[] = {
		/* length beyond the end; of 2^35; endless varint; no tag; */
		BLOB("\x0A\x05" "abc"), BLOB("\x0A\xFF\xFF\xFF\xFF\x7F"),
		BLOB("\x80\x80\x80\x80\x80\x80"), BLOB("\x00\x01"),
		/* group; wrong type; cut varint; cut inside a part */
		BLOB("\x0B"), BLOB("\x08\x01"), BLOB("\xC0\x06\x80"),
		BLOB("\x3A\x02\x0A\x05"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct hg_error err = { 0 };

		ck_assert_msg(!hg_wire_compile_unpack(
		    bad[i].p, bad[i].n, &err), "%zu", i);
		ck_assert_int_eq(err.code, HG_PROTOCOL);
	}
}
END_TEST

START_TEST(refuses_every_cut_and_survives_every_bit_flip)
{
	struct hg_wire_input inputs[] = { { a_c, some_id, 0644, NULL, 0 } };
	struct hg_wire_include includes[] = { { umlaut, BLOB("int x;") } };
	struct hg_wire_compile m = { .source_file = a_c, .inputs = inputs,
		.n_inputs = 1, .includes = includes, .n_includes = 1,
		.umask = 022 };
	struct hg_strbuf sb = HG_STRBUF_INIT;

	hg_wire_compile_pack(&m, &sb);
	for (size_t n = 0; n < sb.len; n++)
		hg_wire_compile_free(hg_wire_compile_unpack(sb.buf, n, NULL));
	for (size_t bit = 0; bit < 8 * sb.len; bit++) {
		sb.buf[bit / 8] ^= (char)(1 << bit % 8);
		hg_wire_compile_free(
		    hg_wire_compile_unpack(sb.buf, sb.len, NULL));
		sb.buf[bit / 8] ^= (char)(1 << bit % 8);
	}
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(finds_the_bundle_at_the_end_of_a_request)
{
	char key[] = HG_BUNDLE_KEY;
	struct hg_wire_include first = { key, BLOB("first") };
	struct hg_wire_compile m = { .source_file = a_c, .cwd = src };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_blob bundle;
	size_t head;

	hg_wire_compile_pack(&m, &sb);
	head = sb.len;
	ck_assert_uint_eq(hg_wire_compile_head(sb.buf, head, &bundle), head);
	ck_assert_uint_eq(bundle.n, 0);
	hg_wire_compile_add_bundle(&sb, "bundle", 6);
	ck_assert_uint_eq(hg_wire_compile_head(sb.buf, sb.len, &bundle), head);
	assert_blob(bundle, "bundle", 6);
	/* cut off: whatever it is, nothing behind its end is looked at */
	for (size_t n = 0; n < sb.len; n++)
		ck_assert_uint_eq(hg_wire_compile_head(sb.buf, n, &bundle), n);
	/* one in the middle is an include like any other */
	hg_strbuf_reset(&sb);
	m.includes = &first;
	m.n_includes = 1;
	hg_wire_compile_pack(&m, &sb);
	ck_assert_uint_eq(
	    hg_wire_compile_head(sb.buf, sb.len, &bundle), sb.len);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(input_lists_survive_the_round_trip)
{
	struct hg_wire_input inputs[] = {
		{ a_c, some_id, 0644, NULL, false } };
	const struct hg_wire_input_list m = { inputs, 1 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_wire_input_list *r;

	hg_wire_input_list_pack(&m, &sb);
	r = hg_wire_input_list_unpack(sb.buf, sb.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->n_inputs, 1);
	ck_assert_str_eq(r->inputs[0].path, a_c);
	ck_assert(hg_content_id_equal(&r->inputs[0].id, &some_id));
	hg_wire_input_list_free(r);
	hg_strbuf_release(&sb);
}
END_TEST

START_TEST(refuses_values_that_mean_nothing)
{
	struct hg_wire_health h = { .load = NAN };
	struct hg_wire_observed o = { .kind = 4 };
	struct hg_wire_result r = { .observed = &o, .n_observed = 1 };
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_error err;

	hg_wire_health_pack(&h, &sb);
	ck_assert_ptr_null(hg_wire_health_unpack(sb.buf, sb.len, &err));
	ck_assert_str_eq(err.text, "HealthCheckRequest.load: is not a number");
	hg_strbuf_reset(&sb);
	hg_wire_result_pack(&r, &sb);
	ck_assert_ptr_null(hg_wire_result_unpack(sb.buf, sb.len, &err));
	ck_assert_str_eq(err.text, "ObservedFile.kind: has an unknown value");
	hg_strbuf_release(&sb);
}
END_TEST

UNIT_MAIN("wire", compile_survives_the_round_trip,
    result_survives_the_round_trip, output_that_is_not_text_arrives_exactly,
    raw_output_is_sent_only_when_needed, handshake_survives_the_round_trip,
    small_messages_survive_the_round_trip,
    health_reply_survives_the_round_trip, status_reply_survives_the_round_trip,
    nothing_is_a_message_of_empty_fields,
    packing_appends_and_takes_null_strings, unknown_fields_are_skipped,
    utf8_is_told_from_other_bytes, utf8_is_told_in_all_places, refuses_strings_with_nul_or_not_utf8,
    refuses_a_map_key_that_comes_twice, refuses_a_digest_of_another_size,
    refuses_a_part_that_comes_twice, refuses_more_elements_than_the_limit,
    refuses_a_flood_of_unknown_fields, refuses_strings_over_their_limit,
    refuses_damaged_bytes, refuses_every_cut_and_survives_every_bit_flip,
    finds_the_bundle_at_the_end_of_a_request,
    input_lists_survive_the_round_trip,
    refuses_values_that_mean_nothing)
