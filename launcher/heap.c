/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a launcher that is built apart, in place of its C library's: a
 * hit needs some hundred small pieces for less than a millisecond, and a general
 * allocator asks the kernel a dozen times for them, which is a tenth of the hit.
 * Here they are cut from a piece of the program itself, in sizes that are powers
 * of two; what is freed waits for the next of its size. Large pieces are the
 * kernel's. For one thread only.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	MIN_BITS = 5,
	/* beyond, the kernel is asked for each piece */
	MAX_BITS = 16,
	FIRST_BYTES = 128 << 10,
	MORE_BYTES = 1 << 20,
};

/* In front of each piece. */
struct head {
	/* the piece's size with this head */
	size_t bytes;
	struct head *next_free;
};

_Static_assert(sizeof(struct head) % _Alignof(max_align_t) == 0,
    "pieces are aligned for any type");

static _Alignas(max_align_t) char first[FIRST_BYTES];
static char *at = first;
static char *end = first + FIRST_BYTES;
static struct head *freed[MAX_BITS + 1];

static void *
from_kernel(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A piece with 2 to the power of bits bytes. */
static struct head *
small_piece(unsigned bits)
{
	size_t bytes = (size_t)1 << bits;
	struct head *h = freed[bits];

	if (h) {
		freed[bits] = h->next_free;
		return h;
	}
	if ((size_t)(end - at) < bytes) {
		char *more = from_kernel(MORE_BYTES);

		if (!more)
			return NULL;
		at = more;
		end = more + MORE_BYTES;
	}
	h = (struct head *)at;
	at += bytes;
	h->bytes = bytes;
	return h;
}

static struct head *
piece(size_t n)
{
	struct head *h;
	unsigned bits;

	if (n > PTRDIFF_MAX - sizeof(*h)) {
		errno = ENOMEM;
		return NULL;
	}
	n += sizeof(*h);
	bits = n <= 1 << MIN_BITS
	    ? MIN_BITS
	    : 64 - (unsigned)__builtin_clzll(n - 1);
	if (bits <= MAX_BITS)
		return small_piece(bits);
	h = from_kernel(n);
	if (h)
		h->bytes = n;
	return h;
}

void *
malloc(size_t n)
{
	struct head *h = piece(n);

	return h ? h + 1 : NULL;
}

void
free(void *p)
{
	struct head *h;
	unsigned bits;

	if (!p)
		return;
	h = (struct head *)p - 1;
	if (h->bytes > (size_t)1 << MAX_BITS) {
		munmap(h, h->bytes);
		return;
	}
	bits = (unsigned)__builtin_ctzll(h->bytes);
	h->next_free = freed[bits];
	freed[bits] = h;
}

void *
calloc(size_t n, size_t size)
{
	struct head *h;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	h = piece(bytes);
	return h ? memset(h + 1, 0, bytes) : NULL;
}

/* A large piece made larger: its pages move, and nothing is copied. */
static void *
move_large(struct head *h, size_t bytes)
{
	h = mremap(h, h->bytes, bytes, MREMAP_MAYMOVE);
	if (h == MAP_FAILED)
		return NULL;
	h->bytes = bytes;
	return h + 1;
}

void *
realloc(void *p, size_t n)
{
	size_t had = p ? ((struct head *)p)[-1].bytes - sizeof(struct head) : 0;
	struct head *h;

	if (p && n <= had)
		return p;
	if (p && had > (size_t)1 << MAX_BITS &&
	    n <= PTRDIFF_MAX - sizeof(struct head))
		return move_large((struct head *)p - 1, n + sizeof(struct head));
	h = piece(n);
	if (h && p) {
		memcpy(h + 1, p, had);
		free(p);
	}
	return h ? h + 1 : NULL;
}
