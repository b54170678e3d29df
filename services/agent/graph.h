/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files ask for which: for each way to search (a context) a graph of the
 * files found so far, kept from compile to compile. A walk from a source visits
 * what it can need; what changed on disk since then is found out on the way, by
 * one look at each file and at each folder searched. One thread at a time.
 */
#ifndef HG_AGENT_GRAPH_H
#define HG_AGENT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

struct hg_contents;
struct hg_context;
struct hg_error;
struct hg_graph;
struct hg_inputs;
struct hg_macros;
struct hg_place;
struct hg_tree;

enum hg_scan_reason {
#define HG_SCAN_REASON(name, text) HG_SCAN_##name,
#include "services/agent/scan_reasons.def"
	HG_SCAN_REASONS
};

/* The folders searched, in order. */
struct hg_graph_path {
	struct hg_place **quote;
	size_t n_quote;
	struct hg_place **angle;
	size_t n_angle;
};

struct hg_graph_job {
	struct hg_place *cwd;
	/* relative to cwd: the source, files of -include, definitions of -D */
	const char *source;
	char *const *files;
	size_t n_files;
	/* headers that the compiler includes itself: <name> */
	const char *predef;
	char *const *defines;
	size_t n_defines;
	bool trigraphs;
	/* further files, which are not looked at */
	char *const *more;
	size_t n_more;
};

/* The places and contents outlive it. */
struct hg_graph *hg_graph_new(struct hg_tree *tree, struct hg_contents *contents);
void hg_graph_free(struct hg_graph *g);
/* Memory taken. */
size_t hg_graph_bytes(const struct hg_graph *g);

/*
 * The context of a way to search and of what is known of the compiler, which must
 * live as long as the graph; id is the same for equal knowledge.
 */
struct hg_context *hg_graph_context(struct hg_graph *g,
    const struct hg_graph_path *path, const struct hg_macros *known,
    const char *id);
/*
 * Adds to the inputs all that the job may read. HG_SCAN_scanned, or why that
 * cannot be told; what was added is no use then. Within a round of the tree.
 */
enum hg_scan_reason hg_graph_walk(struct hg_graph *g, struct hg_context *ctx,
    const struct hg_graph_job *job, struct hg_inputs *in);

#endif
