/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the launcher: the command, the settings, the cache, and what has
 * been found out so far. Filled in order by plan, look-up, and the run itself.
 */
#ifndef HG_LAUNCHER_JOB_H
#define HG_LAUNCHER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/compiler.h"
#include "launcher/portable.h"
#include "lib/base/reason.h"
#include "lib/cc/command.h"
#include "lib/config/hg_config.h"
#include "lib/digest/digest.h"
#include "lib/store/cache.h"
#include "lib/store/manifest.h"
#include "lib/store/sig.h"

struct hg_cache;
struct hg_memo;
struct hg_stats_file;

struct hg_job {
	/* argv[0] is the compiler as the user named it; borrowed */
	char **argv;
	struct hg_config config;
	struct hg_compiler compiler;
	struct hg_cc_command command;
	struct hg_cache *cache;
	struct hg_memo *memo;
	struct hg_stats_file *stats;

	/* the manifest's key, and the checksum of the outputs' names */
	struct hg_digest key;
	/* how all keys begin that may share a result */
	unsigned char pair[HG_PAIR_BYTES];
	uint64_t names;
	/* the same for other checkouts */
	struct hg_portable portable;
	/* what the key was made of */
	struct hg_key *parts;
	/* what the cache had for it */
	struct hg_lookup lookup;
	/* of the only source, when there is one */
	struct hg_sig source_sig;
	/* stderr is a terminal, which compilers treat differently */
	bool tty;

	uint64_t began_ns;
	/* how it ended, for the log */
	enum hg_reason reason;
	char worker[64];
	/* what the compile took, 0 when nothing was compiled */
	uint64_t compile_us;
	/* the result went into the cache; else why not, or HG_REASON_hit */
	bool kept;
	enum hg_reason unkept;
	/* why the cache had nothing, or why a worker could not */
	char detail[256];
};

#endif
