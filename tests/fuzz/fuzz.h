/* SPDX-License-Identifier: Apache-2.0 */
/* The entry that a fuzzer, or main.c, calls with bytes from outside. */
#ifndef HG_TESTS_FUZZ_FUZZ_H
#define HG_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
