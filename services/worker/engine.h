/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Docker Engine's API, as far as containers for compiles need it. Blocking;
 * any thread. Errors carry what the engine says; -HG_UNAVAILABLE or -HG_TIMEOUT:
 * it is not there.
 */
#ifndef HG_WORKER_ENGINE_H
#define HG_WORKER_ENGINE_H

#include <stdint.h>

#include "lib/base/strvec.h"

struct hg_error;

struct hg_engine {
	/* borrowed */
	const char *socket;
	/* of the API, "1.41" */
	char version[16];
};

/* Asks for its version and takes one that both speak. */
int hg_engine_probe(
    const char *socket, struct hg_engine *ret, struct hg_error *err);

/* Appends the image's environment; -HG_NOTFOUND: it is not on this engine. */
int hg_engine_image_env(const struct hg_engine *e, const char *image,
    struct hg_strvec *ret, struct hg_error *err);

struct hg_engine_container {
	const char *image;
	const struct hg_strvec *entrypoint;
	/* "HOST:CONTAINER", shown read-only */
	const struct hg_strvec *binds;
	/* folders in memory, with their mode ("0755") in the other list */
	const struct hg_strvec *tmpfs;
	const struct hg_strvec *tmpfs_modes;
	uint64_t tmpfs_bytes;
	uint64_t memory_bytes;
	int64_t pids;
	double cpus;
};

/*
 * Makes a container without network and privileges that the engine removes when
 * it ends; *ret_id is owned.
 */
int hg_engine_create(const struct hg_engine *e,
    const struct hg_engine_container *spec, char **ret_id,
    struct hg_error *err);
int hg_engine_start(
    const struct hg_engine *e, const char *id, struct hg_error *err);
/* Kills it if it runs. Fine if it is gone. */
int hg_engine_remove(
    const struct hg_engine *e, const char *id, struct hg_error *err);

/* Appends the ids of containers of ours that ended, or never began. */
int hg_engine_list_dead(
    const struct hg_engine *e, struct hg_strvec *ret, struct hg_error *err);

#endif
