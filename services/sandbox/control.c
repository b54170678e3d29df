/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's end of its control socket. Who holds the other end started us
 * and is trusted; all that is checked is that the message is whole.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "services/sandbox/control.h"

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Room for the descriptors of one message, aligned as it has to be. */
union ancillary {
	struct cmsghdr head;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

static void
send_descriptors(int control, const int fd[2])
{
	union ancillary ancillary = { .room = { 0 } };
	char ready = 'R';
	struct iovec text = { &ready, 1 };
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary.room),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(head), fd, 2 * sizeof(int));
	if (sendmsg(control, &message, MSG_NOSIGNAL) != 1)
		hg_sandbox_die("cannot send the root folder");
}

static void
say_ready(int control, const char *root)
{
	int fd[2] = { open(root, DIR_FLAGS), pidfd_open(getpid(), 0) };

	if (fd[0] < 0 || fd[1] < 0)
		hg_sandbox_die("cannot open the root folder %s and this "
			       "process", root);
	send_descriptors(control, fd);
	close(fd[0]);
	close(fd[1]);
}

/* The message's length; the process ends where there will be none. */
static size_t
receive_head(int control, int *ret_fd)
{
	union ancillary ancillary = { .room = { 0 } };
	uint32_t bytes;
	struct iovec text = { &bytes, sizeof(bytes) };
	struct msghdr message = {
		.msg_iov = &text,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof(ancillary.room),
	};
	struct cmsghdr *head;
	ssize_t n;

	do
		n = recvmsg(control, &message, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		_Exit(HG_SANDBOX_FAILED);
	if (n != sizeof(bytes) || bytes == 0 ||
	    bytes > HG_SANDBOX_MAX_COMMAND_BYTES)
		hg_sandbox_refuse("the message with the command is damaged");
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(head), sizeof(*ret_fd));
	return bytes;
}

static char *
receive_text(int control, size_t bytes)
{
	char *text = hg_xmalloc(bytes);

	for (size_t have = 0; have < bytes;) {
		ssize_t n = read(control, text + have, bytes - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_Exit(HG_SANDBOX_FAILED);
		have += (size_t)n;
	}
	if (text[bytes - 1] != '\0')
		hg_sandbox_refuse("the command's last word has no end");
	return text;
}

static char **
split(char *text, size_t bytes, int *ret_count)
{
	char **word;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < bytes; i++)
		n += text[i] == '\0';
	word = hg_xcalloc(n + 1, sizeof(*word));
	for (size_t i = 0; i < n; i++) {
		word[i] = text + at;
		at += strlen(text + at) + 1;
	}
	*ret_count = (int)n;
	return word;
}

/* It gets the number that the program was told. */
static void
place_descriptor(int fd, int wanted)
{
	if (wanted < 0 || fd < 0) {
		if (wanted >= 0)
			hg_sandbox_refuse("no descriptor came with --keep-fd");
		return;
	}
	if (fd == wanted) {
		if (fcntl(fd, F_SETFD, 0) < 0)
			hg_sandbox_die("cannot keep descriptor %d", wanted);
		return;
	}
	if (dup2(fd, wanted) < 0)
		hg_sandbox_die("cannot keep descriptor %d", wanted);
	close(fd);
}

void
hg_sandbox_receive_command(struct hg_sandbox_options *o)
{
	int fd = -1;
	int argc;
	char **argv;
	size_t bytes;
	char *text;

	say_ready(o->control, o->root);
	bytes = receive_head(o->control, &fd);
	text = receive_text(o->control, bytes);
	argv = split(text, bytes, &argc);
	close(o->control);
	hg_sandbox_options_add(o, argc, argv);
	place_descriptor(fd, o->keep_fd);
}
