/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox that is made before it is known what it is for. Over a stream socket
 * it sends one byte with two descriptors, its root folder and its first process,
 * and then waits for the rest of its command line: four bytes, the number of
 * those that follow (in the machine's order), then words that each end with a
 * NUL, the first being the name of the program as in argv. A descriptor that
 * comes with them is the one of --keep-fd. The end of the socket ends the
 * sandbox.
 */
#ifndef HG_SANDBOX_CONTROL_H
#define HG_SANDBOX_CONTROL_H

#include "services/sandbox/options.h"

/* More than any command line of a compile, its environment included. */
#define HG_SANDBOX_MAX_COMMAND_BYTES ((size_t)64 << 20)

/* Sends the two, waits, and adds to o what was received. */
void hg_sandbox_receive_command(struct hg_sandbox_options *o);

#endif
