/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results for other checkouts. Builds name their files by absolute paths, so the
 * key of a compile differs in every checkout though all else is the same. Here
 * a second key is made, in which the checkout's folder (its root) stands as one
 * byte wherever a word of the command only says where something is. It is looked
 * up when the first key has nothing, so that a usual hit does not pay for it.
 *
 * That the root does not matter is not assumed: a result is published under the
 * second key only when nothing that the compile gave has the root in it, and
 * when its sources cannot have made something else of it (its length, a hash).
 * The dependency file is the exception: its names are changed at delivery.
 */
#include "config.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/job.h"
#include "launcher/keep.h"
#include "launcher/plan.h"
#include "launcher/portable.h"
#include "lib/base/alloc.h"
#include "lib/base/limits.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/cc/depfile.h"
#include "lib/cc/paths.h"
#include "lib/observe/observe.h"
#include "lib/store/result.h"

static const char KEY_VERSION[] = "hybridgrid portable 1";
/* What stands for the root in the key. */
static const char ROOT[] = "\1";

/* ---- the root ---------------------------------------------------------- */

/* The nearest folder, dir or above, that a checkout begins with; or NULL. */
static char *
checkout_of(char *dir)
{
	while (strcmp(dir, "/") != 0 && strcmp(dir, ".") != 0) {
		char *git = hg_path_join(dir, ".git"), *parent;
		bool there = access(git, F_OK) == 0;

		free(git);
		if (there)
			return dir;
		parent = hg_path_dir(dir);
		free(dir);
		dir = parent;
	}
	free(dir);
	return NULL;
}

/* What a prefix map names, if the compile is there; owned, or NULL. */
static char *
mapped_root(const struct hg_strvec *args, const char *cwd, const char *source)
{
	struct hg_strbuf best = HG_STRBUF_INIT, dir = HG_STRBUF_INIT;
	struct hg_cc_map m;

	for (size_t i = 0; i < args->n; i++) {
		if (!hg_cc_map_of(args->v[i], &m) || *m.old != '/')
			continue;
		while (m.old_n > 1 && m.old[m.old_n - 1] == '/')
			m.old_n--;
		hg_strbuf_reset(&dir);
		hg_strbuf_add(&dir, m.old, m.old_n);
		if ((hg_path_is_within(cwd, dir.buf) ||
			hg_path_is_within(source, dir.buf)) &&
		    dir.len > best.len) {
			hg_strbuf_reset(&best);
			hg_strbuf_add(&best, dir.buf, dir.len);
		}
	}
	hg_strbuf_release(&dir);
	if (best.len > 0)
		return hg_strbuf_detach(&best, NULL);
	hg_strbuf_release(&best);
	return NULL;
}

static char *
choose_root(const struct hg_job *job, const char *cwd)
{
	const char *source = job->command.sources.v[0];
	const char *base = job->config.launcher_base_dir;
	char *root = mapped_root(&job->command.args, cwd, source);

	if (root)
		return root;
	if (*base) {
		size_t n = strlen(base);

		while (n > 1 && base[n - 1] == '/')
			n--;
		return hg_xstrndup(base, n);
	}
	root = checkout_of(hg_xstrdup(cwd));
	if (*source != '/' || (root && hg_path_is_within(source, root)))
		return root;
	free(root);
	return checkout_of(hg_path_dir(source));
}

/* Nothing in it that a dependency file, a map or a link would tell otherwise. */
static bool
is_plain(const char *root)
{
	static const char ok[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "_.+@-/";
	size_t n = strlen(root);

	return n > 1 && root[0] == '/' && strspn(root, ok) == n &&
	    root[n - 1] != '/' && !strstr(root, "//") && !strstr(root, "/./") &&
	    !strstr(root, "/../");
}

/* ---- prefix maps ------------------------------------------------------- */

/*
 * A map of a folder above the root would leave a part of the root in names. One
 * of the root itself hides it from __FILE__.
 */
static bool
maps_allow(const struct hg_strvec *args, struct hg_portable *p)
{
	size_t n = strlen(p->root);
	struct hg_cc_map m;

	for (size_t i = 0; i < args->n; i++) {
		if (!hg_cc_map_of(args->v[i], &m))
			continue;
		if (m.old_n < n && strncmp(m.old, p->root, m.old_n) == 0)
			return false;
		if (m.in_macros && strncmp(m.old, p->root, n) == 0 &&
		    (m.old_n == n || (m.old_n == n + 1 && m.old[n] == '/')))
			p->maps_macros = true;
	}
	return true;
}

/*
 * What debug information calls cwd; owned. NULL when compilers differ in which
 * of several maps they take, and so in what they call it.
 */
static char *
mapped_cwd(const struct hg_strvec *args, const char *cwd)
{
	char *name = NULL;
	struct hg_cc_map m;

	for (size_t i = 0; i < args->n; i++) {
		char *other;
		bool same;

		if (!hg_cc_map_of(args->v[i], &m) || !m.in_debug ||
		    strncmp(cwd, m.old, m.old_n) != 0)
			continue;
		other = hg_xasprintf("%s%s", m.new, cwd + m.old_n);
		same = !name || strcmp(name, other) == 0;
		free(name);
		name = other;
		if (!same) {
			free(name);
			return NULL;
		}
	}
	return name ? name : hg_xstrdup(cwd);
}

/* ---- the key ----------------------------------------------------------- */

struct making {
	const struct hg_job *job;
	const char *root;
	struct hg_key *key;
	/* where a path begins in each word of the command's key */
	const char **paths;
	size_t next_word;
	const char *cwd;
	/* the root was left out of something */
	bool differs;
};

/* How many bytes of path are the root: all of it, or nothing. */
static size_t
root_in(const char *path, const char *root, bool is_map)
{
	size_t n = strlen(root);

	if (strncmp(path, root, n) != 0)
		return 0;
	return path[n] == '/' || path[n] == '\0' || (is_map && path[n] == '=')
	    ? n
	    : 0;
}

/* word, with the root left out of the path in it that begins at path. */
static void
add_word(struct making *m, const char *field, const char *word,
    const char *path)
{
	struct hg_strbuf sb = HG_STRBUF_INIT;
	struct hg_cc_map map;
	size_t n = path
	    ? root_in(path, m->root, hg_cc_map_of(word, &map))
	    : 0;

	if (n > 0) {
		hg_strbuf_add(&sb, word, (size_t)(path - word));
		hg_strbuf_adds(&sb, ROOT);
		word = path + n;
		m->differs = true;
	}
	hg_strbuf_adds(&sb, word);
	hg_key_adds(m->key, field, sb.buf);
	hg_strbuf_release(&sb);
}

/* Words that the settings ignore are not among the key's fields. */
static void
add_argument(struct making *m, const char *word, size_t n)
{
	const struct hg_strvec *words = &m->job->command.key;

	while (m->next_word < words->n) {
		size_t i = m->next_word++;

		if (strlen(words->v[i]) == n &&
		    memcmp(words->v[i], word, n) == 0) {
			add_word(m, "arg", words->v[i], m->paths[i]);
			return;
		}
	}
}

static void
add_field(const char *field, const void *p, size_t n, void *arg)
{
	struct making *m = arg;

	if (strcmp(field, "arg") == 0) {
		add_argument(m, p, n);
	} else if (strcmp(field, "source") == 0) {
		char *source = hg_xstrndup(p, n);

		add_word(m, field, source, source);
		free(source);
	} else if (strcmp(field, "cwd") == 0) {
		m->differs |= strlen(m->cwd) != n || memcmp(m->cwd, p, n) != 0;
		hg_key_adds(m->key, field, m->cwd);
	} else {
		hg_key_add(m->key, field, p, n);
	}
}

static bool
make_key(struct hg_job *job, const char *cwd)
{
	const struct hg_strvec *words = &job->command.key;
	struct making m = { .job = job,
		.root = job->portable.root,
		.key = hg_key_new(KEY_VERSION),
		.paths = hg_xcalloc(words->n + 1, sizeof(*m.paths)),
		.cwd = cwd };

	hg_cc_key_paths(words, m.paths);
	hg_key_each(job->parts, add_field, &m);
	hg_key_done(m.key, &job->portable.key);
	memcpy(job->portable.key.b, job->pair, sizeof(job->pair));
	hg_key_free(m.key);
	free(m.paths);
	return m.differs;
}

static void
add_name(struct hg_strbuf *sb, const char *path, const char *root)
{
	size_t n = path ? root_in(path, root, false) : 0;

	if (n > 0)
		hg_strbuf_adds(sb, ROOT);
	if (path)
		hg_strbuf_adds(sb, path + n);
	hg_strbuf_addc(sb, '\0');
}

static void
bind_names(struct hg_job *job)
{
	const struct hg_cc_command *c = &job->command;
	struct hg_strbuf sb = HG_STRBUF_INIT;

	add_name(&sb, c->output, job->portable.root);
	add_name(&sb, c->name_matters ? c->depfile : NULL, job->portable.root);
	job->portable.names = hg_checksum(sb.buf, sb.len) | 1;
	hg_strbuf_release(&sb);
}

static bool
plan(struct hg_job *job)
{
	static const char *const ambiguous[] = { ROOT, NULL };
	const struct hg_cc_command *c = &job->command;
	struct hg_portable *p = &job->portable;
	char cwd[HG_MAX_PATH_BYTES], *name;
	bool ok;

	if (!job->config.cache_portable || c->cwd_binds || c->makes_pch ||
	    c->from_stdin ||
	    hg_args_mention(job, ambiguous) || !hg_plan_cwd(cwd, sizeof(cwd)))
		return false;
	p->root = choose_root(job, cwd);
	if (!p->root || !is_plain(p->root) || !maps_allow(&c->args, p))
		return false;
	name = mapped_cwd(&c->args, cwd);
	ok = name && (!c->cwd_matters || !strstr(name, p->root)) &&
	    make_key(job, name);
	free(name);
	if (ok)
		bind_names(job);
	return ok;
}

bool
hg_portable_plan(struct hg_job *job)
{
	if (!job->portable.is_planned) {
		job->portable.is_planned = true;
		job->portable.is_usable = plan(job);
	}
	return job->portable.is_usable;
}

void
hg_portable_release(struct hg_portable *p)
{
	free(p->root);
	p->root = NULL;
}

/* ---- what a compile gave ----------------------------------------------- */

static bool
has(const void *p, size_t n, const char *text)
{
	/* what is empty need not be anywhere */
	return n > 0 && memmem(p, n, text, strlen(text));
}

/* An object of this machine's kind with compressed sections. */
static bool
is_compressed(const char *p, size_t n)
{
	Elf64_Ehdr head;

	if (n < sizeof(head))
		return true;
	memcpy(&head, p, sizeof(head));
	if (head.e_ident[EI_CLASS] != ELFCLASS64 ||
	    head.e_ident[EI_DATA] != ELFDATA2LSB || head.e_shoff > n ||
	    head.e_shentsize != sizeof(Elf64_Shdr) ||
	    head.e_shnum > (n - head.e_shoff) / sizeof(Elf64_Shdr))
		return true;
	for (size_t i = 0; i < head.e_shnum; i++) {
		Elf64_Shdr s;

		memcpy(&s, p + head.e_shoff + i * sizeof(s), sizeof(s));
		if (s.sh_flags & SHF_COMPRESSED)
			return true;
	}
	return false;
}

/* Could the root be in there without showing? */
static bool
is_opaque(const char *p, size_t n)
{
	if (n >= SELFMAG && memcmp(p, ELFMAG, SELFMAG) == 0)
		return is_compressed(p, n) || has(p, n, ".gnu.lto_") ||
		    has(p, n, ".llvmbc") || has(p, n, ".zdebug");
	return memchr(p, 0, n);
}

/* The root as a part of an assembler's symbol. */
static char *
symbol_of(const char *root)
{
	char *s = hg_xstrdup(root);

	for (char *p = s; *p; p++)
		if (*p == '/' || *p == '-' || *p == '+' || *p == '@')
			*p = '_';
	return s;
}

static bool
is_renamable(const struct hg_job *job, const struct hg_output *o)
{
	const char *root = job->portable.root;
	struct hg_strbuf text = HG_STRBUF_INIT;
	bool same;

	hg_depfile_rebase(
	    o->p, o->n, root, root, job->compiler.is_clang, &text);
	same = text.len == o->n && memcmp(text.buf, o->p, o->n) == 0;
	hg_strbuf_reset(&text);
	hg_depfile_rebase(
	    o->p, o->n, root, ROOT, job->compiler.is_clang, &text);
	same = same && !has(text.buf, text.len, root);
	hg_strbuf_release(&text);
	return same;
}

static bool
is_free_of(const struct hg_job *job, const struct hg_output *o,
    const char *root, const char *symbol)
{
	if (o->role == HG_OUTPUT_DEP)
		return !has(o->p, o->n, root) || is_renamable(job, o);
	if (o->role == HG_OUTPUT_OTHER && *o->path == '/')
		return false;
	return !has(o->p, o->n, root) && !has(o->p, o->n, symbol) &&
	    !is_opaque(o->p, o->n);
}

static bool
outputs_are_free(const struct hg_job *job, const struct hg_result *r)
{
	const char *root = job->portable.root;
	char *symbol = symbol_of(root);
	bool free_of =
	    !has(r->out, r->out_n, root) && !has(r->err, r->err_n, root);

	for (size_t i = 0; free_of && i < r->n_outputs; i++)
		free_of = is_free_of(job, &r->outputs[i], root, symbol);
	free(symbol);
	return free_of;
}

/* ---- what it was made of ----------------------------------------------- */

/*
 * Paths of this checkout that are not below the root by name, as when a link
 * was followed, would be looked at here by compiles elsewhere.
 */
static bool
paths_are_below(const struct hg_observed_list *seen, const char *root)
{
	char real_root[PATH_MAX], cwd[PATH_MAX];

	if (!realpath(root, real_root) || !getcwd(cwd, sizeof(cwd)))
		return false;
	for (size_t i = 0; i < seen->n; i++) {
		const struct hg_observed *o = &seen->v[i];

		if (*o->path == *ROOT)
			return false;
		if (*o->path != '/' || hg_path_is_within(o->path, root) ||
		    o->kind == HG_OBSERVED_WRITTEN ||
		    (o->kind == HG_OBSERVED_FOLDER && strcmp(o->path, cwd) == 0))
			continue;
		if (hg_path_is_within(o->path, real_root) ||
		    hg_path_is_within(o->path, cwd))
			return false;
	}
	return true;
}

/*
 * Can the sources have made something of the root that does not show? Only by
 * its name: __FILE__ and its kin, or the root itself in a file that was made for
 * this checkout.
 */
static bool
sources_may_use(const struct hg_job *job, const struct hg_observed_list *seen)
{
	static const char *const names[] = { "__FILE__", "__BASE_FILE__",
		"__builtin_FILE", "source_location", NULL };
	const char *const words[] = { job->portable.root,
		job->portable.maps_macros ? NULL : names[0], names[1], names[2],
		names[3], NULL };

	return (!job->portable.maps_macros && hg_args_mention(job, names)) ||
	    hg_inputs_mention(seen, words, false);
}

bool
hg_portable_is_same(const struct hg_job *job,
    const struct hg_observed_list *seen, const struct hg_result *result)
{
	return paths_are_below(seen, job->portable.root) &&
	    outputs_are_free(job, result) && !sources_may_use(job, seen);
}
