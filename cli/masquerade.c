/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The masquerade folder. Its name is a digest of what is in it, so that it
 * never has to be changed while another build uses it: a compiler that is
 * installed later leads to another folder.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/masquerade.h"
#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strvec.h"
#include "lib/digest/digest.h"

/* "", "-12", "-12.2" */
static bool
is_version(const char *s)
{
	if (*s == '\0')
		return true;
	return *s == '-' && isdigit((unsigned char)s[1]) &&
	       strspn(s + 1, "0123456789.") == strlen(s + 1);
}

bool
hg_masquerade_is_compiler(const char *name)
{
	static const char *const words[] = { "gcc", "g++", "cc", "c++", "clang",
		"clang++" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i]);

		for (const char *p = name; (p = strstr(p, words[i])); p++) {
			if ((p == name || p[-1] == '-') && is_version(p + n))
				return true;
		}
	}
	return false;
}

/*
 * A program that a link may stand in for: not the launcher itself, and no
 * script, as those (c99-gcc, say) run a compiler of another name, which would
 * go through the launcher twice.
 */
static bool
is_compiler(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[2];
	ssize_t n = read(fd, head, sizeof(head));

	hg_fd_close(&fd);
	return n == sizeof(head) && memcmp(head, "#!", 2) != 0;
}

static bool
is_program(const char *path, struct stat *ret)
{
	return stat(path, ret) == 0 && S_ISREG(ret->st_mode) &&
	       access(path, X_OK) == 0;
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* As in a search of PATH, the first program of a name is the one that counts.
 */
struct collect {
	struct stat launcher;
	struct hg_strvec seen;
	struct hg_strvec names;
};

static void
collect_names(struct collect *c, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		struct stat st;
		char *path;

		if (!hg_masquerade_is_compiler(e->d_name) ||
		    hg_strvec_find(&c->seen, e->d_name) >= 0)
			continue;
		path = hg_path_join(dir, e->d_name);
		if (is_program(path, &st) && !is_same_file(&st, &c->launcher)) {
			hg_strvec_add(&c->seen, e->d_name);
			if (is_compiler(path))
				hg_strvec_add(&c->names, e->d_name);
		}
		free(path);
	}
	if (d)
		closedir(d);
}

static int
collect_path(struct collect *c, const char *path_list, const char *launcher,
    struct hg_error *err)
{
	if (stat(launcher, &c->launcher) < 0)
		return hg_fail_errno(
		    err, HG_NOTFOUND, "cannot find %s", launcher);
	for (const char *p = path_list; *p;) {
		size_t n = strcspn(p, ":");
		char *dir = n ? hg_xstrndup(p, n) : hg_xstrdup(".");

		collect_names(c, dir);
		free(dir);
		p += n + (p[n] == ':');
	}
	hg_strvec_sort(&c->names);
	return 0;
}

static char *
folder_name(
    const char *base, const char *launcher, const struct hg_strvec *names)
{
	struct hg_key *key = hg_key_new("masquerade 1");
	char hex[HG_DIGEST_HEX_BYTES];
	struct hg_digest digest;

	hg_key_adds(key, "launcher", launcher);
	for (size_t i = 0; i < names->n; i++)
		hg_key_adds(key, "name", names->v[i]);
	hg_key_done(key, &digest);
	hg_key_free(key);
	hg_digest_hex(&digest, hex);
	return hg_xasprintf("%s/masquerade/%.16s", base, hex);
}

static bool
is_link_to(const char *path, const char *target)
{
	char buf[4096];
	ssize_t n = readlink(path, buf, sizeof(buf));

	return n == (ssize_t)strlen(target) &&
	       memcmp(buf, target, (size_t)n) == 0;
}

static int
make_link(
    const char *dir, const char *name, const char *target, struct hg_error *err)
{
	char *path = hg_path_join(dir, name);
	char *tmp = hg_xasprintf("%s.%ld.tmp", path, (long)getpid());
	int rc = 0;

	if (is_link_to(path, target))
		goto out;
	if (symlink(target, tmp) < 0 || rename(tmp, path) < 0) {
		rc = hg_fail_errno(err, HG_IO, "cannot make the link %s", path);
		unlink(tmp);
	}
out:
	free(tmp);
	free(path);
	return rc;
}

char *
hg_masquerade_make(const char *base, const char *launcher,
    const char *path_list, struct hg_error *err)
{
	struct collect c = { 0 };
	char *dir = NULL;
	int rc = collect_path(&c, path_list, launcher, err);

	if (rc == 0) {
		dir = folder_name(base, launcher, &c.names);
		rc = hg_mkdir_p(dir, err);
	}
	for (size_t i = 0; rc == 0 && i < c.names.n; i++)
		rc = make_link(dir, c.names.v[i], launcher, err);
	hg_strvec_release(&c.seen);
	hg_strvec_release(&c.names);
	if (rc == 0)
		return dir;
	free(dir);
	return NULL;
}
