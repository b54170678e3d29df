/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circuit breaker per worker, as the specification draws it. Its ticket is
 * the number of the present state: a result that carries an older one belongs
 * to a call from before the change, and would otherwise be taken for the trial.
 */
#include "config.h"

#include "lib/base/error.h"
#include "services/coordinator/breaker.h"

static void
enter(struct hg_breaker *b, enum hg_breaker_state state)
{
	b->state = state;
	b->ticket++;
	b->n = 0;
	b->at = 0;
}

void
hg_breaker_init(struct hg_breaker *b, const struct hg_breaker_policy *policy)
{
	hg_assert(policy->threshold > 0 &&
		  policy->threshold <= HG_BREAKER_MAX_THRESHOLD);
	*b = (struct hg_breaker){ .policy = *policy };
}

void
hg_breaker_reset(struct hg_breaker *b)
{
	enter(b, HG_BREAKER_CLOSED);
}

enum hg_breaker_state
hg_breaker_state(const struct hg_breaker *b, uint64_t now_ns)
{
	if (b->state == HG_BREAKER_OPEN && now_ns >= b->open_until_ns)
		return HG_BREAKER_HALF_OPEN;
	return b->state;
}

bool
hg_breaker_allows(const struct hg_breaker *b, uint64_t now_ns)
{
	/* the state itself is half open only while the trial is under way */
	return b->state == HG_BREAKER_CLOSED ||
	       (b->state == HG_BREAKER_OPEN && now_ns >= b->open_until_ns);
}

uint64_t
hg_breaker_begin(struct hg_breaker *b, uint64_t now_ns)
{
	if (b->state == HG_BREAKER_OPEN && now_ns >= b->open_until_ns)
		enter(b, HG_BREAKER_HALF_OPEN);
	return b->ticket;
}

static void
open_now(struct hg_breaker *b, uint64_t now_ns)
{
	enter(b, HG_BREAKER_OPEN);
	b->open_until_ns = now_ns + b->policy.open_ns;
}

static void
remember(struct hg_breaker *b, bool failed, uint64_t now_ns)
{
	b->ring[b->at].when_ns = now_ns;
	b->ring[b->at].failed = failed;
	b->at = (b->at + 1) % b->policy.threshold;
	if (b->n < b->policy.threshold)
		b->n++;
}

static bool
is_failing(const struct hg_breaker *b, uint64_t now_ns)
{
	unsigned total = 0, failed = 0;

	for (unsigned i = 0; i < b->n; i++) {
		if (now_ns - b->ring[i].when_ns > HG_BREAKER_WINDOW_NS)
			continue;
		total++;
		failed += b->ring[i].failed;
	}
	return total >= b->policy.threshold &&
	       (double)failed > b->policy.failure_rate * (double)total;
}

static void
end_trial(struct hg_breaker *b, enum hg_breaker_result result, uint64_t now_ns)
{
	switch (result) {
	case HG_BREAKER_SUCCESS:
		enter(b, HG_BREAKER_CLOSED);
		break;
	case HG_BREAKER_FAILURE:
		open_now(b, now_ns);
		break;
	case HG_BREAKER_NO_VERDICT:
		/* open, with its time over: the next call is the trial */
		enter(b, HG_BREAKER_OPEN);
		break;
	}
}

void
hg_breaker_end(struct hg_breaker *b, uint64_t ticket,
    enum hg_breaker_result result, uint64_t now_ns)
{
	if (ticket != b->ticket)
		return;
	if (b->state == HG_BREAKER_HALF_OPEN) {
		end_trial(b, result, now_ns);
		return;
	}
	if (b->state == HG_BREAKER_OPEN || result == HG_BREAKER_NO_VERDICT)
		return;
	remember(b, result == HG_BREAKER_FAILURE, now_ns);
	if (is_failing(b, now_ns))
		open_now(b, now_ns);
}

const char *
hg_breaker_state_name(enum hg_breaker_state state)
{
	static const char *const names[] = {
		[HG_BREAKER_CLOSED] = "closed",
		[HG_BREAKER_HALF_OPEN] = "half_open",
		[HG_BREAKER_OPEN] = "open",
	};

	return names[state];
}
