/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this worker can do. A container often gives few cores of a large machine
 * by quota alone; taking all cores for ours would have every compile crawl. The
 * limits of each cgroup from ours up to the top count. In a container the own
 * cgroup's path may name what cannot be seen: then only its visible ancestors do.
 */
#include "config.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/parse.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"
#include "services/worker/capability.h"
#include "services/worker/compiler.h"

/* Files of /proc and cgroups that are read here are smaller. */
#define SMALL_FILE_BYTES ((size_t)1 << 20)

/* More cores than any machine has; bounds the mask. */
#define MAX_CORES 8192

const struct hg_capability_roots hg_capability_system_roots = {
	.proc = "/proc",
	.cgroup = "/sys/fs/cgroup",
};

static const struct {
	const char *machine;
	const char *architecture;
} architectures[] = {
	{ "aarch64", "arm64" },
	{ "armv6l", "arm" },
	{ "armv7l", "arm" },
	{ "i386", "386" },
	{ "i586", "386" },
	{ "i686", "386" },
	{ "x86_64", "amd64" },
};

const char *
hg_capability_architecture(const char *machine)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(*architectures);
	     i++)
		if (strcmp(machine, architectures[i].machine) == 0)
			return architectures[i].architecture;
	return machine;
}

bool
hg_capability_can_target(
    const struct hg_capability *c, const char *arch, const char *os)
{
	if (*os && strcasecmp(os, "linux") != 0)
		return false;
	return !*arch ||
	    hg_strvec_find(&c->architectures,
		hg_capability_architecture(arch)) >= 0;
}

/* ---- limits of cgroups ------------------------------------------------- */

static bool
read_text(const char *dir, const char *name, struct hg_strbuf *ret)
{
	char *path = hg_path_join(dir, name);
	int rc;

	hg_strbuf_reset(ret);
	rc = hg_read_file(path, SMALL_FILE_BYTES, ret, NULL);
	free(path);
	ret->buf[strcspn(ret->buf, "\n")] = '\0';
	return rc == 0;
}

static void
lower(uint64_t *limit, uint64_t v)
{
	if (v < *limit)
		*limit = v;
}

/* What one cgroup's folder says, in thousandths of a core. */
static void
lower_to_quota(const char *dir, uint64_t *milli)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	uint64_t quota = 0, period = 0;

	/* "max 100000" does not begin with a number and is no limit */
	if (read_text(dir, "cpu.max", &text)) {
		char *gap = strchr(text.buf, ' ');

		if (gap) {
			*gap = '\0';
			hg_parse_u64(text.buf, 1, UINT32_MAX, &quota, NULL);
			hg_parse_u64(gap + 1, 1, UINT32_MAX, &period, NULL);
		}
	} else if (read_text(dir, "cpu.cfs_quota_us", &text) &&
	    hg_parse_u64(text.buf, 1, UINT32_MAX, &quota, NULL) == 0 &&
	    read_text(dir, "cpu.cfs_period_us", &text)) {
		hg_parse_u64(text.buf, 1, UINT32_MAX, &period, NULL);
	}
	if (quota > 0 && period > 0)
		lower(milli, quota * 1000 / period);
	hg_strbuf_release(&text);
}

static void
lower_to_memory(const char *dir, uint64_t *bytes)
{
	static const char *const names[] = {
		"memory.max",
		"memory.limit_in_bytes",
	};
	struct hg_strbuf text = HG_STRBUF_INIT;
	uint64_t v;

	for (size_t i = 0; i < 2; i++)
		if (read_text(dir, names[i], &text) &&
		    hg_parse_u64(text.buf, 1, UINT64_MAX, &v, NULL) == 0)
			lower(bytes, v);
	hg_strbuf_release(&text);
}

/* Applies fn to the cgroup path below top, and to all above it up to top. */
static void
each_ancestor(const char *top, const char *path,
    void (*fn)(const char *dir, uint64_t *limit), uint64_t *limit)
{
	char *dir = hg_xasprintf("%s%s", top, path);
	size_t n = strlen(top);

	for (;;) {
		size_t len = strlen(dir);

		fn(dir, limit);
		while (len > n && dir[len - 1] != '/')
			len--;
		while (len > n && dir[len - 1] == '/')
			len--;
		if (dir[len] == '\0')
			break;
		dir[len] = '\0';
	}
	free(dir);
}

/* Is name among the comma-separated words of list? */
static bool
has_word(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; *p;) {
		size_t k = strcspn(p, ",");

		if (k == n && memcmp(p, name, n) == 0)
			return true;
		p += k + (p[k] == ',');
	}
	return false;
}

/*
 * One line of /proc/self/cgroup: "0::/path" (version 2) or
 * "4:cpu,cpuacct:/path".
 */
static void
each_of_line(const struct hg_capability_roots *roots, char *line,
    const char *controller, void (*fn)(const char *dir, uint64_t *limit),
    uint64_t *limit)
{
	char *names = strchr(line, ':');
	char *path = names ? strchr(names + 1, ':') : NULL;
	char *top;

	if (!path)
		return;
	*path++ = '\0';
	names++;
	if (*names == '\0') {
		each_ancestor(roots->cgroup, path, fn, limit);
	} else if (has_word(names, controller)) {
		top = hg_path_join(roots->cgroup, names);
		if (access(top, F_OK) < 0) {
			free(top);
			top = hg_path_join(roots->cgroup, controller);
		}
		each_ancestor(top, path, fn, limit);
		free(top);
	}
}

static void
each_cgroup(const struct hg_capability_roots *roots, const char *controller,
    void (*fn)(const char *dir, uint64_t *limit), uint64_t *limit)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	char *path = hg_path_join(roots->proc, "self/cgroup");
	char *rest, *line;

	if (hg_read_file(path, SMALL_FILE_BYTES, &text, NULL) == 0) {
		for (rest = text.buf; (line = strsep(&rest, "\n"));)
			each_of_line(roots, line, controller, fn, limit);
	}
	free(path);
	hg_strbuf_release(&text);
}

/* ---- cores and memory -------------------------------------------------- */

static unsigned
cores_of_affinity(void)
{
	size_t size = CPU_ALLOC_SIZE(MAX_CORES);
	cpu_set_t *set = CPU_ALLOC(MAX_CORES);
	int n = 0;

	if (set && sched_getaffinity(0, size, set) == 0)
		n = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return n > 0 ? (unsigned)n : 1;
}

unsigned
hg_capability_cores(const struct hg_capability_roots *roots)
{
	uint64_t milli = (uint64_t)cores_of_affinity() * 1000;

	each_cgroup(roots, "cpu", lower_to_quota, &milli);
	return milli > 1000 ? (unsigned)((milli + 999) / 1000) : 1;
}

/* A line "NAME:   123 kB" of /proc/meminfo, in bytes; 0 if there is none. */
static uint64_t
meminfo(const struct hg_capability_roots *roots, const char *name)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	char *path = hg_path_join(roots->proc, "meminfo");
	uint64_t kib = 0;
	char *at;

	if (hg_read_file(path, SMALL_FILE_BYTES, &text, NULL) == 0) {
		at = strstr(text.buf, name);
		if (at) {
			at += strlen(name);
			at += strspn(at, ": ");
			at[strspn(at, "0123456789")] = '\0';
			hg_parse_u64(at, 0, UINT64_MAX / 1024, &kib, NULL);
		}
	}
	free(path);
	hg_strbuf_release(&text);
	return kib * 1024;
}

uint64_t
hg_capability_memory(const struct hg_capability_roots *roots)
{
	uint64_t bytes = meminfo(roots, "MemTotal");

	if (bytes == 0)
		bytes = UINT64_C(1) << 30;
	each_cgroup(roots, "memory", lower_to_memory, &bytes);
	return bytes;
}

uint64_t
hg_capability_memory_free(const struct hg_capability_roots *roots)
{
	uint64_t bytes = meminfo(roots, "MemAvailable");

	each_cgroup(roots, "memory", lower_to_memory, &bytes);
	return bytes;
}

/* ---- all of it --------------------------------------------------------- */

void
hg_capability_detect(const struct hg_capability_roots *roots,
    const char *path_list, struct hg_capability *ret)
{
	struct utsname name = { .machine = "unknown" };

	uname(&name);
	*ret = (struct hg_capability){
		.architectures = HG_STRVEC_INIT,
		.compilers = HG_STRVEC_INIT,
		.cores = hg_capability_cores(roots),
		.memory_bytes = hg_capability_memory(roots),
		.hostname = hg_xstrdup(*name.nodename ? name.nodename
						      : "localhost"),
		.version = hg_xstrdup(PACKAGE_VERSION),
		.no_sandbox = hg_xstrdup(""),
	};
	hg_strvec_add(&ret->architectures,
	    hg_capability_architecture(name.machine));
	hg_compiler_find_all(path_list, &ret->compilers);
}

void
hg_capability_release(struct hg_capability *c)
{
	hg_strvec_release(&c->architectures);
	hg_strvec_release(&c->compilers);
	free(c->hostname);
	free(c->version);
	free(c->no_sandbox);
}

void
hg_capability_to_wire(const struct hg_capability *c, unsigned slots,
    struct hg_wire_capabilities *ret)
{
	*ret = (struct hg_wire_capabilities){
		.architectures = c->architectures.v,
		.n_architectures = c->architectures.n,
		.compilers = c->compilers.v,
		.n_compilers = c->compilers.n,
		.cpu_cores = (int32_t)c->cores,
		.memory_bytes = (int64_t)c->memory_bytes,
		.slots = (int32_t)slots,
		.version = c->version,
		.hostname = c->hostname,
		.no_sandbox = c->no_sandbox,
	};
}
