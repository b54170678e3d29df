/* SPDX-License-Identifier: Apache-2.0 */
/* Inside lib/config only: what the readers share. */
#ifndef HG_CONFIG_PRIVATE_H
#define HG_CONFIG_PRIVATE_H

#include <stddef.h>

#include "lib/config/hg_config.h"

/* The longest line and file that are accepted; iniparser cuts at 1,023. */
#define HG_INI_MAX_LINE_BYTES 1000
#define HG_INI_MAX_FILE_BYTES ((size_t)1 << 20)

struct hg_ini;

/*
 * Reads a file whose every key is in the option table and occurs once.
 * -HG_NOTFOUND when there is none; other errors name file, line and key.
 */
struct hg_ini *hg_ini_load(const char *path, struct hg_error *err);
void hg_ini_free(struct hg_ini *ini);
/* The line of an option, 0 when the file does not set it. */
unsigned hg_ini_line(const struct hg_ini *ini, enum hg_option_id id);
/* Its value, borrowed; only when its line is not 0. */
const char *hg_ini_value(const struct hg_ini *ini, enum hg_option_id id);

/*
 * Sets option id from the file at path. home stands for "~", dir (may be NULL)
 * is where relative file names start.
 */
int hg_config_read_option(struct hg_config *cfg, const struct hg_ini *ini,
    const char *path, const char *home, const char *dir, enum hg_option_id id,
    struct hg_error *err);

/* Gives a text option a value, which the config then owns; NULL for none. */
void hg_config_take_text(
    struct hg_config *cfg, enum hg_option_id id, char *text);

/* As much of the end of a file name as an error's sentence can hold. */
const char *hg_config_short_name(const char *path);

#endif
