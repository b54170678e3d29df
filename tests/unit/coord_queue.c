/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of waiting compiles. */
#include "config.h"

#include <string.h>

#include "lib/base/error.h"
#include "services/coordinator/queue.h"
#include "tests/lib/unit.h"

START_TEST(keeps_the_order_of_arrival)
{
	struct hg_queue_item items[3] = { 0 };
	struct hg_queue q;

	hg_queue_init(&q, 10, 100);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hg_queue_push(&q, &items[i], 10, NULL), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_ptr_eq(q.first, &items[i]);
		hg_queue_remove(&q, q.first);
	}
	ck_assert_ptr_null(q.first);
	ck_assert_ptr_null(q.last);
	ck_assert_uint_eq(q.n, 0);
	ck_assert_uint_eq(q.bytes, 0);
}
END_TEST

START_TEST(one_leaves_from_the_middle)
{
	struct hg_queue_item items[3] = { 0 };
	struct hg_queue q;

	hg_queue_init(&q, 10, 100);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(hg_queue_push(&q, &items[i], 10, NULL), 0);
	hg_queue_remove(&q, &items[1]);
	ck_assert(!items[1].queued);
	hg_queue_remove(&q, &items[1]);
	ck_assert_uint_eq(q.n, 2);
	ck_assert_ptr_eq(items[0].next, &items[2]);
	hg_queue_remove(&q, &items[2]);
	ck_assert_ptr_eq(q.last, &items[0]);
}
END_TEST

START_TEST(refuses_beyond_its_bounds)
{
	struct hg_queue_item items[4] = { 0 };
	struct hg_queue q;
	struct hg_error err;

	hg_queue_init(&q, 2, 100);
	ck_assert_int_eq(hg_queue_push(&q, &items[0], 60, &err), 0);
	ck_assert_int_eq(hg_queue_push(&q, &items[1], 41, &err), -HG_EXHAUSTED);
	ck_assert_ptr_nonnull(strstr(err.text, "60 bytes"));
	ck_assert_int_eq(
	    hg_queue_push(&q, &items[1], 101, &err), -HG_EXHAUSTED);
	ck_assert(!items[1].queued);
	ck_assert_int_eq(hg_queue_push(&q, &items[1], 40, &err), 0);
	ck_assert_int_eq(hg_queue_push(&q, &items[2], 0, &err), -HG_EXHAUSTED);
	ck_assert_ptr_nonnull(strstr(err.text, "2 compiles"));
	hg_queue_init(&q, 0, 100);
	ck_assert_int_eq(hg_queue_push(&q, &items[3], 0, &err), -HG_EXHAUSTED);
}
END_TEST

START_TEST(one_that_comes_back_is_first_and_never_refused)
{
	struct hg_queue_item items[2] = { 0 };
	struct hg_queue q;

	hg_queue_init(&q, 1, 100);
	ck_assert_int_eq(hg_queue_push(&q, &items[0], 10, NULL), 0);
	hg_queue_put_back(&q, &items[1], 1000);
	ck_assert_ptr_eq(q.first, &items[1]);
	ck_assert_ptr_eq(q.last, &items[0]);
	ck_assert_uint_eq(q.n, 2);
	ck_assert_uint_eq(q.bytes, 1010);
}
END_TEST

UNIT_MAIN("coord_queue", keeps_the_order_of_arrival, one_leaves_from_the_middle,
    refuses_beyond_its_bounds, one_that_comes_back_is_first_and_never_refused)
