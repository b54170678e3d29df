/* SPDX-License-Identifier: Apache-2.0 */
/* The states of one coordinator, as drawn in peer.h. */
#include "config.h"

#include "services/agent/peer.h"

/* One probe at a time. */
static bool
claim_probe(struct hg_peer *p)
{
	bool is_mine = !p->is_probed;

	p->is_probed = true;
	return is_mine;
}

enum hg_peer_verdict
hg_peer_ask(struct hg_peer *p, uint64_t now_ns, bool *ret_probe)
{
	bool is_over = now_ns >= p->until_ns;

	*ret_probe = false;
	switch (p->state) {
	case HG_PEER_UP:
		if (!is_over)
			return HG_PEER_GO;
		break;
	case HG_PEER_DOWN:
		if (is_over)
			*ret_probe = claim_probe(p);
		return HG_PEER_STAY;
	case HG_PEER_UNKNOWN:
		break;
	}
	*ret_probe = claim_probe(p);
	return HG_PEER_WAIT;
}

void
hg_peer_heard(struct hg_peer *p, uint64_t now_ns)
{
	p->state = HG_PEER_UP;
	p->is_probed = false;
	p->until_ns = now_ns + HG_PEER_TRUST_NS;
}

void
hg_peer_lost(struct hg_peer *p, uint64_t now_ns, uint64_t backoff_ns)
{
	p->state = HG_PEER_DOWN;
	p->is_probed = false;
	p->until_ns = now_ns + backoff_ns;
}

void
hg_peer_suspect(struct hg_peer *p)
{
	if (p->state == HG_PEER_UP)
		p->state = HG_PEER_UNKNOWN;
}
