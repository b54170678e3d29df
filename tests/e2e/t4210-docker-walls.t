#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a compile in a container can reach, use up and leave behind, and how it is
# ended. The compile is a shell, which gcc starts in the place of cc1.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/specpeer.sh"
. "$top_srcdir/tests/lib/docker.sh"
cd "$hg_dir/work" || exit 99
HG_COORDINATOR=
HG_DOCKER_SOCKET=$engine_socket
HG_DOCKER_IMAGES=linux-arm64=hg-plain
HG_DOCKER_MEMORY=96M
HG_DOCKER_TMPFS=24M
HG_DOCKER_PIDS=24
export HG_DOCKER_SOCKET HG_DOCKER_IMAGES HG_DOCKER_MEMORY HG_DOCKER_TMPFS
export HG_DOCKER_PIDS
PATH=/usr/sbin:/usr/bin:/sbin:/bin

engine_start || no_engine 'no Docker engine can be started here'
engine_image hg-plain 'ENV PATH=/usr/bin:/bin' || bail_out 'no image'

# worker NAME [ARGUMENT...]
worker()
{
	hg_start_worker "$@" --log-level info || bail_out 'no worker'
	log=$hg_dir/$1.log
	address=127.0.0.1:$(hg_port "$log")
}

# containers N: the engine has so many, running or not
containers()
{
	[ "$(engine ps -aq | wc -l)" -eq "$1" ]
}

# ---- what it can reach -------------------------------------------------

worker w1
w1=$hg_pid
echo secret >"$hg_dir/secret"
ask 'print(inside("ls /sys/class/net"), end="")' >out 2>&1
is 'there is no network' "$(cat out)" lo
ask 'print(inside("for d in / /usr /etc /.hybridgrid /dev/shm; do '\
'(: >$d/x) 2>/dev/null && echo $d; done; echo end"), end="")' >out 2>&1
is 'nothing of the image can be written' "$(cat out)" end
ask 'print(inside("ls -A /.hybridgrid/socket; cat '"$hg_dir/secret"'"), end="")' \
	>out 2>&1
like 'files of this machine are not there, and the socket is not' \
	"$(cat out)" '^cat: .*: No such file or directory$'
ask 'print(inside("while read -r a b; do case $a in Cap[EPB]*|NoNew*) '\
'echo $a $b;; esac; done </proc/self/status"), end="")' >out 2>&1
is 'there are no privileges, and none to be had' "$(cat out)" \
	'CapPrm: 0000000000000000
CapEff: 0000000000000000
CapBnd: 0000000000000000
NoNewPrivs: 1'
ask 'print(inside("cat /proc/1/mem /proc/1/environ /proc/1/fd/3 '\
'/proc/1/fd/4001 2>&1; ls /proc/1/root/ 2>&1; ulimit -n; ulimit -c"), end="")' \
	>out 2>&1
is 'hg-runner cannot be looked into' \
	"$(grep -c 'Permission denied' out) $(grep -vc 'Permission denied' out)" \
	'5 2'
is 'limits are set' "$(tail -n 2 out)" '4096
0'
ask 'print(inside("kill -9 1; kill -STOP 1; echo still here"), end="")' \
	>out 2>&1
is 'hg-runner cannot be killed' "$(cat out)" 'still here'

# ---- what it leaves ----------------------------------------------------

ask 'inside("echo mine >/tmp/left; mkdir -m 000 d; echo mine >left; '\
'sleep 1000 >/dev/null 2>&1 &")
print(inside("ls -A /tmp /build; cat /proc/[0-9]*/cmdline 2>/dev/null"))' \
	>out 2>&1
is 'neither files nor processes stay for the next compile' \
	"$(tr '\0' ' ' <out | grep -cE 'left|sleep|^d$')" 0
is 'all of this took one container' "$(started "$log")" 1

# ---- what it can use up ------------------------------------------------

ask 'r = build(args=script("cat /dev/zero >/tmp/x; exit 1"))' >out 2>&1
like 'a full folder is not the user'\''s fault' "$(cat out)" \
	'No space left on device'
ask 'n = inside("i=0; while [ $i -lt 60 ]; do sleep 20 & i=$((i + 1)); done")
print("fork" in n or "Resource temporarily" in n)' >out 2>&1
like 'processes are limited' "$(cat out)" 'True|Resource temporarily'
case $(engine info -f '{{.MemoryLimit}}') in
true)
	ask 'x = "x=0123456789abcdef; while :; do x=$x$x; done"
print(status_of(build, args=script(x)))' >out 2>&1
	is 'memory is limited' "$(cat out)" INTERNAL
	;;
*)
	skip 'memory is limited' 'the engine cannot, on this machine'
	;;
esac
ask 'print(build(b"int after;").success)' >out 2>&1
is 'the next compile is as if nothing had been' "$(cat out)" True
hg_stop "$w1"
ok 'and no container stays' wait_for 10 containers 0

# ---- how it is ended ---------------------------------------------------

HG_DOCKER_RECYCLE=3 worker w2 --timeout 2s
w2=$hg_pid
ask 'start = time.monotonic()
r = build(args=script("sleep 100"))
print(r.stderr.split(": ")[0:2], time.monotonic() - start < 6)' >out 2>&1
is 'the time limit ends it' "$(cat out)" \
	"['HYBRIDGRID_ERR_005', 'Compilation timeout'] True"
ok 'and its container' wait_for 10 containers 0
ask 'for i in range(7): build(b"int x%d;" % i)' >out 2>&1
is 'a container is replaced after its number of compiles' \
	"$(started "$log")" 4
ok 'the engine keeps only the last' wait_for 10 containers 1
ask 'future = call.future(request(args=script("sleep 100")), timeout=60)
for _ in range(200):
    if c.health().active_tasks: break
    time.sleep(0.02)
time.sleep(0.5)
future.cancel()
for _ in range(200):
    if not c.health().active_tasks: break
    time.sleep(0.02)
print(c.health().active_tasks)' >out 2>&1
is 'a caller that leaves ends it' "$(cat out)" 0
ok 'and its container, too' wait_for 10 containers 0
ask 'print(build(b"int y;").success)' >out 2>&1
is 'the worker goes on' "$(cat out)" True
hg_kill "$w2"
ok 'a worker that is killed leaves no container' wait_for 10 containers 0

# ---- after a fall ------------------------------------------------------

engine run --network none --label hybridgrid.worker=1 hg-plain /bin/sh -c : \
	>/dev/null
engine run --network none hg-plain /bin/sh -c : >/dev/null
ok 'two old containers are there' containers 2
worker w3
ok 'a worker removes the one that was ours' wait_for 10 containers 1
ask 'print(build().success)' >out 2>&1
is 'and works' "$(cat out)" True
hg_stop "$hg_pid"
engine_stop
is 'nothing stays mounted' "$(engine_mounts)" ''
done_testing
