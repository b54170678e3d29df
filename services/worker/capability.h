/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this worker can do: architectures, compilers, and the cores and memory
 * that are ours after affinity and the limits of cgroups (versions 1 and 2).
 */
#ifndef HG_WORKER_CAPABILITY_H
#define HG_WORKER_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/strvec.h"

struct hg_wire_capabilities;

/* Where to look; tests lay out trees of their own. */
struct hg_capability_roots {
	/* "/proc" */
	const char *proc;
	/* "/sys/fs/cgroup" */
	const char *cgroup;
};
extern const struct hg_capability_roots hg_capability_system_roots;

struct hg_capability {
	struct hg_strvec architectures;
	struct hg_strvec compilers;
	unsigned cores;
	uint64_t memory_bytes;
	char *hostname;
	char *version;
	/* why there can be no sandboxes, "" if there can; not detected here */
	char *no_sandbox;
};

/* path_list: where compilers are looked for. */
void hg_capability_detect(const struct hg_capability_roots *roots,
    const char *path_list, struct hg_capability *ret);
void hg_capability_release(struct hg_capability *c);

/* "amd64" for "x86_64" and so on; what is not known is returned as it is. */
const char *hg_capability_architecture(const char *machine);
/* Empty names are anything. */
bool hg_capability_can_target(
    const struct hg_capability *c, const char *arch, const char *os);

/* Cores that can be used at once: affinity, and quotas rounded up; at least 1. */
unsigned hg_capability_cores(const struct hg_capability_roots *roots);
uint64_t hg_capability_memory(const struct hg_capability_roots *roots);
/* Memory that a new program could use now (MemAvailable). */
uint64_t hg_capability_memory_free(const struct hg_capability_roots *roots);

/* Borrows everything from c. */
void hg_capability_to_wire(const struct hg_capability *c, unsigned slots,
    struct hg_wire_capabilities *ret);

#endif
