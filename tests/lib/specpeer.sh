# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# For end-to-end tests with the independent peer (specpeer.py): sourced after
# lib.sh, it skips the test where Python has no gRPC, else it defines
#   specpeer ARGUMENT...           runs specpeer.py
#   specpeer_start LOG ARGUMENT... the same in the background, until it is
#                                  ready; sets hg_pid

specpeer_python=
for sp_python in "${PYTHON3:-python3}" /usr/bin/python3; do
	if "$sp_python" -c 'import grpc, google.protobuf' 2>/dev/null; then
		specpeer_python=$sp_python
		break
	fi
done
[ -n "$specpeer_python" ] || skip_all 'python3-grpcio is not installed'
command -v protoc >/dev/null || skip_all 'protoc is not installed'
# the source tree may be read-only
PYTHONDONTWRITEBYTECODE=1
PYTHONPATH=$top_srcdir/tests/lib
export PYTHONDONTWRITEBYTECODE PYTHONPATH

specpeer()
{
	"$specpeer_python" "$top_srcdir/tests/lib/specpeer.py" "$@"
}

specpeer_start()
{
	sp_log=$1
	shift
	"$specpeer_python" "$top_srcdir/tests/lib/specpeer.py" "$@" \
		>"$sp_log" 2>&1 </dev/null &
	hg_pid=$!
	hg_pids="$hg_pids $hg_pid"
	hg_ready "$sp_log" "$hg_pid"
}
