/* SPDX-License-Identifier: Apache-2.0 */
/* The reason codes of reasons.def. */
#ifndef HG_BASE_REASON_H
#define HG_BASE_REASON_H

enum hg_reason {
#define HG_REASON(name, class, text) HG_REASON_##name,
#include "lib/base/reasons.def"
	HG_REASON_COUNT
};

enum hg_reason_class {
	HG_REASON_CLASS_HIT,
	HG_REASON_CLASS_REMOTE,
	HG_REASON_CLASS_MISS,
	HG_REASON_CLASS_LOCAL,
	HG_REASON_CLASS_PASS,
};

/* "no_agent", and its sentence. */
const char *hg_reason_name(enum hg_reason r);
const char *hg_reason_text(enum hg_reason r);
enum hg_reason_class hg_reason_class(enum hg_reason r);
/* HG_REASON_COUNT when there is none of that name. */
enum hg_reason hg_reason_parse(const char *name);

#endif
