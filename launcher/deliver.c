/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery. Objects are replaced (a new file under the name), as assemblers and
 * Clang do, unless nobody could tell the difference: then the old file is
 * overwritten, which costs a tenth. Other outputs are written in place, as
 * compilers do, which keeps links and devices such as /dev/null what they are.
 * With cache.hard_link objects are links to what the cache has.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/deliver.h"
#include "launcher/job.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"
#include "lib/cc/depfile.h"

const char *
hg_output_path(
    const struct hg_job *job, enum hg_output_role role, const char *path)
{
	switch (role) {
	case HG_OUTPUT_MAIN:
		return job->command.output;
	case HG_OUTPUT_DEP:
		return job->command.depfile;
	case HG_OUTPUT_OTHER:
		return path;
	}
	return path;
}

static bool
is_replaced(const struct hg_job *job, enum hg_output_role role)
{
	const struct hg_cc_command *c = &job->command;

	return role == HG_OUTPUT_MAIN && !hg_cc_discards(c->output) &&
	    (job->compiler.is_clang ||
		(c->mode == HG_CC_COMPILE && !c->makes_pch));
}

bool
hg_output_is_linked(const struct hg_job *job, enum hg_output_role role)
{
	const struct hg_cc_command *c = &job->command;

	return job->config.cache_hard_link && !job->config.cache_compression &&
	    is_replaced(job, role) && c->mode == HG_CC_COMPILE &&
	    !c->makes_pch;
}

static mode_t
create_mode(uint32_t mode)
{
	return mode & 0111 ? 0777 : 0666;
}

static mode_t
current_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

/*
 * A file being written. Over an old one the first bytes come last: killed on the
 * way we leave what no linker takes for an object, and not the beginning of one
 * and the end of another.
 */
struct out {
	int fd;
	bool is_old;
	/* held back */
	char first[8];
	size_t n_first;
};

static int
out_begin(struct out *o, struct hg_error *err)
{
	static const char nothing[sizeof(o->first)];

	return o->is_old ? hg_write_all(o->fd, nothing, sizeof(nothing), err)
			 : 0;
}

static int
out_write(void *arg, const void *p, size_t n, struct hg_error *err)
{
	struct out *o = arg;
	size_t k = o->is_old ? sizeof(o->first) - o->n_first : 0;

	if (k > n)
		k = n;
	memcpy(o->first + o->n_first, p, k);
	o->n_first += k;
	return hg_write_all(o->fd, (const char *)p + k, n - k, err);
}

static int
out_end(const struct out *o, struct hg_error *err)
{
	if (pwrite(o->fd, o->first, o->n_first, 0) != (ssize_t)o->n_first)
		return hg_fail_errno(err, HG_IO, "cannot write");
	return 0;
}

typedef int fill_fn(void *arg, struct out *out, struct hg_error *err);

/* Beside path; owned. */
static char *
temporary_name(const char *path)
{
	return hg_xasprintf("%s.%ld.hgtmp", path, (long)getpid());
}

/* Gives tmp, which goes in any case, the name path. */
static int
take_name(const char *tmp, const char *path, struct hg_error *err)
{
	int rc = 0;

	/*
	 * Assemblers remove what is there, too. A rename over it would make
	 * ext4 write the new file to disk at once, which takes 0.2 ms, and do
	 * nothing when both are links to one file.
	 */
	unlink(path);
	if (rename(tmp, path) < 0) {
		rc = hg_fail_errno(err, HG_IO, "cannot rename to %s", path);
		unlink(tmp);
	}
	return rc;
}

/* Calls fill on a new file that then takes the name path. */
static int
replace(const char *path, uint32_t mode, fill_fn *fill, void *arg,
    struct hg_error *err)
{
	char *tmp = temporary_name(path);
	struct out out = { .fd = open(tmp,
			       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			       create_mode(mode)) };
	int rc;

	if (out.fd < 0) {
		rc = hg_fail_errno(err, HG_IO, "cannot create %s", tmp);
		goto out;
	}
	rc = fill(arg, &out, err);
	hg_fd_close(&out.fd);
	if (rc == 0)
		rc = take_name(tmp, path, err);
	else
		unlink(tmp);
out:
	free(tmp);
	return rc;
}

/* Would a new file of this mode look like the old one, and be seen by nobody
 * who has that by another name? */
static bool
is_as_new(const struct stat *st, mode_t mode)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	    st->st_uid == geteuid() &&
	    (st->st_mode & 07777) == (mode & ~current_umask());
}

/* What is behind the n bytes just written is old. */
static int
cut(int fd, const struct stat *st, uint64_t n, struct hg_error *err)
{
	/* an empty file would keep its old time stamp */
	if (S_ISREG(st->st_mode) && ((uint64_t)st->st_size > n || n == 0) &&
	    ftruncate(fd, (off_t)n) < 0)
		return hg_fail_errno(err, HG_IO, "cannot write");
	return 0;
}

/*
 * Calls fill, which writes n bytes, on the file path instead of a new one. That
 * is not cut before: file systems would free its blocks only to find new ones,
 * and write them to disk at once. -HG_NOTFOUND when a new one it must be.
 */
static int
overwrite(const char *path, uint32_t mode, uint64_t n, fill_fn *fill,
    void *arg, struct hg_error *err)
{
	struct out out = { .fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC),
		.is_old = true };
	struct stat st;
	int rc = -HG_NOTFOUND;

	if (out.fd >= 0 && n >= sizeof(out.first) &&
	    fstat(out.fd, &st) == 0 && is_as_new(&st, create_mode(mode))) {
		rc = out_begin(&out, err);
		if (rc == 0)
			rc = fill(arg, &out, err);
		if (rc == 0)
			rc = cut(out.fd, &st, n, err);
		if (rc == 0)
			rc = out_end(&out, err);
		/* neither the old nor the new one */
		if (rc)
			unlink(path);
	}
	hg_fd_close(&out.fd);
	return rc;
}

static int
write_object(const char *path, uint32_t mode, uint64_t n, fill_fn *fill,
    void *arg, struct hg_error *err)
{
	int rc = overwrite(path, mode, n, fill, arg, err);

	return rc == -HG_NOTFOUND ? replace(path, mode, fill, arg, err) : rc;
}

static int
write_in_place(const char *path, uint32_t mode, const void *p, size_t n,
    struct hg_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, create_mode(mode));
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = hg_fail_errno(err, HG_IO, "cannot write %s", path);
		goto out;
	}
	rc = hg_write_all(fd, p, n, err);
	if (rc == 0)
		rc = cut(fd, &st, n, err);
out:
	hg_fd_close(&fd);
	return rc;
}

struct bytes {
	const void *p;
	size_t n;
};

static int
fill_bytes(void *arg, struct out *out, struct hg_error *err)
{
	const struct bytes *b = arg;

	return out_write(out, b->p, b->n, err);
}

void
hg_deliver_unshare(const struct hg_job *job)
{
	const struct hg_cc_command *c = &job->command;
	struct stat st;

	if (!job->config.cache_hard_link || !c->output ||
	    lstat(c->output, &st) < 0)
		return;
	/* an object may be the last of its links, and is replaced anyway */
	if (S_ISREG(st.st_mode) && (st.st_mode & 0222) == 0 &&
	    st.st_uid == geteuid() &&
	    (c->mode == HG_CC_COMPILE || st.st_nlink > 1))
		unlink(c->output);
}

int
hg_deliver_output(const struct hg_job *job, enum hg_output_role role,
    const char *path, uint32_t mode, const void *p, size_t n,
    struct hg_error *err)
{
	struct bytes b = { p, n };

	path = hg_output_path(job, role, path);
	if (is_replaced(job, role))
		return write_object(path, mode, n, fill_bytes, &b, err);
	return write_in_place(path, mode, p, n, err);
}

/* ---- from the cache ---------------------------------------------------- */

struct cached {
	struct hg_result_reader *reader;
	size_t i;
	bool clone;
};

static int
fill_cached(void *arg, struct out *out, struct hg_error *err)
{
	const struct cached *c = arg;

	if (c->clone) {
		int rc = hg_result_clone(c->reader, c->i, out->fd, err);

		if (rc != -HG_UNSUPPORTED)
			return rc;
	}
	return hg_result_copy(c->reader, c->i, out_write, out, err);
}

static int
link_object(const char *path, const struct cached *c, struct hg_error *err)
{
	char *tmp = temporary_name(path);
	int rc = hg_result_link(c->reader, c->i, tmp,
	    0444 & ~current_umask(), err);

	if (rc == 0)
		rc = take_name(tmp, path, err);
	free(tmp);
	return rc;
}

static int
deliver_object(const struct hg_job *job, const char *path, struct cached *c,
    struct hg_error *err)
{
	const struct hg_output *o = &hg_result_head(c->reader)->outputs[c->i];
	int rc = -HG_UNSUPPORTED;

	if (o->linked && job->config.cache_hard_link)
		rc = link_object(path, c, err);
	return rc == -HG_UNSUPPORTED
	    ? write_object(path, o->mode, o->n, fill_cached, c, err)
	    : rc;
}

/* The dependency file of another checkout becomes one of this. */
static void
rename_inputs(const struct hg_job *job, struct hg_strbuf *content)
{
	struct hg_strbuf renamed = HG_STRBUF_INIT;

	hg_depfile_rebase(content->buf, content->len, job->lookup.from,
	    job->lookup.to, job->compiler.is_clang, &renamed);
	hg_strbuf_release(content);
	*content = renamed;
}

static int
deliver_one(const struct hg_job *job, struct hg_result_reader *reader, size_t i,
    struct hg_error *err)
{
	const struct hg_output *o = &hg_result_head(reader)->outputs[i];
	const char *path = hg_output_path(job, o->role, o->path);
	struct hg_strbuf content = HG_STRBUF_INIT;
	struct cached c = { reader, i, job->config.cache_file_clone };
	int rc;

	if (!path)
		return hg_fail(err, HG_UNSUPPORTED,
		    "the cached result has an output that this command has not");
	if (is_replaced(job, o->role))
		return deliver_object(job, path, &c, err);
	/* in place: only what has been checked may overwrite what is there */
	rc = hg_result_read(reader, i, &content, err);
	if (rc == 0 && o->role == HG_OUTPUT_DEP && job->lookup.from)
		rename_inputs(job, &content);
	if (rc == 0 && o->role == HG_OUTPUT_MAIN)
		hg_deliver_unshare(job);
	if (rc == 0)
		rc = write_in_place(
		    path, o->mode, content.buf, content.len, err);
	hg_strbuf_release(&content);
	return rc;
}

int
hg_deliver_cached(const struct hg_job *job, const struct hg_digest *result,
    int *ret_exit, struct hg_error *err)
{
	struct hg_result_reader *reader =
	    hg_result_open(job->cache, result, err);
	const struct hg_result *r;
	int rc = 0;

	if (!reader)
		return -(int)err->code;
	r = hg_result_head(reader);
	for (size_t i = 0; rc == 0 && i < r->n_outputs; i++)
		rc = deliver_one(job, reader, i, err);
	if (rc == 0) {
		/* a reader that went away is not our trouble */
		(void)!hg_write_all(STDOUT_FILENO, r->out, r->out_n, NULL);
		(void)!hg_write_all(STDERR_FILENO, r->err, r->err_n, NULL);
		*ret_exit = r->exit_code;
		hg_result_touch(reader);
		hg_manifest_touch(job->cache, &job->key, &job->lookup);
	}
	hg_result_close(reader);
	return rc;
}
