/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One launcher's connection and the thread that serves it. The main thread
 * makes it, sends its signs of life, and joins it when it is done.
 */
#ifndef HG_AGENT_CONN_H
#define HG_AGENT_CONN_H

#include <stdbool.h>

struct hg_agent;
struct hg_conn;

/*
 * Takes the socket and starts the thread; when that fails the launcher is told
 * that the agent is busy, and NULL returned.
 */
struct hg_conn *hg_conn_new(struct hg_agent *agent, int fd);
/* Has its thread nothing more to do? */
bool hg_conn_is_done(const struct hg_conn *conn);
/* A sign of life, if the launcher waits. Does not block. */
void hg_conn_beat(struct hg_conn *conn);
/* Joins the thread, so only when it is done. */
void hg_conn_free(struct hg_conn *conn);

/* Tells a launcher that nothing more is taken on, and closes fd. */
void hg_conn_refuse(int fd);

#endif
