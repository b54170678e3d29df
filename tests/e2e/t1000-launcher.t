#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Through the launcher a compile gives what the compiler alone gives: with a
# cold cache, with a warm one, and after something has changed.
[ "${HG_TEST_OWN_DEV+set}" ] || exec "$(dirname "$0")/own-dev" "$0" "$@"
. "$(dirname "$0")/lib.sh"

. "$top_srcdir/tests/e2e/same.sh"

sources()
{
	mkdir -p inc out
	cat >a.c <<-'EOF'
	#include <stdio.h>
	#include "h.h"
	static int unused;
	int f(int x) { return printf("%d", x + H); }
	EOF
	echo '#define H 1' >inc/h.h
	echo 'int g(int x) { return x; }' >b.c
	printf '#include <vector>\nint s(std::vector<int> v) { return v.size(); }\n' >c.cc
	echo 'int broken(' >bad.c
	printf '#include "h.h"\n.globl q\nq: .long H\n' >s.S
	echo '-O1 -DX="a b" -Iinc' >x.rsp
	printf '__asm__(".incbin \\"blob\\"");\n' >blob.c
	echo one >blob
	printf '#if __has_include("opt.h")\nint o = 1;\n#else\nint o = 2;\n#endif\n' >has.c
	echo 'const char *t = __DATE__ __TIME__;' >time.c
	sleep 0.05
}

sources
for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	same hit "$cc -c" $cc -Iinc -c a.c -o a.o
	same hit "$cc, object named by itself" $cc -Iinc -c a.c
	same hit "$cc, optimised" $cc -O2 -fPIC -Iinc -c a.c -o out/a.o
	same hit "$cc, warnings" $cc -Wall -Wextra -Iinc -c a.c -o a.o
	same hit "$cc, coloured warnings" $cc -Wall -fdiagnostics-color=always \
		-Iinc -c a.c -o a.o
	same hit "$cc, debug information" $cc -g -Iinc -c a.c -o a.o
	same hit "$cc, split debug information" $cc -g -gsplit-dwarf -Iinc \
		-c a.c -o out/a.o
	same hit "$cc, coverage" $cc --coverage -frandom-seed=1 -Iinc -c a.c -o a.o
	same hit "$cc, stack usage" $cc -fstack-usage -Iinc -c a.c -o a.o
	same hit "$cc, -MD" $cc -MD -Iinc -c a.c -o a.o
	same hit "$cc, -MMD" $cc -MMD -Iinc -c a.c -o out/a.o
	same hit "$cc, -MF" $cc -MD -MF out/dep -Iinc -c a.c -o a.o
	same hit "$cc, -MT -MP" $cc -MD -MP -MT 'x y' -MF dep -Iinc -c a.c -o a.o
	same hit "$cc, -MQ" $cc -MMD -MQ '$(x)' -MF dep -Iinc -c a.c -o a.o
	same hit "$cc, -Wp,-MD" $cc -Wp,-MD,out/a.d -Iinc -c a.c -o a.o
	same hit "$cc, -S" $cc -S -Iinc a.c
	same hit "$cc, -E to a file" $cc -E -Iinc a.c -o a.i
	same hit "$cc, -E" $cc -E -Iinc a.c
	same hit "$cc, -M" $cc -M -Iinc a.c
	same hit "$cc, -fsyntax-only" $cc -fsyntax-only -Wall -Iinc a.c
	same hit "$cc, two sources" $cc -Iinc -c a.c b.c
	same hit "$cc, response file" $cc @x.rsp -c a.c -o a.o
	same hit "$cc, assembler source" $cc -Iinc -c s.S -o s.o
	same hit "$cc, .incbin" $cc -c blob.c -o blob.o
	same hit "$cc, __has_include" $cc -c has.c -o has.o
	if [ "$HG_TEST_OWN_DEV" ]; then
		same hit "$cc, what is kept already" $cc -c b.c -o b.o
		same hit "$cc, to /dev/null" $cc -c b.c -o /dev/null
		same hit "$cc, after /dev/null" $cc -O1 -c b.c -o /dev/null
		same hit "$cc, the object of it" $cc -O1 -c b.c -o b.o
		same hit "$cc, dependencies to /dev/null" \
			$cc -MD -MF /dev/null -O1 -Iinc -c a.c
		same hit "$cc, dependencies of it" $cc -MD -MF d -O1 -Iinc -c a.c
		ok "/dev/null is left what it is" test -c /dev/null
	fi
	same hit "$cc -S to stdout" $cc -S b.c -o -
	same hit "$cc -E to stdout" $cc -E b.c -o -
	same hit "$cc -S to a file after that" $cc -S b.c -o b.s
	same hit "$cc, a mistake" $cc -c bad.c -o bad.o
	same hit "$cc, no header" $cc -c a.c -o a.o
	same bad_source "$cc, no source" $cc -c none.c -o none.o
	same not_compile "$cc, linking" $cc b.c -shared -o b.so
	same not_compile "$cc --version" $cc --version
	same unknown_option "$cc, an unknown option" $cc --no-such -c b.c
done
for cxx in g++ clang++; do
	command -v $cxx >/dev/null || continue
	same hit "$cxx" $cxx -O2 -g -MD -c c.cc -o c.o
done

# changes
echo '#define H 2' >inc/h.h
compiled_anew 'a header changed' gcc -Iinc -c a.c -o a.o
echo '#define H 1' >inc/h.h
same hit 'the header is as before' gcc -Iinc -c a.c -o a.o
echo '#define H 3' >h.h
compiled_anew 'a header appears in front' gcc -Iinc -c a.c -o a.o
rm h.h
echo two >blob
compiled_anew 'the file of .incbin changed' gcc -c blob.c -o blob.o
: >opt.h
compiled_anew 'a header appears that was only tested for' gcc -c has.c -o has.o
echo 'int g(int x) { return x + 1; }' >b.c
compiled_anew 'the source changed' gcc -c b.c -o b.o
mkdir moved
cp a.c moved
cp -r inc moved
cd moved || exit 99
same hit 'the same in another folder' gcc -O2 -fPIC -Iinc -c a.c -o a.o
compiled_anew 'debug information names the folder' gcc -g -Iinc -c a.c -o a.o
cd ..
"$launcher" gcc -c time.c -o time.o
is 'a date is not kept' "$(last_reason)" time_macro
SOURCE_DATE_EPOCH=1 "$launcher" gcc -c time.c -o time.o
SOURCE_DATE_EPOCH=1 "$launcher" gcc -c time.c -o time.o
is 'unless it is given' "$(last_reason)" hit
CPATH=inc "$launcher" gcc -c b.c -o b.o
is 'the environment counts' "$(last_reason)" miss

mkdir tools
printf '#!/bin/sh\nexec %s "$@" --defsym ZZ=3\n' "$(command -v as)" >tools/as
chmod +x tools/as
(PATH=$PWD/tools:$PATH && export PATH &&
	compiled_anew 'another assembler comes first on PATH' gcc -c b.c -o b.o
	echo "$t_count $t_failed" >counts)
read -r t_count t_failed <counts
mkdir wrap
printf '#!/bin/sh\nexec %s -DWRAPPED "$@"\n' "$(command -v gcc)" >wrap/gcc
chmod +x wrap/gcc
(PATH=$PWD/wrap:$PATH && export PATH &&
	same hit 'a wrapper named like the compiler that it runs' \
		gcc -c b.c -o b.o
	echo "$t_count $t_failed" >counts)
read -r t_count t_failed <counts

# A static program reads files unseen, though what it runs is seen again.
mkdir static
cat >static.c <<'EOF'
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char option[64] = "-DNONE";
	FILE *f = fopen("option", "r");
	char *args[8] = { GCC, option };

	if (f && fgets(option, sizeof(option), f))
		fclose(f);
	for (int i = 1; i < argc && i < 6; i++)
		args[i + 1] = argv[i];
	execv(GCC, args);
	return 127;
}
EOF
mkdir dynamic
gcc -static -DGCC="\"$(command -v gcc)\"" static.c -o static/gcc
gcc -DGCC="\"$(command -v gcc)\"" static.c -o dynamic/gcc
echo 'int opt = OPT;' >opt.c
printf %s -DOPT=1 >option
sleep 0.05
same not_observed 'a static wrapper' static/gcc -c opt.c -o opt.o
mkdir script
printf '#!/bin/sh\nexec static/gcc "$@"\n' >script/gcc
chmod +x script/gcc
same not_observed '... run by another' script/gcc -c opt.c -o opt.o
same hit 'a wrapper that is linked as usual' dynamic/gcc -c opt.c -o opt.o
printf %s -DOPT=2 >option
sleep 0.05
compiled_anew '... reads something else' dynamic/gcc -c opt.c -o opt.o

# settings
HG_DISABLE=1 "$launcher" gcc -c b.c -o b.o
is 'HG_DISABLE' "$(last_reason)" disabled
HG_RECACHE=1 "$launcher" gcc -c b.c -o b.o
is 'HG_RECACHE' "$(last_reason)" miss
HG_READONLY=1 "$launcher" gcc -DNEW -c b.c -o b.o
HG_READONLY=1 "$launcher" gcc -DNEW -c b.c -o b.o
is 'HG_READONLY adds nothing' "$(last_reason)" miss
HG_CACHE_DIR=/proc/none "$launcher" gcc -c b.c -o b.o
is 'a cache that cannot be written' "$?" 0
echo 'nonsense' >bad.conf
HG_CONFIG=bad.conf "$launcher" gcc -c b.c -o b2.o
is 'a bad configuration does not fail a build' "$?" 0

# standard descriptors that are closed
for i in 1 2; do
	"$launcher" gcc -DCLOSED -Wall -Iinc -c a.c -o a.o 2>&-
	is 'without standard error' "$?, $(last_reason)" \
		"0, $([ $i = 1 ] && echo miss || echo hit)"
	"$launcher" gcc -DCLOSED -E b.c >&- 2>&-
done
is '... no file of the cache gets what was meant for it' \
	"$(grep -lE 'warning|int g' "$HG_CACHE_DIR/digests" \
		"$HG_CACHE_DIR/stats")" ''

# by name
mkdir names
ln -s "$launcher" names/gcc
(PATH=$PWD/names:$PATH && export PATH && gcc -c b.c -o b.o)
is 'by a link named like the compiler' "$(last_reason)" hit
(PATH=$PWD/names:$PATH && export PATH && "$launcher" gcc -c b.c -o b.o)
is 'launcher and link together' "$(last_reason)" hit
"$launcher" "$PWD/names/gcc" -c b.c -o b.o
is 'the link by its path' "$?" 0
"$launcher" no-such-compiler -c b.c 2>err
is 'no such compiler' "$?" 127
like '... and says so' "$(cat err)" 'cannot run no-such-compiler'

# damage and interruption
find "$HG_CACHE_DIR" -name '*.o' | while read -r f; do
	printf 'X' | dd of="$f" bs=1 seek=200 conv=notrunc 2>/dev/null
done
same hit 'damaged entries are replaced' gcc -O2 -fPIC -Iinc -c a.c -o out/a.o
printf '#!/bin/sh\nexec sleep 30\n' >slow-gcc
chmod +x slow-gcc
"$launcher" ./slow-gcc -c b.c -o slow.o &
pid=$!
# its child, once there is one
wait_for 5 pgrep -P "$pid" >/dev/null
child=$(pgrep -P "$pid")
kill -TERM "$pid"
wait "$pid"
is 'a signal ends launcher and compiler' "$?" 143
is '... and nothing is left of it' "$(ps -o pid= -p "${child:-0}")" ''
mkdir par
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	"$launcher" gcc -O2 -DPAR -Iinc -c a.c -o par/$i.o &
done
wait
gcc -O2 -DPAR -Iinc -c a.c -o par/ref.o
for f in par/*.o; do
	cmp -s "$f" par/ref.o || echo "$f"
done >differ
is 'twenty at once agree' "$(cat differ)" ''

done_testing
