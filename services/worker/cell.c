/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell is a process of hg-sandbox that waits on a socket. It sends its root
 * folder as a descriptor: /proc/self/fd/N names that folder for us, although it
 * is mounted in the sandbox's namespace only, and still does when the namespace
 * is gone. It also sends its first process, whose end is the end of all others.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/strvec.h"
#include "lib/base/time.h"
#include "lib/proc/proc.h"
#include "services/worker/cell.h"
#include "services/worker/cgroup.h"
#include "services/worker/layout.h"

/* The kernel may take its time on a machine with much to do. */
#define READY_TIMEOUT_MS 20000
#define END_TIMEOUT_MS 5000
#define UNUSED_TIMEOUT_NS (2 * HG_NS_PER_SEC)

/* How hg-sandbox ends, and what it begins with, when there is no sandbox. */
#define SANDBOX_FAILED 125
#define COMPLAINT "hg-sandbox: "

struct hg_cell {
	struct hg_cells *cells;
	struct hg_cell *next;
	struct hg_cgroup cgroup;
	/* on disk, if it is */
	struct hg_job_folder folder;
	char *root;
	/* NULL: has ended */
	struct hg_proc *proc;
	int control;
	int root_fd;
	int first_pid_fd;
};

struct hg_cells {
	const struct hg_cells_options *options;
	/* covers all below */
	pthread_mutex_t lock;
	struct hg_cell *spare;
	size_t n_spares;
	/* of cells that are no more */
	struct hg_cgroup old_groups;
};

/* ---- a cell's begin and end -------------------------------------------- */

/* Its last words without the name in front. */
static int
sandbox_failed(const struct hg_proc_result *r, struct hg_error *err)
{
	const char *text = strstr(r->err.buf, COMPLAINT);
	size_t n;

	if (!text)
		return hg_fail(err, HG_UNAVAILABLE,
		    "the sandbox ended with status %d", r->status);
	text += strlen(COMPLAINT);
	n = strcspn(text, "\n");
	return hg_fail(err, HG_UNAVAILABLE, "%.*s", (int)n, text);
}

/*
 * Removing a group waits while another process is moved into one, which takes
 * the kernel some milliseconds. So that is put off until a compile runs.
 */
static void
leave_group(struct hg_cell *cell)
{
	struct hg_cells *cells = cell->cells;
	struct hg_strvec *dirs = &cell->cgroup.dirs;

	pthread_mutex_lock(&cells->lock);
	for (size_t i = 0; i < dirs->n; i++)
		hg_strvec_add(&cells->old_groups.dirs, dirs->v[i]);
	pthread_mutex_unlock(&cells->lock);
	hg_strvec_release(dirs);
}

static void
remove_old_groups(struct hg_cells *cells)
{
	struct hg_cgroup old;

	pthread_mutex_lock(&cells->lock);
	old = cells->old_groups;
	hg_strvec_init(&cells->old_groups.dirs);
	pthread_mutex_unlock(&cells->lock);
	hg_cgroup_remove(&old);
}

/* One that was not used ends by itself, as its socket is closed. */
static void
end_process(struct hg_cell *cell)
{
	struct hg_proc_result result;

	if (!cell->proc)
		return;
	hg_proc_limit(cell->proc, UNUSED_TIMEOUT_NS, -1);
	hg_proc_finish(cell->proc, &result);
	hg_proc_result_release(&result);
	cell->proc = NULL;
}

/* The processes of the sandbox may end a moment later than hg-sandbox. */
static void
wait_for_end(struct hg_cell *cell)
{
	struct pollfd p = { .fd = cell->first_pid_fd, .events = POLLIN };
	siginfo_t info;

	if (p.fd < 0)
		return;
	if (poll(&p, 1, END_TIMEOUT_MS) != 1)
		hg_log(HG_LOG_WARNING,
		    "the processes of a sandbox do not end", NULL);
	/* ours since hg-sandbox was killed; usually it is not */
	waitid(P_PIDFD, (id_t)p.fd, &info, WEXITED | WNOHANG);
	hg_fd_close(&cell->first_pid_fd);
}

void
hg_cell_free(struct hg_cell *cell)
{
	struct hg_error err;

	if (!cell)
		return;
	hg_fd_close(&cell->control);
	end_process(cell);
	wait_for_end(cell);
	hg_fd_close(&cell->root_fd);
	leave_group(cell);
	if (hg_job_folder_remove(&cell->folder, &err))
		hg_log(HG_LOG_WARNING, "a job folder stays behind",
		    "reason=\"%s\"", err.text);
	free(cell->root);
	free(cell);
}

static void
make_argv(const struct hg_cell *cell, int control, struct hg_strvec *ret)
{
	const struct hg_cells_options *o = cell->cells->options;

	hg_strvec_add(ret, o->sandbox);
	hg_strvec_add(ret, "--root");
	hg_strvec_add(ret, o->scratch_bytes > 0 ? o->work_dir
						: cell->folder.root);
	if (o->scratch_bytes > 0) {
		hg_strvec_add(ret, "--scratch");
		hg_strvec_addf(ret, "%llu",
		    (unsigned long long)o->scratch_bytes);
	}
	for (size_t i = 0; i < cell->cgroup.dirs.n; i++) {
		hg_strvec_add(ret, "--cgroup");
		hg_strvec_add(ret, cell->cgroup.dirs.v[i]);
	}
	hg_strvec_add(ret, "--control");
	hg_strvec_addf(ret, "%d", control);
}

static int
start_process(struct hg_cell *cell, int control, struct hg_error *err)
{
	static const char *const no_env[] = { NULL };
	struct hg_strvec argv = HG_STRVEC_INIT;
	struct hg_proc_spec spec = HG_PROC_SPEC_INIT;
	int rc;

	make_argv(cell, control, &argv);
	spec.argv = (const char *const *)argv.v;
	spec.envp = no_env;
	spec.cwd = "/";
	spec.pass_fd = control;
	if (cell->cells->options->output_bytes > 0)
		spec.max_capture_bytes = cell->cells->options->output_bytes;
	rc = hg_proc_start(&spec, &cell->proc, err);
	if (rc)
		rc = hg_wrap(err, "the sandbox cannot be started");
	hg_strvec_release(&argv);
	return rc;
}

/* A cell that is being made; hg_cell_free() copes with any part of it. */
static struct hg_cell *
cell_start(struct hg_cells *cells, struct hg_error *err)
{
	struct hg_cell *cell = hg_xcalloc(1, sizeof(*cell));
	int end[2] = { -1, -1 };
	int rc = 0;

	cell->cells = cells;
	cell->control = cell->root_fd = cell->first_pid_fd = -1;
	hg_strvec_init(&cell->cgroup.dirs);
	if (cells->options->scratch_bytes == 0)
		rc = hg_job_folder_make(
		    &cell->folder, cells->options->work_dir, err);
	if (rc == 0 && cells->options->cgroups)
		rc = hg_cgroup_make(
		    cells->options->cgroups, &cell->cgroup, err);
	if (rc == 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) < 0)
		rc = hg_fail_errno(err, HG_EXHAUSTED, "cannot make a socket");
	cell->control = end[0];
	if (rc == 0)
		rc = start_process(cell, end[1], err);
	hg_fd_close(&end[1]);
	if (rc == 0)
		return cell;
	hg_cell_free(cell);
	return NULL;
}

/* ---- what it sends ----------------------------------------------------- */

union ancillary {
	struct cmsghdr head;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

static bool
receive_descriptors(struct hg_cell *cell)
{
	union ancillary ancillary = { .room = { 0 } };
	char ready;
	struct iovec text = { &ready, 1 };
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary.room),
	};
	struct cmsghdr *head;
	int fd[2];

	if (recvmsg(cell->control, &message, MSG_CMSG_CLOEXEC) != 1)
		return false;
	head = CMSG_FIRSTHDR(&message);
	if (!head || head->cmsg_len != CMSG_LEN(sizeof(fd)))
		return false;
	memcpy(fd, CMSG_DATA(head), sizeof(fd));
	cell->root_fd = fd[0];
	cell->first_pid_fd = fd[1];
	return true;
}

/* Waits until the sandbox is made. */
static int
cell_await(struct hg_cell *cell, struct hg_error *err)
{
	struct pollfd p = { .fd = cell->control, .events = POLLIN };
	struct hg_proc_result result;

	if (poll(&p, 1, READY_TIMEOUT_MS) == 1 && receive_descriptors(cell)) {
		/*
		 * When hg-sandbox is killed its first process becomes ours, and
		 * we can reap it: process 1 of a container may not.
		 */
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		cell->root = cell->folder.root
		    ? hg_xstrdup(cell->folder.root)
		    : hg_xasprintf("/proc/self/fd/%d/.", cell->root_fd);
		return 0;
	}
	/* what it has to say is said by now, or never will be */
	hg_proc_limit(cell->proc, HG_NS_PER_SEC, -1);
	hg_proc_finish(cell->proc, &result);
	cell->proc = NULL;
	sandbox_failed(&result, err);
	hg_proc_result_release(&result);
	return -HG_UNAVAILABLE;
}

static struct hg_cell *
cell_new(struct hg_cells *cells, struct hg_error *err)
{
	struct hg_cell *cell = cell_start(cells, err);

	if (cell && cell_await(cell, err)) {
		hg_cell_free(cell);
		cell = NULL;
	}
	return cell;
}

const char *
hg_cell_root(const struct hg_cell *cell)
{
	return cell->root;
}

/* ---- spares ------------------------------------------------------------ */

struct hg_cells *
hg_cells_new(const struct hg_cells_options *options)
{
	struct hg_cells *cells = hg_xcalloc(1, sizeof(*cells));

	cells->options = options;
	hg_strvec_init(&cells->old_groups.dirs);
	pthread_mutex_init(&cells->lock, NULL);
	return cells;
}

static struct hg_cell *
take_spare(struct hg_cells *cells)
{
	struct hg_cell *cell;

	pthread_mutex_lock(&cells->lock);
	cell = cells->spare;
	if (cell) {
		cells->spare = cell->next;
		cells->n_spares--;
	}
	pthread_mutex_unlock(&cells->lock);
	return cell;
}

void
hg_cells_free(struct hg_cells *cells)
{
	struct hg_cell *cell;

	if (!cells)
		return;
	while ((cell = take_spare(cells)))
		hg_cell_free(cell);
	remove_old_groups(cells);
	pthread_mutex_destroy(&cells->lock);
	free(cells);
}

/* One more, if there are too few; that it cannot be made is told later. */
static void
add_spare(struct hg_cells *cells)
{
	struct hg_cell *cell;
	bool wanted;

	pthread_mutex_lock(&cells->lock);
	wanted = cells->n_spares < cells->options->spares;
	cells->n_spares += wanted;
	pthread_mutex_unlock(&cells->lock);
	if (!wanted)
		return;
	cell = cell_start(cells, NULL);
	pthread_mutex_lock(&cells->lock);
	if (cell) {
		cell->next = cells->spare;
		cells->spare = cell;
	} else {
		cells->n_spares--;
	}
	pthread_mutex_unlock(&cells->lock);
}

/* Something of this machine may have ended it while it was waiting. */
static bool
is_alive(const struct hg_cell *cell)
{
	struct pollfd p = { .fd = cell->first_pid_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

struct hg_cell *
hg_cell_take(struct hg_cells *cells, struct hg_error *err)
{
	struct hg_cell *cell = take_spare(cells);

	if (cell && cell_await(cell, err) == 0 && is_alive(cell))
		return cell;
	hg_cell_free(cell);
	return cell_new(cells, err);
}

/* ---- running ----------------------------------------------------------- */

static void
attach_descriptor(
    struct msghdr *message, union ancillary *ancillary, const int *fd)
{
	struct cmsghdr *head;

	message->msg_control = ancillary;
	message->msg_controllen = CMSG_SPACE(sizeof(*fd));
	head = CMSG_FIRSTHDR(message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(*fd));
	memcpy(CMSG_DATA(head), fd, sizeof(*fd));
}

/* The length of what follows, and the descriptor. */
static bool
send_head(const struct hg_cell *cell, size_t bytes, int keep_fd)
{
	union ancillary ancillary = { .room = { 0 } };
	uint32_t length = (uint32_t)bytes;
	struct iovec text = { &length, sizeof(length) };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };

	if (keep_fd >= 0)
		attach_descriptor(&message, &ancillary, &keep_fd);
	return sendmsg(cell->control, &message, MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(length);
}

static bool
send_text(const struct hg_cell *cell, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(cell->control, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

/* One that does not listen would otherwise hold us for ever. */
static void
send_command(
    const struct hg_cell *cell, const struct hg_strvec *words, int keep_fd)
{
	const struct timeval limit = { .tv_sec = READY_TIMEOUT_MS / 1000 };
	struct hg_strbuf text = HG_STRBUF_INIT;

	setsockopt(cell->control, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit));
	for (size_t i = 0; i < words->n; i++)
		hg_strbuf_add(&text, words->v[i], strlen(words->v[i]) + 1);
	/* a failure shows in how the sandbox ends */
	if (send_head(cell, text.len, keep_fd))
		send_text(cell, text.buf, text.len);
	hg_strbuf_release(&text);
}

static int
judge(const struct hg_cell *cell, const struct hg_proc_result *r,
    struct hg_error *err)
{
	if (r->end == HG_PROC_TIMED_OUT || r->end == HG_PROC_CANCELLED)
		return 0;
	if (hg_cgroup_oom_kills(&cell->cgroup) > 0)
		return hg_fail(err, HG_EXHAUSTED,
		    "the compile used up the memory that one may have "
		    "(worker.max_memory)");
	if (r->end == HG_PROC_EXITED && r->status == SANDBOX_FAILED &&
	    strstr(r->err.buf, COMPLAINT))
		return sandbox_failed(r, err);
	return 0;
}

int
hg_cell_run(struct hg_cell *cell, const struct hg_strvec *words, int keep_fd,
    int cancel_fd, uint64_t timeout_ns, struct hg_proc_result *ret,
    struct hg_error *err)
{
	hg_assert(cell->proc != NULL);
	hg_proc_limit(cell->proc, timeout_ns, cancel_fd);
	send_command(cell, words, keep_fd);
	remove_old_groups(cell->cells);
	add_spare(cell->cells);
	hg_proc_finish(cell->proc, ret);
	cell->proc = NULL;
	wait_for_end(cell);
	return judge(cell, ret, err);
}
