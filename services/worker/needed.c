/* SPDX-License-Identifier: Apache-2.0 */
/* Contents that come with requests, and those that have to be asked for. */
#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/blob/blobs.h"
#include "lib/blob/bundle.h"
#include "lib/toolchain/host_paths.h"
#include "lib/wire/wire.h"
#include "services/worker/needed.h"

int
hg_needed_keep(struct hg_blobs *blobs, const struct hg_wire_compile *request,
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

/*
 * Headers and compilers come from packages, and many machines have the same. Only
 * what compiles are shown anyway is looked at.
 */
static void
take_own(struct hg_blobs *blobs, const struct hg_wire_input *row)
{
	struct hg_strbuf content = HG_STRBUF_INIT;
	struct stat st;

	if (row->path[0] == '/' && hg_path_is_beneath(row->path + 1) &&
	    hg_host_has(row->path) && stat(row->path, &st) == 0 &&
	    S_ISREG(st.st_mode) && (uint64_t)st.st_size <= HG_MAX_FILE_BYTES &&
	    hg_read_file(row->path, HG_MAX_FILE_BYTES, &content, NULL) == 0)
		/* another content is refused */
		(void)hg_blobs_put(
		    blobs, &row->id, content.buf, content.len, NULL);
	hg_strbuf_release(&content);
}

void
hg_needed_want(struct hg_blobs *blobs, const struct hg_wire_input *row,
    struct hg_strbuf *missing)
{
	if (!hg_content_id_is_set(&row->id) || hg_blobs_has(blobs, &row->id))
		return;
	take_own(blobs, row);
	if (!hg_blobs_has(blobs, &row->id))
		add_missing(missing, &row->id);
}

int
hg_needed_list(struct hg_blobs *blobs, const struct hg_content_id *id,
    struct hg_strbuf *missing, struct hg_wire_input_list **ret,
    struct hg_error *err)
{
	struct hg_strbuf packed = HG_STRBUF_INIT;
	int rc = hg_blobs_get(blobs, id, &packed, err);

	*ret = NULL;
	if (rc == -HG_NOTFOUND) {
		add_missing(missing, id);
		rc = 0;
	} else if (rc == 0) {
		*ret = hg_wire_input_list_unpack(packed.buf, packed.len, err);
		rc = *ret ? 0 : -(int)err->code;
	}
	hg_strbuf_release(&packed);
	return rc;
}

/* The rows; when their list is not here it is what is missing. */
static int
find_rows(struct hg_needed *in, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, struct hg_strbuf *missing,
    struct hg_error *err)
{
	int rc;

	in->v = request->inputs;
	in->n = request->n_inputs;
	if (!hg_content_id_is_set(&request->input_list))
		return 0;
	rc = hg_needed_list(
	    blobs, &request->input_list, missing, &in->list, err);
	if (in->list) {
		in->v = in->list->inputs;
		in->n = in->list->n_inputs;
	}
	return rc;
}

int
hg_needed_receive(struct hg_needed *in, struct hg_blobs *blobs,
    const struct hg_wire_compile *request, const struct hg_view *view,
    struct hg_strbuf *missing, struct hg_error *err)
{
	int rc;

	*in = (struct hg_needed){ NULL, 0, NULL };
	rc = find_rows(in, blobs, request, missing, err);
	for (size_t i = 0; rc == 0 && i < in->n; i++)
		if (!hg_view_is_host(view, in->v[i].path))
			hg_needed_want(blobs, &in->v[i], missing);
	return rc;
}

void
hg_needed_release(struct hg_needed *in)
{
	hg_wire_input_list_free(in->list);
	*in = (struct hg_needed){ NULL, 0, NULL };
}
