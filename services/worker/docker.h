/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The warm containers of a worker, and whether there is an engine to make them.
 * All functions may be called from any thread.
 */
#ifndef HG_WORKER_DOCKER_H
#define HG_WORKER_DOCKER_H

#include <stdbool.h>
#include <stdint.h>

#include "services/worker/container.h"

struct hg_config;
struct hg_docker;
struct hg_error;
struct hg_strvec;

struct hg_docker_options {
	/* of the engine */
	const char *socket;
	/* docker.images */
	const char *images;
	/* also what this machine could do natively */
	bool always;
	struct hg_container_limits limits;
	/* compiles after which a container is replaced; 0: never */
	uint64_t recycle;
	/* containers that are kept though idle */
	uint64_t max_idle;
};

/*
 * Fills ret from the settings, from which it borrows; false when they say that
 * there is to be no Docker. -HG_INVALID is in err->code when they are wrong.
 */
bool hg_docker_options_read(const struct hg_config *cfg,
    struct hg_docker_options *ret, struct hg_error *err);

/*
 * options must outlive it; the names of programs and the folder are copied. Looks
 * for the engine at once and from then on; NULL and err only when there is no
 * thread for that.
 */
struct hg_docker *hg_docker_new(const struct hg_docker_options *options,
    const char *runner, const char *observer, const char *work_dir,
    struct hg_error *err);
/* All containers have been taken back. */
void hg_docker_free(struct hg_docker *d);

/* Did the engine answer when it was last asked? */
bool hg_docker_is_available(struct hg_docker *d);

/*
 * A container of the image with these folders in memory, empty: one that is
 * warm, else a new one. NULL and err as hg_container_new().
 */
struct hg_container *hg_docker_lend(struct hg_docker *d, const char *image,
    const struct hg_strvec *areas, struct hg_error *err);
void hg_docker_take_back(struct hg_docker *d, struct hg_container *c);

#endif
