/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fillcache DIR N: adds N entries to a cache, as pairs of manifest and result
 * with random keys, used at random times within the last month. They have sizes
 * but no contents (holes), which is all that hits of others and eviction see of
 * them; and they are counted as if they had been published.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/parse.h"
#include "lib/base/path.h"
#include "lib/base/time.h"
#include "lib/digest/digest.h"
#include "lib/store/cache.h"
#include "lib/store/usage.h"

enum { MANIFEST_BYTES = 12000, RESULT_BYTES = 40000, MONTH_S = 30 * 86400 };

/* The n-th number of a fixed sequence. */
static struct hg_digest
number(uint64_t n, uint64_t of)
{
	uint64_t seed[2] = { n, of };
	struct hg_digest d;

	hg_digest_bytes(seed, sizeof(seed), &d);
	return d;
}

static int
add_file(struct hg_usage *u, const struct hg_digest *key, const char *ending,
    off_t size, time_t used)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = used } };
	struct hg_usage_count grown = { 1, hg_usage_room(size) };
	char hex[HG_DIGEST_HEX_BYTES], path[64];
	int fd, rc;

	hg_digest_hex(key, hex);
	snprintf(path, sizeof(path), "%.2s/%s.%s", hex, hex, ending);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	rc = ftruncate(fd, size) < 0 || futimens(fd, times) < 0 ? -1 : 0;
	close(fd);
	hg_usage_begin(u, key->b[0]);
	hg_usage_end(u, key->b[0], grown);
	return rc;
}

static int
add_pair(struct hg_usage *u, uint64_t n, time_t now)
{
	struct hg_digest manifest = number(n, 0), result = number(n, 1), age;
	uint32_t when;

	age = number(n, 2);
	memcpy(&when, &age, sizeof(when));
	now -= (time_t)(when % MONTH_S);
	memcpy(result.b, manifest.b, HG_PAIR_BYTES);
	if (add_file(u, &manifest, HG_ENTRY_MANIFEST, MANIFEST_BYTES, now) < 0)
		return -1;
	return add_file(u, &result, HG_ENTRY_RESULT, RESULT_BYTES, now);
}

int
main(int argc, char **argv)
{
	time_t now = (time_t)(hg_wall_ns() / HG_NS_PER_SEC);
	struct hg_error err = { .text = "" };
	struct hg_usage *u = NULL;
	uint64_t n;

	if (argc != 3 || hg_parse_u64(argv[2], 0, UINT32_MAX, &n, &err) != 0) {
		fprintf(stderr, "usage: fillcache DIR N\n");
		return 64;
	}
	if (hg_mkdir_p(argv[1], &err) == 0 && chdir(argv[1]) == 0)
		u = hg_usage_open(".", &err);
	for (int i = 0; u && i < HG_FANOUT; i++) {
		char name[8];

		snprintf(name, sizeof(name), "%02x", i);
		if (hg_mkdir_p(name, &err) != 0)
			u = NULL;
	}
	for (uint64_t i = 0; u && i < n / 2; i++) {
		if (add_pair(u, i, now) == 0)
			continue;
		hg_fail_errno(&err, HG_IO, "cannot add an entry");
		u = NULL;
	}
	if (!u)
		fprintf(stderr, "fillcache: %s: %s\n", argv[1], err.text);
	hg_usage_close(u);
	return u ? 0 : 1;
}
