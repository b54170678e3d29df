/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto/hybridgrid.proto as tables: which member of which struct of wire.h is
 * which field, and the limits on what comes from outside.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/limits.h"
#include "lib/wire/codec.h"
#include "lib/wire/wire.h"
#include "proto/hybridgrid.pb-c.h"

/* Host names, versions, ids, sentences. */
#define MAX_TEXT 4096

/* ObservedFile.Kind's greatest. */
#define MAX_OBSERVED_KIND HYBRIDGRID__V1__OBSERVED_FILE__KIND__RUN

#define S struct hg_wire_capabilities
HG_TABLE(capabilities, S, hybridgrid__v1__worker_capabilities__descriptor,
	HG_STRINGS(S, 1, architectures, HG_MAX_CAPABILITIES),
	HG_STRINGS(S, 2, compilers, HG_MAX_CAPABILITIES),
	HG_SCALAR(S, 3, cpu_cores),
	HG_SCALAR(S, 4, memory_bytes),
	HG_SCALAR(S, 5, docker_available),
	HG_SCALAR(S, 100, slots),
	HG_STRING(S, 101, version, MAX_TEXT),
	HG_STRING(S, 102, hostname, MAX_TEXT),
	HG_STRING(S, 103, no_sandbox, MAX_TEXT))
#undef S

#define S struct hg_wire_handshake
HG_TABLE(handshake, S, hybridgrid__v1__handshake_request__descriptor,
	HG_STRING(S, 1, worker_id, MAX_TEXT),
	HG_PART(S, 2, caps, &capabilities_table),
	HG_STRING(S, 100, address, MAX_TEXT),
	HG_SCALAR(S, 101, protocol))
#undef S

#define S struct hg_wire_handshake_reply
HG_TABLE(handshake_reply, S, hybridgrid__v1__handshake_response__descriptor,
	HG_SCALAR(S, 1, accepted),
	HG_STRING(S, 2, assigned_id, MAX_TEXT),
	HG_STRING(S, 3, message, MAX_TEXT),
	HG_SCALAR(S, 100, heartbeat_seconds),
	HG_STRING(S, 101, epoch, MAX_TEXT))
#undef S

#define S struct hg_wire_include
HG_TABLE(include, S,
	hybridgrid__v1__compile_request__includes_entry__descriptor,
	HG_STRING(S, 1, path, HG_MAX_PATH_BYTES),
	HG_BLOB(S, 2, content))
#undef S

#define S struct hg_wire_input
HG_TABLE(input, S, hybridgrid__v1__input_file__descriptor,
	HG_STRING(S, 1, path, HG_MAX_PATH_BYTES),
	HG_DIGEST(S, 2, id),
	HG_SCALAR(S, 3, mode),
	HG_STRING(S, 4, symlink, HG_MAX_PATH_BYTES),
	HG_SCALAR(S, 5, folder))
#undef S

#define S struct hg_wire_env
HG_TABLE(env, S, hybridgrid__v1__env_var__descriptor,
	HG_STRING(S, 1, name, HG_MAX_ARG_BYTES),
	HG_STRING(S, 2, value, HG_MAX_ARG_BYTES))
#undef S

#define S struct hg_wire_compile
HG_TABLE(compile, S, hybridgrid__v1__compile_request__descriptor,
	HG_STRING(S, 1, source_file, HG_MAX_PATH_BYTES),
	HG_BLOB(S, 2, source),
	HG_STRING(S, 3, compiler, HG_MAX_PATH_BYTES),
	HG_STRINGS(S, 4, args, HG_MAX_ARGS),
	HG_STRING(S, 5, target_arch, MAX_TEXT),
	HG_STRING(S, 6, target_os, MAX_TEXT),
	HG_LIST(S, 7, includes, HG_MAX_INPUTS, &include_table),
	HG_LIST(S, 100, inputs, HG_MAX_INPUTS, &input_table),
	HG_STRING(S, 101, cwd, HG_MAX_PATH_BYTES),
	HG_LIST(S, 102, env, HG_MAX_ARGS, &env_table),
	HG_STRING(S, 103, toolchain, MAX_TEXT),
	HG_SCALAR(S, 104, protocol),
	HG_STRINGS(S, 105, outputs, HG_MAX_OUTPUTS),
	HG_SCALAR(S, 106, umask),
	HG_STRING(S, 107, compiler_path, HG_MAX_PATH_BYTES),
	HG_DIGEST(S, 108, input_list),
	HG_DIGEST(S, 109, toolchain_list),
	HG_SCALAR(S, 110, accepts_packed))
#undef S

#define S struct hg_wire_input_list
HG_TABLE(input_list, S, hybridgrid__v1__input_list__descriptor,
	HG_LIST(S, 1, inputs, HG_MAX_INPUTS, &input_table))
#undef S

#define S struct hg_wire_output
HG_TABLE(output, S, hybridgrid__v1__output_file__descriptor,
	HG_STRING(S, 1, path, HG_MAX_PATH_BYTES),
	HG_BLOB(S, 2, content),
	HG_SCALAR(S, 3, mode))
#undef S

#define S struct hg_wire_observed
HG_TABLE(observed, S, hybridgrid__v1__observed_file__descriptor,
	HG_STRING(S, 1, path, HG_MAX_PATH_BYTES),
	HG_ENUM(S, 2, kind, MAX_OBSERVED_KIND),
	HG_DIGEST(S, 3, digest))
#undef S

#define S struct hg_wire_result
HG_TABLE(result, S, hybridgrid__v1__compile_response__descriptor,
	HG_SCALAR(S, 1, success),
	HG_BLOB(S, 2, object),
	HG_TEXT(S, 3, out, 102),
	HG_TEXT(S, 4, err, 103),
	HG_SCALAR(S, 5, exit_code),
	HG_SCALAR(S, 6, compile_time_ms),
	HG_STRING(S, 7, worker_id, MAX_TEXT),
	HG_SCALAR(S, 8, from_cache),
	HG_LIST(S, 100, outputs, HG_MAX_OUTPUTS, &output_table),
	HG_LIST(S, 101, observed, HG_MAX_OBSERVED, &observed_table),
	HG_SCALAR(S, 104, cpu_us),
	HG_SCALAR(S, 105, peak_rss_bytes),
	HG_STRING(S, 106, infra_error, MAX_TEXT),
	HG_BLOB(S, 107, missing),
	HG_SCALAR(S, 108, uses_time),
	HG_BLOB(S, 109, packed_outputs),
	HG_SCALAR(S, 110, outputs_size),
	HG_BLOB(S, 111, packed_observed),
	HG_SCALAR(S, 112, observed_size))
#undef S

#define S struct hg_wire_health
HG_TABLE(health, S, hybridgrid__v1__health_check_request__descriptor,
	HG_STRING(S, 1, worker_id, MAX_TEXT),
	HG_SCALAR(S, 100, active_tasks),
	HG_SCALAR(S, 101, load),
	HG_SCALAR(S, 102, memory_free_bytes),
	HG_SCALAR(S, 103, draining))
#undef S

#define S struct hg_wire_health_reply
HG_TABLE(cache_stats, S, hybridgrid__v1__cache_stats__descriptor,
	HG_SCALAR(S, 1, cache_hits),
	HG_SCALAR(S, 2, cache_misses),
	HG_SCALAR(S, 3, cache_entries),
	HG_SCALAR(S, 4, cache_bytes))
HG_TABLE(health_reply, S, hybridgrid__v1__health_check_response__descriptor,
	HG_SCALAR(S, 1, healthy),
	HG_STRING(S, 2, status, MAX_TEXT),
	HG_SCALAR(S, 3, active_tasks),
	HG_SCALAR(S, 4, uptime_seconds),
	HG_SCALAR(S, 100, queued_tasks),
	HG_SCALAR(S, 101, workers),
	HG_SCALAR(S, 102, slots),
	HG_STRING(S, 103, version, MAX_TEXT),
	HG_STRING(S, 104, epoch, MAX_TEXT),
	HG_SCALAR(S, 105, should_drain),
	HG_MEMBERS(106, &cache_stats_table))
#undef S

#define S struct hg_wire_status
HG_TABLE(status, S, hybridgrid__v1__get_worker_status_request__descriptor,
	HG_STRING(S, 1, worker_id, MAX_TEXT))
#undef S

#define S struct hg_wire_worker
HG_TABLE(worker, S, hybridgrid__v1__worker_status__descriptor,
	HG_STRING(S, 1, worker_id, MAX_TEXT),
	HG_STRING(S, 2, address, MAX_TEXT),
	HG_PART(S, 3, caps, &capabilities_table),
	HG_SCALAR(S, 4, active_tasks),
	HG_SCALAR(S, 5, total_tasks),
	HG_SCALAR(S, 6, successful_tasks),
	HG_SCALAR(S, 7, avg_compile_time_ms),
	HG_STRING(S, 8, circuit_state, MAX_TEXT),
	HG_STRING(S, 9, source, MAX_TEXT),
	HG_SCALAR(S, 100, latency_ms),
	HG_SCALAR(S, 101, heartbeat_age_ms),
	HG_SCALAR(S, 102, draining))
#undef S

#define S struct hg_wire_status_reply
HG_TABLE(status_reply, S, hybridgrid__v1__get_worker_status_response__descriptor,
	HG_LIST(S, 1, workers, HG_MAX_WORKERS, &worker_table))
#undef S

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* protobuf-c delivers a map as a list, and a key as often as it was sent. */
static int
check_map(const struct hg_wire_compile *m, struct hg_error *err)
{
	size_t n = m->n_includes;
	char **keys = hg_xcalloc(n + 1, sizeof(*keys));
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		keys[i] = m->includes[i].path;
	qsort(keys, n, sizeof(*keys), compare_strings);
	for (size_t i = 1; i < n && rc == 0; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			rc = hg_fail(err, HG_PROTOCOL,
			    "CompileRequest.includes: '%s' comes twice",
			    keys[i]);
	free(keys);
	return rc;
}

#define PACK_AND_FREE(M) \
	void hg_wire_##M##_pack( \
	    const struct hg_wire_##M *m, struct hg_strbuf *out) \
	{ \
		hg_codec_pack(&M##_table, m, out); \
	} \
	void hg_wire_##M##_free(struct hg_wire_##M *m) \
	{ \
		hg_codec_free(&M##_table, m); \
	}

#define UNPACK(M) \
	struct hg_wire_##M *hg_wire_##M##_unpack( \
	    const void *p, size_t n, struct hg_error *err) \
	{ \
		return hg_codec_unpack(&M##_table, p, n, err); \
	}

PACK_AND_FREE(handshake)
UNPACK(handshake)
PACK_AND_FREE(handshake_reply)
UNPACK(handshake_reply)
PACK_AND_FREE(compile)
PACK_AND_FREE(input_list)
UNPACK(input_list)
PACK_AND_FREE(result)
UNPACK(result)
PACK_AND_FREE(health)
UNPACK(health)
PACK_AND_FREE(health_reply)
UNPACK(health_reply)
PACK_AND_FREE(status)
UNPACK(status)
PACK_AND_FREE(status_reply)
UNPACK(status_reply)

struct hg_wire_compile *
hg_wire_compile_unpack(const void *p, size_t n, struct hg_error *err)
{
	struct hg_wire_compile *m = hg_codec_unpack(&compile_table, p, n, err);

	if (m && check_map(m, err)) {
		hg_wire_compile_free(m);
		m = NULL;
	}
	return m;
}

void
hg_wire_compile_add_bundle(struct hg_strbuf *out, const void *p, size_t n)
{
	struct hg_wire_include bundle = {
		.path = (char *)(uintptr_t)HG_BUNDLE_KEY,
		.content = { p, n },
	};
	const struct hg_wire_compile message = {
		.includes = &bundle,
		.n_includes = 1,
	};

	hg_wire_compile_pack(&message, out);
}
