/* SPDX-License-Identifier: Apache-2.0 */
/* Which image compiles for which target. */
#ifndef HG_WORKER_DOCKER_IMAGES_H
#define HG_WORKER_DOCKER_IMAGES_H

#include <stdbool.h>

struct hg_error;

/*
 * The image of a target: from the setting ("linux-arm64=IMAGE ..."), else by
 * default; owned, NULL when there is none. Empty names stand for this machine's
 * own. *ret_configured tells whether the setting names it.
 */
char *hg_docker_image(const char *setting, const char *arch, const char *os,
    bool *ret_configured);

/* 0, or -HG_INVALID with the word of the setting that is wrong. */
int hg_docker_images_check(const char *setting, struct hg_error *err);

#endif
