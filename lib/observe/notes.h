/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that the observer and the observed processes share: a header, then
 * notes one behind the other, each 8-byte aligned. A process reserves room for
 * a note by adding to `used` and writes its `size` last, so that a reader knows
 * a finished note from one whose writer was killed.
 */
#ifndef HG_OBSERVE_NOTES_H
#define HG_OBSERVE_NOTES_H

#include <stdint.h>

#define HG_NOTES_MAGIC UINT64_C(0x3173657a6f6e6768)
#define HG_NOTES_BYTES ((uint64_t)8 << 20)
/* Descriptor number of the shared memory, in decimal. */
#define HG_NOTES_ENV "HG_OBSERVE_FD"

enum hg_note_kind {
	HG_NOTE_READ,
	/* found to be there, not opened */
	HG_NOTE_SEEN,
	HG_NOTE_ABSENT,
	HG_NOTE_FOLDER,
	HG_NOTE_LISTED,
	HG_NOTE_WRITTEN,
	/* opened by a shell's >> for appending: a log, not an output */
	HG_NOTE_APPENDED,
	/* added to or changed: what it becomes depends on what it was */
	HG_NOTE_EXTENDED,
	/* a process under observation began */
	HG_NOTE_START,
	/* about to run a program; and that it could not be run after all */
	HG_NOTE_RUN,
	HG_NOTE_RUN_FAILED,
	/* the program cannot be observed */
	HG_NOTE_UNSEEN,
	/* asked for the local time: __DATE__, __TIME__ or __TIMESTAMP__ */
	HG_NOTE_TIME,
	/* could not be opened, for a reason that may pass */
	HG_NOTE_FAULT,
};

struct hg_notes_head {
	uint64_t magic;
	/* bytes taken, head included; beyond HG_NOTES_BYTES: overflow */
	_Atomic uint64_t used;
	/* the folder the compile runs in */
	uint64_t cwd_dev;
	uint64_t cwd_ino;
};

/* What stat() says of a file that matters here; all 0: not known. */
struct hg_note_stat {
	uint64_t bytes;
	uint64_t ino;
	int64_t mtime_ns;
	int64_t ctime_ns;
};

struct hg_note {
	/* of the whole note, 0 while it is being written */
	_Atomic uint32_t size;
	uint32_t kind;
	struct hg_note_stat st;
	char path[];
};

#endif
