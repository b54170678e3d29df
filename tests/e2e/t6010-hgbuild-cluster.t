#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hgbuild shows coordinator, workers and agent, and builds with them.
. "$(dirname "$0")/lib.sh"

hgbuild=$hg_bin/hgbuild

run()
{
	"$@" >"$hg_dir/out" 2>"$hg_dir/err"
	status=$?
	out=$(cat "$hg_dir/out")
	err=$(cat "$hg_dir/err")
}

# json EXPRESSION: of v, which is what was printed
json()
{
	printf '%s' "$out" | "$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

run "$hgbuild" status
is 'with nothing configured status is fine' $status 0
like 'and says so' "$out" '^coordinator  none is configured$'
like 'no agent is started to be asked' "$out" '^agent  *none runs$'
like 'the cache is shown' "$out" "^cache  *$HG_CACHE_DIR\$"
run "$hgbuild" -C 127.0.0.1:1 status
is 'a coordinator that cannot be reached decides the status' $status 69
like 'which is told on stderr' "$err" '^hgbuild: coordinator 127.0.0.1:1: '
like 'while the rest is shown' "$out" '^cache '

ok 'a cluster starts' hg_start_cluster 2
run "$hgbuild" status
is 'status succeeds' $status 0
like 'the coordinator is healthy' "$out" \
	"^coordinator  $HG_COORDINATOR, version .*, healthy\$"
like 'it has two workers' "$out" '^workers  *2 with [1-9][0-9]* slots$'
run "$hgbuild" -C "127.0.0.1:1,$HG_COORDINATOR" workers
is 'the next coordinator is tried' $status 0
like 'workers have a title' "$out" '^WORKER  *ADDRESS  *ARCH'
like 'and a line each' "$out" '^worker-2  *127\.0\.0\.1:[0-9]* .* ready$'
run "$hgbuild" workers -v
like 'with -v all of it' "$out" 'COMPILERS$'

if [ -n "${PYTHON3:-}" ]; then
	run "$hgbuild" status --json
	is 'status is JSON' "$(json 'v["coordinator"]["workers"]')" 2
	run "$hgbuild" --json workers
	is 'workers are JSON' \
		"$(json 'sorted(w["id"] for w in v)')" "['worker-1', 'worker-2']"
else
	skip 'status is JSON' 'no Python'
	skip 'workers are JSON' 'no Python'
fi

# ---- a build --------------------------------------------------------------

for name in a b c d; do
	printf 'int %s(void) { return 1; }\n' $name >$name.c
done
printf 'all: a.o b.o c.o d.o\n' >Makefile
run "$hgbuild" -v make -s -j4
is 'a build succeeds' $status 0
like 'workers did it' "$err" '^\[remote\] a\.c \(worker-[12]\)$'
like 'all of it' "$err" '^hgbuild: 0 from the cache, 4 remote, 0 local'
rm -f ./*.o
"$hgbuild" cache clear >/dev/null
run "$hgbuild" -v make -s -j4
like "the cluster's cache has it for others" "$err" \
	'^hgbuild: 4 from the cache, 0 remote, 0 local'
rm -f ./*.o
run "$hgbuild" make -s
like 'and ours for us' "$err" '^hgbuild: 4 from the cache'
run "$hgbuild" status
like 'the agent is shown' "$out" \
	'^agent  *process [0-9]*, 8 compiles \(8 remote, 0 local\), 0 running'
rm -f ./*.o
run "$hgbuild" -C 127.0.0.1:1 -v wrap env HG_CACHE_DIR="$hg_dir/third" make -s
is 'without a coordinator the build succeeds all the same' $status 0
like 'and tells why it was local' "$err" '^ *[1-4]  no_coordinator: '
done_testing
