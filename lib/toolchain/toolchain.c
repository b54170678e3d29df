/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of a compiler. The driver says itself which programs it would run
 * (-print-prog-name); the dynamic loader says which libraries a program would
 * load (LD_TRACE_LOADED_OBJECTS), as clang's code is all in libraries. Only
 * libraries that decide what code looks like count: a different libc does not
 * make a different object. Contents count and places do not.
 */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/file_sig.h"
#include "lib/base/hmap.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/toolchain/ask.h"
#include "lib/toolchain/toolchain.h"

/* Begins the key: change it when what is digested changes. */
#define KEY_VERSION "hg-toolchain-1"

/* The programs a driver is asked for. */
static const char *const programs[] = {
	"as",
	"cc1",
	"cc1plus",
	"collect2",
	"lto-wrapper",
};

/* Beginnings of the names of libraries that count. */
static const char *const libraries[] = {
	"libLLVM",
	"libbfd",
	"libclang",
	"libgmp",
	"libisl",
	"libmpc",
	"libmpfr",
	"libopcodes",
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

struct part {
	char *path;
	struct hg_file_sig signature;
};

/* What is remembered of one compiler and PATH. */
struct entry {
	struct part *part;
	size_t n;
	char hex[HG_DIGEST_HEX_BYTES];
};

struct hg_toolchains {
	/* covers entries, and the work of making one, so that it is done once */
	pthread_mutex_t lock;
	struct hg_hmap entries;
};

static void
entry_free(void *p)
{
	struct entry *e = p;

	if (!e)
		return;
	for (size_t i = 0; i < e->n; i++)
		free(e->part[i].path);
	free(e->part);
	free(e);
}

struct hg_toolchains *
hg_toolchains_new(void)
{
	struct hg_toolchains *t = hg_xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
hg_toolchains_free(struct hg_toolchains *t)
{
	if (!t)
		return;
	hg_hmap_release(&t->entries, entry_free);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool
sign(const char *path, struct hg_file_sig *ret)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	hg_file_sig_of(&st, ret);
	return true;
}

static bool
is_unchanged(const struct entry *e)
{
	for (size_t i = 0; i < e->n; i++) {
		struct hg_file_sig now;

		if (!sign(e->part[i].path, &now) ||
		    !hg_file_sig_equal(&now, &e->part[i].signature))
			return false;
	}
	return true;
}

/* Adds a file's content to the key and remembers the file. */
static int
add_file(struct entry *e, struct hg_key *key, const char *field,
    const char *path, struct hg_error *err)
{
	struct part part = { .path = NULL };
	struct hg_digest digest;
	int rc;

	if (!sign(path, &part.signature))
		return hg_fail(err, HG_NOTFOUND, "no program %s", path);
	rc = hg_digest_file(path, &digest, err);
	if (rc)
		return rc;
	hg_key_add(key, field, digest.b, sizeof(digest.b));
	part.path = hg_xstrdup(path);
	e->part = hg_xrealloc(e->part, (e->n + 1) * sizeof(*e->part));
	e->part[e->n++] = part;
	return 0;
}

static bool
library_counts(const char *name)
{
	for (size_t i = 0; i < COUNT(libraries); i++)
		if (strncmp(name, libraries[i], strlen(libraries[i])) == 0)
			return true;
	return false;
}

static int
add_libraries(struct entry *e, struct hg_key *key, const char *program,
    const char *path_list, struct hg_error *err)
{
	struct hg_strvec paths = HG_STRVEC_INIT;
	int rc = hg_toolchain_libraries(program, path_list, &paths, err);

	hg_strvec_sort(&paths);
	for (size_t i = 0; rc == 0 && i < paths.n; i++)
		if (library_counts(hg_path_base(paths.v[i])))
			rc = add_file(e, key, hg_path_base(paths.v[i]),
			    paths.v[i], err);
	hg_strvec_release(&paths);
	return rc;
}

static int
add_program(struct entry *e, struct hg_key *key, const char *compiler,
    const char *name, const char *path_list, struct hg_error *err)
{
	char *path;
	int rc = hg_toolchain_program(
	    compiler, name, path_list, &path, err);

	if (rc)
		return rc;
	if (path) {
		rc = add_file(e, key, name, path, err);
		if (rc == 0)
			rc = add_libraries(e, key, path, path_list, err);
	} else {
		hg_key_adds(key, name, "");
	}
	free(path);
	return rc;
}

static struct entry *
identify(const char *compiler, const char *path_list, struct hg_error *err)
{
	struct entry *e = hg_xcalloc(1, sizeof(*e));
	struct hg_key *key = hg_key_new(KEY_VERSION);
	struct hg_digest digest;
	int rc;

	rc = add_file(e, key, "driver", compiler, err);
	if (rc == 0)
		rc = add_libraries(e, key, compiler, path_list, err);
	for (size_t i = 0; rc == 0 && i < COUNT(programs); i++)
		rc = add_program(e, key, compiler, programs[i], path_list, err);
	if (rc == 0) {
		hg_key_done(key, &digest);
		hg_digest_hex(&digest, e->hex);
	} else {
		entry_free(e);
		e = NULL;
	}
	hg_key_free(key);
	return e;
}

int
hg_toolchain_digest(struct hg_toolchains *t, const char *compiler,
    const char *path_list, char ret_hex[HG_DIGEST_HEX_BYTES],
    struct hg_error *err)
{
	struct hg_error why = { .code = HG_OK };
	char *name = hg_xasprintf("%s\n%s", compiler, path_list);
	struct entry *e;

	pthread_mutex_lock(&t->lock);
	e = hg_hmap_get(&t->entries, name);
	if (!e || !is_unchanged(e)) {
		e = identify(compiler, path_list, &why);
		if (e)
			entry_free(hg_hmap_set(&t->entries, name, e));
	}
	if (e)
		memcpy(ret_hex, e->hex, sizeof(e->hex));
	pthread_mutex_unlock(&t->lock);
	free(name);
	if (e)
		return 0;
	if (err)
		*err = why;
	return -(int)why.code;
}
