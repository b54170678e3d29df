/* SPDX-License-Identifier: Apache-2.0 */
/* Running the wrapped command in the foreground. */
#ifndef HG_CLI_CHILD_H
#define HG_CLI_CHILD_H

struct hg_error;

/*
 * Runs argv (searched in PATH of envp) with our stdin, stdout and stderr, and
 * waits for its end; tick(arg) runs every 100 ms meanwhile and once afterwards.
 * Signals that reach only us are passed on to it. *ret_status is as waitpid()
 * gives it. -HG_NOTFOUND when the command cannot be run.
 */
int hg_child_run(char *const *argv, char *const *envp, void (*tick)(void *arg),
    void *arg, int *ret_status, struct hg_error *err);

/*
 * The exit status to leave with, 128 + signal for a killed command. After an
 * interrupt it does not return: this process ends by the same signal, so that
 * a script that called us stops too.
 */
int hg_child_leave(int status);

#endif
