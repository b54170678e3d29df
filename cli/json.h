/* SPDX-License-Identifier: Apache-2.0 */
/* Printing JSON. */
#ifndef HG_CLI_JSON_H
#define HG_CLI_JSON_H

#include <jansson.h>

/* Text of any bytes: what is not UTF-8 becomes question marks. */
json_t *hg_json_text(const char *s);
/* Prints to stdout and takes root. Returns the exit status. */
int hg_json_print(json_t *root);

#endif
