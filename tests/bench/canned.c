/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiler for servers that are measured, not used: reads what it is given,
 * waits as many milliseconds as the file canned.ms beside it says, and writes the
 * file canned.o beside it as its output. Static, as it is run in other roots.
 */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/base/strbuf.h"

#define MAX_BYTES ((size_t)256 << 20)

static char *
beside(const char *self, const char *name)
{
	struct hg_strbuf path = HG_STRBUF_INIT;
	const char *slash = strrchr(self, '/');

	hg_strbuf_add(&path, self, slash ? (size_t)(slash - self + 1) : 0);
	hg_strbuf_adds(&path, name);
	return hg_strbuf_detach(&path, NULL);
}

static void
wait_as_told(const char *self)
{
	struct hg_strbuf text = HG_STRBUF_INIT;
	char *path = beside(self, "canned.ms");
	struct timespec t;
	long ms;

	if (hg_read_file(path, 64, &text, NULL) == 0) {
		ms = strtol(text.buf, NULL, 10);
		t.tv_sec = ms / 1000;
		t.tv_nsec = ms % 1000 * 1000000;
		nanosleep(&t, NULL);
	}
	hg_strbuf_release(&text);
	free(path);
}

static int
write_object(const char *self, const char *output, struct hg_error *err)
{
	struct hg_strbuf object = HG_STRBUF_INIT;
	char *path = beside(self, "canned.o");
	int rc = hg_read_file(path, MAX_BYTES, &object, err);

	/* servers have made the file already, with an owner of their own */
	if (rc == 0) {
		int fd = open(output,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

		rc = fd < 0 ? hg_fail_errno(err, HG_IO, "%s", output)
			    : hg_write_all(fd, object.buf, object.len, err);
		hg_fd_close(&fd);
	}
	hg_strbuf_release(&object);
	free(path);
	return rc;
}

int
main(int argc, char **argv)
{
	struct hg_strbuf input = HG_STRBUF_INIT;
	struct hg_error err = { .text = "" };
	char self[PATH_MAX] = "";
	const char *output = NULL;
	bool has_stdin = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			has_stdin = true;
		else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			output = argv[++i];
	}
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		snprintf(self, sizeof(self), "/usr/bin/gcc");
	if (has_stdin)
		(void)hg_read_fd(STDIN_FILENO, MAX_BYTES, &input, NULL);
	hg_strbuf_release(&input);
	/* asked whether it runs, or for its version */
	if (!output)
		return puts("12") >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	wait_as_told(self);
	if (write_object(self, output, &err) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "canned: %s\n", err.text);
	return EXIT_FAILURE;
}
