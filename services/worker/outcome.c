/* SPDX-License-Identifier: Apache-2.0 */
/* How a Compile request ended. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/alloc.h"
#include "lib/base/time.h"
#include "services/worker/collect.h"
#include "services/worker/outcome.h"

static const struct {
	const char *number;
	const char *text;
} app_errors[] = {
#define HG_APP_ERROR(name, number, text) { number, text },
#include "services/worker/app_errors.def"
};

void
hg_outcome_init(struct hg_outcome *o)
{
	*o = (struct hg_outcome){ .status = HG_RPC_OK };
	hg_strbuf_init(&o->proc.out);
	hg_strbuf_init(&o->proc.err);
	hg_strbuf_init(&o->text);
}

void
hg_outcome_release(struct hg_outcome *o)
{
	hg_collect_release(&o->result);
	hg_proc_result_release(&o->proc);
	hg_strbuf_release(&o->text);
	free(o->infra);
}

void
hg_outcome_refuse(
    struct hg_outcome *o, enum hg_rpc_status status, const char *fmt, ...)
{
	va_list ap;

	o->status = status;
	va_start(ap, fmt);
	vsnprintf(o->message, sizeof(o->message), fmt, ap);
	va_end(ap);
}

/* A response without outputs; what was collected so far is dropped. */
static void
set_failed(struct hg_outcome *o)
{
	hg_collect_release(&o->result);
	o->result.success = false;
	o->result.exit_code = 1;
	o->result.out = (struct hg_blob){ "", 0 };
	o->result.err = (struct hg_blob){ o->text.buf, o->text.len };
}

static void
set_infra(struct hg_outcome *o, const char *text)
{
	free(o->infra);
	o->infra = hg_xstrdup(text);
	o->result.infra_error = o->infra;
}

void
hg_outcome_app_error(struct hg_outcome *o, unsigned protocol,
    enum hg_app_error error, const char *detail)
{
	hg_strbuf_reset(&o->text);
	hg_strbuf_addf(&o->text, "HYBRIDGRID_ERR_%s: %s: %s",
	    app_errors[error].number, app_errors[error].text, detail);
	if (protocol > 0)
		set_infra(o, o->text.buf);
	hg_strbuf_addc(&o->text, '\n');
	set_failed(o);
}

void
hg_outcome_infra(struct hg_outcome *o, unsigned protocol, const char *detail)
{
	hg_strbuf_reset(&o->text);
	set_failed(o);
	if (protocol > 0)
		set_infra(o, detail);
	else
		hg_outcome_refuse(o, HG_RPC_INTERNAL, "%s", detail);
}

void
hg_outcome_ran(struct hg_outcome *o)
{
	const struct hg_proc_result *p = &o->proc;

	o->result.success = p->status == 0;
	o->result.exit_code = p->status;
	o->result.out = (struct hg_blob){ p->out.buf, p->out.len };
	o->result.err = (struct hg_blob){ p->err.buf, p->err.len };
	o->result.compile_time_ms = (int64_t)(p->wall_ns / HG_NS_PER_MS);
	o->result.cpu_us = p->cpu_ns / 1000;
	o->result.peak_rss_bytes = p->peak_rss_bytes;
}
