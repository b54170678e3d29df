#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles in containers of a real Docker engine: which requests, in which image,
# warm, and what happens without the engine.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/specpeer.sh"
. "$top_srcdir/tests/lib/docker.sh"
cd "$hg_dir/work" || exit 99
HG_COORDINATOR=
HG_WORKER_HEARTBEAT=1s
HG_DOCKER_SOCKET=$engine_socket
HG_DOCKER_IMAGES="linux-arm64=hg-cross linux-s390x=hg-plain linux-amd64=hg-plain"
export HG_WORKER_HEARTBEAT HG_DOCKER_SOCKET HG_DOCKER_IMAGES
# of an unusual toolchain on this machine
unset CPATH LIBRARY_PATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH
PATH=/usr/sbin:/usr/bin:/sbin:/bin

# sees_docker True|False: what the coordinator or worker at $address says
sees_docker()
{
	[ "$(ask 'print(c.status().workers[0].capabilities.docker_available)')" = \
		"$1" ]
}

# ---- without an engine -------------------------------------------------

hg_start_coordinator || bail_out 'no coordinator'
HG_DOCKER_IMAGES=linux-arm64=hg-cross hg_start_worker w1 --log-level info ||
	bail_out 'no worker'
w1=$hg_pid
at_worker=127.0.0.1:$(hg_port "$hg_dir/w1.log")
at_coordinator=$HG_COORDINATOR
address=$at_worker
ask 'r = build()
print(r.success, r.exit_code, len(r.object_file))
print(r.stderr, end="")' >out 2>&1
like 'what needs Docker is refused by the error of the specification' \
	"$(tr '\n' ' ' <out)" \
	"^False 1 0 HYBRIDGRID_ERR_004: Docker not available: $engine_socket: "
ask 'print(build(arch="sparc").stderr.split(":")[0])
print(build(arch="riscv64").stderr.split(":")[0])
print(build(arch="", system="windows").stderr.split(":")[0])
print(build(arch="", system="").success, build(arch="amd64").success)' \
	>out 2>&1
is 'so is any target that has an image; others are not supported' \
	"$(cat out)" 'HYBRIDGRID_ERR_003
HYBRIDGRID_ERR_004
HYBRIDGRID_ERR_004
True True'
ok 'the worker does not claim to have Docker' sees_docker False
address=$at_coordinator
ask 'print(build().stderr.split(":")[0])' >out 2>&1 || echo refused >out
is 'through the coordinator nobody can do it either' "$(cat out)" refused

hg_start_worker native --executor native --coordinator ''
address=127.0.0.1:$(hg_port "$hg_dir/native.log")
ask 'print(build().stderr.split(":")[0])' >out 2>&1
is 'a native worker has no images' "$(cat out)" HYBRIDGRID_ERR_003
hg_stop "$hg_pid"
for bad in 'worker_executor podman' 'docker_images arm64=x' \
	'docker_images linux-arm64=' 'docker_pids 1' 'docker_memory 1M'; do
	name=HG_$(echo "${bad% *}" | tr '[:lower:]' '[:upper:]')
	ok "a worker with $bad does not start" \
		sh -c "! $name=\${1#* } $hg_bin/hg-worker serve --port 0" - "$bad"
done

# ---- the engine comes --------------------------------------------------

if ! engine_start; then
	[ -z "${CI:-}" ] || bail_out 'no Docker engine can be started here'
	skip 'compiles in containers' 'no Docker engine can be started here'
	done_testing
fi
engine_image hg-plain 'ENV PATH=/usr/bin:/bin' || bail_out 'no image'
engine_image hg-cross 'ENV PATH=/usr/bin:/bin' \
	"ENV CC=/usr/bin/$(gcc -dumpmachine)-gcc" || bail_out 'no image'
address=$at_coordinator
ok 'it is noticed, and the coordinator told' wait_for 20 sees_docker True

printf '#include "x.h"\n#include <y.h>\nint f(int a) { return a * X + Y; }\n' >a.c
mkdir inc
echo '#define X 3' >inc/x.h
echo '#define Y 4' >inc/y.h
gcc -O2 -g0 -Iinc -c a.c -o here.o || bail_out 'no gcc'
ask 'r = build(open("a.c", "rb").read(), args=["-O2", "-Iinc", "-c", "a.c",
    "-o", "out/a.o"], includes={"inc/x.h": open("inc/x.h", "rb").read(),
    "inc/y.h": open("inc/y.h", "rb").read()})
open("there.o", "wb").write(r.object_file)
print(r.success, r.exit_code, repr(r.stdout), repr(r.stderr), r.worker_id)' \
	>out 2>&1
is 'a compile for another target is done in its image' "$(cat out)" \
	"True 0 '' '' w1"
ok 'the object is what that compiler makes' cmp here.o there.o
echo 'int f(void) { return nothing; }' >bad.c
gcc -c bad.c 2>bad.err
sed -i 's/bad\.c/a.c/' bad.err
ask 'r = build(open("bad.c", "rb").read())
print(r.success, r.exit_code, len(r.object_file))
print(r.stderr, end="")' >out 2>&1
is 'an error of the code is the compiler'\''s' "$(cat out)" "False 1 0
$(cat bad.err)"
address=$at_worker
ask 'print(build(compiler="clang").stderr, end="")
print(build(compiler="sh").stderr.split(":")[0])
print(build(arch="riscv64").stderr, end="")' >out 2>&1
like 'a compiler or an image that is not there is named' \
	"$(tr '\n' ' ' <out)" '^HYBRIDGRID_ERR_001: Compiler not found: '\
'no clang in image hg-cross, .* HYBRIDGRID_ERR_001 HYBRIDGRID_ERR_003: '\
'Unsupported target: linux riscv64 needs image dockcross/linux-riscv64, .*pull'

# ---- warm --------------------------------------------------------------

is 'one container was started for all of that' "$(started "$hg_dir/w1.log")" 1
ask 't = sorted(times(20))
print("# warm compile in a container: %.1f ms" % t[10])
n = sorted(times(20, arch=""))
print("# the same in the sandbox: %.1f ms" % n[10])
print("ok" if t[10] < 150 else t)' >out 2>&1
grep '^#' out
is 'a warm compile does not pay for a container' "$(tail -n 1 out)" ok
is 'twenty more needed no other' "$(started "$hg_dir/w1.log")" 1
ask 'results = []
def one(i):
    results.append(build(b"int y%d;" % i, args=script("sleep 1; exit 3")))
threads = [threading.Thread(target=one, args=(i,)) for i in range(2)]
start = time.monotonic()
[t.start() for t in threads]
[t.join() for t in threads]
print(len(results), time.monotonic() - start < 1.9)' >out 2>&1
is 'two compiles at once run beside each other' "$(cat out)" '2 True'
is 'in a container each' "$(started "$hg_dir/w1.log")" 2
is 'the engine has just these' "$(engine ps -aq | wc -l)" 2

# ---- for our own clients -----------------------------------------------

hg_stop "$w1"
is 'a worker that ends leaves no container' \
	"$(wait_for 10 sh -c "! docker -H unix://$engine_socket ps -aq | grep -q .";
		engine ps -aq)" ''
hg_start_worker worker-2 --executor docker --log-level info || bail_out 'no worker'
w2=$hg_pid
wait_for 15 hg_has_workers 1
mkdir -p "$HOME/p/inc"
cd "$HOME/p" || exit 99
printf '#include <stddef.h>\n#include "x.h"\n%s\n' \
	'const char *f(size_t n) { return X __FILE__ + n; }' >a.c
echo '#define X "x"' >inc/x.h
gcc -g -O2 -Iinc -MD -c a.c -o here.o && mv here.d here.d.kept
HG_LOG=$hg_dir/log HG_NO_FALLBACK=1 \
	"$hg_bin/hg-launcher" gcc -g -O2 -Iinc -MD -c a.c -o here2.o
is 'a client of ours has its compile done in a container' \
	"$(cut -f 4 "$hg_dir/log")" remote
ok 'to the same bytes, debug information included' cmp here.o here2.o
ok 'with all outputs' test -s here2.d
is 'in one container' "$(started "$hg_dir/worker-2.log")" 1
for i in 1 2 3; do
	"$hg_bin/hg-launcher" gcc -g -O2 -Iinc -DN=$i -c a.c -o "n$i.o"
done
is 'which the next ones find' "$(started "$hg_dir/worker-2.log")" 1
ln -s inc/x.h link.h
HG_LOG=$hg_dir/log2 HG_NO_FALLBACK=1 "$hg_bin/hg-launcher" \
	gcc -g -O2 -Iinc -include link.h -c a.c -o link.o 2>err
is 'links among the inputs are the client'\''s' \
	"$(cut -f 4 "$hg_dir/log2")" remote
echo 'int not_in_the_image(void);' >/usr/include/hg-test-$$.h
echo "#include <hg-test-$$.h>" >b.c
HG_LOG=$hg_dir/log3 HG_NO_FALLBACK=1 "$hg_bin/hg-launcher" \
	gcc -g -c b.c -o b.o 2>err
rm -f "/usr/include/hg-test-$$.h"
is 'system headers are the client'\''s, not the image'\''s' \
	"$(cut -f 4 "$hg_dir/log3")" remote
hg_stop "$w2"
printf x >>"$hg_dir/image-root/$(readlink -f "$(gcc -print-prog-name=cc1)")"
engine_image hg-other 'ENV PATH=/usr/bin:/bin' || bail_out 'no image'
HG_DOCKER_IMAGES=linux-amd64=hg-other hg_start_worker worker-3 \
	--executor docker --log-level info || bail_out 'no worker'
w3=$hg_pid
wait_for 15 hg_has_workers 1
HG_LOG=$hg_dir/log4 "$hg_bin/hg-launcher" gcc -g -O2 -Iinc -DM -c a.c -o m.o
gcc -g -O2 -Iinc -DM -c a.c -o m2.o
is 'an image with another compiler is of no use to it' \
	"$(started "$hg_dir/worker-3.log") $(cut -f 4 "$hg_dir/log4")" \
	'1 no_toolchain'
ok 'and does no harm' cmp m.o m2.o
hg_stop "$w3"
HG_DOCKER_IMAGES=linux-amd64=hg-other hg_start_worker worker-4 \
	--log-level info || bail_out 'no worker'
w4=$hg_pid
wait_for 15 hg_has_workers 1
HG_LOG=$hg_dir/log5 "$hg_bin/hg-launcher" gcc -g -O2 -Iinc -DK -c a.c -o k.o
gcc -g -O2 -Iinc -DK -c a.c -o k2.o
is 'where not everything has to be in containers it brings its own' \
	"$(cut -f 4 "$hg_dir/log5")" remote
ok 'for the same bytes' cmp k.o k2.o
hg_stop "$w4"
hg_start_worker worker-2 --executor docker --log-level info ||
	bail_out 'no worker'
w2=$hg_pid
cd "$hg_dir/work" || exit 99

# ---- the engine goes and comes -----------------------------------------

address=127.0.0.1:$(hg_port "$hg_dir/worker-2.log")
ask 'print(build().success)' >out 2>&1
engine_kill
ask 'print(build(b"int z;").success)
print(build(arch="s390x").stderr.split(":")[0:2])' >>out 2>&1
is 'without the engine warm containers go on, and no new one comes' \
	"$(cat out)" "True
True
['HYBRIDGRID_ERR_004', ' Docker not available']"
address=$at_coordinator
ok 'the coordinator hears of it' wait_for 20 sees_docker False
ok 'the engine comes back' engine_start
address=127.0.0.1:$(hg_port "$hg_dir/worker-2.log")
ask 'print(build(arch="s390x").success, build().success)' >out 2>&1
is 'and with it new containers, without a restart of ours' "$(cat out)" \
	'True True'
address=$at_coordinator
ok 'the coordinator hears of that too' wait_for 20 sees_docker True
hg_stop "$w2"
engine_stop
is 'nothing stays mounted' "$(engine_mounts)" ''
done_testing
