/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of inputs: their bytes checked, and sets built from what was observed. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/store/builder.h"
#include "lib/store/cache.h"
#include "lib/store/manifest.h"
#include "lib/store/memo.h"
#include "lib/store/set.h"

/* ---- the bytes --------------------------------------------------------- */

uint64_t
hg_set_check(const struct hg_set_head *head)
{
	size_t skip = offsetof(struct hg_set_head, result);

	return hg_checksum((const char *)head + skip, head->size - skip);
}

static bool
offsets_are_right(const struct hg_set_view *v)
{
	const struct hg_set_head *h = v->head;

	if (h->pool_bytes == 0 || v->pool[h->pool_bytes - 1] != '\0')
		return false;
	for (uint32_t i = 0; i < h->n_files; i++)
		if (v->files[i].path >= h->pool_bytes)
			return false;
	for (uint32_t i = 0; i < h->n_folders; i++) {
		const struct hg_set_folder *f = &v->folders[i];

		if (f->path >= h->pool_bytes || f->first_name > h->n_names ||
		    f->n_names > h->n_names - f->first_name)
			return false;
	}
	for (uint32_t i = 0; i < h->n_names; i++)
		if (v->names[i] >= h->pool_bytes)
			return false;
	return true;
}

int
hg_set_view(void *p, size_t n, struct hg_set_view *ret)
{
	struct hg_set_head *h = p;
	uint64_t need;

	if (n < sizeof(*h) || h->magic != HG_SET_MAGIC || h->size > n ||
	    h->size < sizeof(*h) || h->size % 8)
		return -1;
	need = sizeof(*h) + (uint64_t)h->n_files * sizeof(*ret->files) +
	    (uint64_t)h->n_folders * sizeof(*ret->folders) +
	    (uint64_t)h->n_names * sizeof(*ret->names) + h->pool_bytes;
	if (need > h->size || h->check != hg_set_check(h))
		return -1;
	ret->head = h;
	ret->files = (struct hg_set_file *)(h + 1);
	ret->folders = (struct hg_set_folder *)(ret->files + h->n_files);
	ret->names = (const uint32_t *)(ret->folders + h->n_folders);
	ret->pool = (const char *)(ret->names + h->n_names);
	return offsets_are_right(ret) ? 0 : -1;
}

void
hg_set_today(struct hg_digest *ret)
{
	time_t now = time(NULL);
	struct tm tm;
	int day[3];

	memset(&tm, 0, sizeof(tm));
	localtime_r(&now, &tm);
	day[0] = tm.tm_year;
	day[1] = tm.tm_mon;
	day[2] = tm.tm_mday;
	hg_digest_bytes(day, sizeof(day), ret);
}

void
hg_set_stamp(struct hg_digest *digest, const struct hg_sig *sig)
{
	struct {
		struct hg_digest content;
		int64_t mtime_ns;
	} both = { *digest, sig->mtime_ns };

	hg_digest_bytes(&both, sizeof(both), digest);
}

int
hg_set_list_folder(const char *path, struct hg_digest *ret)
{
	struct hg_strvec names = HG_STRVEC_INIT;
	struct hg_strbuf all = HG_STRBUF_INIT;
	struct dirent *e;
	DIR *d = opendir(path);

	if (!d)
		return -1;
	while ((e = readdir(d)))
		hg_strvec_add(&names, e->d_name);
	closedir(d);
	hg_strvec_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		hg_strbuf_add(&all, names.v[i], strlen(names.v[i]) + 1);
	hg_digest_bytes(all.buf, all.len, ret);
	hg_strbuf_release(&all);
	hg_strvec_release(&names);
	return 0;
}

/* ---- building ---------------------------------------------------------- */

struct hg_set_builder *
hg_set_builder_new(struct hg_memo *memo, int64_t started)
{
	struct hg_set_builder *b = hg_xcalloc(1, sizeof(*b));

	b->memo = memo;
	b->started = started;
	hg_strbuf_init(&b->pool);
	return b;
}

static void
free_missing(void *value)
{
	struct hg_missing *m = value;

	hg_strvec_release(&m->names);
	free(m);
}

void
hg_set_builder_free(struct hg_set_builder *b)
{
	if (!b)
		return;
	hg_strbuf_release(&b->pool);
	hg_hmap_release(&b->missing, free_missing);
	hg_hmap_release(&b->gone, NULL);
	free(b->files);
	free(b);
}

static uint32_t
pool_add(struct hg_strbuf *pool, const char *s)
{
	uint32_t at = (uint32_t)pool->len;

	hg_strbuf_add(pool, s, strlen(s) + 1);
	return at;
}

/* A signature that no file has: it is always looked at anew. */
static const struct hg_sig NO_SIG = { UINT64_MAX, 0, 0, 0 };

static struct hg_set_file *
new_file(struct hg_set_builder *b, const char *path, const struct stat *st,
    enum hg_set_kind kind)
{
	struct hg_set_file *f;

	if (b->n_files == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 256;
		b->files = hg_xrealloc(b->files, b->cap * sizeof(*b->files));
	}
	f = &b->files[b->n_files++];
	memset(f, 0, sizeof(*f));
	hg_sig_of(st, &f->sig);
	f->path = pool_add(&b->pool, path);
	f->kind = kind;
	return f;
}

struct hg_set_file *
hg_set_add_note(
    struct hg_set_builder *b, enum hg_set_kind kind, const char *text)
{
	struct stat none;

	memset(&none, 0, sizeof(none));
	return new_file(b, text, &none, kind);
}

static int
changed(struct hg_error *err, const char *path)
{
	return hg_fail(err, HG_CORRUPT, "%s changed during the compile", path);
}

/* Can sig be of other content than what the compiler read? */
static bool
may_differ(const struct hg_set_builder *b, const struct hg_sig *sig,
    struct hg_set_proof proof)
{
	if (proof.opened)
		return !hg_sig_equal(sig, proof.opened);
	return !proof.digest && !hg_sig_is_settled(sig, b->started);
}

/* Is the content now what it was when somebody compared it with the digest? */
static bool
is_proven(const struct hg_set_builder *b, const struct hg_sig *sig,
    struct hg_set_proof proof)
{
	return proof.digest && hg_sig_is_settled(sig, b->started);
}

static int
add_content(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, enum hg_set_kind kind, struct hg_error *err)
{
	struct hg_set_file *f;
	struct stat st;
	struct hg_sig sig;
	int rc = 0;

	if (stat(path, &st) < 0)
		return changed(err, path);
	if (!S_ISREG(st.st_mode))
		return hg_fail(err, HG_UNSUPPORTED, "%s is not a file", path);
	hg_sig_of(&st, &sig);
	if (may_differ(b, &sig, proof))
		return changed(err, path);
	f = new_file(b, path, &st, kind);
	if (is_proven(b, &sig, proof))
		f->digest = *proof.digest;
	else
		rc = hg_memo_digest(b->memo, path, &st, &f->digest, err);
	if (rc)
		return rc;
	if (proof.digest && !hg_digest_equal(&f->digest, proof.digest))
		return changed(err, path);
	if (kind == HG_SET_STAMPED)
		hg_set_stamp(&f->digest, &sig);
	if (!hg_sig_is_settled(&sig, hg_sig_now()))
		f->sig = NO_SIG;
	return 0;
}

int
hg_set_add_file(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, struct hg_error *err)
{
	return add_content(b, path, proof, HG_SET_FILE, err);
}

int
hg_set_add_program(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, struct hg_error *err)
{
	return add_content(b, path, proof, HG_SET_PROGRAM, err);
}

int
hg_set_add_stamped(struct hg_set_builder *b, const char *path,
    struct hg_set_proof proof, struct hg_error *err)
{
	return add_content(b, path, proof, HG_SET_STAMPED, err);
}

int
hg_set_add_day(struct hg_set_builder *b, struct hg_error *err)
{
	time_t started = (time_t)(b->started / 1000000000);
	time_t now = time(NULL);
	struct tm then, today;

	if (!localtime_r(&started, &then) || !localtime_r(&now, &today) ||
	    then.tm_yday != today.tm_yday)
		return changed(err, "the date");
	hg_set_today(&hg_set_add_note(b, HG_SET_DAY, "the date")->digest);
	return 0;
}

int
hg_set_add_folder(
    struct hg_set_builder *b, const char *path, struct hg_error *err)
{
	char *plain = hg_xstrdup(path);
	size_t n = strlen(plain);
	struct stat st;
	int rc = 0;

	while (n > 1 && plain[n - 1] == '/')
		plain[--n] = '\0';
	if (stat(plain, &st) < 0 || !S_ISDIR(st.st_mode))
		rc = changed(err, path);
	else
		new_file(b, plain, &st, HG_SET_EXISTS);
	free(plain);
	return rc;
}

int
hg_set_add_listing(
    struct hg_set_builder *b, const char *path, struct hg_error *err)
{
	struct hg_set_file *f;
	struct hg_sig sig;
	struct stat st;

	if (stat(path, &st) < 0)
		return changed(err, path);
	hg_sig_of(&st, &sig);
	if (sig.ctime_ns >= b->started)
		return changed(err, path);
	f = new_file(b, path, &st, HG_SET_LISTING);
	if (hg_set_list_folder(path, &f->digest) < 0)
		return changed(err, path);
	if (!hg_sig_is_settled(&sig, hg_sig_now()))
		f->sig = NO_SIG;
	return 0;
}

/* Asked once a folder, as hundreds of headers are looked for in the same ones. */
static bool
is_there(struct hg_set_builder *b, const char *dir)
{
	struct stat st;

	if (hg_hmap_get(&b->missing, dir))
		return true;
	if (hg_hmap_get(&b->gone, dir))
		return false;
	if (stat(dir, &st) == 0)
		return true;
	hg_hmap_set(&b->gone, dir, &b->gone);
	return false;
}

/*
 * The first part of path that is not there: path itself or a folder on the way
 * to it; owned. *ret_dir (owned) is the folder that it is missing in.
 */
static char *
first_missing(struct hg_set_builder *b, const char *path, char **ret_dir)
{
	char *at = hg_xstrdup(path);

	for (;;) {
		char *dir = hg_path_dir(at);

		if (is_there(b, dir) || strcmp(dir, at) == 0) {
			*ret_dir = dir;
			return at;
		}
		free(at);
		at = dir;
	}
}

static struct hg_missing *
missing_in(struct hg_set_builder *b, const char *dir)
{
	struct hg_missing *m = hg_hmap_get(&b->missing, dir);
	struct stat st;

	if (m)
		return m;
	m = hg_xcalloc(1, sizeof(*m));
	hg_hmap_set(&b->missing, dir, m);
	if (stat(dir, &st) == 0)
		hg_sig_of(&st, &m->sig);
	/* a look-up may have failed before the folder changed */
	if (m->sig.ctime_ns >= b->started ||
	    !hg_sig_is_settled(&m->sig, hg_sig_now()))
		m->sig = NO_SIG;
	return m;
}

int
hg_set_add_absent(
    struct hg_set_builder *b, const char *path, struct hg_error *err)
{
	char *dir, *missing = first_missing(b, path, &dir);
	struct hg_missing *m = missing_in(b, dir);
	struct stat st;
	int rc = 0;

	/*
	 * One look at a folder answers for all names that were missing in it: it
	 * has not changed since before they were looked for, or is not there.
	 */
	if (path[strlen(missing)] == '\0' && hg_sig_equal(&m->sig, &NO_SIG) &&
	    stat(path, &st) == 0)
		rc = changed(err, path);
	/* that it is noted, too, is kept with what is gone */
	else if (hg_hmap_set(&b->gone, missing, &b->missing) != &b->missing)
		hg_strvec_add(&m->names, hg_path_base(missing));
	free(missing);
	free(dir);
	return rc;
}

static int
key_missing(const char *dir, void *value, void *arg)
{
	const struct hg_missing *m = value;
	struct hg_strvec *lines = arg;
	size_t n_dir = strlen(dir);

	/* hundreds of them, so not by printf */
	for (size_t i = 0; i < m->names.n; i++) {
		size_t n = strlen(m->names.v[i]) + 1;
		char *line = hg_xmalloc(n_dir + 1 + n);

		memcpy(line, dir, n_dir);
		line[n_dir] = '/';
		memcpy(line + n_dir + 1, m->names.v[i], n);
		hg_strvec_add_take(lines, line);
	}
	return 0;
}

void
hg_set_share(struct hg_set_builder *b, const struct hg_digest *key)
{
	b->shared = *key;
}

void
hg_set_result_key(const struct hg_set_builder *b,
    const struct hg_digest *manifest_key, uint64_t names,
    struct hg_digest *ret)
{
	struct hg_key *k = hg_key_new("result 2");
	struct hg_strvec absent = HG_STRVEC_INIT;

	hg_key_add(k, "manifest", manifest_key, sizeof(*manifest_key));
	hg_key_add(k, "names", &names, sizeof(names));
	for (size_t i = 0; i < b->n_files; i++) {
		hg_key_adds(k, "path", b->pool.buf + b->files[i].path);
		hg_key_add(k, "digest", &b->files[i].digest,
		    sizeof(b->files[i].digest));
	}
	hg_hmap_each(&b->missing, key_missing, &absent);
	hg_strvec_sort(&absent);
	for (size_t i = 0; i < absent.n; i++)
		hg_key_adds(k, "absent", absent.v[i]);
	hg_strvec_release(&absent);
	hg_key_done(k, ret);
	memcpy(ret->b, manifest_key->b, HG_PAIR_BYTES);
	hg_key_free(k);
}

/* ---- leaving out what goes without saying ---- */

static bool
is_beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* A folder exists when a file in it does, or when look-ups in it are checked. */
static bool
goes_without_saying(const struct hg_set_builder *b, const struct hg_set_file *f)
{
	const char *dir = b->pool.buf + f->path;

	if (f->kind != HG_SET_EXISTS)
		return false;
	if (hg_hmap_get(&b->missing, dir))
		return true;
	for (size_t i = 0; i < b->n_files; i++)
		if (b->files[i].kind != HG_SET_EXISTS &&
		    is_beneath(b->pool.buf + b->files[i].path, dir))
			return true;
	return false;
}

static void
drop_needless(struct hg_set_builder *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n_files; i++) {
		struct hg_set_file f = b->files[i];

		if (!goes_without_saying(b, &f))
			b->files[kept++] = f;
	}
	b->n_files = kept;
}

/* ---- to bytes ---------------------------------------------------------- */

void
hg_set_join(const struct hg_set_parts *p, struct hg_strbuf *out)
{
	struct hg_set_head head = p->head;
	size_t start = out->len;
	static const char zeros[8];

	head.magic = HG_SET_MAGIC;
	head.n_files = (uint32_t)(p->files.len / sizeof(struct hg_set_file));
	head.n_folders =
	    (uint32_t)(p->folders.len / sizeof(struct hg_set_folder));
	head.n_names = (uint32_t)(p->names.len / sizeof(uint32_t));
	head.pool_bytes = (uint32_t)(p->pool.len > 0 ? p->pool.len : 1);
	hg_strbuf_add(out, &head, sizeof(head));
	hg_strbuf_add(out, p->files.buf, p->files.len);
	hg_strbuf_add(out, p->folders.buf, p->folders.len);
	hg_strbuf_add(out, p->names.buf, p->names.len);
	hg_strbuf_add(out, p->pool.buf, p->pool.len);
	if (p->pool.len == 0)
		hg_strbuf_addc(out, '\0');
	hg_strbuf_add(out, zeros, -(out->len - start) % 8);
	head.size = (uint32_t)(out->len - start);
	memcpy(out->buf + start, &head, sizeof(head));
	head.check = hg_set_check((struct hg_set_head *)(out->buf + start));
	memcpy(out->buf + start, &head, sizeof(head));
}

void
hg_set_parts_release(struct hg_set_parts *p)
{
	hg_strbuf_release(&p->files);
	hg_strbuf_release(&p->folders);
	hg_strbuf_release(&p->names);
	hg_strbuf_release(&p->pool);
}

static int
pack_missing(const char *dir, void *value, void *arg)
{
	const struct hg_missing *m = value;
	struct hg_set_parts *p = arg;
	struct hg_set_folder f = { .sig = m->sig };

	f.path = pool_add(&p->pool, dir);
	f.first_name = (uint32_t)(p->names.len / sizeof(uint32_t));
	f.n_names = (uint32_t)m->names.n;
	for (size_t i = 0; i < m->names.n; i++) {
		uint32_t at = pool_add(&p->pool, m->names.v[i]);

		hg_strbuf_add(&p->names, &at, sizeof(at));
	}
	hg_strbuf_add(&p->folders, &f, sizeof(f));
	return 0;
}

void
hg_set_pack(struct hg_set_builder *b, const struct hg_digest *result,
    uint64_t names, uint64_t compile_us, struct hg_strbuf *out)
{
	struct hg_set_parts p = HG_SET_PARTS_INIT;

	drop_needless(b);
	p.head.result = *result;
	p.head.shared = b->shared;
	p.head.names = names;
	p.head.compile_us = compile_us;
	hg_strbuf_add(&p.files, b->files, b->n_files * sizeof(*b->files));
	hg_strbuf_add(&p.pool, b->pool.buf, b->pool.len);
	hg_hmap_each(&b->missing, pack_missing, &p);
	hg_set_join(&p, out);
	hg_set_parts_release(&p);
}
