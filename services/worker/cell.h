/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells: sandboxes that are made before it is known what they are for. A cell has
 * a root folder, which we fill while nothing runs in it, is used for one program,
 * and its files can be read after the program has ended. By default they are in
 * memory and nowhere else on this machine: whatever happens, nothing of them
 * stays. A few cells are kept ready, so that a compile need not wait for the
 * kernel to make namespaces and to move processes into control groups.
 */
#ifndef HG_WORKER_CELL_H
#define HG_WORKER_CELL_H

#include <stddef.h>
#include <stdint.h>

struct hg_cell;
struct hg_cells;
struct hg_cgroups;
struct hg_error;
struct hg_proc_result;
struct hg_strvec;

struct hg_cells_options {
	/* the program hg-sandbox */
	const char *sandbox;
	/* a folder that is there */
	const char *work_dir;
	/* size of a root folder in memory; 0: one in work_dir, without limit */
	uint64_t scratch_bytes;
	/* kept of standard output and error each; 0: as much as we can */
	uint64_t output_bytes;
	/* cells kept ready */
	size_t spares;
	struct hg_cgroups *cgroups;
};

/* options and what it points to must outlive it. */
struct hg_cells *hg_cells_new(const struct hg_cells_options *options);
void hg_cells_free(struct hg_cells *cells);

/*
 * A new cell, for one use; NULL and err (-HG_UNAVAILABLE) when the kernel allows
 * none. Any thread. Free it on a thread that lives as long as it does.
 */
struct hg_cell *hg_cell_take(struct hg_cells *cells, struct hg_error *err);
/* Ends what may run in it, and removes its files. */
void hg_cell_free(struct hg_cell *cell);

/* Its root folder as a name that can be used here; owned by the cell. */
const char *hg_cell_root(const struct hg_cell *cell);

/*
 * Runs hg-sandbox's options and program `words` (the first is left out), with
 * keep_fd (or -1) as the descriptor of --keep-fd. When it returns all of its
 * processes are gone. ret is filled in any case and to be released.
 * -HG_UNAVAILABLE when the sandbox failed; -HG_EXHAUSTED when the limit of memory
 * made the kernel kill some of it.
 */
int hg_cell_run(struct hg_cell *cell, const struct hg_strvec *words, int keep_fd,
    int cancel_fd, uint64_t timeout_ns, struct hg_proc_result *ret,
    struct hg_error *err);

#endif
