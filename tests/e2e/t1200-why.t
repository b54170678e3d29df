#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hgbuild why names what made a compile miss the cache, by real compiles.
. "$(dirname "$0")/lib.sh"

launcher=$hg_bin/hg-launcher
hgbuild=$hg_bin/hgbuild

# compile WORD...: with the launcher, after what was changed can be told apart
compile()
{
	sleep 0.03
	"$launcher" gcc -c "$@" 2>/dev/null
}

# why NAME REGEX [FILE]
why()
{
	like "$1" "$("$hgbuild" why "${3:-a.c}" 2>&1)" "$2"
}

mkdir inc
echo '#define H 1' >inc/h.h
printf '#include "h.h"\n#if __has_include("opt.h")\n#endif\nint f(void) { return H; }\n' >a.c
echo 'const char *d = __DATE__ __TIME__;' >date.c

is 'nothing is remembered at first' "$("$hgbuild" why)" \
	'no misses are remembered'
"$hgbuild" why a.c 2>err
is 'of a file neither' "$?" 66
like 'which is told' "$(cat err)" "nothing is remembered of 'a.c'"

compile -Iinc -DX=1 a.c
why 'never compiled' 'not in the cache: no compile of it is remembered'
why 'when and how' '^a\.c was compiled here .* ago, in [0-9.]+ m?s\.$'
compile -Iinc -DX=1 a.c
why 'a hit changes nothing' 'no compile of it is remembered'
compile -Iinc -DX=2 a.c
why 'an argument' 'cache: argument -DX=1 is now -DX=2\.'
compile -Iinc -DX=2 -O1 -g0 a.c
why 'two arguments' 'argument -O1 is new; argument -g0 is new'
compile -DX=2 -Iinc -g0 -O1 a.c
why 'their order' 'the arguments stand in another order'
CPATH=inc compile -DX=2 -Iinc -g0 -O1 a.c
why 'a variable' "environment variable CPATH was not set, and is now 'inc'"
(mkdir -p else && cd else && cp ../a.c . && compile -I../inc -g a.c)
cp -r else other
(cd other && compile -I../inc -g a.c)
why 'another folder has its own record' 'no compile of it is remembered' \
	other/a.c
echo 'int more;' >>a.c
compile -DX=2 -Iinc -g0 -O1 a.c
why 'the source' "CPATH was 'inc', and is not set now; the source a\.c has other content"
echo '#define H 2' >inc/h.h
compile -DX=2 -Iinc -g0 -O1 a.c
why 'a header' 'cache: inc/h\.h has other content\.'
: >inc/opt.h
compile -DX=2 -Iinc -g0 -O1 a.c
why 'a header that appeared' 'cache: inc/opt\.h is there now\.'
rm inc/opt.h
sleep 0.03
"$launcher" gcc -DX=2 -Iinc -g0 -O1 -c a.c
echo '#define H 1' >h.h
compile -DX=2 -Iinc -g0 -O1 a.c
why 'one in front of it' 'cache: \./h\.h is there now\.|cache: h\.h is there now\.'
rm h.h inc/h.h
HG_CACHE_FAILURES=false
export HG_CACHE_FAILURES
compile -DX=2 -Iinc -g0 -O1 a.c
unset HG_CACHE_FAILURES
why 'one that is gone, and the failure' 'h\.h is not there now'
why '... which was not kept' 'not kept: the compile failed'
echo '#define H 3' >inc/h.h
compile -DX=2 -Iinc -g0 -O1 a.c
ok 'the cache is cleared' "$hgbuild" cache clear
compile -DX=2 -Iinc -g0 -O1 a.c
why 'an entry that is gone' 'nothing has changed, but its entry is gone'
find "$HG_CACHE_DIR" -name '*.o' -exec truncate -s 20 {} +
compile -DX=2 -Iinc -g0 -O1 a.c
why 'a damaged one' 'the cached result is damaged'

# the compiler
mkdir tools
printf '#!/bin/sh\nexec gcc "$@"\n' >tools/gcc-1
chmod +x tools/gcc-1
sleep 0.03
"$launcher" tools/gcc-1 -c date.c -DN -D__DATE__=\"x\" 2>/dev/null
echo '# another' >>tools/gcc-1
sleep 0.03
"$launcher" tools/gcc-1 -c date.c -DN -D__DATE__=\"x\" 2>/dev/null
why 'the compiler' 'the compiler tools/gcc-1 has other content' date.c

# other ends
compile date.c
compile date.c
why 'nothing was kept' 'nothing was kept the last time: the source uses' date.c
why '... nor this time' 'The result was not kept: the source uses __DATE__' \
	date.o
"$launcher" gcc --no-such -c a.c 2>/dev/null
why 'passed on' 'handed to the compiler untouched'
why '... with the reason' 'an option that is not known \(--no-such\)'
DEPENDENCIES_OUTPUT=d "$launcher" gcc -c a.c -Iinc
why 'passed on for a variable' 'variable changes .* \(DEPENDENCIES_OUTPUT\)'
compile -DX=3 -Iinc -g0 -O1 a.c
why 'what came before that is still known' 'argument -DX=2 is now -DX=3'
HG_RECACHE=1 compile -DX=3 -Iinc -g0 -O1 a.c
why 'recache' 'compiled anew \(cache\.recache\)'
HG_CACHE_DIRECT=0 compile -DX=3 -Iinc -g0 -O1 a.c
why 'switched off' 'switched off \(cache\.direct\)'
HG_READONLY=1 compile -DX=4 -Iinc -g0 -O1 a.c
why 'read-only' 'not kept: the cache is read-only'
HG_COORDINATOR=127.0.0.1:1 compile -DX=5 -Iinc -g0 -O1 a.c
why 'no cluster' 'No worker compiled it: the coordinator could not be reached'
why '... and why it was asked' 'argument -DX=4 is now -DX=5'
HG_DISABLE=1 compile -DX=6 -Iinc -g0 -O1 a.c
why 'switched off leaves no trace' 'argument -DX=4 is now -DX=5'

# asking
why 'by the object' 'argument -DX=4 is now -DX=5' a.o
why 'by the end of the name' 'a\.c was compiled' work/a.c
why 'by a long way' 'a\.c was compiled' "$PWD/inc/../a.c"
compile -DX=5 -Iinc a.c -o b.o
why 'another object of the source' 'no compile of it is remembered' b.o
why '... is told' '1 more compiles of it are remembered'
like 'the last ones' "$("$hgbuild" why)" '^[0-9.]+ m?s +miss +a\.c +no compile'
for i in 1 2 3 4 5 6 7 8 9 10; do
	"$launcher" gcc -Iinc -DN=$i -c a.c -o $i.o
done
is 'are ten at most' "$("$hgbuild" why | wc -l)" 11
if [ -n "${PYTHON3:-}" ]; then
	compile -DX=7 -Iinc a.c -o b.o
	is 'JSON' "$("$hgbuild" why --json b.o | "$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)
c = v["changes"][0]
print(v["source"], v["reason"], c["part"], c["was"], c["now"], v["kept"])')" \
		'a.c miss arg -DX=5 -DX=7 True'
	is 'JSON of the last ones' "$("$hgbuild" why --json | "$PYTHON3" -c '
import json, sys
print(json.load(sys.stdin)[0]["output"])')" 'b.o'
else
	skip 'JSON' 'no Python'
fi
ok 'twenty at once' sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 \
	19 20; do "$0" gcc -Iinc -DP=$i -c a.c & done; wait' "$launcher"
why '... leave a sound record' 'argument -D'
chmod 0 "$HG_CACHE_DIR/why" 2>/dev/null
ok 'a record that cannot be written harms nothing' "$launcher" gcc -Iinc \
	-DQ -c a.c
chmod 700 "$HG_CACHE_DIR/why"
rm -rf "$HG_CACHE_DIR/why"
: >"$HG_CACHE_DIR/why"
ok 'nor does a file in the place of the folder' "$launcher" gcc -Iinc -DR -c a.c

done_testing
