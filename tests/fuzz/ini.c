/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files. Whatever the bytes: no crash, no leak; an error names
 * the file; and what our look at the text lets pass, iniparser understands.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/alloc.h"
#include "lib/base/error.h"
#include "lib/base/fd.h"
#include "lib/config/hg_config.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("ini", MFD_CLOEXEC);
	struct hg_config cfg;
	struct hg_error err;
	char path[64];

	hg_assert(fd >= 0 && hg_write_all(fd, data, size, NULL) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	hg_config_init(&cfg);
	if (hg_config_read_file(&cfg, path, "/home", &err)) {
		hg_assert(strncmp(err.text, path, strlen(path)) == 0);
		hg_assert(err.code != HG_CORRUPT);
	}
	hg_config_release(&cfg);
	hg_fd_close(&fd);
	return 0;
}
