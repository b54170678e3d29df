/* SPDX-License-Identifier: Apache-2.0 */
/* What servers and channels share: messages as memory, and their settings. */
#include "config.h"

#include <grpc/byte_buffer_reader.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/limits.h"
#include "lib/rpc/core.h"

/* Joins the pieces; a message in one piece is used where it is. */
static grpc_slice
join(grpc_byte_buffer *buffer)
{
	size_t n = grpc_byte_buffer_length(buffer), at = 0;
	grpc_byte_buffer_reader reader;
	grpc_slice piece, whole;

	if (n == 0 || !grpc_byte_buffer_reader_init(&reader, buffer))
		return grpc_empty_slice();
	if (!grpc_byte_buffer_reader_next(&reader, &piece))
		piece = grpc_empty_slice();
	if (GRPC_SLICE_LENGTH(piece) == n) {
		grpc_byte_buffer_reader_destroy(&reader);
		return piece;
	}
	whole = grpc_slice_malloc_large(n);
	do {
		memcpy(GRPC_SLICE_START_PTR(whole) + at,
		    GRPC_SLICE_START_PTR(piece), GRPC_SLICE_LENGTH(piece));
		at += GRPC_SLICE_LENGTH(piece);
		grpc_slice_unref(piece);
	} while (at < n && grpc_byte_buffer_reader_next(&reader, &piece));
	grpc_byte_buffer_reader_destroy(&reader);
	return whole;
}

bool
hg_rpc_body_take(grpc_byte_buffer **buffer, struct body *ret)
{
	bool is_plain = *buffer && (*buffer)->type == GRPC_BB_RAW &&
	    (*buffer)->data.raw.compression == GRPC_COMPRESS_NONE;

	if (is_plain) {
		ret->slice = join(*buffer);
		ret->p = GRPC_SLICE_START_PTR(ret->slice);
		ret->n = GRPC_SLICE_LENGTH(ret->slice);
	}
	if (*buffer)
		grpc_byte_buffer_destroy(*buffer);
	*buffer = NULL;
	return is_plain;
}

void
hg_rpc_body_release(struct body *body)
{
	if (body->p)
		grpc_slice_unref(body->slice);
	body->p = NULL;
	body->n = 0;
}

grpc_byte_buffer *
hg_rpc_buffer_new(const void *p, size_t n)
{
	grpc_slice slice = grpc_slice_from_copied_buffer(p, n);
	grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);

	grpc_slice_unref(slice);
	return buffer;
}

grpc_channel_args
hg_rpc_args(size_t max_message_bytes, const struct hg_rpc_arg *more, size_t n)
{
	size_t max = max_message_bytes ? max_message_bytes :
					 HG_MAX_MESSAGE_BYTES;
	const struct hg_rpc_arg common[] = {
		{ GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
		    max > INT_MAX ? INT_MAX : (int)max },
		{ GRPC_ARG_MAX_SEND_MESSAGE_LENGTH,
		    max > INT_MAX ? INT_MAX : (int)max },
		{ GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1 },
		{ GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0 },
		/* only plain messages; see hg_rpc_body_take() */
		{ GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET,
		    1 << GRPC_COMPRESS_NONE },
		{ GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0 },
	};
	size_t n_common = sizeof(common) / sizeof(*common);
	grpc_arg *args = hg_xcalloc(n_common + n, sizeof(*args));

	for (size_t i = 0; i < n_common + n; i++) {
		const struct hg_rpc_arg *from =
		    i < n_common ? &common[i] : &more[i - n_common];

		args[i].type = GRPC_ARG_INTEGER;
		args[i].key = (char *)(uintptr_t)from->key;
		args[i].value.integer = from->value;
	}
	return (grpc_channel_args){ n_common + n, args };
}
