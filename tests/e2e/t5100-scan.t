#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Inputs are found by looking at sources, without a preprocessor on this machine:
# for all usual ways to include, and with the right object also where the look
# misses something.
. "$(dirname "$0")/lib.sh"

client=$top_builddir/tests/lib/agent_client
agent=$hg_bin/hg-agent
HG_AGENT_LOG=$hg_dir/agent.log
export HG_AGENT_LOG

# compile SOURCE [ARGUMENT...]: what the client tells. The object is out.o
compile()
{
	co_source=$1
	shift
	rm -f out.o
	"$client" -a "$agent" -C "$HG_COORDINATOR" compile "$co_source" out.o \
		"$(command -v "${compiler:-gcc}")" "$@" -c "$co_source" -o out.o
}

# found: how the inputs of the last compile were found
found()
{
	sed -n 's/.*msg="inputs".* found=\([a-z]*\) .*/\1/p' "$HG_AGENT_LOG" |
		tail -n 1
}

# same NAME HOW SOURCE [ARGUMENT...]: remote, found so, the object a local one's
same()
{
	sa_name=$1
	sa_how=$2
	shift 2
	sa_said=$(compile "$@")
	sa_source=$1
	shift
	like "$sa_name" "$sa_said" '^reason=remote(_hit)? exit=0 '
	is "$sa_name: found" "$(found)" "$sa_how"
	"${compiler:-gcc}" "$@" -c "$sa_source" -o want.o
	ok "$sa_name: object" cmp out.o want.o
}

ok 'a cluster starts' hg_start_cluster 1

# --- ways to include ---------------------------------------------------------

mkdir -p inc/sub sys/sub next1 next2 quote after src real
echo '#define A 1' >inc/a.h
echo '#include "b.h"
#include "../src/../inc/a.h"' >inc/sub/deep.h
echo '#define B 2' >inc/sub/b.h
echo '#define S 3' >sys/sub/s.h
printf '#include_next <n.h>\n#define N1 4\n' >next1/n.h
echo '#define N2 5' >next2/n.h
echo '#define Q 6' >quote/q.h
echo '#define Z 7' >after/z.h
echo '#define FORCED 8' >src/forced.h
echo '#define R 9' >real/r.h
ln -s real link
ln -s ../real/r.h src/l.h
echo '#define C "computed.h"
#define ALIAS C' >src/names.h
echo '#define COMPUTED 10' >src/computed.h
echo '#define GIVEN 11' >src/given.h
printf blob >blob.bin
cat >src/all.c <<'END'
#include <a.h>
#include <sub/deep.h>
#include <sub/s.h>
#include <n.h>
#include "q.h"
#include <z.h>
#include "../link/r.h"
#include "l.h"
#include "names.h"
#include ALIAS
#include GIVEN_H
#if __has_include(<sub/b.h>) && !__has_include("none.h")
int has = FORCED;
#endif
#ifdef NEVER
#include FUNCTION(x)
#include "nowhere.h"
#endif
int all[] = { A, B, S, N1, N2, Q, Z, R, COMPUTED, GIVEN };
__asm__(".section .rodata\n.incbin \"blob.bin\"\n.text\n");
END
# the function needs a preprocessor, and that knows nothing of the assembler
sed '/FUNCTION/d' src/all.c >src/most.c
sed -i '/incbin/d' src/all.c
options='-g -Iinc -isystem sys -Inext1 -I next2 -iquote quote -idirafter after'
options="$options -include src/forced.h -DGIVEN_H=<given.h> -Isrc -Imissing"
# words
# shellcheck disable=SC2086
same 'all ways to include' scanned src/most.c $options
# shellcheck disable=SC2086
compiler=clang same 'all of them for clang' scanned src/most.c $options
# shellcheck disable=SC2086
same 'a name that a macro makes' computed src/all.c $options

printf '#include <iostream>\nint main() { std::cout << 1; }\n' >io.cc
compiler=g++ same 'a C++ source' scanned io.cc -O2 -g
compiler=clang++ same 'a C++ source for clang' scanned io.cc -O2 -g
printf '#include "inc/a.h"\n.incbin "blob.bin"\n' >as.S
same 'assembler' scanned as.S
CPATH=inc
export CPATH
echo '#include <a.h>
int a = A;' >cpath.c
same 'folders of the environment' scanned cpath.c
unset CPATH
compiler=x86_64-linux-gnu-gcc same 'a compiler named for its target' \
	scanned src/most.c -Iinc -Isys -Inext1 -Inext2 -Iquote -Iafter \
	-includesrc/forced.h '-DGIVEN_H="given.h"'

# --- changes -----------------------------------------------------------------

echo '#include <a.h>
int a = A;' >change.c
same 'before a change' scanned change.c -Inext1 -Iinc
echo '#define A 77' >inc/a.h
same 'a changed header' scanned change.c -Inext1 -Iinc
echo '#define A 78' >next1/a.h
same 'a header that comes first now' scanned change.c -Inext1 -Iinc
rm next1/a.h
same 'and is gone again' scanned change.c -Inext1 -Iinc
mkdir moved
mv inc/a.h moved
ln -s ../moved/a.h inc/a.h
same 'a header that became a link' scanned change.c -Inext1 -Iinc
mv inc inc.old
ln -s inc.old inc
same 'a folder that became a link' scanned change.c -Inext1 -Iinc

# --- what a look at the source misses ----------------------------------------

cat >late.c <<'END'
#define NAME "blob.bin"
__asm__(".section .rodata\n.incbin \"" NAME "\"\n.text\n");
END
like 'what was missed is noticed' "$(compile late.c)" \
	'^reason=inputs_differ detail=.*blob.bin is here'
is 'although it was looked for' "$(found)" scanned
same 'the next time it is known' missed late.c

echo '#define HIDE(x) x
HIDE(int now[] = { __LINE__ });' >plain.c
same 'others are not concerned' scanned plain.c
printf 'const char *now = __TIME__;\n' >now.c
like 'the time of the compile is left to the preprocessor' \
	"$(compile now.c)" '^reason=time_macro '
is 'which is asked' "$(found)" time
echo 'int i;' >plain.i
compile plain.i >said
is 'what is preprocessed already is not looked at' "$(found)" language

for pid in $(hg_agents); do
	hg_stop "$pid"
done
like 'the agent counts' "$(tail -n 1 "$HG_AGENT_LOG")" \
	'msg="inputs found" scanned=[0-9]+ .*computed=1 time=1 missed=1'
HG_AGENT_SCAN=false
export HG_AGENT_SCAN
same 'it can be switched off' off plain.c

done_testing
