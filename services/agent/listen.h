/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's place: its lock, which makes it the only one of its folder, and
 * its socket, which exists only while it listens.
 */
#ifndef HG_AGENT_LISTEN_H
#define HG_AGENT_LISTEN_H

#include <stdbool.h>

struct hg_error;

struct hg_listen {
	char *path;
	int lock_fd;
	/* does not block; -1 after hg_listen_leave() */
	int fd;
};

/*
 * Takes the lock (or that of lock_fd, unless -1), listens, and clears the stamp
 * agent.down. -HG_EXHAUSTED: another agent serves. Always release.
 */
int hg_listen_open(
    struct hg_listen *l, const char *path, int lock_fd, struct hg_error *err);
/* Is the socket in its folder still ours? */
bool hg_listen_is_there(const struct hg_listen *l);
/*
 * Lets another agent take over: removes the socket, then gives the lock back.
 * Connections made before can still be accepted from fd until it is closed.
 */
void hg_listen_leave(struct hg_listen *l);
void hg_listen_release(struct hg_listen *l);

#endif
