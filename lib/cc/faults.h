/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a compile that must fail from one that happened to (faults.def). */
#ifndef HG_CC_FAULTS_H
#define HG_CC_FAULTS_H

#include <stddef.h>

/* The first text of faults.def in what the compiler said, or NULL. */
const char *hg_cc_find_fault(const void *said, size_t n);

#endif
