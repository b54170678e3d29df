#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# lib/rpc and lib/wire against an independent gRPC that knows only the
# specification: Python calls C, and C calls Python.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/specpeer.sh"
cd "$hg_dir/work" || exit 99
wirepeer=$top_builddir/tests/lib/wirepeer

"$wirepeer" serve >"$hg_dir/wirepeer.log" 2>&1 </dev/null &
wirepeer_pid=$!
hg_pids="$hg_pids $wirepeer_pid"
hg_ready "$hg_dir/wirepeer.log" "$wirepeer_pid" || bail_out 'wirepeer'
address=127.0.0.1:$(hg_port "$hg_dir/wirepeer.log")

cat >calls.py <<'EOF'
import sys

import grpc
from specpeer import Client, pb


def status_of(function, *args, **options):
    try:
        function(*args, **options)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"


def raw(client, body):
    return status_of(client.call, "Compile", body)


with Client(sys.argv[1]) as c:
    shaken = c.handshake("w-\u00fc:1")
    print("handshake", shaken.accepted, shaken.assigned_id == "w-\u00fc:1",
          shaken.message)
    big = bytes(range(256)) * (50 << 12)
    made = c.compile("src/\u00fc.c", big, args=["-a", "-b"],
                     includes={"": b"", "b.h": b"\0\xff"})
    print("compile", made.success, made.exit_code, len(made.object_file),
          made.object_file.startswith(big), b"b.h\0\xff" in made.object_file,
          made.stdout.strip(), made.stderr == "src/\u00fc.c", made.worker_id)
    health = c.health()
    print("health", health.healthy, health.status, health.active_tasks,
          health.uptime_seconds)
    both = c.status().workers
    print("status", [w.worker_id for w in both],
          both[0].capabilities.cpu_cores, both[0].circuit_state,
          both[1].total_tasks)
    print("nul", raw(c, b"\x0a\x03a\0b"))
    print("latin1", raw(c, b"\x0a\x01\xfc"))
    print("twice", raw(c, b"\x3a\x03\x0a\x01a" * 2))
    print("garbage", raw(c, b"\xff" * 20))
    print("gzip", status_of(c.compile, "a.c", b"x" * 10000,
                            compression=grpc.Compression.Gzip))
    print("large", status_of(c.compile, "a.c", b"x" * (64 << 20)))
    other = c.channel.unary_unary("/hybridgrid.v1.BuildService/Other")
    print("other", status_of(other, b"x", timeout=20))
    print("still", c.health().status)
EOF
"$specpeer_python" calls.py "$address" >calls.out 2>calls.err
is 'the script of calls ends well' "$?:$(tail -n 5 calls.err)" '0:'

answer()
{
	sed -n "s/^$1 //p" calls.out
}

is 'Handshake' "$(answer handshake)" 'True True amd64'
is 'Compile: 50 MiB, a map, text and bytes' "$(answer compile)" \
	'True 2 52428805 True True caf? True amd64'
is 'HealthCheck' "$(answer health)" 'True ok 3 1048576'
is 'GetWorkerStatus' "$(answer status)" "['one', 'two'] 4 closed 7"
is 'a string with NUL is refused' "$(answer nul)" INVALID_ARGUMENT
is 'a string that is not UTF-8 is refused' "$(answer latin1)" INVALID_ARGUMENT
is 'a map key sent twice is refused' "$(answer twice)" INVALID_ARGUMENT
is 'bytes that are no message are refused' "$(answer garbage)" INVALID_ARGUMENT
is 'a compressed message is refused' "$(answer gzip)" UNIMPLEMENTED
is 'a message over the limit is refused' "$(answer large)" RESOURCE_EXHAUSTED
is 'an unknown method is refused' "$(answer other)" UNIMPLEMENTED
is 'after all that it still serves' "$(answer still)" ok

mkdir inc
echo '#define A 4' >inc/a.h
printf '#include "inc/a.h"\nint main(void) { return A; }\n' >a.c
specpeer_start "$hg_dir/worker.log" worker || bail_out 'specpeer worker'
worker=127.0.0.1:$(hg_port "$hg_dir/worker.log")
is 'C calls Python' "$("$wirepeer" compile "$worker" a.c c.o 2>&1)" \
	"exit=0 worker=$worker outputs=0 out=0 err=0"
ok 'the compiler compiles here' gcc -O2 -I. -c a.c -o ref.o
ok 'the object is the same' cmp c.o ref.o
echo 'int x = ;' >bad.c
like 'a compile error comes back' \
	"$("$wirepeer" compile "$worker" bad.c bad.o 2>&1)" \
	'^exit=1 worker=.* out=0 err=[1-9]'
ok 'Python calls Python' specpeer compile --include inc/a.h \
	"$worker" a.c py.o -- -O2 -I.
ok 'the object is the same' cmp py.o ref.o
done_testing
