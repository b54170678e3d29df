/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power of two choices with the specification's score. One pass over the
 * workers finds who is eligible; drawing two of them needs no memory, because
 * the pass keeps the two by reservoir sampling.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/strbuf.h"
#include "lib/wire/wire.h"
#include "services/coordinator/capability.h"
#include "services/coordinator/scheduler.h"

#define BYTES_PER_GB ((double)(1 << 30))

static bool
has_bundle(const struct hg_wire_compile *c)
{
	for (size_t i = 0; i < c->n_includes; i++)
		if (strcmp(c->includes[i].path, HG_BUNDLE_KEY) == 0)
			return true;
	return false;
}

/* A worker that knows only the specification would not see these. */
static bool
needs_our_fields(const struct hg_wire_compile *c)
{
	return c->n_inputs > 0 || c->n_outputs > 0 || *c->toolchain ||
	       *c->cwd || hg_content_id_is_set(&c->input_list) ||
	       has_bundle(c);
}

void
hg_need_init(struct hg_need *need, const struct hg_wire_compile *compile)
{
	const char *toolchain =
	    *compile->toolchain ? compile->toolchain : compile->compiler;

	need->arch = hg_xstrdup(compile->target_arch);
	need->compiler = hg_xstrdup(compile->compiler);
	need->family = hg_compiler_family(compile->compiler);
	need->toolchain = hg_xstrdup(toolchain);
	need->brings_toolchain =
	    hg_content_id_is_set(&compile->toolchain_list);
	need->protocol = needs_our_fields(compile) ? compile->protocol : 0;
	need->name = hg_xasprintf("%s\n%s\n%s\n%d\n%u", need->arch,
	    need->family, need->toolchain, need->brings_toolchain,
	    need->protocol);
}

void
hg_need_release(struct hg_need *need)
{
	free(need->arch);
	free(need->compiler);
	free(need->family);
	free(need->toolchain);
	free(need->name);
	*need = (struct hg_need){ 0 };
}

static bool
is_native(const struct hg_worker *w, const struct hg_need *need)
{
	if (*need->arch == '\0' || w->architectures.n == 0)
		return true;
	for (size_t i = 0; i < w->architectures.n; i++)
		if (hg_arch_same(w->architectures.v[i], need->arch))
			return true;
	return false;
}

/*
 * Docker has images of cross-compilers, none of which is the very compiler that a
 * client of ours has; else one that is named for it.
 */
static bool
can_cross(const struct hg_worker *w, const struct hg_need *need)
{
	if (w->docker_available && need->protocol == 0)
		return true;
	for (size_t i = 0; i < w->targets.n; i++)
		if (hg_arch_same(w->targets.v[i], need->arch))
			return true;
	return false;
}

/* What a worker names are its own; those of images are not known here. */
static bool
has_compiler(const struct hg_worker *w, const struct hg_need *need)
{
	if (w->families.n == 0)
		return true;
	if (w->docker_available && !is_native(w, need))
		return true;
	for (size_t i = 0; i < w->families.n; i++)
		if (hg_family_fits(w->families.v[i], need->family))
			return true;
	return false;
}

/* FOUND when it could do it, some time; else the first thing it lacks. */
static enum hg_pick_result
fit(const struct hg_worker *w, const struct hg_need *need, uint64_t now_ns)
{
	if (w->draining)
		return HG_PICK_NO_WORKER;
	if (!is_native(w, need) && !can_cross(w, need))
		return HG_PICK_NO_ARCH;
	if (!need->brings_toolchain && !has_compiler(w, need))
		return HG_PICK_NO_COMPILER;
	if (w->protocol < need->protocol)
		return HG_PICK_NO_PROTOCOL;
	if (!need->brings_toolchain &&
	    hg_worker_lacks_until(w, need->toolchain, now_ns))
		return HG_PICK_NO_TOOLCHAIN;
	return HG_PICK_FOUND;
}

double
hg_scheduler_score(const struct hg_weights *weights, const struct hg_worker *w,
    const struct hg_need *need)
{
	double score = 0;

	if (is_native(w, need))
		score += weights->native_arch_match;
	if (can_cross(w, need))
		score += weights->cross_compile_capable;
	score += weights->per_cpu_core * w->cpu_cores;
	score += weights->per_gb_ram * (double)w->memory_bytes / BYTES_PER_GB;
	score += weights->per_active_task * w->active;
	score += weights->per_ms_latency * w->latency_ms;
	if (w->source == HG_SOURCE_MDNS)
		score += weights->lan_source;
	return score;
}

/* Two of those added so far, each pair with the same chance. */
struct sample {
	struct hg_worker *v[2];
	uint64_t n;
};

static uint64_t
random_below(const struct hg_scheduler *s, uint64_t n)
{
	/* the bias of the remainder is n / 2^64 */
	return s->random(s->random_ctx) % n;
}

static void
sample_add(
    const struct hg_scheduler *s, struct sample *sample, struct hg_worker *w)
{
	uint64_t at = sample->n++;

	if (at >= 2)
		at = random_below(s, sample->n);
	if (at < 2)
		sample->v[at] = w;
}

static struct hg_worker *
sample_best(const struct hg_scheduler *s, const struct sample *sample,
    const struct hg_need *need)
{
	double a, b;

	if (sample->n < 2)
		return sample->v[0];
	a = hg_scheduler_score(&s->weights, sample->v[0], need);
	b = hg_scheduler_score(&s->weights, sample->v[1], need);
	if (a > b)
		return sample->v[0];
	if (b > a)
		return sample->v[1];
	return sample->v[random_below(s, 2)];
}

static bool
is_tried(const struct hg_tried *tried, const struct hg_worker *w)
{
	for (size_t i = 0; i < tried->n; i++)
		if (tried->serial[i] == w->serial)
			return true;
	return false;
}

/* When a worker that may not be called now may be called again, or 0. */
static uint64_t
blocked_until(const struct hg_worker *w, uint64_t now_ns)
{
	if (!hg_breaker_allows(&w->breaker, now_ns))
		return w->breaker.state == HG_BREAKER_OPEN
			   ? w->breaker.open_until_ns
			   : UINT64_MAX;
	return w->cool_until_ns > now_ns ? w->cool_until_ns : 0;
}

bool
hg_scheduler_any_free(
    const struct hg_registry *r, uint64_t now_ns, uint64_t *ret_wake_ns)
{
	uint64_t wake = UINT64_MAX;

	for (size_t i = 0; i < r->n; i++) {
		uint64_t until = blocked_until(r->v[i], now_ns);

		if (until == 0 && r->v[i]->active < r->v[i]->slots)
			return true;
		if (until && until < wake)
			wake = until;
	}
	*ret_wake_ns = wake == UINT64_MAX ? 0 : wake;
	return false;
}

struct hg_pick
hg_scheduler_pick(const struct hg_scheduler *s, const struct hg_registry *r,
    const struct hg_need *need, const struct hg_tried *tried, uint64_t now_ns)
{
	struct sample fresh = { 0 }, again = { 0 };
	struct hg_pick pick = { .result = HG_PICK_NO_WORKER };
	bool others = false;

	for (size_t i = 0; i < r->n; i++) {
		struct hg_worker *w = r->v[i];
		enum hg_pick_result result = fit(w, need, now_ns);

		if (result != HG_PICK_FOUND) {
			/* results are in the order of what is looked at */
			if (pick.result != HG_PICK_BUSY && result > pick.result)
				pick.result = result;
			continue;
		}
		pick.result = HG_PICK_BUSY;
		if (blocked_until(w, now_ns))
			continue;
		if (!is_tried(tried, w))
			others = true;
		if (w->active >= w->slots)
			continue;
		sample_add(s, is_tried(tried, w) ? &again : &fresh, w);
	}
	if (fresh.n == 0 && others)
		return pick;
	if (fresh.n == 0)
		fresh = again;
	if (fresh.n > 0) {
		pick.result = HG_PICK_FOUND;
		pick.worker = sample_best(s, &fresh, need);
	}
	return pick;
}

enum hg_rpc_status
hg_pick_status(enum hg_pick_result result, const struct hg_need *need)
{
	bool lacks = result == HG_PICK_NO_COMPILER ||
	    result == HG_PICK_NO_TOOLCHAIN;

	/* clients of ours can then bring it */
	return lacks && need->protocol > 0 ? HG_RPC_FAILED_PRECONDITION
					   : HG_RPC_UNAVAILABLE;
}

void
hg_pick_explain(enum hg_pick_result result, const struct hg_need *need,
    struct hg_strbuf *out)
{
	switch (result) {
	case HG_PICK_FOUND:
		break;
	case HG_PICK_BUSY:
		hg_strbuf_adds(out, "all workers that could do it are busy");
		break;
	case HG_PICK_NO_WORKER:
		hg_strbuf_adds(out, "no worker is connected");
		break;
	case HG_PICK_NO_ARCH:
		hg_strbuf_addf(out, "no worker compiles for architecture '%s'",
		    need->arch);
		break;
	case HG_PICK_NO_COMPILER:
		hg_strbuf_addf(
		    out, "no worker has compiler '%s'", need->compiler);
		break;
	case HG_PICK_NO_PROTOCOL:
		hg_strbuf_addf(out,
		    "no worker understands protocol %u, which this request "
		    "needs",
		    need->protocol);
		break;
	case HG_PICK_NO_TOOLCHAIN:
		hg_strbuf_addf(
		    out, "no worker has toolchain '%s'", need->toolchain);
		break;
	}
}
