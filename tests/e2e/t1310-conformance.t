#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program of somebody else's that judges compiler launchers from outside, if
# HG_TEST_CONFORMANCE names one. It is called as
#   PROGRAM LAUNCHER -j2 --compiler COMPILER --lang c|c++
# and fails when LAUNCHER is not as good as the compiler alone. Our own such suite
# is t1300-options.t. HG_TEST_CLUSTER: with so many workers; then it is also given
# --no-wrapper, as it must not doctor compilers that run elsewhere, and --env.
[ "${HG_TEST_OWN_DEV+set}" ] || exec "$(dirname "$0")/own-dev" "$0" "$@"
. "$(dirname "$0")/lib.sh"

[ "${HG_TEST_CONFORMANCE:-}" ] || skip_all 'HG_TEST_CONFORMANCE is not set'

farm=
if [ "${HG_TEST_CLUSTER:-}" ]; then
	ok 'a farm starts' hg_start_cluster "$HG_TEST_CLUSTER" || done_testing
	farm="--no-wrapper --env HG_AGENT_IDLE_TIMEOUT=3s
		--env HG_COORDINATOR=$HG_COORDINATOR"
fi

judged()
{
	# several words
	# shellcheck disable=SC2086
	"$HG_TEST_CONFORMANCE" "$hg_bin/hg-launcher" -j2 --compiler "$1" \
		--lang "$2" $farm >"$1.log" 2>&1
	status=$?
	tail -n 2 "$1.log"
	[ $status -eq 0 ] || grep -v '^PASS\|^SKIP' "$1.log"
	return $status
}

for cc in gcc clang; do
	command -v $cc >which || continue
	ok "$cc" judged $cc c
done
for cxx in g++ clang++; do
	command -v $cxx >which || continue
	ok "$cxx" judged $cxx c++
done

done_testing
