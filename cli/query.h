/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to the coordinator. hgbuild does not link gRPC, which would slow
 * down "hgbuild cc"; it runs hg-call, which does.
 */
#ifndef HG_CLI_QUERY_H
#define HG_CLI_QUERY_H

#include "lib/base/strbuf.h"

struct hg_cli;
struct hg_error;

/*
 * Sends body to the coordinators of the settings, each in turn until one
 * answers. *ret_target (owned) is that one. -HG_NOTFOUND when none is
 * configured; else the error of the last.
 */
int hg_query(const struct hg_cli *cli, const char *method,
    const struct hg_strbuf *body, struct hg_strbuf *ret_reply,
    char **ret_target, struct hg_error *err);

#endif
