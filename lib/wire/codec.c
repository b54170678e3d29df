/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing borrows: the protobuf structs made for it point into the plain ones
 * and live in an arena that is dropped when the bytes are written. Unpacking
 * moves: each string or blob that protobuf-c allocated becomes the plain
 * struct's, and the rest of the parsed message is freed.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/wire/codec.h"
#include "lib/wire/utf8.h"
#include "lib/wire/wire.h"

struct arena {
	struct block *blocks;
};

struct block {
	struct block *next;
	/* aligned for any type */
	max_align_t bytes[];
};

static void *
arena_alloc(struct arena *arena, size_t n)
{
	struct block *b = hg_xcalloc(1, sizeof(*b) + n);

	b->next = arena->blocks;
	arena->blocks = b;
	return b->bytes;
}

static void
arena_release(struct arena *arena)
{
	while (arena->blocks) {
		struct block *b = arena->blocks;

		arena->blocks = b->next;
		free(b);
	}
}

static void *
member(void *m, size_t at)
{
	return (char *)m + at;
}

static const void *
const_member(const void *m, size_t at)
{
	return (const char *)m + at;
}

/* For C interfaces that take a char * or void * and do not write to it. */
static void *
unconst(const void *p)
{
	return (void *)(uintptr_t)p;
}

static const ProtobufCFieldDescriptor *
pb_field(const struct hg_codec_message *msg, uint32_t number)
{
	const ProtobufCFieldDescriptor *pb =
	    protobuf_c_message_descriptor_get_field(msg->pb, number);

	hg_assert(pb);
	return pb;
}

/* ---- packing ----------------------------------------------------------- */

static ProtobufCBinaryData
binary(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = unconst(p) };
}

/* Fills one string or bytes element of a protobuf struct. */
static void
pack_c_string(const ProtobufCFieldDescriptor *pb, const char *s, void *to)
{
	if (!s)
		s = "";
	if (pb->type == PROTOBUF_C_TYPE_BYTES)
		*(ProtobufCBinaryData *)to = binary(s, strlen(s));
	else
		*(char **)to = unconst(s);
}

static void
pack_strings(const struct hg_codec_field *f,
    const ProtobufCFieldDescriptor *pb, const void *m, void *to,
    struct arena *arena)
{
	size_t n = *(const size_t *)const_member(m, f->n_at);
	char *const *v = *(char *const *const *)const_member(m, f->at);
	size_t stride = pb->type == PROTOBUF_C_TYPE_BYTES ?
	    sizeof(ProtobufCBinaryData) : sizeof(char *);
	char *array;

	if (n == 0)
		return;
	array = arena_alloc(arena, n * stride);
	for (size_t i = 0; i < n; i++)
		pack_c_string(pb, v[i], array + i * stride);
	*(size_t *)member(to, pb->quantifier_offset) = n;
	*(void **)member(to, pb->offset) = array;
}

static void
pack_text(const struct hg_codec_message *msg, const struct hg_codec_field *f,
    const struct hg_blob *blob, void *to, struct arena *arena)
{
	const ProtobufCFieldDescriptor *text = pb_field(msg, f->number);
	const ProtobufCFieldDescriptor *raw = pb_field(msg, f->raw);
	char *clean;

	if (blob->n == 0)
		return;
	clean = arena_alloc(arena, blob->n + 1);
	hg_utf8_clean(blob->p, blob->n, clean);
	*(char **)member(to, text->offset) = clean;
	if (memcmp(clean, blob->p, blob->n) != 0)
		*(ProtobufCBinaryData *)member(to, raw->offset) =
		    binary(blob->p, blob->n);
}

static void
pack_scalar(const struct hg_codec_field *f, const ProtobufCFieldDescriptor *pb,
    const void *from, void *to)
{
	if (pb->type == PROTOBUF_C_TYPE_BOOL)
		*(protobuf_c_boolean *)to = *(const bool *)from;
	else
		memcpy(to, from, f->size);
}

static void
pack_digest(
    const struct hg_codec_field *f, const void *from, ProtobufCBinaryData *to)
{
	static const unsigned char zero[HG_CONTENT_ID_BYTES];

	hg_assert(f->size <= sizeof(zero));
	if (memcmp(from, zero, f->size) != 0)
		*to = binary(from, f->size);
}

static void fill_pb(const struct hg_codec_message *msg, const void *m,
    ProtobufCMessage *to, struct arena *arena);

static ProtobufCMessage *
new_pb(const struct hg_codec_message *msg, const void *m, struct arena *arena)
{
	ProtobufCMessage *pb = arena_alloc(arena, msg->pb->sizeof_message);

	fill_pb(msg, m, pb, arena);
	return pb;
}

static void
pack_choice(const struct hg_codec_field *f, const ProtobufCFieldDescriptor *pb,
    const void *m, void *to, struct arena *arena)
{
	if (*(const unsigned *)const_member(m, f->n_at) != f->max)
		return;
	*(unsigned *)member(to, pb->quantifier_offset) = f->number;
	*(ProtobufCMessage **)member(to, pb->offset) = new_pb(f->sub, m, arena);
}

static void
pack_list(const struct hg_codec_field *f, const ProtobufCFieldDescriptor *pb,
    const void *m, void *to, struct arena *arena)
{
	size_t n = *(const size_t *)const_member(m, f->n_at);
	const char *from = *(const char *const *)const_member(m, f->at);
	size_t stride = f->sub->pb->sizeof_message;
	ProtobufCMessage **pointers;
	char *structs;

	if (n == 0)
		return;
	pointers = arena_alloc(arena, n * sizeof(*pointers));
	structs = arena_alloc(arena, n * stride);
	for (size_t i = 0; i < n; i++) {
		pointers[i] = (void *)(structs + i * stride);
		fill_pb(f->sub, from + i * f->sub->size, pointers[i], arena);
	}
	*(size_t *)member(to, pb->quantifier_offset) = n;
	*(ProtobufCMessage ***)member(to, pb->offset) = pointers;
}

static void
pack_field(const struct hg_codec_message *msg, const struct hg_codec_field *f,
    const void *m, void *to, struct arena *arena)
{
	const ProtobufCFieldDescriptor *pb = pb_field(msg, f->number);
	const void *from = const_member(m, f->at);
	const struct hg_blob *blob = from;
	void *at = member(to, pb->offset);

	switch (f->kind) {
	case HG_CODEC_SCALAR:
		pack_scalar(f, pb, from, at);
		return;
	case HG_CODEC_STRING:
		pack_c_string(pb, *(char *const *)from, at);
		return;
	case HG_CODEC_STRINGS:
		pack_strings(f, pb, m, to, arena);
		return;
	case HG_CODEC_BLOB:
		*(ProtobufCBinaryData *)at = binary(blob->p, blob->n);
		return;
	case HG_CODEC_TEXT:
		pack_text(msg, f, blob, to, arena);
		return;
	case HG_CODEC_DIGEST:
		pack_digest(f, from, at);
		return;
	case HG_CODEC_PART:
		*(ProtobufCMessage **)at = new_pb(f->sub, from, arena);
		return;
	case HG_CODEC_CHOICE:
		pack_choice(f, pb, m, to, arena);
		return;
	case HG_CODEC_LIST:
		pack_list(f, pb, m, to, arena);
		return;
	}
}

/* Recursive, but no deeper than the tables are nested. */
static void
fill_pb(const struct hg_codec_message *msg, const void *m, ProtobufCMessage *to,
    struct arena *arena)
{
	protobuf_c_message_init(msg->pb, to);
	for (size_t i = 0; i < msg->n_fields; i++)
		pack_field(msg, &msg->fields[i], m, to, arena);
}

void
hg_codec_pack(
    const struct hg_codec_message *msg, const void *m, struct hg_strbuf *out)
{
	struct arena arena = { NULL };
	ProtobufCMessage *pb = new_pb(msg, m, &arena);
	size_t n = protobuf_c_message_get_packed_size(pb);

	hg_strbuf_grow(out, n);
	protobuf_c_message_pack(pb, (uint8_t *)out->buf + out->len);
	hg_strbuf_setlen(out, out->len + n);
	arena_release(&arena);
}

/* ---- unpacking --------------------------------------------------------- */

static void
move_blob(ProtobufCBinaryData *from, struct hg_blob *to)
{
	to->p = from->data;
	to->n = from->len;
	*from = binary(NULL, 0);
}

/* from is NULL for an absent field; the result is never NULL. */
static char *
move_c_string(const ProtobufCFieldDescriptor *pb, void *from)
{
	char *s = NULL;

	if (from && pb->type == PROTOBUF_C_TYPE_BYTES) {
		struct hg_blob blob;

		move_blob(from, &blob);
		s = hg_xrealloc(unconst(blob.p), blob.n + 1);
		s[blob.n] = '\0';
	} else if (from && *(char **)from != pb->default_value) {
		s = *(char **)from;
		*(char **)from = NULL;
	}
	return s ? s : hg_xstrdup("");
}

static void
unpack_strings(const struct hg_codec_field *f,
    const ProtobufCFieldDescriptor *pb, void *from, void *m)
{
	size_t n = *(size_t *)member(from, pb->quantifier_offset);
	char *array = *(char **)member(from, pb->offset);
	size_t stride = pb->type == PROTOBUF_C_TYPE_BYTES ?
	    sizeof(ProtobufCBinaryData) : sizeof(char *);
	char **v = n ? hg_xcalloc(n, sizeof(*v)) : NULL;

	for (size_t i = 0; i < n; i++)
		v[i] = move_c_string(pb, array + i * stride);
	*(char ***)member(m, f->at) = v;
	*(size_t *)member(m, f->n_at) = n;
}

static void
unpack_text(const struct hg_codec_message *msg, const struct hg_codec_field *f,
    void *from, struct hg_blob *to)
{
	const ProtobufCFieldDescriptor *text = pb_field(msg, f->number);
	const ProtobufCFieldDescriptor *raw = pb_field(msg, f->raw);
	char *s;

	move_blob(member(from, raw->offset), to);
	if (to->n > 0)
		return;
	free(unconst(to->p));
	s = move_c_string(text, member(from, text->offset));
	*to = (struct hg_blob){ s, strlen(s) };
}

static void
unpack_scalar(const struct hg_codec_field *f,
    const ProtobufCFieldDescriptor *pb, const void *from, void *to)
{
	if (pb->type == PROTOBUF_C_TYPE_BOOL)
		*(bool *)to = *(const protobuf_c_boolean *)from != 0;
	else
		memcpy(to, from, f->size);
}

static void
unpack_digest(
    const struct hg_codec_field *f, const ProtobufCBinaryData *from, void *to)
{
	if (from->len == f->size)
		memcpy(to, from->data, f->size);
}

static void fill_plain(
    const struct hg_codec_message *msg, ProtobufCMessage *from, void *m);

static void
unpack_choice(const struct hg_codec_field *f,
    const ProtobufCFieldDescriptor *pb, void *from, void *m)
{
	ProtobufCMessage *part = NULL;

	if (from && *(unsigned *)member(from, pb->quantifier_offset) ==
	    f->number) {
		part = *(ProtobufCMessage **)member(from, pb->offset);
		*(unsigned *)member(m, f->n_at) = (unsigned)f->max;
	}
	fill_plain(f->sub, part, m);
}

static void
unpack_list(const struct hg_codec_field *f, const ProtobufCFieldDescriptor *pb,
    void *from, void *m)
{
	size_t n = *(size_t *)member(from, pb->quantifier_offset);
	ProtobufCMessage **v = *(ProtobufCMessage ***)member(from, pb->offset);
	char *structs = n ? hg_xcalloc(n, f->sub->size) : NULL;

	for (size_t i = 0; i < n; i++)
		fill_plain(f->sub, v[i], structs + i * f->sub->size);
	*(char **)member(m, f->at) = structs;
	*(size_t *)member(m, f->n_at) = n;
}

/* Fields that hold something even when the message was not there. */
static void
unpack_absent(const struct hg_codec_field *f,
    const ProtobufCFieldDescriptor *pb, void *m)
{
	if (f->kind == HG_CODEC_STRING)
		*(char **)member(m, f->at) = move_c_string(pb, NULL);
	else if (f->kind == HG_CODEC_PART)
		fill_plain(f->sub, NULL, member(m, f->at));
	else if (f->kind == HG_CODEC_CHOICE)
		unpack_choice(f, pb, NULL, m);
}

static void
unpack_field(const struct hg_codec_message *msg, const struct hg_codec_field *f,
    void *from, void *m)
{
	const ProtobufCFieldDescriptor *pb = pb_field(msg, f->number);
	void *at = member(from, pb->offset);
	void *to = member(m, f->at);

	switch (f->kind) {
	case HG_CODEC_SCALAR:
		unpack_scalar(f, pb, at, to);
		return;
	case HG_CODEC_STRING:
		*(char **)to = move_c_string(pb, at);
		return;
	case HG_CODEC_STRINGS:
		unpack_strings(f, pb, from, m);
		return;
	case HG_CODEC_BLOB:
		move_blob(at, to);
		return;
	case HG_CODEC_TEXT:
		unpack_text(msg, f, from, to);
		return;
	case HG_CODEC_DIGEST:
		unpack_digest(f, at, to);
		return;
	case HG_CODEC_PART:
		fill_plain(f->sub, *(ProtobufCMessage **)at, to);
		return;
	case HG_CODEC_CHOICE:
		unpack_choice(f, pb, from, m);
		return;
	case HG_CODEC_LIST:
		unpack_list(f, pb, from, m);
		return;
	}
}

/* from is NULL when the message was absent. m is all zero before. */
static void
fill_plain(const struct hg_codec_message *msg, ProtobufCMessage *from, void *m)
{
	for (size_t i = 0; i < msg->n_fields; i++) {
		const struct hg_codec_field *f = &msg->fields[i];

		if (from)
			unpack_field(msg, f, from, m);
		else
			unpack_absent(f, pb_field(msg, f->number), m);
	}
}

void *
hg_codec_unpack(const struct hg_codec_message *msg, const void *p, size_t n,
    struct hg_error *err)
{
	ProtobufCMessage *pb;
	void *m;

	if (hg_codec_check(msg, p, n, err))
		return NULL;
	pb = protobuf_c_message_unpack(msg->pb, NULL, n, p);
	if (!pb) {
		hg_fail(err, HG_PROTOCOL, "these %zu bytes are no %s", n,
		    msg->pb->short_name);
		return NULL;
	}
	m = hg_xcalloc(1, msg->size);
	fill_plain(msg, pb, m);
	protobuf_c_message_free_unpacked(pb, NULL);
	return m;
}

/* ---- freeing ----------------------------------------------------------- */

static void
free_strings(char **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
}

static void free_fields(const struct hg_codec_message *msg, void *m);

static void
free_list(const struct hg_codec_field *f, char *structs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_fields(f->sub, structs + i * f->sub->size);
	free(structs);
}

static void
free_fields(const struct hg_codec_message *msg, void *m)
{
	for (size_t i = 0; i < msg->n_fields; i++) {
		const struct hg_codec_field *f = &msg->fields[i];
		void *at = member(m, f->at);
		size_t *n = member(m, f->n_at);

		switch (f->kind) {
		case HG_CODEC_SCALAR:
		case HG_CODEC_DIGEST:
			break;
		case HG_CODEC_STRING:
			free(*(char **)at);
			break;
		case HG_CODEC_STRINGS:
			free_strings(*(char ***)at, *n);
			break;
		case HG_CODEC_BLOB:
		case HG_CODEC_TEXT:
			free(unconst(((struct hg_blob *)at)->p));
			break;
		case HG_CODEC_PART:
		case HG_CODEC_CHOICE:
			free_fields(f->sub, at);
			break;
		case HG_CODEC_LIST:
			free_list(f, *(char **)at, *n);
			break;
		}
	}
}

void
hg_codec_free(const struct hg_codec_message *msg, void *m)
{
	if (!m)
		return;
	free_fields(msg, m);
	free(m);
}
