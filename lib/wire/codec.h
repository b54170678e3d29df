/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain structs to protobuf and back, by tables. A table row ties a member of a
 * plain struct to a field number; what else there is to know about the field
 * comes from the descriptor that protoc-c made. Private to this folder.
 *
 * Unpacking goes in two steps. First the bytes themselves are checked (a walk
 * along fields and lengths), because protobuf-c would cut strings at a NUL
 * without a word, takes any bytes for UTF-8, and reserves memory for as many
 * elements as the sender claims. Only then does protobuf-c parse them. Its
 * strings and bytes are moved into the plain struct, not copied.
 */
#ifndef HG_WIRE_CODEC_H
#define HG_WIRE_CODEC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hg_error;
struct hg_strbuf;
struct hg_codec_message;

enum hg_codec_kind {
	/* a number or bool */
	HG_CODEC_SCALAR,
	/* char *; a string or bytes field */
	HG_CODEC_STRING,
	/* char ** and its count */
	HG_CODEC_STRINGS,
	/* struct hg_blob */
	HG_CODEC_BLOB,
	/* struct hg_blob; a string field for what it can hold, and a bytes
	 * field (raw) that is there when the string cannot hold it exactly */
	HG_CODEC_TEXT,
	/* struct hg_digest or hg_content_id; bytes, empty means zero */
	HG_CODEC_DIGEST,
	/* a struct in the struct; or, at 0, members of the same struct */
	HG_CODEC_PART,
	/* as PART, in a oneof: it is the one when the int at n_at equals max */
	HG_CODEC_CHOICE,
	/* array of structs and its count */
	HG_CODEC_LIST,
};

struct hg_codec_field {
	uint32_t number;
	enum hg_codec_kind kind;
	/* where the member is, and its count */
	size_t at;
	size_t n_at;
	size_t size;
	/* greatest count, length or value that is taken; 0: any */
	size_t max;
	/* HG_CODEC_TEXT: number of the field with the exact bytes */
	uint32_t raw;
	const struct hg_codec_message *sub;
};

struct hg_codec_message {
	const ProtobufCMessageDescriptor *pb;
	/* of the plain struct */
	size_t size;
	const struct hg_codec_field *fields;
	size_t n_fields;
};

#define HG_CODEC_SIZE(S, m) sizeof(((S *)NULL)->m)
#define HG_SCALAR(S, no, m) \
	{ .number = no, .kind = HG_CODEC_SCALAR, .at = offsetof(S, m), \
	    .size = HG_CODEC_SIZE(S, m) }
#define HG_ENUM(S, no, m, greatest) \
	{ .number = no, .kind = HG_CODEC_SCALAR, .at = offsetof(S, m), \
	    .size = HG_CODEC_SIZE(S, m), .max = greatest }
#define HG_STRING(S, no, m, longest) \
	{ .number = no, .kind = HG_CODEC_STRING, .at = offsetof(S, m), \
	    .max = longest }
#define HG_STRINGS(S, no, m, most) \
	{ .number = no, .kind = HG_CODEC_STRINGS, .at = offsetof(S, m), \
	    .n_at = offsetof(S, n_##m), .max = most }
#define HG_BLOB(S, no, m) \
	{ .number = no, .kind = HG_CODEC_BLOB, .at = offsetof(S, m) }
#define HG_TEXT(S, no, m, raw_no) \
	{ .number = no, .kind = HG_CODEC_TEXT, .at = offsetof(S, m), \
	    .raw = raw_no }
#define HG_DIGEST(S, no, m) \
	{ .number = no, .kind = HG_CODEC_DIGEST, .at = offsetof(S, m), \
	    .size = HG_CODEC_SIZE(S, m) }
#define HG_PART(S, no, m, table) \
	{ .number = no, .kind = HG_CODEC_PART, .at = offsetof(S, m), \
	    .sub = table }
#define HG_MEMBERS(no, table) \
	{ .number = no, .kind = HG_CODEC_PART, .sub = table }
#define HG_CHOICE(S, no, m, value, table) \
	{ .number = no, .kind = HG_CODEC_CHOICE, .n_at = offsetof(S, m), \
	    .max = value, .sub = table }
#define HG_LIST(S, no, m, most, table) \
	{ .number = no, .kind = HG_CODEC_LIST, .at = offsetof(S, m), \
	    .n_at = offsetof(S, n_##m), .max = most, .sub = table }

/* Defines table M of struct S: HG_TABLE(name, S, pb descriptor, rows...). */
#define HG_TABLE(name, S, descriptor, ...) \
	static const struct hg_codec_field name##_fields[] = { __VA_ARGS__ }; \
	static const struct hg_codec_message name##_table = { \
		.pb = &descriptor, \
		.size = sizeof(S), \
		.fields = name##_fields, \
		.n_fields = sizeof(name##_fields) / sizeof(*name##_fields), \
	};

/* Appends. */
void hg_codec_pack(
    const struct hg_codec_message *msg, const void *m, struct hg_strbuf *out);
/* The checks, the parse, and a new plain struct; or NULL and err. */
void *hg_codec_unpack(const struct hg_codec_message *msg, const void *p,
    size_t n, struct hg_error *err);
/* NULL is allowed. */
void hg_codec_free(const struct hg_codec_message *msg, void *m);

/*
 * The first step of unpacking: 0, -HG_PROTOCOL when the bytes are not that
 * message, -HG_TOOBIG when it is over a limit.
 */
int hg_codec_check(const struct hg_codec_message *msg, const void *p, size_t n,
    struct hg_error *err);

#endif
