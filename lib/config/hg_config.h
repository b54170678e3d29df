/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of all programs, from one table (options.def). Later sources win:
 * defaults < $sysconfdir/hybridgrid/hybridgrid.conf <
 * ~/.config/hybridgrid/hybridgrid.conf < $HG_CONFIG < environment < flags.
 *
 * Field of an option: cfg->section_key, e.g. cfg->cache_max_size.
 */
#ifndef HG_CONFIG_HG_CONFIG_H
#define HG_CONFIG_HG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/strbuf.h"

struct hg_error;

enum hg_option_type {
	HG_TYPE_STRING,
	HG_TYPE_BOOL,
	HG_TYPE_INT,
	HG_TYPE_SIZE,
	HG_TYPE_DURATION,
	HG_TYPE_REAL,
	/* a whole number up to 65535 */
	HG_TYPE_PORT,
	/* a number from 0 to 1 */
	HG_TYPE_SHARE,
	/* a file name: in a file absolute, or below the home folder ("~/...") */
	HG_TYPE_PATH,
	/* names of sloppiness.def */
	HG_TYPE_SLOPPINESS,
	/* content, mtime, none or string:TEXT */
	HG_TYPE_CHECK,
};

/* C types of the fields, by column TYPE. */
#define HG_FIELD_STRING char *
#define HG_FIELD_BOOL bool
#define HG_FIELD_INT int64_t
#define HG_FIELD_SIZE uint64_t
#define HG_FIELD_DURATION uint64_t
#define HG_FIELD_REAL double
#define HG_FIELD_PORT int64_t
#define HG_FIELD_SHARE double
#define HG_FIELD_PATH char *
#define HG_FIELD_SLOPPINESS unsigned
#define HG_FIELD_CHECK char *

enum hg_option_id {
#define HG_OPTION(section, key, type, def, alias, flag, programs, help) \
	HG_OPT_##section##_##key,
#include "lib/config/options.def"
	HG_OPTION_COUNT
};

struct hg_config {
#define HG_OPTION(section, key, type, def, alias, flag, programs, help) \
	HG_FIELD_##type section##_##key;
#include "lib/config/options.def"
	/*
	 * Where each value came from: "default", "FILE:LINE", "env NAME",
	 * "flag --NAME"; owned.
	 */
	char *origin[HG_OPTION_COUNT];
};

/* One row of the table, for help texts and "config show". */
struct hg_option_info {
	const char *section;
	const char *key;
	enum hg_option_type type;
	const char *def;
	const char *alias;
	const char *flag;
	const char *programs;
	const char *help;
	size_t offset;
};
extern const struct hg_option_info hg_option_table[HG_OPTION_COUNT];

/* HG_OPTION_COUNT when there is none. */
enum hg_option_id hg_option_find(const char *section, const char *key);
/* What stands for the value in a help text: "PORT", "SIZE"; "" for BOOL. */
const char *hg_option_value_name(enum hg_option_type type);
/* The environment name HG_<SECTION>_<KEY>, appended to out. */
void hg_option_env_name(enum hg_option_id id, struct hg_strbuf *out);

/* All defaults. Call hg_config_release() in the end, also after errors. */
void hg_config_init(struct hg_config *cfg);
void hg_config_release(struct hg_config *cfg);

/*
 * Files and environment (not flags). env is a NULL-terminated environment;
 * unknown keys and bad values are errors that name file, line and key, or the
 * variable; an empty variable is as if it were not set. Also fills cache_dir
 * when nothing set it.
 */
int hg_config_load(
    struct hg_config *cfg, const char *const *env, struct hg_error *err);

/*
 * Where a service ("worker", "coordinator") keeps contents: its option, or if
 * that is empty the default for whom we run as. Owned.
 */
char *hg_config_store_dir(const char *option, const char *who);

/*
 * As hg_config_load(), and the file of the working folder (.hybridgrid.conf in it or above
 * it): stronger than the user's file, weaker than what HG_CONFIG names. Nothing
 * that is wrong with that file is an error: it is passed over.
 */
int hg_config_load_here(
    struct hg_config *cfg, const char *const *env, struct hg_error *err);

/* The nearest such file below the home folder, or below the root; owned. */
char *hg_config_folder_file(const char *home);
/* Whether such a file may set the option (folder.def). */
bool hg_config_is_for_folders(enum hg_option_id id);

/* The sources that a folder's file is stronger than; each may be NULL. */
struct hg_config_sources {
	const char *system;
	const char *user;
	const char *home;
};
/*
 * Reads the file of a folder. -HG_DENIED: it is not the user's alone, or sets
 * what it may not; then, and after any other error, cfg is as it was.
 */
int hg_config_read_folder(struct hg_config *cfg, const char *path,
    const struct hg_config_sources *weaker, struct hg_error *err);

/*
 * One file on top of what cfg holds; -HG_NOTFOUND when there is none. home (may
 * be NULL) is what "~" stands for.
 */
int hg_config_read_file(struct hg_config *cfg, const char *path,
    const char *home, struct hg_error *err);

/*
 * The file of the system, of the user (NULL without HOME and XDG_CONFIG_HOME),
 * and the one that HG_CONFIG names (or NULL); owned.
 */
char *hg_config_system_file(void);
char *hg_config_user_file(const char *const *env);
char *hg_config_named_file(const char *const *env);

/* Sets one option from text. origin is copied. */
int hg_config_set(struct hg_config *cfg, enum hg_option_id id, const char *text,
    const char *origin, struct hg_error *err);

/*
 * Takes the flags of program (a letter of the programs column) from the front
 * of argv, whose first word is already the first that may be a flag:
 * --name VALUE, --name=VALUE, and --name alone for BOOL. Stops behind "--" or
 * before the first word that is not a flag. *ret_used is the number of words
 * taken. An unknown flag is an error, --help and --version are too.
 */
int hg_config_flags(struct hg_config *cfg, char program, int argc, char **argv,
    int *ret_used, struct hg_error *err);

/*
 * The same for the one flag that argv[0] is, for programs that mix these with
 * flags of their own.
 */
int hg_config_flag(struct hg_config *cfg, char program, int argc, char **argv,
    int *ret_used, struct hg_error *err);

/* The value as text (as a file would hold it), appended to out. */
void hg_config_format(const struct hg_config *cfg, enum hg_option_id id,
    struct hg_strbuf *out);

/* The text of a STRING, PATH or CHECK as it is; NULL for other types. Borrowed. */
const char *hg_config_text(const struct hg_config *cfg, enum hg_option_id id);

/* The flags of program for its --help, one per line, appended to out. */
void hg_config_help(char program, struct hg_strbuf *out);

#endif
