/* SPDX-License-Identifier: Apache-2.0 */
/* Contents that come with requests, and those that have to be asked for. */
#include "config.h"

#include <string.h>

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/base/strbuf.h"
#include "lib/blob/blobs.h"
#include "lib/blob/bundle.h"
#include "lib/wire/wire.h"
#include "services/worker/needed.h"

static int
keep_bundle(struct hg_blobs *blobs, const struct hg_wire_compile *request,
    struct hg_error *err)
{
	for (size_t i = 0; i < request->n_includes; i++) {
		const struct hg_wire_include *inc = &request->includes[i];

		if (strcmp(inc->path, HG_BUNDLE_KEY) == 0)
			return hg_bundle_store(
			    blobs, inc->content.p, inc->content.n, err);
	}
	return 0;
}

static void
add_missing(struct hg_strbuf *missing, const struct hg_content_id *id)
{
	hg_strbuf_add(missing, id->b, sizeof(id->b));
}

/* The rows; when their list is not here it is what is missing. */
static int
find_rows(struct hg_needed *in, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, struct hg_strbuf *missing,
    struct hg_error *err)
{
	struct hg_strbuf packed = HG_STRBUF_INIT;
	int rc;

	in->v = request->inputs;
	in->n = request->n_inputs;
	if (!hg_content_id_is_set(&request->input_list))
		return 0;
	rc = hg_blobs_get(blobs, &request->input_list, &packed, err);
	if (rc == 0) {
		in->list = hg_wire_input_list_unpack(
		    packed.buf, packed.len, err);
		rc = in->list ? 0 : -(int)err->code;
	} else if (rc == -HG_NOTFOUND) {
		add_missing(missing, &request->input_list);
		rc = 0;
	}
	if (in->list) {
		in->v = in->list->inputs;
		in->n = in->list->n_inputs;
	}
	hg_strbuf_release(&packed);
	return rc;
}

int
hg_needed_receive(struct hg_needed *in, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, const struct hg_view *view,
    struct hg_strbuf *missing, struct hg_error *err)
{
	int rc;

	*in = (struct hg_needed){ NULL, 0, NULL };
	rc = keep_bundle(blobs, request, err);
	if (rc == 0)
		rc = find_rows(in, blobs, request, missing, err);
	for (size_t i = 0; rc == 0 && i < in->n; i++) {
		const struct hg_wire_input *row = &in->v[i];

		if (hg_content_id_is_set(&row->id) &&
		    !hg_view_is_host(view, row->path) &&
		    !hg_blobs_has(blobs, &row->id))
			add_missing(missing, &row->id);
	}
	return rc;
}

void
hg_needed_release(struct hg_needed *in)
{
	hg_wire_input_list_free(in->list);
	*in = (struct hg_needed){ NULL, 0, NULL };
}
