/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's parts, put together and taken apart in the right order. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/path.h"
#include "lib/base/time.h"
#include "lib/rpc/rpc.h"
#include "lib/wire/wire.h"
#include "services/worker/registration.h"
#include "services/worker/slots.h"
#include "services/worker/worker.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* Sandboxes kept ready: enough while the next ones are being made. */
#define MAX_SPARES 8

static const struct hg_rpc_method methods[] = {
	{ HG_METHOD_HANDSHAKE, hg_worker_rpc_handshake },
	{ HG_METHOD_COMPILE, hg_worker_rpc_compile },
	{ HG_METHOD_HEALTH, hg_worker_rpc_health },
	{ HG_METHOD_STATUS, hg_worker_rpc_status },
};

/* "127.0.0.1:9" or "[::1]:9" */
static char *
host_port(const char *host, int port)
{
	return hg_xasprintf(strchr(host, ':') && *host != '[' ? "[%s]:%d"
							      : "%s:%d",
	    host, port);
}

static bool
is_any_address(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 ||
	    strcmp(host, "[::]") == 0;
}

static unsigned
slots_wanted(const struct hg_worker *w)
{
	int64_t n = w->cfg->worker_max_parallel;

	return n > 0 ? (unsigned)(n < 4096 ? n : 4096) : w->capability.cores;
}

static uint64_t
max_memory(const struct hg_worker *w)
{
	return w->cfg->worker_max_memory > 0
	    ? w->cfg->worker_max_memory
	    : w->capability.memory_bytes / 4 * 3;
}

static int
set_executor_options(struct hg_worker *w, struct hg_error *err)
{
	unsigned slots = slots_wanted(w);
	struct hg_error wrong = { .code = HG_OK };
	bool docker =
	    hg_docker_options_read(w->cfg, &w->docker_options, &wrong);

	if (wrong.code != HG_OK) {
		*err = wrong;
		return -(int)wrong.code;
	}
	w->executor_options = (struct hg_executor_options){
		.work_dir = w->work_dir.path,
		.store_dir = w->store_dir,
		.store_bytes = w->cfg->worker_store_size,
		.path_list = w->path_list,
		.capability = &w->capability,
		.docker = docker ? &w->docker_options : NULL,
		.max_source_bytes = w->cfg->worker_max_source,
		.max_message_bytes = w->cfg->worker_max_message,
		.timeout_ns = w->cfg->worker_timeout,
		.max = {
			.memory_bytes = max_memory(w),
			.processes = (uint64_t)w->cfg->worker_max_processes,
		},
		.max_disk_bytes = w->cfg->worker_max_disk,
		.max_cpu_ns = w->cfg->worker_max_cpu_time,
		.max_file_bytes = w->cfg->worker_max_file,
		.max_output_bytes = w->cfg->worker_max_output,
		.spares = slots < MAX_SPARES ? slots : MAX_SPARES,
	};
	return 0;
}

static int
start_server(struct hg_worker *w, struct hg_error *err)
{
	const char *host = w->cfg->worker_listen;
	char *address = host_port(host, (int)w->cfg->worker_grpc_port);
	const struct hg_rpc_server_options options = {
		.address = address,
		.max_message_bytes = w->cfg->worker_max_message,
	};
	int port = 0;

	w->server = hg_rpc_server_new(w->loop, &options, methods,
	    sizeof(methods) / sizeof(*methods), w, &port, err);
	free(address);
	if (!w->server)
		return -HG_UNAVAILABLE;
	w->listening = host_port(host, port);
	if (*w->cfg->worker_advertise_address)
		w->address = hg_xstrdup(w->cfg->worker_advertise_address);
	else
		w->address = host_port(
		    is_any_address(host) ? w->capability.hostname : host, port);
	w->id = *w->cfg->worker_id
	    ? hg_xstrdup(w->cfg->worker_id)
	    : hg_xasprintf("%s:%d", w->capability.hostname, port);
	return 0;
}

static int
start_registrations(struct hg_worker *w, struct hg_error *err)
{
	for (const char *p = w->cfg->launcher_coordinator; *p;) {
		size_t n = strcspn(p, ", ");
		char *target = hg_xstrndup(p, n);
		struct hg_registration *r = NULL;

		if (n > 0) {
			r = hg_registration_new(w, target, err);
			if (!r) {
				free(target);
				return -HG_UNAVAILABLE;
			}
			w->registration = hg_xrealloc(w->registration,
			    (w->n_registrations + 1) * sizeof(r));
			w->registration[w->n_registrations++] = r;
		}
		free(target);
		p += n + (p[n] != '\0');
	}
	if (w->n_registrations == 0)
		hg_log(HG_LOG_NOTICE, "no coordinator is set; serving alone",
		    NULL);
	return 0;
}

struct hg_worker *
hg_worker_new(const struct hg_config *cfg, struct hg_error *err)
{
	struct hg_worker *w = hg_xcalloc(1, sizeof(*w));
	const char *path = getenv("PATH");

	w->cfg = cfg;
	w->started_ns = hg_now_ns();
	w->path_list = hg_xstrdup(path && *path ? path : DEFAULT_PATH);
	if (hg_work_dir_open(&w->work_dir, cfg->worker_work_dir, err))
		goto fail;
	w->store_dir = hg_config_store_dir(cfg->worker_store_dir, "worker");
	hg_capability_detect(
	    &hg_capability_system_roots, w->path_list, &w->capability);
	if (set_executor_options(w, err))
		goto fail;
	w->executor = hg_executor_new(&w->executor_options, err);
	if (!w->executor)
		goto fail;
	free(w->capability.no_sandbox);
	w->capability.no_sandbox =
	    hg_xstrdup(hg_executor_no_sandbox(w->executor));
	w->slots = hg_slots_new(
	    slots_wanted(w), (size_t)w->cfg->worker_queue_limit, err);
	if (!w->slots)
		goto fail;
	w->loop = hg_rpc_loop_new(err);
	if (!w->loop)
		goto fail;
	if (start_server(w, err) || start_registrations(w, err))
		goto fail;
	return w;
fail:
	hg_worker_free(w);
	return NULL;
}

const char *
hg_worker_listening(const struct hg_worker *w)
{
	return w->listening;
}

void
hg_worker_run(struct hg_worker *w)
{
	hg_rpc_loop_run(w->loop);
}

static void
stop_when_done(struct hg_worker *w)
{
	if (w->has_served && w->farewells == 0)
		hg_rpc_loop_stop(w->loop);
}

void
hg_worker_has_left(struct hg_worker *w)
{
	w->farewells--;
	stop_when_done(w);
}

static void
on_drained(void *arg)
{
	struct hg_worker *w = arg;

	w->has_served = true;
	stop_when_done(w);
}

static void
start_draining(void *arg)
{
	struct hg_worker *w = arg;

	if (w->draining)
		return;
	w->draining = true;
	hg_log(HG_LOG_NOTICE, "draining", "worker=%s active=%u", w->id,
	    hg_worker_active(w));
	for (size_t i = 0; i < w->n_registrations; i++)
		w->farewells += hg_registration_leave(w->registration[i]);
	hg_rpc_server_shutdown(
	    w->server, w->cfg->worker_drain_timeout, on_drained, w);
}

void
hg_worker_drain(struct hg_worker *w)
{
	hg_rpc_loop_post(w->loop, start_draining, w);
}

void
hg_worker_free(struct hg_worker *w)
{
	if (!w)
		return;
	if (w->server && !w->draining) {
		start_draining(w);
		hg_rpc_loop_run(w->loop);
	}
	hg_slots_free(w->slots);
	for (size_t i = 0; i < w->n_registrations; i++)
		hg_registration_stop(w->registration[i]);
	hg_rpc_server_free(w->server);
	hg_rpc_loop_free(w->loop);
	for (size_t i = 0; i < w->n_registrations; i++)
		hg_registration_free(w->registration[i]);
	hg_executor_free(w->executor);
	hg_work_dir_close(&w->work_dir);
	hg_capability_release(&w->capability);
	free(w->registration);
	free(w->store_dir);
	free(w->path_list);
	free(w->listening);
	free(w->address);
	free(w->id);
	free(w);
}

unsigned
hg_worker_active(struct hg_worker *w)
{
	struct hg_slots_count count;

	hg_slots_count(w->slots, &count);
	return (unsigned)(count.running + count.waiting);
}

void
hg_worker_describe(struct hg_worker *w, struct hg_wire_worker *ret)
{
	struct hg_slots_count count;

	hg_slots_count(w->slots, &count);
	*ret = (struct hg_wire_worker){
		.worker_id = w->id,
		.address = w->address,
		.active_tasks = (int32_t)(count.running + count.waiting),
		.total_tasks = (int32_t)w->total,
		.successful_tasks = (int32_t)w->successful,
		.avg_compile_time_ms =
		    w->total ? (int64_t)(w->compile_ms / w->total) : 0,
		.draining = w->draining,
	};
	hg_capability_to_wire(
	    &w->capability, (unsigned)count.threads, &ret->caps);
	ret->caps.docker_available = hg_executor_has_docker(w->executor);
}
