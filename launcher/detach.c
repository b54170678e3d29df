/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letting go of a build: a pipe held open makes "make | cat" hang, and a job
 * server's descriptor steals a job slot.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher/detach.h"

void
hg_detach_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Closes first and all above; not every libc has closefrom(). */
static void
close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0U, 0U) == 0)
		return;
	for (long fd = first, max = sysconf(_SC_OPEN_MAX); fd < max; fd++)
		close((int)fd);
}

int
hg_detach_descriptors(int keep)
{
	int null = open("/dev/null", O_RDWR);
	/* clear of the numbers that are about to be replaced */
	int kept = fcntl(keep, F_DUPFD, HG_DETACH_FD + 1);

	if (null < 0 || kept < 0)
		return -1;
	null = fcntl(null, F_DUPFD, HG_DETACH_FD + 1);
	for (int fd = 0; fd < HG_DETACH_FD; fd++)
		if (dup2(null, fd) < 0)
			return -1;
	if (dup2(kept, HG_DETACH_FD) < 0)
		return -1;
	close_from(HG_DETACH_FD + 1);
	return 0;
}
