/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the preloaded library will be in a program. */
#ifndef HG_OBSERVE_LOADS_H
#define HG_OBSERVE_LOADS_H

#include <stdbool.h>

/*
 * True when the program at path, or what interprets it if it is a script, is
 * linked dynamically and for this machine. Calls the kernel alone: this is for
 * preload.c, too. Nothing is allocated; errno is changed.
 */
bool hg_observe_loads(const char *path);

#endif
