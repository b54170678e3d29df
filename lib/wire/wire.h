/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of proto/hybridgrid.proto as plain structs. protobuf-c stays in
 * this folder. Unpacking checks what the wire cannot be trusted for: UTF-8, no
 * NUL inside strings, no duplicate map keys, bounded counts; what is unpacked
 * is the caller's (…_free). Packing borrows everything.
 *
 * In a struct to be packed strings may be NULL (sent as empty). Unpacked
 * strings are never NULL.
 */
#ifndef HG_WIRE_WIRE_H
#define HG_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/digest/content_id.h"
#include "lib/digest/digest.h"

struct hg_error;
struct hg_strbuf;

/* Protocol level that we speak; 0 is the bare specification. */
#define HG_WIRE_PROTOCOL 2

#define HG_METHOD_HANDSHAKE "/hybridgrid.v1.BuildService/Handshake"
#define HG_METHOD_COMPILE "/hybridgrid.v1.BuildService/Compile"
#define HG_METHOD_HEALTH "/hybridgrid.v1.BuildService/HealthCheck"
#define HG_METHOD_STATUS "/hybridgrid.v1.BuildService/GetWorkerStatus"

/* The key of CompileRequest.includes that holds contents by their digests. */
#define HG_BUNDLE_KEY "hybridgrid:bundle.tar.zst"

struct hg_blob {
	const void *p;
	size_t n;
};

struct hg_wire_capabilities {
	char **architectures;
	size_t n_architectures;
	char **compilers;
	size_t n_compilers;
	int32_t cpu_cores;
	int64_t memory_bytes;
	bool docker_available;
	int32_t slots;
	char *version;
	char *hostname;
	/* "" if it makes sandboxes */
	char *no_sandbox;
};

struct hg_wire_handshake {
	char *worker_id;
	struct hg_wire_capabilities caps;
	char *address;
	uint32_t protocol;
};

struct hg_wire_handshake_reply {
	bool accepted;
	char *assigned_id;
	char *message;
	uint32_t heartbeat_seconds;
	char *epoch;
};

struct hg_wire_include {
	char *path;
	struct hg_blob content;
};

struct hg_wire_input {
	char *path;
	/* all zero for links and folders */
	struct hg_content_id id;
	uint32_t mode;
	/* "" unless it is a symbolic link */
	char *symlink;
	bool folder;
};

struct hg_wire_env {
	char *name;
	char *value;
};

struct hg_wire_compile {
	char *source_file;
	struct hg_blob source;
	char *compiler;
	char **args;
	size_t n_args;
	char *target_arch;
	char *target_os;
	struct hg_wire_include *includes;
	size_t n_includes;
	struct hg_wire_input *inputs;
	size_t n_inputs;
	char *cwd;
	struct hg_wire_env *env;
	size_t n_env;
	char *toolchain;
	uint32_t protocol;
	char **outputs;
	size_t n_outputs;
	uint32_t umask;
	char *compiler_path;
	/* all zero when the inputs stand in the message itself */
	struct hg_content_id input_list;
	/* all zero when the compiler is not to be had from the client */
	struct hg_content_id toolchain_list;
	bool accepts_packed;
};

struct hg_wire_input_list {
	struct hg_wire_input *inputs;
	size_t n_inputs;
};

struct hg_wire_output {
	char *path;
	struct hg_blob content;
	uint32_t mode;
};

struct hg_wire_observed {
	char *path;
	/* enum hg_observed_kind of lib/observe */
	int kind;
	struct hg_digest digest;
};

struct hg_wire_result {
	bool success;
	struct hg_blob object;
	/* The exact bytes; packing makes the UTF-8 string fields from them. */
	struct hg_blob out;
	struct hg_blob err;
	int32_t exit_code;
	int64_t compile_time_ms;
	char *worker_id;
	bool from_cache;
	struct hg_wire_output *outputs;
	size_t n_outputs;
	struct hg_wire_observed *observed;
	size_t n_observed;
	uint64_t cpu_us;
	uint64_t peak_rss_bytes;
	char *infra_error;
	/* struct hg_content_id, one after the other */
	struct hg_blob missing;
	bool uses_time;
	/* see lib/wire/packed.h; empty when the lists stand for themselves */
	struct hg_blob packed_outputs;
	uint64_t outputs_size;
	struct hg_blob packed_observed;
	uint64_t observed_size;
};

struct hg_wire_health {
	char *worker_id;
	int32_t active_tasks;
	double load;
	int64_t memory_free_bytes;
	bool draining;
};

struct hg_wire_health_reply {
	bool healthy;
	char *status;
	int32_t active_tasks;
	int64_t uptime_seconds;
	int32_t queued_tasks;
	int32_t workers;
	int32_t slots;
	char *version;
	char *epoch;
	bool should_drain;
	uint64_t cache_hits;
	uint64_t cache_misses;
	uint64_t cache_entries;
	uint64_t cache_bytes;
};

struct hg_wire_status {
	char *worker_id;
};

struct hg_wire_worker {
	char *worker_id;
	char *address;
	struct hg_wire_capabilities caps;
	int32_t active_tasks;
	int32_t total_tasks;
	int32_t successful_tasks;
	int64_t avg_compile_time_ms;
	char *circuit_state;
	char *source;
	double latency_ms;
	int64_t heartbeat_age_ms;
	bool draining;
};

struct hg_wire_status_reply {
	struct hg_wire_worker *workers;
	size_t n_workers;
};

/*
 * For each message M:
 *   hg_wire_M_pack(const struct hg_wire_M *, struct hg_strbuf *out)  appends
 *   hg_wire_M_unpack(p, n, err) -> struct hg_wire_M *, or NULL and err
 *   hg_wire_M_free(m)                              NULL is allowed
 */
#define HG_WIRE_MESSAGE(M) \
	void hg_wire_##M##_pack( \
	    const struct hg_wire_##M *m, struct hg_strbuf *out); \
	struct hg_wire_##M *hg_wire_##M##_unpack( \
	    const void *p, size_t n, struct hg_error *err); \
	void hg_wire_##M##_free(struct hg_wire_##M *m);

HG_WIRE_MESSAGE(handshake)
HG_WIRE_MESSAGE(handshake_reply)
HG_WIRE_MESSAGE(compile)
HG_WIRE_MESSAGE(input_list)
HG_WIRE_MESSAGE(result)
HG_WIRE_MESSAGE(health)
HG_WIRE_MESSAGE(health_reply)
HG_WIRE_MESSAGE(status)
HG_WIRE_MESSAGE(status_reply)

/*
 * How many bytes of a packed CompileRequest come before the bundle that ends it;
 * all, when none does. *ret_bundle borrows the bundle, or is empty. Bytes that
 * are no message at all have no bundle either.
 */
size_t hg_wire_compile_head(
    const void *p, size_t n, struct hg_blob *ret_bundle);
/* Appends a bundle to a packed CompileRequest without one. */
void hg_wire_compile_add_bundle(
    struct hg_strbuf *out, const void *p, size_t n);

/* True when s is well-formed UTF-8 without NUL, so that it may be a string. */
bool hg_wire_is_utf8(const void *p, size_t n);

#endif
