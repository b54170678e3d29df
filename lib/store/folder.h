/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fan-out folders as those see them who look after a cache: lists of the
 * entries' files, and the cleaner's housekeeping that goes with listing.
 */
#ifndef HG_STORE_FOLDER_H
#define HG_STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest/digest.h"
#include "lib/store/usage.h"

struct hg_cache;
struct hg_error;

#define HG_ENDING_BYTES 8

/* A file of an entry: KEY.ENDING */
struct hg_folder_file {
	struct hg_digest key;
	char ending[HG_ENDING_BYTES];
	/* as it takes room */
	int64_t bytes;
	/* when it was used last, as far as that was written down */
	int64_t used_ns;
};

struct hg_folder_list {
	struct hg_folder_file *v;
	size_t n;
	size_t cap;
	/* files that are named like no entry */
	uint64_t strays;
	/* counts that were wrong and are right now, and by how much in sum */
	uint64_t corrected;
	struct hg_usage_count off;
};

#define HG_FOLDER_LIST_INIT { .v = NULL }
void hg_folder_list_release(struct hg_folder_list *l);

/* "ab12….o" -> key and ending; false when it is no entry's name. */
bool hg_folder_parse(const char *name, struct hg_digest *ret_key,
    char ret_ending[HG_ENDING_BYTES]);

/*
 * Appends the files of a folder. On the way it removes temporary files that
 * killed processes left, and puts the folder's count right.
 */
int hg_folder_read(struct hg_cache *c, unsigned folder,
    struct hg_folder_list *l, struct hg_error *err);

#endif
