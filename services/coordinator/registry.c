/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of workers: an array in order of joining. A farm has tens to
 * some thousands of workers that beat every ten seconds, which a linear search
 * serves without being noticed.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/wire/wire.h"
#include "services/coordinator/capability.h"
#include "services/coordinator/registry.h"

/* Beyond these a worker's claims are taken for nonsense. */
#define MAX_CORES        65536
#define MAX_MEMORY_BYTES (INT64_C(1) << 50)

/* Weight of the newest call in the moving average of latency. */
#define LATENCY_ALPHA 0.2

const char *
hg_source_name(enum hg_source source)
{
	static const char *const names[] = {
		[HG_SOURCE_MDNS] = "mdns",
		[HG_SOURCE_WAN] = "wan",
		[HG_SOURCE_STATIC] = "static",
	};

	return names[source];
}

void
hg_registry_init(struct hg_registry *r, const struct hg_breaker_policy *policy,
    uint64_t ttl_ns)
{
	*r = (struct hg_registry){ .policy = *policy, .ttl_ns = ttl_ns };
}

static void
release_capabilities(struct hg_worker *w)
{
	hg_strvec_release(&w->architectures);
	hg_strvec_release(&w->compilers);
	hg_strvec_release(&w->families);
	hg_strvec_release(&w->targets);
	free(w->version);
	free(w->hostname);
	free(w->no_sandbox);
	w->version = NULL;
	w->hostname = NULL;
	w->no_sandbox = NULL;
}

static void
forget_lacks(struct hg_worker *w)
{
	for (size_t i = 0; i < w->n_lacks; i++)
		free(w->lacks[i].toolchain);
	w->n_lacks = 0;
}

void
hg_worker_free(struct hg_worker *w)
{
	if (!w)
		return;
	hg_assert(!w->channel);
	release_capabilities(w);
	forget_lacks(w);
	free(w->id);
	free(w->address);
	free(w);
}

void
hg_registry_release(struct hg_registry *r)
{
	for (size_t i = 0; i < r->n; i++)
		hg_worker_free(r->v[i]);
	free(r->v);
	*r = (struct hg_registry){ 0 };
}

struct hg_worker *
hg_registry_find(const struct hg_registry *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i]->id, id) == 0)
			return r->v[i];
	return NULL;
}

struct hg_worker *
hg_registry_find_address(
    const struct hg_registry *r, const char *address, const char *except_id)
{
	for (size_t i = 0; i < r->n; i++) {
		struct hg_worker *w = r->v[i];

		if (strcmp(w->address, address) == 0 &&
		    (!except_id || strcmp(w->id, except_id) != 0))
			return w;
	}
	return NULL;
}

static int
check_capabilities(
    const struct hg_wire_capabilities *caps, struct hg_error *err)
{
	if (caps->cpu_cores < 0 || caps->cpu_cores > MAX_CORES)
		return hg_fail(err, HG_INVALID, "cpu_cores %d is not possible",
		    (int)caps->cpu_cores);
	if (caps->slots < 0 || caps->slots > MAX_CORES)
		return hg_fail(err, HG_INVALID, "slots %d is not possible",
		    (int)caps->slots);
	if (caps->memory_bytes < 0 || caps->memory_bytes > MAX_MEMORY_BYTES)
		return hg_fail(err, HG_INVALID,
		    "memory_bytes %lld is not possible",
		    (long long)caps->memory_bytes);
	if (caps->n_architectures > HG_MAX_CAPABILITIES ||
	    caps->n_compilers > HG_MAX_CAPABILITIES)
		return hg_fail(err, HG_TOOBIG,
		    "more than %d architectures or compilers",
		    HG_MAX_CAPABILITIES);
	return 0;
}

static void
set_capabilities(struct hg_worker *w, const struct hg_wire_capabilities *caps)
{
	release_capabilities(w);
	for (size_t i = 0; i < caps->n_architectures; i++)
		hg_strvec_add(&w->architectures, caps->architectures[i]);
	for (size_t i = 0; i < caps->n_compilers; i++) {
		const char *name = caps->compilers[i];
		char *target = hg_compiler_target(name);

		hg_strvec_add(&w->compilers, name);
		hg_strvec_add_take(&w->families, hg_compiler_family(name));
		if (target)
			hg_strvec_add_take(&w->targets, target);
	}
	w->cpu_cores = caps->cpu_cores;
	w->memory_bytes = caps->memory_bytes;
	w->docker_available = caps->docker_available;
	w->version = hg_xstrdup(caps->version ? caps->version : "");
	w->hostname = hg_xstrdup(caps->hostname ? caps->hostname : "");
	w->no_sandbox = hg_xstrdup(caps->no_sandbox ? caps->no_sandbox : "");
	w->slots = caps->slots > 0 ? caps->slots : caps->cpu_cores;
	if (w->slots < 1)
		w->slots = 1;
}

static struct hg_worker *
add_worker(struct hg_registry *r, const char *id, uint64_t now_ns)
{
	struct hg_worker *w = hg_xcalloc(1, sizeof(*w));

	w->id = hg_xstrdup(id);
	w->serial = ++r->last_serial;
	w->source = HG_SOURCE_STATIC;
	w->joined_ns = now_ns;
	hg_breaker_init(&w->breaker, &r->policy);
	if (r->n == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 16;
		r->v = hg_xrealloc(r->v, r->cap * sizeof(struct hg_worker *));
	}
	r->v[r->n++] = w;
	return w;
}

struct hg_worker *
hg_registry_join(struct hg_registry *r, const char *id, const char *address,
    const struct hg_wire_handshake *hello, uint64_t now_ns,
    struct hg_error *err)
{
	struct hg_worker *w = hg_registry_find(r, id);

	if (check_capabilities(&hello->caps, err) < 0)
		return NULL;
	if (!w && r->n >= HG_MAX_WORKERS) {
		hg_fail(err, HG_EXHAUSTED,
		    "%d workers are here already, which is the limit",
		    HG_MAX_WORKERS);
		return NULL;
	}
	if (!w)
		w = add_worker(r, id, now_ns);
	free(w->address);
	w->address = hg_xstrdup(address);
	set_capabilities(w, &hello->caps);
	forget_lacks(w);
	hg_breaker_reset(&w->breaker);
	w->protocol = hello->protocol;
	w->seen_ns = now_ns;
	w->cool_until_ns = 0;
	w->draining = false;
	return w;
}

void
hg_registry_leave(struct hg_registry *r, struct hg_worker *w)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->v[i] != w)
			continue;
		memmove(&r->v[i], &r->v[i + 1],
		    (r->n - i - 1) * sizeof(struct hg_worker *));
		r->n--;
		break;
	}
	w->gone = true;
}

struct hg_worker *
hg_registry_expired(const struct hg_registry *r, uint64_t now_ns)
{
	for (size_t i = 0; i < r->n; i++)
		if (now_ns - r->v[i]->seen_ns > r->ttl_ns)
			return r->v[i];
	return NULL;
}

int32_t
hg_registry_slots(const struct hg_registry *r)
{
	int64_t slots = 0;

	for (size_t i = 0; i < r->n; i++)
		slots += r->v[i]->slots;
	return slots > INT32_MAX ? INT32_MAX : (int32_t)slots;
}

size_t
hg_registry_impaired(const struct hg_registry *r, uint64_t now_ns)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += hg_breaker_state(&r->v[i]->breaker, now_ns) !=
		     HG_BREAKER_CLOSED;
	return n;
}

bool
hg_worker_is_disposable(const struct hg_worker *w)
{
	return w->gone && w->active == 0;
}

void
hg_worker_count_result(
    struct hg_worker *w, bool success, int64_t call_ms, int64_t compile_ms)
{
	double latency;

	/* a worker's own clock is not to be trusted further than our own */
	if (compile_ms < 0)
		compile_ms = 0;
	if (compile_ms > call_ms)
		compile_ms = call_ms;
	latency = (double)(call_ms - compile_ms);
	if (w->answered == 0)
		w->latency_ms = latency;
	else
		w->latency_ms += LATENCY_ALPHA * (latency - w->latency_ms);
	w->total++;
	w->answered++;
	w->successful += success;
	w->compile_ms += (uint64_t)compile_ms;
}

void
hg_worker_count_failure(struct hg_worker *w)
{
	w->total++;
}

static struct hg_lack *
find_lack(struct hg_worker *w, const char *toolchain)
{
	for (size_t i = 0; i < w->n_lacks; i++)
		if (strcmp(w->lacks[i].toolchain, toolchain) == 0)
			return &w->lacks[i];
	return NULL;
}

/* A place for a further one: a new one, or that of the one that ends first. */
static struct hg_lack *
take_lack(struct hg_worker *w)
{
	struct hg_lack *first = &w->lacks[0];

	if (w->n_lacks < HG_MAX_LACKS) {
		first = &w->lacks[w->n_lacks++];
		first->toolchain = NULL;
		return first;
	}
	for (size_t i = 1; i < w->n_lacks; i++)
		if (w->lacks[i].until_ns < first->until_ns)
			first = &w->lacks[i];
	return first;
}

void
hg_worker_add_lack(struct hg_worker *w, const char *toolchain, uint64_t now_ns)
{
	struct hg_lack *lack = find_lack(w, toolchain);

	if (!lack) {
		lack = take_lack(w);
		free(lack->toolchain);
		lack->toolchain = hg_xstrdup(toolchain);
	}
	lack->until_ns = now_ns + HG_LACK_NS;
}

uint64_t
hg_worker_lacks_until(
    const struct hg_worker *w, const char *toolchain, uint64_t now_ns)
{
	for (size_t i = 0; i < w->n_lacks; i++)
		if (w->lacks[i].until_ns > now_ns &&
		    strcmp(w->lacks[i].toolchain, toolchain) == 0)
			return w->lacks[i].until_ns;
	return 0;
}
