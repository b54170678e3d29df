#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hg-coord, with an independent gRPC implementation as its clients and workers.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/specpeer.sh"

# prints the results of its own
"$specpeer_python" "$top_srcdir/tests/e2e/coordinator.py" \
	"$hg_bin/hg-coord" "$hg_dir"
t_status=$?
for left in $(hg_processes); do
	diag "process $left is left"
	t_status=1
done
[ "$t_status" -eq 0 ] || tail -n 50 "$hg_dir/coord.log" | sed 's/^/# /'
t_done=1
exit "$t_status"
