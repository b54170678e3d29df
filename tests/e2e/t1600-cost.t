#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a hit may cost, in instructions and in system calls, which no busy machine
# changes. The bounds are about twice what it takes today: a test that fails here
# has found a regression, not noise.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/e2e/same.sh"

# a search path that is the same everywhere
PATH=/usr/local/bin:/usr/bin:/bin

n=200
mkdir inc out
i=0
while [ $i -lt $n ]; do
	echo "int h$i;" >inc/h$i.h
	echo "#include \"h$i.h\""
	i=$((i + 1))
done >many.c
echo 'int add(int a, int b) { return a + b; }' >one.c
sleep 0.03
compile()
{
	"$@" "$launcher" gcc -g -Iinc -MD -MF out/a.d -c "$source" -o out/a.o
}

# counted SOURCE: instructions of a hit; valgrind preloads, which enters the key.
# A miss may leave a process that cleans the cache and writes its count later.
counted()
{
	source=$1
	for run in miss hit; do
		compile valgrind -q --tool=callgrind \
			--callgrind-out-file="$hg_dir/$source.$run.%p" \
			>"$hg_dir/valgrind.log" 2>&1
	done
	cat "$hg_dir/$source".hit.* | awk '/^(summary|totals):/ && !seen++ {
		print $2 }'
}

if ! command -v valgrind >/dev/null; then
	skip 'instructions' 'valgrind is not installed'
elif ! valgrind -q --tool=none "$launcher" --version >"$t_output" 2>&1 ||
	grep -q __asan_init "$launcher"; then
	skip 'instructions' 'valgrind cannot run this build of the launcher'
else
	one=$(counted one.c)
	is 'what was counted is a hit' "$(last_reason)" hit
	many=$(counted many.c)
	is 'with many headers, too' "$(last_reason)" hit
	diag "$one instructions; $(((many - one) / n)) a header"
	ok 'a hit takes at most 250,000 instructions' [ "$one" -le 250000 ]
	ok 'and 1,000 a header' [ $(((many - one) / n)) -le 1000 ]
fi

# calls SOURCE: system calls of a hit
calls()
{
	source=$1
	compile env && compile strace -o "$hg_dir/calls" &&
		grep -c '(' "$hg_dir/calls"
}

if ! strace -o "$hg_dir/calls" "$launcher" --version >"$t_output" 2>&1; then
	skip 'system calls' 'strace is not installed, or not allowed'
else
	compile_count=$(calls one.c)
	is 'what was traced is a hit' "$(last_reason)" hit
	many=$(calls many.c)
	diag "$compile_count system calls; with $n headers $many"
	ok 'a hit takes at most 160 system calls' [ "$compile_count" -le 160 ]
	ok 'and one a header' [ $((many - compile_count)) -le $((n + 10)) ]
fi

done_testing
