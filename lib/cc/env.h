/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables of env.def. */
#ifndef HG_CC_ENV_H
#define HG_CC_ENV_H

enum hg_env_effect {
	HG_ENV_NONE,
	HG_ENV_KEY,
	HG_ENV_PASS,
};

/* What "NAME=value" (or NAME alone) does to a compile. */
enum hg_env_effect hg_env_effect(const char *variable);

#endif
