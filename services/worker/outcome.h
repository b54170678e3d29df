/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one Compile request ended: a response (a compile that ran, an error of the
 * specification, a failure of ours), or an error status of the call.
 */
#ifndef HG_WORKER_OUTCOME_H
#define HG_WORKER_OUTCOME_H

#include "lib/base/strbuf.h"
#include "lib/proc/proc.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"

enum hg_app_error {
#define HG_APP_ERROR(name, number, text) HG_APP_ERROR_##name,
#include "services/worker/app_errors.def"
	HG_APP_ERROR_COUNT
};

struct hg_outcome {
	/* not HG_RPC_OK: the call is refused with that message */
	enum hg_rpc_status status;
	char message[256];
	/* else: lists and contents in it are ours, out and err are borrowed */
	struct hg_wire_result result;
	/* what result.out and result.err point to, when a compiler ran */
	struct hg_proc_result proc;
	/* what result.err points to when none did; or result.object */
	struct hg_strbuf text;
	/* what result.infra_error points to */
	char *infra;
};

void hg_outcome_init(struct hg_outcome *o);
void hg_outcome_release(struct hg_outcome *o);

void hg_outcome_refuse(struct hg_outcome *o, enum hg_rpc_status status,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * "HYBRIDGRID_ERR_00x: text: detail" on stderr; for clients of ours also as
 * infra_error, since it is not the user's doing.
 */
void hg_outcome_app_error(struct hg_outcome *o, unsigned protocol,
    enum hg_app_error error, const char *detail);

/*
 * This worker could not do it. Clients of ours are told so in a response,
 * others by status INTERNAL.
 */
void hg_outcome_infra(
    struct hg_outcome *o, unsigned protocol, const char *detail);

/* The compiler ran to its end: takes over status and outputs of o->proc. */
void hg_outcome_ran(struct hg_outcome *o);

#endif
