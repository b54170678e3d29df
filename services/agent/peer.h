/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is believed of one coordinator: whether a compile may go there, must
 * wait for a probe, or stays here. Pure: time comes as an argument, and the
 * caller does the probing.
 *
 *   unknown --ask--> (probe) --heard--> up --trust passed--> (probe)
 *                            --lost---> down --ask after back-off--> (probe)
 *
 * While down every compile stays local at once; it is probed behind their back.
 */
#ifndef HG_AGENT_PEER_H
#define HG_AGENT_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* An answer is trusted for so long; then a compile waits for a new probe. */
#define HG_PEER_TRUST_NS UINT64_C(10000000000)

enum hg_peer_state {
	HG_PEER_UNKNOWN,
	HG_PEER_UP,
	HG_PEER_DOWN,
};

enum hg_peer_verdict {
	HG_PEER_GO,
	HG_PEER_WAIT,
	HG_PEER_STAY,
};

struct hg_peer {
	enum hg_peer_state state;
	bool is_probed;
	/* up: the end of trust; down: the end of the back-off */
	uint64_t until_ns;
};

/* May a compile go there? When *ret_probe, the caller is to start a probe. */
enum hg_peer_verdict hg_peer_ask(
    struct hg_peer *p, uint64_t now_ns, bool *ret_probe);
/* It answered something, to a probe or to anything else. */
void hg_peer_heard(struct hg_peer *p, uint64_t now_ns);
/* A probe got no answer. */
void hg_peer_lost(struct hg_peer *p, uint64_t now_ns, uint64_t backoff_ns);
/* A call failed in a way that may mean that it is gone: probe at next ask. */
void hg_peer_suspect(struct hg_peer *p);

#endif
