/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hg-agent: the launchers' resident helper. The main thread accepts, sends
 * signs of life and decides when to leave; each connection has a thread of its
 * own; RPCs are on one more (coords.h). It leaves after idle_timeout without a
 * connection, on SIGTERM, when asked to, and when its socket was removed; a new
 * agent can start before the last compiles of the old one have ended.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/limits.h"
#include "lib/base/log.h"
#include "lib/base/part.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/time.h"
#include "lib/toolchain/toolchain.h"
#include "services/agent/agent.h"
#include "services/agent/conn.h"
#include "services/agent/coords.h"
#include "services/agent/listen.h"
#include "services/agent/contents.h"
#include "services/agent/known.h"
#include "services/agent/native.h"
#include "services/agent/options.h"
#include "services/agent/scan.h"
#include "services/agent/search.h"
#include "services/agent/toolset.h"

/* Between signs of life to launchers that wait. */
#define BEAT_NS (500 * HG_NS_PER_MS)
/* Between questions to a coordinator with compiles, and for its answer. */
#define COORDINATOR_BEAT_NS    (2 * HG_NS_PER_SEC)
#define COORDINATOR_SILENCE_NS (5 * HG_NS_PER_SEC)
/* How often an agent without work sees to its socket. */
#define LOOK_NS (10 * HG_NS_PER_SEC)
/* For the last compiles after it has left its socket. */
#define DRAIN_NS (60 * HG_NS_PER_SEC)
/* Contents of headers that are kept in memory. */
#define CONTENTS_BYTES ((uint64_t)512 << 20)
/* What is known of who includes whom; a large project takes a tenth. */
#define SCAN_BYTES ((size_t)256 << 20)

struct server {
	struct hg_agent agent;
	struct hg_listen listen;
	int signal_fd;
	struct hg_conn **conn;
	size_t n;
	size_t cap;
	uint64_t busy_ns;
	uint64_t looked_ns;
	uint64_t beaten_ns;
};

/* ---- setting up --------------------------------------------------------- */

/* One preprocessor per core that we may use, and one that waits for the disk.
 */
static unsigned
search_slots(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 2;
	return (unsigned)CPU_COUNT(&set) + 1;
}

/* A compile takes several descriptors, and there may be many. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void
open_log(const struct hg_agent_options *options)
{
	const char *path = getenv("HG_AGENT_LOG");
	int fd;

	hg_log_open(HG_LOG_INFO);
	if (options->foreground || !path || !*path)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	dup2(fd, STDERR_FILENO);
	hg_fd_close(&fd);
}

static void
load_config(struct hg_config *config)
{
	struct hg_error err;

	hg_config_init(config);
	if (hg_config_load(config, (const char *const *)environ, &err) == 0)
		return;
	hg_log(HG_LOG_WARNING, "bad configuration",
	    "error=\"%s\" action=\"using the defaults\"", err.text);
	hg_config_release(config);
	hg_config_init(config);
}

static int
open_signals(struct server *s, struct hg_error *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->agent.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->signal_fd < 0 || s->agent.wake_fd < 0)
		return hg_fail_errno(err, HG_EXHAUSTED, "cannot set up");
	return 0;
}

static int
open_coords(struct hg_agent *a, struct hg_error *err)
{
	const struct hg_coords_options options = {
		.connect_wait_ns = a->config.agent_connect_wait,
		.backoff_ns = a->config.agent_backoff,
		.beat_ns = COORDINATOR_BEAT_NS,
		.silence_ns = COORDINATOR_SILENCE_NS,
	};

	a->coords = hg_coords_new(&options, err);
	return a->coords ? 0 : -HG_UNAVAILABLE;
}

static int
server_open(struct server *s, const struct hg_agent_options *options,
    struct hg_error *err)
{
	struct hg_agent *a = &s->agent;
	char *so, *dir;
	int rc;

	load_config(&a->config);
	rc = open_signals(s, err);
	if (rc)
		return rc;
	raise_descriptor_limit();
	a->started_ns = hg_now_ns();
	s->busy_ns = a->started_ns;
	s->looked_ns = a->started_ns;
	rc = open_coords(a, err);
	if (rc)
		return rc;
	so = hg_part_path("hg-observe.so");
	if (!so)
		return hg_fail(err, HG_NOTFOUND,
		    "hg-observe.so is neither beside this program nor in %s",
		    HG_LIBEXECDIR);
	a->search = hg_search_new(so, search_slots());
	a->toolsets = hg_toolsets_new(so);
	free(so);
	pthread_mutex_init(&a->upload, NULL);
	dir = hg_path_dir(options->socket);
	a->natives = hg_natives_new(dir);
	free(dir);
	a->contents = hg_contents_new(CONTENTS_BYTES);
	a->scan = hg_scan_new(
	    a->search, a->contents, a->config.agent_scan, SCAN_BYTES);
	a->known = hg_known_new();
	a->toolchains = hg_toolchains_new();
	return hg_listen_open(
	    &s->listen, options->socket, options->lock_fd, err);
}

static void
server_release(struct server *s)
{
	struct hg_agent *a = &s->agent;

	hg_listen_leave(&s->listen);
	hg_listen_release(&s->listen);
	hg_coords_free(a->coords);
	hg_scan_free(a->scan);
	hg_search_free(a->search);
	hg_toolchains_free(a->toolchains);
	hg_toolsets_free(a->toolsets);
	hg_natives_free(a->natives);
	pthread_mutex_destroy(&a->upload);
	hg_contents_free(a->contents);
	hg_known_free(a->known);
	hg_config_release(&a->config);
	hg_fd_close(&a->wake_fd);
	hg_fd_close(&s->signal_fd);
	free(s->conn);
}

/* ---- connections -------------------------------------------------------- */

static bool
is_ours(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       peer.uid == geteuid();
}

static void
add_conn(struct server *s, int fd)
{
	struct hg_conn *conn;

	if (!is_ours(fd)) {
		hg_fd_close(&fd);
		return;
	}
	if (s->n >= (size_t)s->agent.config.agent_max_compiles) {
		hg_conn_refuse(fd);
		return;
	}
	atomic_fetch_add(&s->agent.active, 1);
	conn = hg_conn_new(&s->agent, fd);
	if (!conn) {
		atomic_fetch_sub(&s->agent.active, 1);
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->conn =
		    hg_xrealloc(s->conn, s->cap * sizeof(struct hg_conn *));
	}
	s->conn[s->n++] = conn;
}

static void
accept_all(struct server *s)
{
	for (;;) {
		int fd = accept4(s->listen.fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			add_conn(s, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void
join_done(struct server *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!hg_conn_is_done(s->conn[i])) {
			s->conn[kept++] = s->conn[i];
			continue;
		}
		hg_conn_free(s->conn[i]);
		atomic_fetch_sub(&s->agent.active, 1);
	}
	s->n = kept;
}

static void
beat_all(struct server *s, uint64_t now)
{
	if (now - s->beaten_ns < BEAT_NS)
		return;
	s->beaten_ns = now;
	for (size_t i = 0; i < s->n; i++)
		hg_conn_beat(s->conn[i]);
}

/* ---- the loop ----------------------------------------------------------- */

/* Nanoseconds until something is due although nothing happens. */
static uint64_t
time_to_next(const struct server *s, uint64_t now)
{
	uint64_t idle_end = s->busy_ns + s->agent.config.agent_idle_timeout;
	uint64_t left = idle_end > now ? idle_end - now : 0;

	if (s->n > 0)
		return BEAT_NS - (now - s->beaten_ns < BEAT_NS
					 ? now - s->beaten_ns
					 : BEAT_NS);
	return left < LOOK_NS ? left : LOOK_NS;
}

/* One round. With accepting false the listener is left alone. */
static void
turn(struct server *s, bool accepting)
{
	enum { LISTEN, SIGNAL, WAKE, COUNT };
	struct pollfd p[COUNT] = {
		[LISTEN] = { .fd = accepting ? s->listen.fd : -1,
		    .events = POLLIN },
		[SIGNAL] = { .fd = s->signal_fd, .events = POLLIN },
		[WAKE] = { .fd = s->agent.wake_fd, .events = POLLIN },
	};
	uint64_t ms = time_to_next(s, hg_now_ns()) / HG_NS_PER_MS + 1;
	struct signalfd_siginfo info;
	uint64_t count;

	if (poll(p, COUNT, (int)ms) > 0) {
		if (p[LISTEN].revents)
			accept_all(s);
		if (p[SIGNAL].revents &&
		    read(s->signal_fd, &info, sizeof(info)) > 0)
			atomic_store(&s->agent.is_stopping, true);
		if (p[WAKE].revents &&
		    read(s->agent.wake_fd, &count, sizeof(count)) > 0)
			join_done(s);
	}
	beat_all(s, hg_now_ns());
}

static bool
should_leave(struct server *s)
{
	uint64_t now = hg_now_ns();

	if (atomic_load(&s->agent.is_stopping))
		return true;
	if (now - s->looked_ns >= LOOK_NS) {
		s->looked_ns = now;
		if (!hg_listen_is_there(&s->listen))
			return true;
	}
	if (s->n > 0)
		s->busy_ns = now;
	return now - s->busy_ns >= s->agent.config.agent_idle_timeout;
}

/* How inputs were found, and how often. */
static void
log_scans(struct hg_scan *scan)
{
	struct hg_strbuf text = HG_STRBUF_INIT;

	for (int i = 0; i < HG_SCAN_REASONS; i++) {
		enum hg_scan_reason r = (enum hg_scan_reason)i;

		if (hg_scan_count(scan, r) > 0)
			hg_strbuf_addf(&text, "%s%s=%llu", text.len ? " " : "",
			    hg_scan_reason_name(r), hg_scan_count(scan, r));
	}
	hg_log(HG_LOG_NOTICE, "inputs found", "%s", text.buf);
	hg_strbuf_release(&text);
}

/* Leaves the place to another, and ends what was begun. */
static void
drain(struct server *s)
{
	uint64_t end;

	hg_listen_leave(&s->listen);
	accept_all(s);
	hg_fd_close(&s->listen.fd);
	hg_log(HG_LOG_NOTICE, "agent leaves", "active=%zu", s->n);
	log_scans(s->agent.scan);
	end = hg_now_ns() + DRAIN_NS;
	while (s->n > 0 && hg_now_ns() < end)
		turn(s, false);
	/* threads that do not end hold what would be freed */
	if (s->n > 0)
		_exit(0);
}

static int
serve(const struct hg_agent_options *options)
{
	struct server s = {
		.signal_fd = -1,
		.listen = { NULL, -1, -1 },
		.agent = { .wake_fd = -1 },
	};
	struct hg_error err;
	int rc;

	open_log(options);
	rc = server_open(&s, options, &err);
	if (rc == 0) {
		hg_log(HG_LOG_NOTICE, "agent serves", "socket=%s",
		    options->socket);
		if (options->foreground) {
			printf("ready socket=%s\n", options->socket);
			fflush(stdout);
		}
		while (!should_leave(&s))
			turn(&s, true);
		drain(&s);
	} else {
		hg_log(
		    HG_LOG_ERR, "agent cannot serve", "error=\"%s\"", err.text);
	}
	server_release(&s);
	return rc ? hg_code_exit(err.code) : 0;
}

int
main(int argc, char **argv)
{
	struct hg_agent_options options;
	struct hg_strbuf help = HG_STRBUF_INIT;
	struct hg_error err;

	if (hg_agent_options_parse(&options, argc, argv, &err)) {
		fprintf(stderr, "hg-agent: %s\n", err.text);
		return hg_code_exit(err.code);
	}
	if (options.version) {
		puts("hg-agent " PACKAGE_VERSION);
		return 0;
	}
	if (options.help) {
		hg_agent_options_help(&help);
		fputs(help.buf, stdout);
		hg_strbuf_release(&help);
		return 0;
	}
	return serve(&options);
}
