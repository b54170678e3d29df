#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What may be kept and what may not: failed compiles, dates, precompiled
# headers, and what was not what it seemed.
. "$(dirname "$0")/lib.sh"

. "$top_srcdir/tests/e2e/same.sh"

# reason COMMAND...: why the launcher did what it did
reason()
{
	"$launcher" "$@" >/dev/null 2>&1
	last_reason
}

settle()
{
	sleep 0.05
}

mkdir -p inc empty
cat >a.c <<'EOF'
#include "h.h"
int f(int x) { return x + H; }
EOF
echo '#define H 1' >inc/h.h
echo 'int g(void);' >b.c
echo 'int broken(' >bad.c
settle

# failures
same hit 'a mistake' gcc -c bad.c -o bad.o
same hit 'a missing header' gcc -c a.c -o a.o
cp inc/h.h h.h
settle
compiled_anew 'the header has come' gcc -c a.c -o a.o
rm h.h
same hit 'the header has gone again' gcc -c a.c -o a.o
same hit 'a missing header and a dependency file' \
	gcc -MD -Iempty -c a.c -o a.o
cp inc/h.h empty/h.h
settle
compiled_anew 'the header has come to the folder searched' \
	gcc -MD -Iempty -c a.c -o a.o
rm empty/h.h
same hit 'an option that does not exist' gcc -fno-such-option -c b.c -o b.o
same hit 'a warning that is an error' gcc -Wstrict-prototypes -Werror \
	-include inc/h.h -c bad.c -o bad.o
same hit '#error' gcc -x c -DBAD -c a.c -include inc/none.h -o a.o
same hit 'no folder for the output' gcc -c b.c -o none/b.o
mkdir none
settle
"$launcher" gcc -c b.c -o none/b.o
is '... until there is one' "$?" 0
printf '__asm__(".nonsense");\n' >asm.c
settle
for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	for f in bad asm; do
		for how in "$cc" "$launcher $cc" "$launcher $cc"; do
			echo old >old.o
			$how -DOLD -c $f.c -o old.o 2>/dev/null
			[ -e old.o ]
			echo $?
		done >left
		is "$cc, $f.c: an older object is removed or left" \
			"$(sort -u left | wc -l)" 1
	done
done
if command -v clang >/dev/null; then
	same hit 'clang: a mistake' clang -c bad.c -o bad.o
	same hit 'clang: a missing header' clang -c a.c -o a.o
fi
HG_CACHE_FAILURES=false
export HG_CACHE_FAILURES
same compile_failed 'cache.failures = false' gcc -DF -c bad.c -o bad.o
unset HG_CACHE_FAILURES
LC_ALL=xx_YY.UTF-8 reason gcc -DLC -c bad.c -o bad.o >/dev/null
is 'messages in another language' \
	"$(LC_ALL=xx_YY.UTF-8 reason gcc -DLC -c bad.c -o bad.o)" compile_failed

# compilers in trouble
mkdir trouble
while IFS='|' read -r text status; do
	printf '#!/bin/sh\necho "%s" >&2\nexit %s\n' "$text" "$status" \
		>trouble/gcc
	chmod +x trouble/gcc
	reason trouble/gcc -c b.c -o b.o >/dev/null
	is "not kept: $text, $status" "$(reason trouble/gcc -c b.c -o b.o)" \
		compile_failed
done <<'EOF'
gcc: fatal error: Killed signal terminated program cc1|1
b.c:1: internal compiler error: Segmentation fault|1
as: b.o: No space left on device|1
cc1: out of memory allocating 65536 bytes|1
virtual memory exhausted: Cannot allocate memory|1
clang: error: unable to execute command: Killed|254
b.c: Permission denied|1
gcc: fatal error: cannot execute 'cc1': execvp|1
no text at all|126
no text at all|139
EOF
printf '#!/bin/sh\necho "b.c: error: no" >&2\nexit 3\n' >trouble/gcc
same hit 'kept: an error, with its exit status' trouble/gcc -c b.c -o b.o
printf '#!/bin/sh\nkill -SEGV $$\n' >trouble/gcc
reason trouble/gcc -c b.c -o b.o >/dev/null
is 'not kept: killed by a signal' "$(reason trouble/gcc -c b.c -o b.o)" \
	compile_failed

# dates
echo 'const char *d = __DATE__;' >date.c
echo 'const char *t = __TIME__;' >time.c
echo '#define NOW __TIME__' >now.h
printf '#include "now.h"\nconst char *t = NOW;\n' >now.c
printf 'const char *t = __TIMESTAMP__;\n' >stamp.c
settle
same hit 'a date is good for the day' gcc -c date.c -o date.o
TZ=Etc/GMT+12
export TZ
"$launcher" gcc -c date.c -o here.o
TZ=Etc/GMT-14
gcc -c date.c -o there.o
"$launcher" gcc -c date.c -o got.o
ok 'where it is another day it is not' cmp there.o got.o
unset TZ
for f in time now stamp; do
	reason gcc -c $f.c -o $f.o >/dev/null
	is "not kept: $f.c" "$(reason gcc -c $f.c -o $f.o)" time_macro
done
reason gcc -DT=__TIME__ -Wno-builtin-macro-redefined -c date.c -o t.o >/dev/null
is 'not kept: the time of day by -D' \
	"$(reason gcc -DT=__TIME__ -Wno-builtin-macro-redefined -c date.c \
		-o t.o)" time_macro

# precompiled headers
cat >p.h <<'EOF'
#define P 1
static inline int p(int x) { return x * P; }
EOF
printf '#include "p.h"\nint q(int x) { return p(x); }\n' >q.c
settle
reason gcc -x c-header p.h -o p.h.gch >/dev/null
cp p.h.gch first.gch
rm p.h.gch
is 'a precompiled header comes from the cache' \
	"$(reason gcc -x c-header p.h -o p.h.gch)" hit
ok '... as it was' cmp first.gch p.h.gch
reason gcc -c p.h >/dev/null
is '... also by -c and without -o' "$(reason gcc -c p.h)" hit
gcc -Winvalid-pch -H -c q.c -o q.o 2>used
like '... and the compiler takes it' "$(cat used)" '^! p.h.gch'
same hit 'a compile with it' gcc -Winvalid-pch -c q.c -o q.o
sed -i 's/P 1/P 2/' p.h
settle
is 'a changed header is precompiled anew' \
	"$(reason gcc -x c-header p.h -o p.h.gch)" miss
compiled_anew 'a compile with another precompiled header' \
	gcc -Winvalid-pch -c q.c -o q.o
rm p.h.gch
compiled_anew 'the precompiled header is gone' gcc -Winvalid-pch -c q.c -o q.o
echo '#define P 3' >other.h
echo 'static inline int p(int x) { return P; }' >>other.h
gcc -x c-header other.h -o p.h.gch
settle
compiled_anew 'a precompiled header appears' gcc -Winvalid-pch -c q.c -o q.o
rm p.h.gch

if command -v clang >/dev/null; then
	mkdir -p sub
	same hit 'clang: a precompiled header' clang -x c-header p.h -o p.pch
	touch p.h
	settle
	compiled_anew 'clang: ... has the time stamp of its source' \
		clang -x c-header p.h -o p.pch
	echo '#include "p.h"' >pp.h
	settle
	same hit 'clang: one of two headers' clang -x c-header pp.h -o pp.pch
	touch p.h
	settle
	compiled_anew 'clang: ... has the time stamps of all it was made of' \
		clang -x c-header pp.h -o pp.pch
	compiled_anew 'clang: ... and the folder it is in' \
		clang -x c-header pp.h -o sub/pp.pch
	same hit 'clang: a syntax tree' clang -emit-ast -c q.c
	same hit 'clang: one by another name' \
		clang -Xclang -emit-pch -c q.c -o q.pch
	touch p.h
	settle
	compiled_anew 'clang: a syntax tree has time stamps, too' \
		clang -emit-ast -c q.c
	compiled_anew 'clang: ... by either name' \
		clang -Xclang -emit-pch -c q.c -o q.pch
	same hit 'clang: a precompiled header without' \
		clang -Xclang -fno-pch-timestamp -x c-header p.h -o p.pch
	clang -Xclang -fno-pch-timestamp -x c-header p.h -o p.pch
	settle
	same hit 'clang: a compile with it' \
		clang -include-pch p.pch -c q.c -o q.o
	clang -x c-header p.h -o p.pch
	settle
	same hit 'clang: a compile with one with time stamps' \
		clang -include-pch p.pch -c q.c -o q.o
	touch p.h
	settle
	same hit 'clang: a header with another time stamp' \
		clang -include-pch p.pch -c q.c -o q.o
fi

# names of dependency files
is 'a first dependency file' \
	"$(reason gcc -MD -MF 1.d -Iinc -c a.c -o a.o)" miss
is 'the name of a dependency file does not matter' \
	"$(reason gcc -MD -MF 2.d -Iinc -c a.c -o a.o)" hit
ok '... nor for what is in it' cmp 1.d 2.d
is "the object's name does" \
	"$(reason gcc -MD -MF 3.d -Iinc -c a.c -o 3.o)" miss
is '... unless a target is given' \
	"$(reason gcc -MD -MF 1.d -MT x -Iinc -c a.c -o 1.o
	reason gcc -MD -MF 2.d -MT x -Iinc -c a.c -o 2.o)" 'miss
hit'

# who may read what
if [ "$(id -u)" -ne 0 ]; then
	mkdir closed
	cp inc/h.h closed/h.h
	chmod 0 closed
	settle
	same hit 'a folder that cannot be searched' \
		gcc -Iclosed -Iinc -c a.c -o a.o
	echo '#define H 9' >closed.h
	chmod 755 closed
	mv closed.h closed/h.h
	settle
	compiled_anew '... and then can be' gcc -Iclosed -Iinc -c a.c -o a.o
fi

done_testing
