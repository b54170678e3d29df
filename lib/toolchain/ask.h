/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compiler says of itself, and the dynamic loader of a program. Each call
 * starts a process, so never on an event loop. path_list: PATH for it.
 */
#ifndef HG_TOOLCHAIN_ASK_H
#define HG_TOOLCHAIN_ASK_H

struct hg_error;
struct hg_strvec;

/* First line of what the driver prints for an option; owned; NULL: it fails. */
int hg_toolchain_ask(const char *compiler, const char *option,
    const char *path_list, char **ret, struct hg_error *err);

/* Where the driver would find one of its programs; owned; NULL: nowhere. */
int hg_toolchain_program(const char *compiler, const char *name,
    const char *path_list, char **ret, struct hg_error *err);

/*
 * The line of the compiler proper among the commands that the driver would run
 * for argv ("-###" is added); owned.
 */
int hg_toolchain_dry_run(const char *const *argv, const char *path_list,
    char **ret, struct hg_error *err);

/*
 * Adds the libraries that a program loads, and the loader, as the loader names
 * them; nothing for a static one.
 */
int hg_toolchain_libraries(const char *program, const char *path_list,
    struct hg_strvec *ret, struct hg_error *err);

#endif
