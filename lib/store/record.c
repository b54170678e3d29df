/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records. A field is its name and a NUL, the length of its value, the value,
 * and a NUL; a file is a head with a checksum, then the fields. DIR/why/xx/yy:
 * the slot is made of the first bits of the identity.
 */
#include "config.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/parse.h"
#include "lib/base/path.h"
#include "lib/store/record.h"

#define RECORD_MAGIC UINT64_C(0x31796877736768)

/* Slots are FOLDERS times FILES: 64 MiB, as most records take one block. */
enum { FOLDERS = 256, FILES = 64 };

struct head {
	uint64_t magic;
	/* over everything behind this field */
	uint64_t check;
	struct hg_digest id;
};

/* ---- fields ------------------------------------------------------------ */

void
hg_record_release(struct hg_record *r)
{
	hg_strbuf_release(&r->bytes);
}

void
hg_record_add(struct hg_record *r, const char *name, const void *p, size_t n)
{
	uint64_t len = n;

	hg_strbuf_add(&r->bytes, name, strlen(name) + 1);
	hg_strbuf_add(&r->bytes, &len, sizeof(len));
	hg_strbuf_add(&r->bytes, p, n);
	hg_strbuf_addc(&r->bytes, '\0');
}

void
hg_record_adds(struct hg_record *r, const char *name, const char *text)
{
	hg_record_add(r, name, text, strlen(text));
}

void
hg_record_addu(struct hg_record *r, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	hg_record_adds(r, name, text);
}

bool
hg_record_next(
    const struct hg_record *r, size_t *at, struct hg_record_field *ret)
{
	const char *p = r->bytes.buf + *at, *end = r->bytes.buf + r->bytes.len;
	const char *nul = p < end ? memchr(p, '\0', (size_t)(end - p)) : NULL;
	uint64_t n;

	if (!nul || (size_t)(end - nul - 1) < sizeof(n))
		return false;
	ret->name = p;
	p = nul + 1;
	memcpy(&n, p, sizeof(n));
	p += sizeof(n);
	if (n >= (size_t)(end - p) || p[n] != '\0')
		return false;
	ret->p = p;
	ret->n = n;
	*at = (size_t)(p + n + 1 - r->bytes.buf);
	return true;
}

bool
hg_record_find(const struct hg_record *r, const char *name,
    struct hg_record_field *ret)
{
	size_t at = 0;

	while (hg_record_next(r, &at, ret))
		if (strcmp(ret->name, name) == 0)
			return true;
	return false;
}

const char *
hg_record_text(const struct hg_record *r, const char *name)
{
	struct hg_record_field f;

	return hg_record_find(r, name, &f) ? f.p : "";
}

uint64_t
hg_record_number(const struct hg_record *r, const char *name)
{
	uint64_t v;

	return hg_parse_u64(hg_record_text(r, name), 0, UINT64_MAX, &v, NULL)
	    ? 0
	    : v;
}

/* ---- files ------------------------------------------------------------- */

static char *
slot_path(const char *cache_dir, const struct hg_digest *id)
{
	return hg_xasprintf(
	    "%s/why/%02x/%02x", cache_dir, id->b[0], id->b[1] % FILES);
}

static uint64_t
check_of(const struct hg_strbuf *file)
{
	size_t skip = offsetof(struct head, id);

	return hg_checksum(file->buf + skip, file->len - skip);
}

int
hg_record_write(const char *cache_dir, const struct hg_digest *id,
    const struct hg_record *r, struct hg_error *err)
{
	struct head head = { .magic = RECORD_MAGIC, .id = *id };
	char *path = slot_path(cache_dir, id);
	struct hg_strbuf file = HG_STRBUF_INIT;
	int rc;

	hg_strbuf_add(&file, &head, sizeof(head));
	hg_strbuf_add(&file, r->bytes.buf, r->bytes.len);
	head.check = check_of(&file);
	memcpy(file.buf, &head, sizeof(head));
	/* to replace a file makes some file systems write the new one out */
	(void)unlink(path);
	/* it holds arguments and variables: nobody else's business */
	rc = hg_write_file_atomic(path, file.buf, file.len, 0600, err);
	if (rc) {
		char *dir = hg_path_dir(path);

		rc = hg_mkdir_p(dir, err);
		if (rc == 0)
			rc = hg_write_file_atomic(
			    path, file.buf, file.len, 0600, err);
		free(dir);
	}
	hg_strbuf_release(&file);
	free(path);
	return rc;
}

/* Appends the fields of the file to ret. */
static int
read_slot(const char *path, struct head *ret_head, struct hg_record *ret,
    struct hg_error *err)
{
	struct hg_strbuf file = HG_STRBUF_INIT;
	int rc = hg_read_file(path, HG_MAX_RECORD_BYTES, &file, err);

	if (rc)
		goto out;
	if (file.len >= sizeof(*ret_head))
		memcpy(ret_head, file.buf, sizeof(*ret_head));
	if (file.len < sizeof(*ret_head) || ret_head->magic != RECORD_MAGIC ||
	    ret_head->check != check_of(&file))
		rc = hg_fail(err, HG_CORRUPT, "%s is damaged", path);
	else
		hg_strbuf_add(&ret->bytes, file.buf + sizeof(*ret_head),
		    file.len - sizeof(*ret_head));
out:
	hg_strbuf_release(&file);
	return rc;
}

int
hg_record_read(const char *cache_dir, const struct hg_digest *id,
    struct hg_record *ret, struct hg_error *err)
{
	char *path = slot_path(cache_dir, id);
	struct head head;
	int rc = read_slot(path, &head, ret, err);

	if (rc == 0 && !hg_digest_equal(&head.id, id)) {
		hg_record_release(ret);
		rc = hg_fail(err, HG_NOTFOUND, "%s is another's", path);
	}
	free(path);
	return rc;
}

void
hg_record_scan(const char *cache_dir,
    void (*fn)(const struct hg_record *r, void *arg), void *arg)
{
	for (int i = 0; i < FOLDERS; i++) {
		char *dir = hg_xasprintf("%s/why/%02x", cache_dir, i);
		DIR *d = opendir(dir);
		struct dirent *e;

		while (d && (e = readdir(d))) {
			char *path = hg_path_join(dir, e->d_name);
			struct hg_record r = HG_RECORD_INIT;
			struct head head;

			/* no "." and no temporary file */
			if (strlen(e->d_name) == 2 && e->d_name[0] != '.' &&
			    read_slot(path, &head, &r, NULL) == 0)
				fn(&r, arg);
			hg_record_release(&r);
			free(path);
		}
		if (d)
			closedir(d);
		free(dir);
	}
}
