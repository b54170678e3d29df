/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz entry without a fuzzer: on each file of its corpus, and on
 * variants of them that are the same each time. The corpus is
 * tests/fuzz/corpus/NAME for a program NAME.t; files may be given instead. With
 * clang's -fsanitize=fuzzer the entry is linked without this file.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/path.h"
#include "lib/base/strbuf.h"
#include "lib/base/strvec.h"
#include "tests/fuzz/fuzz.h"

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define VARIANTS       300

static uint64_t
next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Changes some bytes, and sometimes cuts the end. */
static size_t
vary(unsigned char *p, size_t n, uint64_t *state)
{
	for (uint64_t k = next(state) % 4 + 1; n > 0 && k > 0; k--)
		p[next(state) % n] = (unsigned char)next(state);
	return n > 0 && next(state) % 4 == 0 ? next(state) % n : n;
}

static int
replay(const char *path)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	uint64_t state = UINT64_C(88172645463325252);
	int rc = hg_read_file(path, MAX_FILE_BYTES, &text, NULL);

	if (rc == 0)
		LLVMFuzzerTestOneInput(
		    (const unsigned char *)text.buf, text.len);
	for (int i = 0; rc == 0 && i < VARIANTS; i++) {
		unsigned char *copy = hg_xmemdup(text.buf, text.len + 1);
		size_t n = vary(copy, text.len, &state);

		LLVMFuzzerTestOneInput(copy, n);
		free(copy);
	}
	hg_strbuf_release(&text);
	return rc;
}

static void
add_corpus(const char *program, struct hg_strvec *files)
{
	const char *top = getenv("top_srcdir");
	const char *name = hg_path_base(program);
	char *dir = hg_xasprintf("%s/tests/fuzz/corpus/%.*s", top ? top : ".",
	    (int)(hg_path_ext(name) - name), name);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_name[0] != '.')
			hg_strvec_add_take(files, hg_path_join(dir, e->d_name));
	}
	if (d)
		closedir(d);
	free(dir);
	hg_strvec_sort(files);
}

int
main(int argc, char **argv)
{
	struct hg_strvec files = HG_STRVEC_INIT;
	int failed = 0;

	if (argc > 1)
		hg_strvec_add_all(&files, (const char *const *)argv + 1);
	else
		add_corpus(argv[0], &files);
	if (files.n == 0) {
		printf("Bail out! no corpus\n");
		return 1;
	}
	for (size_t i = 0; i < files.n; i++) {
		int rc = replay(files.v[i]);

		failed += rc != 0;
		printf("%sok %zu - %s\n", rc ? "not " : "", i + 1,
		    hg_path_base(files.v[i]));
	}
	printf("1..%zu\n", files.n);
	hg_strvec_release(&files);
	return failed ? 1 : 0;
}
