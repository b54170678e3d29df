#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The simulated worker and the load generator that the benchmarks measure with:
# clients and coordinators take them for real ones.
. "$(dirname "$0")/lib.sh"

simworker=$top_builddir/tests/bench/simworker
loadgen=$top_builddir/tests/bench/loadgen
HG_LOG=$hg_dir/launcher.tsv
export HG_LOG

# simulate NAME ARGUMENT...: sets sim_pid
simulate()
{
	s_name=$1
	shift
	"$simworker" --coordinator "$HG_COORDINATOR" \
		--store "$hg_dir/$s_name.store" "$@" \
		>"$hg_dir/$s_name.log" 2>&1 </dev/null &
	sim_pid=$!
	hg_pids="$hg_pids $sim_pid"
	wait_for 30 grep -q '^joined' "$hg_dir/$s_name.log"
}

# compile [ARGUMENT...]: prints how it was done
compile()
{
	: >"$HG_LOG"
	rm -f a.o a.d
	"$hg_bin/hg-launcher" gcc -MD "$@" -c a.c -o a.o &&
		cut -f 4 "$HG_LOG"
}

# value NAME FILE: from what loadgen printed
value()
{
	awk -v name="$1" '$1 == name { print $2 }' "$2"
}

# load ARGUMENT...: what it prints goes to the file load
load()
{
	"$loadgen" --coordinator "$HG_COORDINATOR" "$@" >load
}

has_simulated()
{
	[ "$("$hg_bin/hgbuild" workers | grep -c '^sim-')" -ge "$1" ]
}

printf '#include <stdio.h>\nint a = A;\n' >a.c

ok 'a coordinator starts' hg_start_coordinator
ok 'a simulated worker joins it' simulate one --slots 8 --sleep-ms 10 \
	--object-bytes 3000
is 'a launcher takes its answer' "$(compile -DA=1)" remote
is 'with an object of the size that was set' "$(wc -c <a.o)" 3000
ok 'and a dependency file' grep -q '/stdio.h' a.d
is 'another compile, when it has all contents, too' "$(compile -DA=2)" remote
printf '#include <stdlib.h>\nint a = A;\n' >a.c
is 'and one with other headers' "$(compile -DA=3)" remote

ok 'load is answered' load --connections 2 --concurrency 8 \
	--requests 200
is 'all of it' "$(value status_0 load)" 200
ok 'in the time that compiles take' \
	test "$(value latency_p50_ms load | cut -d . -f 1)" -ge 10
ok 'load at a rate as well' load --rate 200 --requests 100 \
	--bytes 1000 --seed 1
is 'all of it, too' "$(value status_0 load)" 100

hg_stop "$sim_pid"
ok 'one process stands for many workers' simulate many --workers 20 --slots 2
ok 'which are all registered' wait_for 10 has_simulated 20
ok 'and take compiles' load --requests 200 --seed 2
is 'all of them' "$(value status_0 load)" 200
hg_stop "$sim_pid"

if unshare -m true 2>/dev/null; then
	ok 'a real worker stands alone' hg_start_worker real --coordinator ''
	real=127.0.0.1:$(hg_port "$hg_dir/real.log")
	ok 'a simulated one asks a real one' simulate like --like "$real"
	is 'what is answered is real' "$(compile -DA=4)" remote
	gcc -MD -DA=4 -c a.c -o real.o
	ok 'the object is' cmp a.o real.o
	is 'and repeated' "$(compile -DA=5)" remote
	ok 'as it was' cmp a.o real.o
else
	skip 'a simulated one asks a real one' 'no namespaces'
fi
done_testing
