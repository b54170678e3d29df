/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a cache holds: files and bytes of each fan-out folder, counted by whoever
 * adds or removes one, so that opening a cache needs no look at it. Kept in the
 * file "usage" of the cache's folder, which also says where cleaning goes on,
 * and whose locks keep counting and looking apart.
 */
#ifndef HG_STORE_USAGE_H
#define HG_STORE_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct hg_error;

#define HG_FANOUT 256

struct hg_usage;

struct hg_usage_count {
	int64_t files;
	/* as they take room: whole blocks */
	int64_t bytes;
};

/* NULL when it cannot be opened or made. */
struct hg_usage *hg_usage_open(const char *dir, struct hg_error *err);
/* Also gives the lock up, unless a child has it now. */
void hg_usage_close(struct hg_usage *u);

/* Room that a file of size bytes takes. */
int64_t hg_usage_room(int64_t size);

struct hg_usage_count hg_usage_of(const struct hg_usage *u, unsigned folder);
struct hg_usage_count hg_usage_total(const struct hg_usage *u);

/* ---- counting ---------------------------------------------------------- */

/*
 * Around each change of a folder: begin, rename or remove, end with by how much
 * it grew. u may be NULL. Never waits for long, as the change goes before the
 * count.
 */
void hg_usage_begin(struct hg_usage *u, unsigned folder);
void hg_usage_end(
    struct hg_usage *u, unsigned folder, struct hg_usage_count grown);

/* What was counted at a moment when no change was half done. */
struct hg_usage_mark {
	unsigned folder;
	uint64_t changes;
	struct hg_usage_count count;
};

/*
 * To look whether a folder's count is right: mark, look at all of it, correct.
 * Both are false when that is not possible now: someone changes the folder, or
 * has changed it since the mark.
 */
bool hg_usage_mark(
    struct hg_usage *u, unsigned folder, struct hg_usage_mark *ret);
bool hg_usage_correct(struct hg_usage *u, const struct hg_usage_mark *mark,
    struct hg_usage_count found);

/* ---- cleaning ---------------------------------------------------------- */

/*
 * Only one process cleans. Waits at most wait_ms (0: not at all) for the lock.
 * -HG_EXHAUSTED: another one has it. A child made by fork shares it.
 */
int hg_usage_lock(struct hg_usage *u, unsigned wait_ms, struct hg_error *err);
/* The descriptor that holds the lock. */
int hg_usage_fd(const struct hg_usage *u);

/* The folder whose turn it is to be cleaned; then it is that of the n-th next. */
unsigned hg_usage_turn(struct hg_usage *u, unsigned n);
/* When (seconds since 1970) to look after the cache next; 0: never done yet. */
int64_t hg_usage_due(const struct hg_usage *u);
void hg_usage_set_due(struct hg_usage *u, int64_t when);

#endif
