#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A program that a client has run in the place of a compiler tries to get out of
# its sandbox (tests/escape): on a worker of root, and on one of an ordinary user.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/specpeer.sh"
cd "$hg_dir/work" || exit 99
HG_COORDINATOR=
escape=$top_builddir/tests/escape/escape

# what bounds memory bounds the shadow of it, too
! grep -q __asan_init "$escape" ||
	skip_all 'the program is built with sanitizers'

# What a worker gives one compile.
HG_WORKER_MAX_DISK=$((64 << 20))
HG_WORKER_MAX_MEMORY=$((256 << 20))
HG_WORKER_MAX_PROCESSES=40
HG_WORKER_MAX_FILE=$((32 << 20))
export HG_WORKER_MAX_DISK HG_WORKER_MAX_MEMORY HG_WORKER_MAX_PROCESSES \
	HG_WORKER_MAX_FILE

# worker USER [COMMAND...]: starts one that the command makes another user's
worker()
{
	name=$1
	shift
	mkdir -p "$hg_dir/$name" "$hg_dir/$name/work"
	cp "$hg_bin/hg-worker" "$hg_bin/hg-sandbox" "$hg_bin/hg-observe.so" \
		"$hg_dir/$name"
	[ $# -eq 0 ] || chown 65534:65534 "$hg_dir/$name" "$hg_dir/$name/work"
	cat >"$hg_dir/$name/settings.conf" <<-EOF
		[worker]
		queue_limit = 8
	EOF
	HG_CONFIG=$hg_dir/$name/settings.conf \
	HOME=$hg_dir/$name HG_WORKER_WORK_DIR=$hg_dir/$name/work \
		"$@" "$hg_dir/$name/hg-worker" serve --port 0 --id "$name" \
		>"$hg_dir/$name.log" 2>&1 </dev/null &
	worker_pid=$!
	hg_pids="$hg_pids $worker_pid"
	hg_ready "$hg_dir/$name.log" "$worker_pid" ||
		bail_out 'hg-worker did not start'
	address=127.0.0.1:$(hg_port "$hg_dir/$name.log")
}

# attempt SECONDS WORD...: has the program run by the worker; prints what it said,
# or what became of the compile
attempt()
{
	"$specpeer_python" - "$address" "$escape" "$@" <<'PY'
import sys
import grpc
from specpeer import Client, pb

address, program, seconds = sys.argv[1:4]
# gcc cuts its -wrapper at commas
script = ("cp escape /tmp/escape; chmod 755 /tmp/escape; "
          + " ".join(sys.argv[4:]) + "; exit 1")
with open(program, "rb") as file:
    content = file.read()
try:
    call = Client(address).channel.unary_unary(
        "/hybridgrid.v1.BuildService/Compile",
        request_serializer=pb.CompileRequest.SerializeToString,
        response_deserializer=pb.CompileResponse.FromString)
    reply = call(pb.CompileRequest(source_file="a.c",
        source_content=b"int x;", compiler="gcc", includes={"escape": content},
        args=["-c", "-wrapper", "/bin/sh,-c," + script]),
        timeout=float(seconds))
    print(reply.stdout + reply.stderr)
except grpc.RpcError as error:
    print("refused", error.code().name, error.details())
PY
}

# Processes with that word in their command line, but those of this test.
running()
{
	grep -lsa "$1" /proc/[0-9]*/cmdline | while read -r r_file; do
		tr '\0' ' ' <"$r_file" 2>/dev/null | grep '^sleep '
	done
}

no_process()
{
	[ -z "$(running "$1")" ]
}

all_attempts()
{
	attempt 120 HG_ESCAPE_CONFIG="$hg_dir/$who/settings.conf" \
		HG_ESCAPE_WORK_DIR="$hg_dir/$who/work" \
		HG_ESCAPE_PORT="${address##*:}" HG_ESCAPE_PID="$$" \
		HG_ESCAPE_ABSTRACT="$abstract" HG_ESCAPE_SOCKET="$socket" \
		HG_ESCAPE_SHM_KEY="$shm_key" HG_ESCAPE_DISK=$HG_WORKER_MAX_DISK \
		HG_ESCAPE_PROCESSES=$HG_WORKER_MAX_PROCESSES \
		/tmp/escape >"$hg_dir/$who.out"
	while read -r verdict claim; do
		case $verdict in
		held | ESCAPED)
			[ "$verdict" = held ]
			report $? "$who: $claim"
			;;
		end) ended=$claim ;;
		?*) diag "$verdict $claim" ;;
		esac
	done <"$hg_dir/$who.out"
	is "$who: all was tried" "${ended:-no}" 0
}

nothing_stays()
{
	attempt 60 HG_ESCAPE_MARK=271.8281 /tmp/escape leave \
		>"$hg_dir/$who.out"
	ok "$who: nothing outlives a compile" no_process 271.828
	attempt 2 HG_ESCAPE_MARK=271.8282 HG_ESCAPE_STAY=1 \
		/tmp/escape leave >"$hg_dir/$who.out"
	like "$who: a client gives up" "$(cat "$hg_dir/$who.out")" DEADLINE
	ok "$who: nothing outlives a compile that was given up" \
		wait_for 5 no_process 271.828
	empty "$who: no file is left in the worker's folder" \
		"$(ls -A "$hg_dir/$who/work")"
	ok "$who: the worker does on" \
		test "$(attempt 60 echo fine | sed -n 1p)" = fine
}

# The worker itself has to live on.
memory()
{
	said=$(attempt 60 /tmp/escape memory)
	if grep -q 'control groups cannot be used' "$hg_dir/$who.log"; then
		like "$who: memory of a process is bounded" "$said" '^$|memory'
	else
		like "$who: memory of a compile is bounded, and its end told" \
			"$said" 'INTERNAL .*max_memory'
	fi
	ok "$who: the worker survives that" \
		test "$(attempt 60 echo fine | sed -n 1p)" = fine
}

all_tests()
{
	if grep -q 'sandboxes cannot be made' "$hg_dir/$who.log"; then
		skip "$who: sandbox" "$(sed -n 's/.*reason=//p' \
			"$hg_dir/$who.log" | head -n 1)"
		return
	fi
	all_attempts
	nothing_stays
	memory
	hg_stop_worker
}

hg_stop_worker()
{
	kill -TERM "$worker_pid"
	ok "$who: the worker leaves, and its sandboxes with it" \
		wait_for 10 is_gone "$worker_pid"
	empty "$who: no sandbox is left" "$(grep -lsa \
		"^$hg_dir/$who/hg-sandbox" /proc/[0-9]*/cmdline)"
}

[ -x "$escape" ] || skip_all 'the program that tries is not built'
chmod 755 "$hg_dir"
# what there is to find outside
abstract=hg-escape-$$
socket=$hg_dir/work/s
"$specpeer_python" - "$abstract" "$socket" >"$hg_dir/listener.log" <<'PY' &
import os, socket, sys, time
a = socket.socket(socket.AF_UNIX)
a.bind("\0" + sys.argv[1])
a.listen()
b = socket.socket(socket.AF_UNIX)
b.bind(sys.argv[2])
os.chmod(sys.argv[2], 0o777)
b.listen()
print("ready", flush=True)
time.sleep(600)
PY
hg_pids="$hg_pids $!"
wait_for 20 grep -q ready "$hg_dir/listener.log" ||
	bail_out 'nobody listens'
shm_key=0
shm_id=$(ipcmk -M 4096 2>/dev/null | sed 's/.*: //')
if [ -n "$shm_id" ]; then
	shm_key=$(ipcs -m | awk -v id="$shm_id" '$2 == id { print $1 }')
	shm_key=$((shm_key))
fi

who=$(id -un)
worker "$who"
all_tests
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	who=nobody
	worker nobody setpriv --reuid 65534 --regid 65534 --clear-groups
	all_tests
else
	skip 'nobody: sandbox' 'needs root and setpriv to become nobody'
fi
[ -z "$shm_id" ] || ipcrm -m "$shm_id"
done_testing
