/* SPDX-License-Identifier: Apache-2.0 */
/* Environments for other programs, as vectors of "NAME=value". */
#ifndef HG_CLI_ENV_H
#define HG_CLI_ENV_H

#include "lib/base/strvec.h"
#include "lib/config/hg_config.h"

void hg_env_set(struct hg_strvec *env, const char *name, const char *value);
/* Sets an option's variable; its alias and its long name never both stay. */
void hg_env_set_option(
    struct hg_strvec *env, enum hg_option_id id, const char *value);
/* Sets every option that cfg has from a flag. */
void hg_env_set_flags(struct hg_strvec *env, const struct hg_config *cfg);

#endif
