/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's own memory, under other names beside that of the C library. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/unit.h"

void *heap_malloc(size_t n);
void heap_free(void *p);
void *heap_calloc(size_t n, size_t size);
void *heap_realloc(void *p, size_t n);

#define malloc heap_malloc
#define free heap_free
#define calloc heap_calloc
#define realloc heap_realloc
#include "launcher/heap.c"
#undef malloc
#undef free
#undef calloc
#undef realloc

/* around what becomes of small pieces, the first store and large pieces */
static const size_t sizes[] = { 0, 1, 16, 17, 100, 4096, 65520, 65521, 70000,
	131072, 1 << 20, 5 << 20 };

START_TEST(pieces_are_apart_and_aligned)
{
	enum { N = sizeof(sizes) / sizeof(*sizes) };
	unsigned char *p[3][N];

	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < N; i++) {
			p[round][i] = heap_malloc(sizes[i]);
			ck_assert_ptr_nonnull(p[round][i]);
			ck_assert_uint_eq(
			    (uintptr_t)p[round][i] % _Alignof(max_align_t), 0);
			memset(p[round][i], (int)(round * N + i), sizes[i]);
		}
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < N; i++) {
			size_t wrong = 0;

			for (size_t k = 0; k < sizes[i]; k++)
				wrong += p[round][i][k] !=
				    (unsigned char)(round * N + i);
			ck_assert_uint_eq(wrong, 0);
			heap_free(p[round][i]);
		}
}
END_TEST

START_TEST(what_is_freed_is_used_again)
{
	void *p = heap_malloc(100), *q;

	heap_free(p);
	q = heap_malloc(90);
	ck_assert_ptr_eq(p, q);
	heap_free(q);
	heap_free(NULL);
}
END_TEST

START_TEST(calloc_clears_what_was_used)
{
	char *p = heap_malloc(1000), *q;

	memset(p, 'x', 1000);
	heap_free(p);
	q = heap_calloc(10, 100);
	ck_assert_ptr_eq(p, q);
	for (size_t i = 0; i < 1000; i++)
		ck_assert_int_eq(q[i], 0);
	heap_free(q);
}
END_TEST

START_TEST(realloc_keeps_the_content)
{
	char *p = heap_realloc(NULL, 1);

	for (size_t n = 1; n < (size_t)1 << 21; n *= 2) {
		p[n - 1] = 'x';
		p = heap_realloc(p, 2 * n);
		ck_assert_ptr_nonnull(p);
		ck_assert_int_eq(p[n - 1], 'x');
	}
	ck_assert_int_eq(p[0], 'x');
	heap_free(p);
}
END_TEST

START_TEST(impossible_sizes_are_refused)
{
	char *p = heap_malloc(10);

	ck_assert_ptr_null(heap_malloc(SIZE_MAX - 1));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_ptr_null(heap_malloc((size_t)1 << 60));
	ck_assert_ptr_null(heap_calloc(SIZE_MAX / 2, 3));
	ck_assert_ptr_null(heap_realloc(p, SIZE_MAX - 1));
	heap_free(p);
}
END_TEST

UNIT_MAIN("heap", pieces_are_apart_and_aligned, what_is_freed_is_used_again,
    calloc_clears_what_was_used, realloc_keeps_the_content,
    impossible_sizes_are_refused)
