/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GCC's driver replaces -march=native at one place of its specs (cc1_cpu). A
 * marker put there tells, in what the driver would run, where that place is, and
 * so what stood there without it. Words given on the command line instead would
 * be passed on in another order, which shows in debug information. What the
 * driver would run with the file made must be what it would run here.
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/hmap.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "lib/digest/digest.h"
#include "lib/toolchain/ask.h"
#include "services/agent/native.h"

/* Takes the words away that stand for this machine; then what replaces them. */
#define SPECS_BEGIN                                                      \
	"*cc1_cpu:\n%{march=native:%>march=native} "                     \
	"%{mtune=native:%>mtune=native} %{mcpu=native:%>mcpu=native} "

#define MARKER "-DHYBRIDGRID_NATIVE"

struct hg_natives {
	char *dir;
	pthread_mutex_t lock;
	/* under the lock: the question to the file's path, "" when there is none */
	struct hg_hmap table;
};

struct hg_natives *
hg_natives_new(const char *dir)
{
	struct hg_natives *n = hg_xcalloc(1, sizeof(*n));

	n->dir = hg_xstrdup(dir);
	pthread_mutex_init(&n->lock, NULL);
	return n;
}

static void
free_file(void *path)
{
	if (*(char *)path)
		unlink(path);
	free(path);
}

void
hg_natives_free(struct hg_natives *n)
{
	if (!n)
		return;
	hg_hmap_release(&n->table, free_file);
	pthread_mutex_destroy(&n->lock);
	free(n->dir);
	free(n);
}

bool
hg_native_is_asked(char *const *args, size_t n)
{
	static const char *const words[] = { "-march=native", "-mtune=native",
		"-mcpu=native" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
			if (strcmp(args[i], words[k]) == 0)
				return true;
	return false;
}

/* ---- making one ------------------------------------------------------------- */

/* What the driver would run for the words, with the specs file or NULL. Owned. */
static int
dry_run(const char *compiler, const char *path_list,
    const struct hg_strvec *words, const char *specs, char **ret,
    struct hg_error *err)
{
	struct hg_strvec argv = HG_STRVEC_INIT;
	int rc;

	hg_strvec_add(&argv, compiler);
	if (specs)
		hg_strvec_addf(&argv, "-specs=%s", specs);
	for (size_t i = 0; i < words->n; i++)
		hg_strvec_add(&argv, words->v[i]);
	hg_strvec_add(&argv, "-S");
	hg_strvec_add(&argv, "-xc");
	hg_strvec_add(&argv, "/dev/null");
	hg_strvec_add(&argv, "-o");
	hg_strvec_add(&argv, "/dev/null");
	rc = hg_toolchain_dry_run(
	    (const char *const *)argv.v, path_list, ret, err);
	hg_strvec_release(&argv);
	return rc;
}

static int
write_specs(const char *path, const char *words, size_t n, struct hg_error *err)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	int rc;

	hg_strbuf_adds(&text, SPECS_BEGIN);
	/* as a driver prints words that hold something unusual */
	for (size_t i = 0; i < n; i++)
		if (words[i] != '"')
			hg_strbuf_addc(&text, words[i]);
	hg_strbuf_addc(&text, '\n');
	rc = hg_write_file_atomic(path, text.buf, text.len, 0644, err);
	hg_strbuf_release(&text);
	return rc;
}

static int
unsupported(struct hg_error *err)
{
	return hg_fail(err, HG_UNSUPPORTED,
	    "what this machine's processor is cannot be told to a worker");
}

/* Replaces the marker in the file by what it stood for in `here`. */
static int
replace_marker(const char *path, const char *here, const char *marked,
    struct hg_error *err)
{
	const char *mark = strstr(marked, MARKER);
	size_t before = mark ? (size_t)(mark - marked) : 0;
	size_t after = mark ? strlen(mark) - strlen(MARKER) : 0;
	size_t n = strlen(here);

	if (!mark || n < before + after || memcmp(here, marked, before) != 0 ||
	    strcmp(here + n - after, mark + strlen(MARKER)) != 0)
		return unsupported(err);
	return write_specs(path, here + before, n - before - after, err);
}

static int
make(const char *path, const char *compiler, const char *path_list,
    const struct hg_strvec *words, struct hg_error *err)
{
	char *here = NULL, *marked = NULL, *there = NULL;
	int rc = write_specs(path, MARKER, strlen(MARKER), err);

	if (rc == 0)
		rc = dry_run(compiler, path_list, words, NULL, &here, err);
	if (rc == 0)
		rc = dry_run(compiler, path_list, words, path, &marked, err);
	if (rc == 0)
		rc = replace_marker(path, here, marked, err);
	if (rc == 0)
		rc = dry_run(compiler, path_list, words, path, &there, err);
	if (rc == 0 && strcmp(here, there) != 0)
		rc = unsupported(err);
	if (rc)
		unlink(path);
	free(here);
	free(marked);
	free(there);
	return rc;
}

const char *
hg_native_specs(struct hg_natives *n, const char *compiler,
    const char *path_list, const char *toolchain, char *const *args,
    size_t n_args, struct hg_error *err)
{
	struct hg_key *key = hg_key_new("hg-native-1");
	struct hg_strvec words = HG_STRVEC_INIT;
	char hex[HG_DIGEST_HEX_BYTES], *path;
	struct hg_digest digest;

	hg_key_adds(key, "compiler", compiler);
	hg_key_adds(key, "toolchain", toolchain);
	for (size_t i = 0; i < n_args; i++)
		if (strncmp(args[i], "-m", 2) == 0) {
			hg_strvec_add(&words, args[i]);
			hg_key_adds(key, "word", args[i]);
		}
	hg_key_done(key, &digest);
	hg_digest_hex(&digest, hex);
	pthread_mutex_lock(&n->lock);
	path = hg_hmap_get(&n->table, hex);
	if (!path) {
		path = hg_xasprintf("%s/native-%s.specs", n->dir, hex);
		if (make(path, compiler, path_list, &words, err))
			*path = '\0';
		hg_hmap_set(&n->table, hex, path);
	}
	pthread_mutex_unlock(&n->lock);
	hg_strvec_release(&words);
	hg_key_free(key);
	if (*path)
		return path;
	unsupported(err);
	return NULL;
}
