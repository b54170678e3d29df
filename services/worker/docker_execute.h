/* SPDX-License-Identifier: Apache-2.0 */
/* Compiles in containers. */
#ifndef HG_WORKER_DOCKER_EXECUTE_H
#define HG_WORKER_DOCKER_EXECUTE_H

#include <stddef.h>

struct hg_error;
struct hg_execution;
struct hg_strvec;
struct hg_wire_compile;
struct hg_wire_input;

/* Does the request in a container of e->image. */
void hg_execute_docker(struct hg_execution *e);

/* Runs the compiler of a request in the bare terms of the specification. */
int hg_docker_run_simple(
    struct hg_execution *e, const char *folder, struct hg_error *err);

/*
 * Appends the folders that a request of our own clients with these inputs needs
 * room for, sorted.
 * -HG_UNSUPPORTED: there cannot be room for one.
 */
int hg_docker_areas(const struct hg_wire_compile *request,
    const struct hg_wire_input *inputs, size_t n, struct hg_strvec *ret,
    struct hg_error *err);

#endif
