#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Somebody else's judgement again (t1310), with two workers and a cold cache.
HG_TEST_CLUSTER=2
export HG_TEST_CLUSTER
exec "$(dirname "$0")/t1310-conformance.t"
