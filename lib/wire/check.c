/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the bytes of a message before anything is reserved for it. It walks
 * along tags and lengths as the protobuf encoding defines them, and is nowhere
 * more lenient than protobuf-c, which parses the same bytes afterwards: strings
 * are UTF-8 without NUL, digests are whole, counts and lengths are within the
 * table's limits, and a nested message that may come once comes once.
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/wire/codec.h"
#include "lib/wire/wire.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_64BIT = 1,
	WIRE_BYTES = 2,
	WIRE_32BIT = 5,
};

#define MAX_NUMBER ((UINT64_C(1) << 29) - 1)
#define MAX_ROWS 32

struct walk {
	const unsigned char *p;
	size_t n;
	/* fields that the whole message may still have */
	size_t *budget;
	struct hg_error *err;
};

static int
fail(struct walk *w, const struct hg_codec_message *msg,
    const ProtobufCFieldDescriptor *pb, enum hg_code code, const char *what)
{
	return hg_fail(w->err, code, "%s.%s: %s", msg->pb->short_name,
	    pb ? pb->name : "?", what);
}

/* At most max_bytes long; false when there is no such number. */
static bool
read_varint(struct walk *w, size_t max_bytes, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < w->n && i < max_bytes; i++) {
		v |= (uint64_t)(w->p[i] & 0x7F) << (7 * i);
		if (!(w->p[i] & 0x80)) {
			w->p += i + 1;
			w->n -= i + 1;
			*ret = v;
			return true;
		}
	}
	return false;
}

static bool
read_span(struct walk *w, size_t n, const unsigned char **ret)
{
	if (n > w->n)
		return false;
	*ret = w->p;
	w->p += n;
	w->n -= n;
	return true;
}

static enum wire_type
wire_type_of(ProtobufCType type)
{
	if (type == PROTOBUF_C_TYPE_DOUBLE)
		return WIRE_64BIT;
	if (type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_BYTES ||
	    type == PROTOBUF_C_TYPE_MESSAGE)
		return WIRE_BYTES;
	return WIRE_VARINT;
}

static bool
skip(struct walk *w, unsigned wire)
{
	const unsigned char *span;
	uint64_t v;

	switch (wire) {
	case WIRE_VARINT:
		return read_varint(w, 10, &v);
	case WIRE_64BIT:
		return read_span(w, 8, &span);
	case WIRE_32BIT:
		return read_span(w, 4, &span);
	case WIRE_BYTES:
		return read_varint(w, 5, &v) && read_span(w, v, &span);
	default:
		/* groups: nothing has sent those for a decade */
		return false;
	}
}

static const struct hg_codec_field *
find_row(const struct hg_codec_message *msg, uint32_t number)
{
	for (size_t i = 0; i < msg->n_fields; i++) {
		const struct hg_codec_field *f = &msg->fields[i];

		if (f->number == number || f->raw == number)
			return f;
	}
	return NULL;
}

static int
check_count(struct walk *w, const struct hg_codec_message *msg,
    const struct hg_codec_field *row, const ProtobufCFieldDescriptor *pb,
    size_t *seen)
{
	size_t n = ++seen[row - msg->fields];

	switch (row->kind) {
	case HG_CODEC_STRINGS:
	case HG_CODEC_LIST:
		if (n > row->max)
			return fail(w, msg, pb, HG_TOOBIG, "too many");
		return 0;
	case HG_CODEC_PART:
	case HG_CODEC_CHOICE:
		if (n > 1)
			return fail(w, msg, pb, HG_PROTOCOL, "comes twice");
		return 0;
	case HG_CODEC_SCALAR:
	case HG_CODEC_STRING:
	case HG_CODEC_BLOB:
	case HG_CODEC_TEXT:
	case HG_CODEC_DIGEST:
		return 0;
	}
	return 0;
}

/* A varint or a double. */
static int
check_number(struct walk *w, const struct hg_codec_message *msg,
    const struct hg_codec_field *row, const ProtobufCFieldDescriptor *pb)
{
	const unsigned char *span;
	uint64_t v;
	double d;

	if (pb->type == PROTOBUF_C_TYPE_DOUBLE) {
		if (!read_span(w, sizeof(d), &span))
			return fail(w, msg, pb, HG_PROTOCOL, "is cut off");
		memcpy(&d, span, sizeof(d));
		if (!isfinite(d))
			return fail(w, msg, pb, HG_PROTOCOL, "is not a number");
		return 0;
	}
	if (!read_varint(w, 10, &v))
		return fail(w, msg, pb, HG_PROTOCOL, "is cut off");
	if (row && row->max && v > row->max)
		return fail(w, msg, pb, HG_PROTOCOL, "has an unknown value");
	return 0;
}

static int
check_length(struct walk *w, const struct hg_codec_message *msg,
    const struct hg_codec_field *row, const ProtobufCFieldDescriptor *pb,
    size_t n)
{
	if (row->kind == HG_CODEC_DIGEST && n != 0 && n != row->size)
		return fail(w, msg, pb, HG_PROTOCOL, "is not a digest");
	if ((row->kind == HG_CODEC_STRING && n > row->max) ||
	    (row->kind == HG_CODEC_STRINGS && n > HG_MAX_ARG_BYTES))
		return fail(w, msg, pb, HG_TOOBIG, "is too long");
	return 0;
}

static int check_message(struct walk *w, const struct hg_codec_message *msg);

static int
check_bytes(struct walk *w, const struct hg_codec_message *msg,
    const struct hg_codec_field *row, const ProtobufCFieldDescriptor *pb)
{
	bool is_c_string = row &&
	    (row->kind == HG_CODEC_STRING || row->kind == HG_CODEC_STRINGS);
	struct walk sub = *w;
	uint64_t n;
	int rc;

	if (!read_varint(w, 5, &n) || !read_span(w, n, &sub.p))
		return fail(w, msg, pb, HG_PROTOCOL, "is cut off");
	sub.n = n;
	if (pb->type == PROTOBUF_C_TYPE_STRING && !hg_wire_is_utf8(sub.p, n))
		return fail(w, msg, pb, HG_PROTOCOL,
		    "is not UTF-8 text without NUL");
	if (pb->type == PROTOBUF_C_TYPE_BYTES && is_c_string &&
	    memchr(sub.p, 0, n))
		return fail(w, msg, pb, HG_PROTOCOL, "contains NUL");
	if (!row)
		return 0;
	rc = check_length(w, msg, row, pb, n);
	if (rc == 0 && row->sub)
		rc = check_message(&sub, row->sub);
	return rc;
}

static int
check_field(
    struct walk *w, const struct hg_codec_message *msg, size_t *seen)
{
	const struct hg_codec_field *row;
	const ProtobufCFieldDescriptor *pb;
	uint64_t tag;
	unsigned wire;
	int rc;

	if (!read_varint(w, 5, &tag) || tag >> 3 == 0 || tag >> 3 > MAX_NUMBER)
		return fail(w, msg, NULL, HG_PROTOCOL, "is damaged");
	if ((*w->budget)-- == 0)
		return fail(w, msg, NULL, HG_TOOBIG, "too many fields");
	wire = tag & 7;
	pb = protobuf_c_message_descriptor_get_field(
	    msg->pb, (unsigned)(tag >> 3));
	if (!pb)
		return skip(w, wire) ?
		    0 : fail(w, msg, NULL, HG_PROTOCOL, "is damaged");
	if (wire != wire_type_of(pb->type))
		return fail(w, msg, pb, HG_PROTOCOL, "has another type");
	row = find_row(msg, pb->id);
	rc = row ? check_count(w, msg, row, pb, seen) : 0;
	if (rc)
		return rc;
	if (wire == WIRE_BYTES)
		return check_bytes(w, msg, row, pb);
	return check_number(w, msg, row, pb);
}

/* Recursive, but no deeper than the tables are nested. */
static int
check_message(struct walk *w, const struct hg_codec_message *msg)
{
	size_t seen[MAX_ROWS] = { 0 };

	hg_assert(msg->n_fields <= MAX_ROWS);
	while (w->n > 0) {
		int rc = check_field(w, msg, seen);

		if (rc)
			return rc;
	}
	return 0;
}

/* One top-level field: whether it is the includes' bundle, and where that is. */
static bool
read_field(struct walk *w, bool *ret_is_bundle, struct hg_blob *ret)
{
	static const char key[] = HG_BUNDLE_KEY;
	/* of the map's entry: the key's tag and length, then the key */
	const size_t key_n = sizeof(key) - 1;
	struct walk entry = *w;
	const unsigned char *span;
	uint64_t tag, n;

	*ret_is_bundle = false;
	if (!read_varint(w, 5, &tag))
		return false;
	entry = *w;
	if (!skip(w, tag & 7))
		return false;
	if (tag != (7 << 3 | WIRE_BYTES) || !read_varint(&entry, 5, &n))
		return true;
	entry.n = n;
	if (!read_varint(&entry, 1, &tag) || tag != (1 << 3 | WIRE_BYTES) ||
	    !read_varint(&entry, 1, &n) || n != key_n ||
	    !read_span(&entry, n, &span) || memcmp(span, key, key_n) != 0 ||
	    !read_varint(&entry, 1, &tag) || tag != (2 << 3 | WIRE_BYTES) ||
	    !read_varint(&entry, 5, &n) || n != entry.n)
		return true;
	*ret = (struct hg_blob){ entry.p, n };
	*ret_is_bundle = true;
	return true;
}

size_t
hg_wire_compile_head(const void *p, size_t n, struct hg_blob *ret_bundle)
{
	struct walk w = { .p = p, .n = n };

	*ret_bundle = (struct hg_blob){ NULL, 0 };
	while (w.n > 0) {
		size_t at = n - w.n;
		bool is_bundle;

		if (!read_field(&w, &is_bundle, ret_bundle))
			break;
		if (is_bundle && w.n == 0)
			return at;
	}
	*ret_bundle = (struct hg_blob){ NULL, 0 };
	return n;
}

int
hg_codec_check(const struct hg_codec_message *msg, const void *p, size_t n,
    struct hg_error *err)
{
	size_t budget = HG_MAX_WIRE_FIELDS;
	struct walk w = { .p = p, .n = n, .budget = &budget, .err = err };

	return check_message(&w, msg);
}
