/* SPDX-License-Identifier: Apache-2.0 */
/* A compressed list is a packed result that holds nothing else. */
#include "config.h"

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/store/zip.h"
#include "lib/wire/packed.h"
#include "lib/wire/wire.h"

/* Who packs has more time than the client has bandwidth. */
#define ZIP_LEVEL 3

/* Below this it costs more than it saves. */
#define MIN_BYTES 1024

static bool
zip(const struct hg_wire_result *list, size_t max, struct hg_strbuf *packed,
    uint64_t *ret_size)
{
	struct hg_strbuf plain = HG_STRBUF_INIT;
	bool pays;

	hg_wire_result_pack(list, &plain);
	*ret_size = plain.len;
	pays = plain.len >= MIN_BYTES && plain.len <= max &&
	    hg_zip(plain.buf, plain.len, ZIP_LEVEL, packed);
	hg_strbuf_release(&plain);
	return pays;
}

void
hg_wire_result_pack_small(
    const struct hg_wire_result *r, size_t max, struct hg_strbuf *out)
{
	const struct hg_wire_result outputs = { .outputs = r->outputs,
		.n_outputs = r->n_outputs };
	const struct hg_wire_result observed = { .observed = r->observed,
		.n_observed = r->n_observed };
	struct hg_strbuf one = HG_STRBUF_INIT, two = HG_STRBUF_INIT;
	struct hg_wire_result m = *r;

	if (zip(&outputs, max, &one, &m.outputs_size)) {
		m.n_outputs = 0;
		m.packed_outputs = (struct hg_blob){ one.buf, one.len };
	} else {
		m.outputs_size = 0;
	}
	if (zip(&observed, max, &two, &m.observed_size)) {
		m.n_observed = 0;
		m.packed_observed = (struct hg_blob){ two.buf, two.len };
	} else {
		m.observed_size = 0;
	}
	hg_wire_result_pack(&m, out);
	hg_strbuf_release(&one);
	hg_strbuf_release(&two);
}

static int
add_piece(void *arg, const void *p, size_t n, struct hg_error *err)
{
	(void)err;
	hg_strbuf_add(arg, p, n);
	return 0;
}

/* The result that holds a list; NULL and err. */
static struct hg_wire_result *
unzip(const struct hg_blob *packed, uint64_t size, struct hg_error *err)
{
	struct hg_strbuf plain = HG_STRBUF_INIT;
	struct hg_wire_result *list = NULL;
	struct hg_unzip *u;
	int rc, end;

	if (size > HG_MAX_MESSAGE_BYTES) {
		hg_fail(err, HG_TOOBIG,
		    "the result is larger than a message may be");
		return NULL;
	}
	u = hg_unzip_new(size, add_piece, &plain);
	rc = hg_unzip_add(u, packed->p, packed->n, err);
	end = hg_unzip_done(u, rc ? NULL : err);
	if (rc == 0 && end == 0)
		list = hg_wire_result_unpack(plain.buf, plain.len, err);
	hg_strbuf_release(&plain);
	return list;
}

static int
expand_outputs(struct hg_wire_result *r, struct hg_error *err)
{
	struct hg_wire_result *list =
	    unzip(&r->packed_outputs, r->outputs_size, err);
	struct hg_wire_output *old = r->outputs;
	size_t n_old = r->n_outputs;

	if (!list)
		return -(int)err->code;
	r->outputs = list->outputs;
	r->n_outputs = list->n_outputs;
	list->outputs = old;
	list->n_outputs = n_old;
	hg_wire_result_free(list);
	return 0;
}

static int
expand_observed(struct hg_wire_result *r, struct hg_error *err)
{
	struct hg_wire_result *list =
	    unzip(&r->packed_observed, r->observed_size, err);
	struct hg_wire_observed *old = r->observed;
	size_t n_old = r->n_observed;

	if (!list)
		return -(int)err->code;
	r->observed = list->observed;
	r->n_observed = list->n_observed;
	list->observed = old;
	list->n_observed = n_old;
	hg_wire_result_free(list);
	return 0;
}

int
hg_wire_result_expand(
    struct hg_wire_result *r, unsigned which, struct hg_error *err)
{
	struct hg_error mine;
	int rc = 0;

	err = err ? err : &mine;
	if ((which & HG_PACKED_OUTPUTS) && r->packed_outputs.n > 0)
		rc = expand_outputs(r, err);
	if (rc == 0 && (which & HG_PACKED_OBSERVED) && r->packed_observed.n > 0)
		rc = expand_observed(r, err);
	return rc;
}
