#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hg-worker called by a peer that knows only the specification, and its life:
# registration, limits, cancellation, draining.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/specpeer.sh"
cd "$hg_dir/work" || exit 99
HG_COORDINATOR=

# worker NAME [ARGUMENT...]: starts one; sets worker_pid and address
worker()
{
	name=$1
	hg_start_worker "$@" || bail_out "hg-worker did not start"
	worker_pid=$hg_pid
	address=127.0.0.1:$(hg_port "$hg_dir/$name.log")
}

# ask CODE: Python with the client c and more, against the worker
ask()
{
	"$specpeer_python" - "$address" <<PY
import os, sys, time
import grpc
from specpeer import Client, pb

def status_of(function, *args, **options):
    try:
        function(*args, **options)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"

def script(text):
    """Arguments that make gcc run a shell in the place of cc1."""
    return ["-c", "-wrapper", "/bin/sh,-c," + text]

def later(c, args, timeout=60):
    call = c.channel.unary_unary(
        "/hybridgrid.v1.BuildService/Compile",
        request_serializer=pb.CompileRequest.SerializeToString,
        response_deserializer=pb.CompileResponse.FromString)
    return call.future(pb.CompileRequest(source_file="a.c",
        source_content=b"int x;", compiler="gcc", args=args), timeout=timeout)

def wait_active(c, n):
    for _ in range(400):
        if c.health().active_tasks == n:
            return
        time.sleep(0.02)
    raise SystemExit("active_tasks never became %d" % n)

def runs(word):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as file:
                line = file.read()
        except OSError:
            continue
        if word.encode() in line and int(pid) != os.getpid():
            found.append(pid)
    return found

def left(word):
    # the kernel takes its time to end what was killed
    for _ in range(100):
        if not runs(word):
            return 0
        time.sleep(0.02)
    return len(runs(word))

def wait_runs(word):
    for _ in range(400):
        if runs(word):
            return
        time.sleep(0.02)
    raise SystemExit("%s never ran" % word)

c = Client(sys.argv[1])
$1
PY
}

# ---- the four methods --------------------------------------------------

worker w1 --max-parallel 2
like 'one ready line names address and id' "$(grep ready "$hg_dir/w1.log")" \
	'^ready grpc=127\.0\.0\.1:[1-9][0-9]* id=w1$'

mkdir inc sub
printf '#include <stdio.h>\n#include "x.h"\n#include "sub/y.h"\n%s\n' \
	'int main(void) { puts(X Y); return 0; }' >a.c
echo '#define X "x"' >inc/x.h
echo '#define Y "y"' >sub/y.h
gcc -O2 -Iinc -I. -c a.c -o here.o || bail_out 'no gcc'
ask '
r = c.compile("src/a.c", open("a.c", "rb").read(), "gcc",
    ["-O2", "-Iinc", "-I.", "-c", "src/a.c", "-o", "out/a.o"],
    {"inc/x.h": open("inc/x.h", "rb").read(),
     "sub/y.h": open("sub/y.h", "rb").read()})
open("there.o", "wb").write(r.object_file)
print(r.success, r.exit_code, repr(r.stdout), repr(r.stderr), r.worker_id,
      r.from_cache, r.compile_time_ms >= 0)' >out 2>&1
is 'a compile with headers succeeds' "$(cat out)" "True 0 '' '' w1 False True"
ok 'its object is the one made here' cmp here.o there.o

ask '
r = c.compile("a.c", open("a.c", "rb").read(), "gcc",
    ["-I/home/u/inc", "-I", "/home/u"], {
     "/home/u/inc/x.h": open("inc/x.h", "rb").read(),
     "/home/u/sub/y.h": open("sub/y.h", "rb").read()})
print(r.success, r.stderr)' >out 2>&1
is 'headers with absolute names are found' "$(cat out)" 'True '

echo 'int f(void) { return nothing; }' >bad.c
gcc -c bad.c 2>bad.err
ask '
r = c.compile("bad.c", open("bad.c", "rb").read())
print(r.success, r.exit_code, len(r.object_file))
print(r.stderr, end="")' >out 2>&1
is 'an error of the code is the compiler'\''s' "$(cat out)" "False 1 0
$(cat bad.err)"

ask '
h, w = c.health(), c.status().workers[0]
print(h.healthy, h.status, h.active_tasks, h.uptime_seconds >= 0)
print(w.worker_id, w.address == sys.argv[1], "gcc" in w.capabilities.compilers,
      w.capabilities.cpu_cores > 0, w.capabilities.memory_bytes > 1 << 28,
      w.total_tasks, w.successful_tasks, w.circuit_state)
print(status_of(c.health, "other"), status_of(c.status, "other"),
      status_of(c.health, "w1"), c.handshake("x").accepted)' >out 2>&1
is 'health and status tell of this worker' "$(cat out)" "True ok 0 True
w1 True True True True 3 2 closed
NOT_FOUND NOT_FOUND OK False"

# ---- refusals ----------------------------------------------------------

ask '
src = b"int x;"
def err(*a, **k):
    r = c.compile(*a, **k)
    return "%s %d %s" % (r.success, r.exit_code, r.stderr.split(":")[0])
print(err("a.c", src, "nocc"), err("a.c", src, "sh"),
      err("a.c", src, "/usr/bin/gcc"), sep="\n")
r = c.call("Compile", pb.CompileRequest(source_file="a.c", source_content=src,
           compiler="gcc", target_arch="sparc", target_os="linux"))
print(r.success, r.exit_code, r.stderr.split(":")[0])' >out 2>&1
is 'what cannot be compiled here is told by number' "$(cat out)" \
	"False 1 HYBRIDGRID_ERR_001
False 1 HYBRIDGRID_ERR_001
False 1 HYBRIDGRID_ERR_001
False 1 HYBRIDGRID_ERR_003"

ask '
print(status_of(c.compile, "", b"x"), status_of(c.compile, "a.c", b"x", ""))
for path in ("../x.h", "/../x.h", "a/../../x.h", "a//b", "./x.h", ""):
    print(status_of(c.compile, "a.c", b"int x;", "gcc", [], {path: b"x"}))' \
	>out 2>&1
is 'names that lead out of the folder are refused' "$(sort -u out)" \
	"INVALID_ARGUMENT
INVALID_ARGUMENT INVALID_ARGUMENT"

echo secret >"$HOME/secret"
ask '
r = c.compile("a.c", b"int x;", "gcc",
              script("cat /etc/passwd %s/secret; ls /root; exit 1"
                     % os.environ["HOME"]))
print(r.success, r.stdout, "root:" in r.stderr)' >out 2>&1
is 'a compile cannot read files of this machine' "$(cat out)" 'False  False'

# ---- limits ------------------------------------------------------------

HG_WORKER_MAX_SOURCE=1000 HG_WORKER_QUEUE_LIMIT=0
export HG_WORKER_MAX_SOURCE HG_WORKER_QUEUE_LIMIT
worker w2 --max-parallel 1 --timeout 500ms
unset HG_WORKER_MAX_SOURCE HG_WORKER_QUEUE_LIMIT

ask '
r = c.compile("a.c", b"/" * 1001)
print(r.success, r.exit_code, r.stderr.split(":")[0])
print(c.compile("a.c", b"/**/" + b" " * 996).success)' >out 2>&1
is 'a large source is refused by number' "$(cat out)" \
	"False 1 HYBRIDGRID_ERR_002
True"

ask '
start = time.time()
r = c.compile("a.c", b"int x;", "gcc", script("sleep 301.77"))
print(r.success, r.exit_code, r.stderr.split(":")[0], time.time() - start < 10,
      left("301.77"))' >out 2>&1
is 'a time limit ends the compiler and is told by number' "$(cat out)" \
	'False 1 HYBRIDGRID_ERR_005 True 0'

worker w3 --max-parallel 1
ask '
fill = [later(c, script("sleep 302.77")) for _ in range(9)]
wait_active(c, 9)
print(status_of(c.compile, "a.c", b"int x;"))
for f in fill:
    f.cancel()
wait_active(c, 0)
print(status_of(c.compile, "a.c", b"int x;"), len(runs("302.77")))' >out 2>&1
is 'what fits neither slots nor queue is refused' "$(cat out)" \
	"RESOURCE_EXHAUSTED
OK 0"

ask '
f = later(c, script("sleep 303.77"))
wait_runs("303.77")
f.cancel()
start = time.time()
while runs("303.77") and time.time() - start < 5:
    time.sleep(0.005)
took = time.time() - start
print("gone" if took < 0.2 else "after %.3f s" % took)
wait_active(c, 0)
print(c.compile("a.c", b"int x;").success)' >out 2>&1
is 'a cancelled compile is killed within 200 ms' "$(cat out)" "gone
True"

ask '
f = later(c, script("sleep 304.77"), timeout=0.5)
print(f.exception().code().name)
wait_active(c, 0)
print(len(runs("304.77")))' >out 2>&1
is 'a caller'\''s deadline ends the compile' "$(cat out)" "DEADLINE_EXCEEDED
0"

# ---- draining ----------------------------------------------------------

WORKER=$worker_pid
export WORKER
# shellcheck disable=SC2016
ask '
f = later(c, script("sleep 1.5; exec \"$0\" \"$@\""))
wait_active(c, 1)
os.kill(int(os.environ["WORKER"]), 15)
time.sleep(0.3)
print(status_of(Client(sys.argv[1]).compile, "b.c", b"int y;"))
print(f.result().success)' >out 2>&1
is 'SIGTERM: new work is refused, running work finished' "$(cat out)" \
	"UNAVAILABLE
True"
wait "$worker_pid"
is 'a drained worker exits with 0' "$?" 0
ok 'no job folder is left' test -z "$(ls -A "$hg_dir/w3")"

# ---- registration ------------------------------------------------------

cat >coordinator.py <<'PY'
import concurrent.futures
import sys
import threading
import time
import grpc
from specpeer import METHODS, OPTIONS, SERVICE, pb

port = int(sys.argv[1])
seen = threading.Condition()
calls = []
forget = False


def handshake(request, context):
    with seen:
        calls.append("handshake " + request.worker_id)
        seen.notify_all()
    return pb.HandshakeResponse(accepted=True, assigned_id="given")


def health(request, context):
    with seen:
        calls.append("beat " + request.worker_id)
        seen.notify_all()
        if forget:
            context.abort(grpc.StatusCode.NOT_FOUND, "who?")
    return pb.HealthCheckResponse(healthy=True, status="ok")


def serve():
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4),
                         options=OPTIONS)
    handlers = {"Handshake": handshake, "HealthCheck": health}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        SERVICE, {name: grpc.unary_unary_rpc_method_handler(
            fn, request_deserializer=METHODS[name][0].FromString,
            response_serializer=METHODS[name][1].SerializeToString)
            for name, fn in handlers.items()}),))
    server.add_insecure_port("127.0.0.1:%d" % port)
    server.start()
    return server


def expect(*wanted):
    """The calls that come next; the last may be repeated before."""
    with seen:
        for want in wanted:
            if not seen.wait_for(lambda w=want: w in calls, 20):
                print("no", want, calls)
                sys.exit(1)
            del calls[:calls.index(want) + 1]


server = serve()
expect("handshake w4", "beat given", "beat given")
print("joined a coordinator that came later")
forget = True
expect("beat given", "handshake w4")
print("shook hands again when forgotten")
forget = False
expect("beat given")
server.stop(0).wait()
# longer than two heartbeats
time.sleep(0.5)
calls.clear()
server = serve()
expect("handshake w4", "beat given")
print("shook hands again after a restart")
server.stop(0).wait()
PY
port=$("$specpeer_python" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
HG_WORKER_HEARTBEAT=200ms
export HG_WORKER_HEARTBEAT
HG_COORDINATOR=127.0.0.1:$port
worker w4
wait_for 10 grep -q 'not known to the coordinator' "$hg_dir/w4.log"
"$specpeer_python" coordinator.py "$port" >out 2>&1
is 'a worker stays registered whatever the coordinator does' "$(cat out)" \
	"joined a coordinator that came later
shook hands again when forgotten
shook hands again after a restart"
unset HG_WORKER_HEARTBEAT

# ---- the command line --------------------------------------------------

"$hg_bin/hg-worker" serve --listen 0.0.0.0 --port 0 >out 2>&1
is 'an address that others reach needs --insecure' "$?" 77
like 'and the complaint says so' "$(cat out)" '^hg-worker: .*--insecure'
"$hg_bin/hg-worker" serve --port "$(hg_port "$hg_dir/w1.log")" >out 2>&1
is 'a port that is taken is an error' "$?" 69
"$hg_bin/hg-worker" serve nonsense >out 2>&1
is 'a word that is not expected is an error' "$?" 64
"$hg_bin/hg-worker" >out 2>&1
is 'a missing command is an error' "$?" 64
like 'version' "$("$hg_bin/hg-worker" version)" '^hg-worker [0-9]'
like '--help' "$("$hg_bin/hg-worker" --help)" '--max-parallel'
done_testing
