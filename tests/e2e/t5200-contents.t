#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Only what is missing travels: contents go once, stay over restarts, and serve
# other clients; a worker without compiler and headers gets both.
. "$(dirname "$0")/lib.sh"

HG_AGENT_LOG=$hg_dir/agent.log
HG_LOG=$hg_dir/launcher.log
# what is tested is what happens on a miss
HG_CACHE_DIRECT=false
# rows of the request's key, so that no compile is answered from the cache
HG_COORDINATOR_CACHE_SIZE=0
export HG_AGENT_LOG HG_LOG HG_CACHE_DIRECT HG_COORDINATOR_CACHE_SIZE

# compile NAME COMMAND...: through the launcher; its object is the compiler's
compile()
{
	c_name=$1
	shift
	# objects may hold their own names
	"$@" -o got.o 2>"$hg_dir/said"
	mv got.o want.o
	"$hg_bin/hg-launcher" "$@" -o got.o 2>"$hg_dir/said"
	is "$c_name: done by a worker" \
		"$(tail -n 1 "$HG_LOG" | cut -f 4,10)" "$(printf 'remote\t-')"
	ok "$c_name: the same object" cmp want.o got.o
}

# Bytes of the last compile's requests.
sent()
{
	sed -n 's/.* msg="compile" .* sent=\([0-9]*\) .*/\1/p' "$HG_AGENT_LOG" |
		tail -n 1
}

# below NAME BYTES LIMIT
below()
{
	[ "$2" -lt "$3" ]
	report $? "$1" || diag "$2 bytes"
}

above()
{
	[ "$2" -gt "$3" ]
	report $? "$1" || diag "$2 bytes"
}

restart_worker()
{
	hg_stop "$(hg_worker_pid worker-1)"
	hg_start_worker worker-1
	wait_for 15 hg_has_workers 1
}

# A client with a home of its own: another agent, which knows nothing.
other_client()
{
	mkdir -m 0700 "$hg_dir/run2"
	XDG_RUNTIME_DIR=$hg_dir/run2 HG_AGENT_LOG=$hg_dir/agent2.log "$@"
}

no_agents()
{
	[ -z "$(hg_agents)" ]
}

mkdir inc
awk 'BEGIN { for (i = 0; i < 40000; i++) printf "#define N%d %d\n", i, i * 7919 }' \
	>inc/big.h
echo '#define X 1' >inc/x.h
cat >a.c <<'END'
#include <stdio.h>
#include "big.h"
#include "x.h"
int f(void) { return printf("%d %d", X, N3); }
END
printf '#include <iostream>\nint main() { std::cout << 1; }\n' >b.cc

hg_start_cluster 1
compile 'first' gcc -g -O2 -Iinc -c a.c
above 'the first takes the headers along' "$(sent)" 100000
compile 'again' gcc -g -O1 -Iinc -c a.c
below 'then nothing travels but names' "$(sent)" 6000
echo 'int g(void) { return 2; }' >>a.c
compile 'changed source' gcc -g -O1 -Iinc -c a.c
below 'a changed source travels alone' "$(sent)" 6000
sleep 0.2
echo '#define X 2' >inc/x.h
compile 'changed header' gcc -g -O1 -Iinc -c a.c
below 'a changed header travels alone' "$(sent)" 6000

other_client "$hg_bin/hg-launcher" gcc -g -O1 -Iinc -c a.c -o other.o
HG_AGENT_LOG=$hg_dir/agent2.log
ok 'a second client gets the same object' cmp got.o other.o
below 'and uploads no header' "$(sent)" 9000
HG_AGENT_LOG=$hg_dir/agent.log

case $(uname -m) in
x86_64)
	compile 'this processor' gcc -g -O3 -march=native -Iinc -c a.c
	compile 'tuned for this processor' gcc -g -O3 -mtune=native -Iinc -c a.c
	compile 'this processor but for' \
		gcc -g -O3 -march=native -mno-avx -mtune=generic -Iinc -c a.c
	;;
esac

restart_worker
compile 'worker restarted' gcc -g -Iinc -c a.c
below 'it has kept what it had' "$(sent)" 6000
like 'and was sent nothing' \
	"$(grep -c 'lacks contents' "$hg_dir/coord.log")" '^0$'

hg_stop "$hg_coord_pid"
hg_start_coordinator "${HG_COORDINATOR##*:}" --log-level debug
wait_for 30 hg_has_workers 1
compile 'coordinator restarted' gcc -g -O3 -Iinc -c a.c
below 'it has kept what it had, too' "$(sent)" 6000

hg_start_worker worker-2
wait_for 15 hg_has_workers 2
hg_stop "$(hg_worker_pid worker-1)"
compile 'another worker' gcc -O3 -Iinc -c a.c
below 'is given the headers by the coordinator' "$(sent)" 6000
like 'which told so' "$(cat "$hg_dir/coord.log")" 'worker lacks contents'
hg_stop "$(hg_worker_pid worker-2)"

# --- what the compile did not read does not matter -----------------------------

hg_stop "$hg_coord_pid"
HG_COORDINATOR_CACHE_SIZE=100M hg_start_coordinator
hg_start_worker worker-4
wait_for 15 hg_has_workers 1
echo 'int unused;' >inc/never.h
printf '#ifdef NEVER\n#include "never.h"\n#endif\n#include "x.h"\nint n = X;\n' >n.c
sleep 0.2
compile 'a result to keep' gcc -g -Iinc -c n.c
sleep 0.2
echo 'long unused;' >inc/never.h
gcc -g -Iinc -c n.c -o got.o
mv got.o want.o
"$hg_bin/hg-launcher" gcc -g -Iinc -c n.c -o got.o
is 'another header that was not read: the kept result' \
	"$(tail -n 1 "$HG_LOG" | cut -f 4)" remote_hit
ok 'is the same object' cmp want.o got.o
sleep 0.2
echo '#define X 5' >inc/x.h
compile 'another header that was read' gcc -g -Iinc -c n.c
# found before x.h of inc
echo '#define X 6' >x.h
compile 'a header that was missing is there' gcc -g -Iinc -c n.c
rm x.h
hg_stop "$(hg_worker_pid worker-4)"
hg_stop "$hg_coord_pid"
hg_start_coordinator

# --- a machine without compilers ---------------------------------------------

if ! "$top_srcdir/tests/e2e/bare-machine" true; then
	skip 'a worker without compiler gets it' 'no namespaces'
else
	hg_worker_in=$top_srcdir/tests/e2e/bare-machine
	hg_start_worker worker-3
	wait_for 15 hg_has_workers 1
	compile 'bare worker, C' gcc -g -O2 -Iinc -c a.c
	above 'gets the compiler' "$(sent)" 5000000
	compile 'bare worker, split debug information' \
		gcc -g -gsplit-dwarf -O2 -Iinc -c a.c
	below 'once' "$(sent)" 20000
	compile 'bare worker, C++' g++ -g -O2 -c b.cc
	printf 'q: .long 1\n' >s.s
	compile 'bare worker, assembler' gcc -c s.s
	compile 'bare worker, warnings' gcc -Wall -c a.c -Iinc
	cross=aarch64-linux-gnu-gcc
	if command -v $cross >/dev/null; then
		compile 'bare worker, cross compiler' $cross -g -O2 -Iinc -c a.c
	fi
	if command -v clang >/dev/null; then
		compile 'bare worker, Clang' clang -g -O2 -Iinc -c a.c
		compile 'bare worker, Clang, C++' clang++ -g -O2 -c b.cc
	fi
	hg_worker_in=
fi

"$hg_bin/hg-agent" --help >/dev/null
for pid in $(hg_agents); do
	kill "$pid"
done
ok 'the agents end' wait_for 10 no_agents
done_testing
