#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Whatever is killed, missing or silent: the build succeeds, its objects are
# right, and what is lost is a bounded wait once, not once per compile.
. "$(dirname "$0")/lib.sh"

launcher=$hg_bin/hg-launcher
files=40

# Sources that take the compiler some tenths of a second each
write_project()
{
	mkdir src
	i=0
	while [ $i -lt $files ]; do
		awk -v n=$i 'BEGIN {
			print "#include \"common.h\""
			for (f = 0; f < 8; f++) {
				printf "int f%d_%d(int x, struct s *s)\n{\n", n, f
				for (k = 0; k < 12; k++)
					printf "\ts->v[x %% %d] += x * %d;\n" \
						"\tif (x > %d) x ^= s->v[%d];\n",
						k + 2, f + k, n * k, k
				print "\treturn x;\n}"
			}
		}' >src/f$i.c
		i=$((i + 1))
	done
	echo 'struct s { int v[64]; };' >src/common.h
	cat >Makefile <<-'END'
		objects = $(patsubst src/%.c,out/%.o,$(wildcard src/*.c))
		all: $(objects)
		out/%.o: src/%.c; $(LAUNCHER) gcc -O1 -g -MD $(NEW) -c $< -o $@
	END
}

# build LAUNCHER JOBS: compiles that the coordinator has not seen, same objects
build()
{
	builds=$((${builds:-0} + 1))
	rm -rf out
	mkdir out
	: >"$hg_dir/compiles"
	HG_LOG=$hg_dir/compiles make -j"$2" LAUNCHER="$1" \
		NEW="-D BUILD_$builds"
}

# What differs from the direct build, one a line
differences()
{
	diff -rq out "$hg_dir/direct"
}

# New cache, new agent, nothing remembered
forget()
{
	for pid in $(hg_agents); do
		hg_stop "$pid"
	done
	rm -rf "$HG_CACHE_DIR" "$XDG_RUNTIME_DIR"
	mkdir -m 0700 "$XDG_RUNTIME_DIR"
}

logged()
{
	[ "$(grep -c '^v1' "$hg_dir/compiles")" -ge "$1" ]
}

count()
{
	awk -F '\t' -v r="$1" '$4 == r { n++ } END { print n + 0 }' \
		"$hg_dir/compiles"
}

has_agent()
{
	[ -n "$(hg_agents)" ]
}

# killed_midway WHAT COMMAND...: the command kills it once some compiles are done
killed_midway()
{
	what=$1
	shift
	forget
	: >"$hg_dir/compiles"
	builds=$((builds + 1))
	build "$launcher" 4 >"$hg_dir/make.out" 2>&1 &
	make_pid=$!
	ok "$what: compiles get done" wait_for 60 logged 6
	ok "$what: killed" "$@"
	wait "$make_pid"
	is "$what: the build succeeds" $? 0
	empty "$what: its objects are right" "$(differences)"
	is "$what: every compile is accounted for" \
		"$(grep -c '^v1' "$hg_dir/compiles")" $files
	[ "$(count remote)" -gt 0 ]
	report $? "$what: some compiles were remote ($(count remote) of $files)"
}

kill_worker()
{
	hg_kill "$(hg_worker_pid worker-1)"
}

kill_coordinator()
{
	hg_kill "$hg_coord_pid"
}

kill_agents()
{
	wait_for 10 has_agent || return
	for pid in $(hg_agents); do
		hg_kill "$pid"
	done
}

now_ms()
{
	echo $(($(date +%s%N) / 1000000))
}

# timed_build: sets took_ms
timed_build()
{
	forget
	start=$(now_ms)
	build "$launcher" 2
	timed_status=$?
	took_ms=$(($(now_ms) - start))
	return $timed_status
}

# useless NAME COORDINATOR
useless()
{
	HG_COORDINATOR=$2
	export HG_COORDINATOR
	ok "$1: the build succeeds" timed_build
	empty "$1: its objects are right" "$(differences)"
	is "$1: nothing was remote" "$(count remote)" 0
	is "$1: each compile says so" "$(count no_coordinator)" $files
	# a wait of two seconds for each compile would be 40 s more
	[ $took_ms -le $((local_ms * 2 + 8000)) ]
	report $? "$1: $took_ms ms, a local build $local_ms ms"
}

# A server that accepts and says nothing; prints its port
start_silent_server()
{
	"$PYTHON3" -c '
import socket, sys, time
s = socket.create_server(("127.0.0.1", 0))
print("ready", s.getsockname()[1], flush=True)
held = []
while True:
    held.append(s.accept())
' >"$hg_dir/silent.log" 2>&1 </dev/null &
	hg_pids="$hg_pids $!"
	wait_for 10 grep -q ready "$hg_dir/silent.log"
}

PYTHON3=${PYTHON3:-python3}
write_project
ok 'a direct build' build '' 2 || done_testing
mv out "$hg_dir/direct"

ok 'a coordinator and two workers start' hg_start_cluster 2 || done_testing
killed_midway 'a worker killed' kill_worker
ok 'the worker comes back' hg_start_worker worker-1
killed_midway 'the agent killed' kill_agents
killed_midway 'the coordinator killed' kill_coordinator
for pid in $hg_pids; do
	hg_stop "$pid"
done

unset HG_COORDINATOR
ok 'a local build without a cluster' timed_build
local_ms=$took_ms
empty 'its objects are right' "$(differences)"
is 'each compile was a miss' "$(count miss)" $files

# port 1 of loopback: nobody listens
useless 'no coordinator' 127.0.0.1:1
useless 'a name that does not exist' coordinator.invalid:9000
ok 'a server that never answers starts' start_silent_server
useless 'a coordinator that never answers' \
	"127.0.0.1:$(sed -n 's/^ready //p' "$hg_dir/silent.log")"
done_testing
