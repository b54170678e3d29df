#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The compilers' options again (t1300), with two workers and a cold cache.
HG_TEST_CLUSTER=2
export HG_TEST_CLUSTER
exec "$(dirname "$0")/t1300-options.t"
