/* SPDX-License-Identifier: Apache-2.0 */
/* Results whose lists are compressed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/store/zip.h"
#include "lib/wire/packed.h"
#include "lib/wire/wire.h"
#include "tests/lib/unit.h"

#define N_ROWS 200

static char path[] = "/usr/include/x86_64-linux-gnu/bits/types.h";
static char worker[] = "w";

/* What a worker packs: N_ROWS observed and one output. */
static void
pack(size_t max, struct hg_strbuf *plain, struct hg_strbuf *small)
{
	static char object[4096];
	struct hg_wire_observed observed[N_ROWS] = { 0 };
	struct hg_wire_output output = { path, { object, sizeof(object) },
		0644 };
	struct hg_wire_result m = {
		.success = true,
		.worker_id = worker,
		.outputs = &output,
		.n_outputs = 1,
		.observed = observed,
		.n_observed = N_ROWS,
	};

	for (size_t i = 0; i < N_ROWS; i++)
		observed[i].path = path;
	hg_wire_result_pack(&m, plain);
	hg_wire_result_pack_small(&m, max, small);
}

START_TEST(lists_are_compressed_and_come_back)
{
	struct hg_strbuf plain = HG_STRBUF_INIT, small = HG_STRBUF_INIT;
	struct hg_wire_result *r;

	pack(1 << 20, &plain, &small);
	ck_assert_uint_lt(small.len, plain.len / 8);
	r = hg_wire_result_unpack(small.buf, small.len, NULL);
	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->n_outputs + r->n_observed, 0);
	ck_assert(r->success);
	ck_assert_str_eq(r->worker_id, worker);
	ck_assert_int_eq(hg_wire_result_expand(r, HG_PACKED_OBSERVED, NULL), 0);
	ck_assert_uint_eq(r->n_outputs, 0);
	ck_assert_uint_eq(r->n_observed, N_ROWS);
	ck_assert_str_eq(r->observed[N_ROWS - 1].path, path);
	ck_assert_int_eq(hg_wire_result_expand(r, HG_PACKED_ALL, NULL), 0);
	ck_assert_uint_eq(r->n_observed, N_ROWS);
	ck_assert_uint_eq(r->n_outputs, 1);
	ck_assert_str_eq(r->outputs[0].path, path);
	ck_assert_uint_eq(r->outputs[0].content.n, 4096);
	hg_wire_result_free(r);
	hg_strbuf_release(&plain);
	hg_strbuf_release(&small);
}
END_TEST

START_TEST(what_is_small_or_too_large_is_not_compressed)
{
	const struct hg_wire_result few = { .out = { "text", 4 } };
	struct hg_strbuf plain = HG_STRBUF_INIT, small = HG_STRBUF_INIT;

	pack(100, &plain, &small);
	ck_assert_uint_eq(small.len, plain.len);
	hg_strbuf_reset(&small);
	hg_strbuf_reset(&plain);
	hg_wire_result_pack(&few, &plain);
	hg_wire_result_pack_small(&few, 100, &small);
	ck_assert_uint_eq(small.len, plain.len);
	hg_strbuf_release(&plain);
	hg_strbuf_release(&small);
}
END_TEST

/* Expands an answer whose observed are these bytes. */
static int
expand(const struct hg_strbuf *packed, uint64_t size)
{
	struct hg_wire_result m = {
		.packed_observed = { packed->buf, packed->len },
		.observed_size = size,
	};

	return hg_wire_result_expand(&m, HG_PACKED_ALL, NULL);
}

START_TEST(what_does_not_unpack_is_refused)
{
	struct hg_strbuf plain = HG_STRBUF_INIT, packed = HG_STRBUF_INIT;
	struct hg_strbuf ignored = HG_STRBUF_INIT;

	pack(1 << 20, &plain, &ignored);
	ck_assert(hg_zip(plain.buf, plain.len, 3, &packed));
	ck_assert_int_eq(expand(&packed, plain.len - 1), -HG_CORRUPT);
	ck_assert_int_eq(expand(&packed, plain.len + 1), -HG_CORRUPT);
	ck_assert_int_eq(expand(&packed, (uint64_t)HG_MAX_MESSAGE_BYTES + 1),
	    -HG_TOOBIG);
	hg_strbuf_setlen(&packed, packed.len / 2);
	ck_assert_int_eq(expand(&packed, plain.len), -HG_CORRUPT);
	hg_strbuf_reset(&packed);
	hg_strbuf_adds(&packed, "not compressed");
	ck_assert_int_eq(expand(&packed, 14), -HG_CORRUPT);
	/* well compressed, but no message */
	hg_strbuf_reset(&packed);
	hg_strbuf_reset(&plain);
	for (int i = 0; i < 1000; i++)
		hg_strbuf_addc(&plain, '\xff');
	ck_assert(hg_zip(plain.buf, plain.len, 3, &packed));
	ck_assert_int_eq(expand(&packed, 1000), -HG_PROTOCOL);
	hg_strbuf_release(&plain);
	hg_strbuf_release(&packed);
	hg_strbuf_release(&ignored);
}
END_TEST

UNIT_MAIN("packed", lists_are_compressed_and_come_back,
    what_is_small_or_too_large_is_not_compressed,
    what_does_not_unpack_is_refused)
