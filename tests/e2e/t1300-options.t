#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Option by option through the compilers' manuals: alone, with a cold cache and
# with a warm one, a command gives the same exit status, output and files. The
# whole takes minutes on a slow machine ("make check-options"); unless asked for
# with HG_TEST_ALL, every third line of the tables (or every HG_TEST_EVERYth)
# stands for its neighbours.
# HG_TEST_CLUSTER: so many workers do the compiles that are not in the cache.
[ "${HG_TEST_OWN_DEV+set}" ] || exec "$(dirname "$0")/own-dev" "$0" "$@"
. "$(dirname "$0")/lib.sh"

. "$top_srcdir/tests/e2e/same.sh"

mkdir -p inc sys/usr/include out only parts
cat >a.c <<'END'
#include <stddef.h>
#include "h.h"
static int inner(int x) { return x * H; }
int f(int *p, size_t n)
{
	int sum = 0, unused;

	for (size_t i = 0; i < n; i++)
		sum += inner(p[i]);
	return sum;
}
END
cat >c.cc <<'END'
#include <vector>
#include "h.h"
struct base { virtual ~base() {} virtual int v() { return H; } };
template <class T> T twice(T t) { return t + t; }
int c(std::vector<int> &v) { base b; return twice(v.size()) + b.v(); }
END
echo '#define H 3' >inc/h.h
echo '#define H 4' >only/h.h
echo '#define G 5' >inc/g.h
echo 'int only(void) { return 1; }' >b.c
printf '#include "h.h"\n\t.globl q\nq:\t.long H\n' >s.S
printf '\t.globl r\nr:\t.long 7\n' >r.s
echo 'int i;' >i.i
printf '%s\n' '??=define X 1' 'int t = X;' >tri.c
printf '#warning careful\nint w(void) { int u; }\n' >warn.c
printf '__asm__(".incbin \\"blob\\"");\nint blob;\n' >blob.c
echo one >blob
printf '*cc1:\n+ -DSPEC=1\n' >my.specs
echo '-O1 @two.rsp' >one.rsp
printf '%s\n' "-Iinc -DQ='a b' -DR=\"\\\"x\\\"\"" >two.rsp
echo 'fun:nothing' >list.txt
echo '-Iinc' >clang.cfg
echo 'module m { header "inc/g.h" }' >module.map
printf '{ "version": 0, "roots": [ { "name": "%s/seen.h", "type": "file",
	"external-contents": "%s/inc/g.h" } ] }\n' "$PWD" "$PWD" >overlay.yaml
echo 'const char *date = __DATE__ __TIME__;' >date.c
if [ "${HG_TEST_CLUSTER:-}" ]; then
	HG_AGENT_LOG=$hg_dir/agent.log
	export HG_AGENT_LOG
	ok 'a farm starts' hg_start_cluster "$HG_TEST_CLUSTER" || done_testing
fi
sleep 0.05
touch "$hg_dir/mark"
marked=1

# check COMPILER: lines of "REASON OPTIONS" on stdin
check()
{
	compiler=$1
	number=0
	while read -r want line; do
		case $want in
		'' | '#'*) continue ;;
		esac
		number=$((number + 1))
		[ "${HG_TEST_ALL:-}" ] ||
			[ $((number % ${HG_TEST_EVERY:-3})) -eq 0 ] || continue
		eval "set -- $line"
		same "$want" "$compiler $line" "$compiler" "$@"
	done
}

# What both compilers know, in the order of the manuals' chapters.
cat >"$hg_dir/common" <<'END'
# overall
hit -c b.c
hit -c b.c -o out/b.o
hit -c b.c -oout/b.o
hit -S b.c
hit -S b.c -o out/b.s
hit -S b.c -o -
hit -E b.c
hit -E b.c -o out/b.i
hit -E b.c -o -
hit -x c -c b.c
hit -xc++ -c b.c
hit -x assembler-with-cpp -Iinc -c s.S
hit -x none -c b.c
hit -Iinc -c a.c b.c
hit -Iinc -c s.S
hit -c r.s
hit -c i.i
hit -pipe -c b.c
hit @one.rsp -c a.c
hit -c b.c @none.rsp
bad_source -c none.c
bad_source -MD -c none.c
hit -c b.c -o no/such/b.o
not_compile b.c -shared -o out/b.so
not_compile --version
not_compile -dumpmachine
not_compile -print-search-dirs
unknown_option --no-such-option -c b.c
hit -fno-such-option -c b.c
hit -Wno-such-warning -c b.c
no_source -c
# language
hit -ansi -Iinc -c a.c
hit -std=gnu99 -Iinc -c a.c
hit -std=c2x -c b.c
hit -std=nonsense -c b.c
hit -fno-builtin -ffreestanding -Iinc -c a.c
hit -fsigned-char -funsigned-char -c b.c
hit -trigraphs -c tri.c
hit -std=c99 -pedantic-errors -c tri.c
hit -fgnu89-inline -c b.c
# warnings
hit -w -c warn.c
hit -Wall -Wextra -c warn.c
hit -Wall -Werror -c warn.c
hit -Wall -Werror=return-type -c warn.c
hit -Wfatal-errors -Werror -c warn.c
hit -fsyntax-only -Wall warn.c
hit -fsyntax-only -Wall -c warn.c -o out/none.o
hit -fdiagnostics-color=always -Wall -c warn.c
hit -fdiagnostics-color=never -Wall -c warn.c
hit -fmessage-length=30 -Wall -c warn.c
hit -fno-diagnostics-show-option -Wall -c warn.c
# debugging
hit -g -Iinc -c a.c
hit -g3 -gdwarf-4 -Iinc -c a.c
hit -ggdb -Iinc -c a.c -o out/a.o
hit -g1 -gno-column-info -Iinc -c a.c
hit -g -gsplit-dwarf -Iinc -c a.c -o out/a.o
hit -g -gz -Iinc -c a.c
hit -g -fdebug-prefix-map=$PWD=/x -Iinc -c a.c
hit -fmacro-prefix-map=$PWD=/x -DF=__FILE__ -Iinc -c a.c
hit -ffile-prefix-map=$PWD=/x -g -Iinc -c $PWD/a.c
hit -g0 -Iinc -c a.c
hit -fdebug-types-section -g -Iinc -c a.c
# optimization
hit -O -Iinc -c a.c
hit -Os -Iinc -c a.c
hit -Og -Iinc -c a.c
hit -Ofast -ffast-math -funroll-loops -Iinc -c a.c
hit -O2 -fno-strict-aliasing -fwrapv -Iinc -c a.c
hit -flto -frandom-seed=1 -Iinc -c a.c
hit -O2 -ffunction-sections -fdata-sections -Iinc -c a.c
# instrumentation
hit -pg -Iinc -c a.c
hit --coverage -frandom-seed=7 -Iinc -c a.c
hit -ftest-coverage -fprofile-arcs -frandom-seed=7 -Iinc -c a.c -o out/z.o
hit -fprofile-generate -frandom-seed=7 -Iinc -c a.c
hit -fsanitize=address,undefined -Iinc -c a.c
hit -fstack-protector-all -Iinc -c a.c
hit -finstrument-functions -Iinc -c a.c
hit -fstack-usage -Iinc -c a.c -o out/a.o
# preprocessor
hit -D X=1 -DY -DZ='"a b"' -UY -Iinc -c a.c
hit '-DM(x)=x+1' -Iinc -c a.c
hit -include inc/g.h -Iinc -c a.c
hit -imacros inc/g.h -Iinc -c a.c
hit -undef -Iinc -E a.c
hit -nostdinc -Iinc -c a.c
hit -M -Iinc a.c
hit -MM -Iinc a.c
hit -MM -MF out/m.d -Iinc a.c
hit -MM -MG -Ionly/none a.c
hit -M -MT target -MP -Iinc a.c
hit -MD -Iinc -c a.c
hit -MMD -Iinc -c a.c -o out/a.o
hit -MD -MF out/x.d -MT t1 -MQ '$t2' -MP -Iinc -c a.c
hit -MD -MF out/x.d -Iinc -E a.c
hit -Wp,-MD,out/w.d -Iinc -c a.c
hit -Wp,-MMD,out/w.d,-MT,x -Iinc -c a.c
hit -Wp,-DW=1 -Iinc -c a.c
hit -Xpreprocessor -DV=1 -Iinc -c a.c
hit -C -E -Iinc a.c
hit -CC -E -Iinc a.c
hit -P -E -Iinc a.c
hit -dM -E b.c
hit -dD -E -Iinc a.c
hit -dI -E -Iinc a.c
hit -H -Iinc -c a.c
hit -traditional-cpp -E b.c
hit -fdirectives-only -E -Iinc a.c
hit -fpreprocessed -c i.i
hit -finput-charset=UTF-8 -Iinc -c a.c
# folders
hit -Ionly -Iinc -c a.c
hit -iquote inc -c a.c
hit -isystem inc -c a.c
hit -idirafter inc -c a.c
hit -iprefix in -iwithprefix c -c a.c
hit -isysroot sys -c b.c
hit --sysroot=sys -c b.c
hit --sysroot sys -Iinc -c a.c
hit -B out -Iinc -c a.c
hit -Iinc -Inone -c a.c
hit -I. -I$PWD/inc -c a.c
# assembler and linker
hit -Wa,-ahl=out/a.lst -c r.s
hit -Wa,--noexecstack -Iinc -c a.c
hit -Xassembler --noexecstack -c r.s
hit -Wl,-z,now -lm -Lout -c b.c
hit -Xlinker -z -Xlinker now -c b.c
hit -nostdlib -static -c b.c
hit -c blob.c
# machine
hit -march=native -O2 -Iinc -c a.c
hit -mtune=generic -mno-red-zone -Iinc -c a.c
hit -fPIC -fvisibility=hidden -Iinc -c a.c
hit -pthread -Iinc -c a.c
hit -m16 -c b.c
# outputs with other names
hit -save-temps -Iinc -c a.c
hit -save-temps=obj -Iinc -c a.c -o out/t.o
hit -frecord-gcc-switches -Iinc -c a.c
hit -c b.c -o /dev/null
hit -S -fverbose-asm b.c
hit -save-temps=cwd -Iinc -c a.c -o out/t.o
hit -save-temps=obj -g -gsplit-dwarf -Iinc -c a.c -o out/t.o
hit -g -gsplit-dwarf --coverage -frandom-seed=7 -MD -Iinc -c a.c -o out/t.o
hit -flto -g -frandom-seed=1 -save-temps=obj -Iinc -c a.c -o out/t.o
hit -c -o out/t.o -Iinc ./a.c
unknown_option -c -Iinc -- a.c
unknown_option --compile b.c
hit -MD -MF out/x.d -MT a -MT b -MQ c -Iinc -c a.c
hit -MMD -MP -MF ./out/../out/x.d -Iinc -c a.c -o ./out/./a.o
hit -MD -MG -Iinc -c a.c
hit -MF out/x.d -Iinc -c a.c
hit -MD -Iinc -S a.c -o out/a.s
hit -MD -Iinc -E a.c -o out/a.i
hit -MD -Iinc -fsyntax-only a.c
hit -MM -o out/m.d -Iinc a.c
hit -MM -MT x -o out/m.d -Iinc a.c b.c
hit -Iinc -E a.c b.c
hit -Iinc -S a.c b.c
hit -Iinc -fsyntax-only a.c b.c
hit -E -dM -include inc/g.h -Iinc a.c
hit -fdebug-prefix-map=$PWD=. -gsplit-dwarf -g -Iinc -c $PWD/a.c -o $PWD/out/a.o
END

cat >"$hg_dir/gcc" <<'END'
hit -fdump-tree-original -Iinc -c a.c
hit -O2 -fdump-noaddr -fdump-tree-all -Iinc -c a.c -o out/a.o
hit -O2 -fdump-noaddr -fdump-tree-optimized=out/tree.txt -Iinc -c a.c
hit -O2 -fdump-noaddr -fdump-rtl-expand -Iinc -c a.c
hit -fdump-passes -c b.c
hit -emit-llvm -c b.c
hit -dumpbase q.c -fdump-tree-original -Iinc -c a.c
hit -dumpdir out/ -fdump-tree-original -Iinc -c a.c
hit -aux-info out/aux.txt -Iinc -c a.c
hit -fcallgraph-info=su,da -Iinc -c a.c -o out/a.o
hit -fdiagnostics-format=json -Wall -c warn.c
hit -fdiagnostics-plain-output -Wall -c warn.c
hit -fdiagnostics-path-format=none -Wall -c warn.c
hit -O2 -fopt-info -Iinc -c a.c
input_modified -O2 -fopt-info-inline=out/oi.txt -Iinc -c a.c
hit -O3 -fopt-info-vec-all -Iinc -c a.c
hit -O2 -fprofile-use -Wno-missing-profile -Iinc -c a.c
hit -fprofile-dir=out --coverage -frandom-seed=7 -Iinc -c a.c
hit -flto=auto -ffat-lto-objects -frandom-seed=1 -Iinc -c a.c
hit -specs=my.specs -c b.c
hit -fmax-errors=1 -Wall -c warn.c
hit -fplugin=./none.so -c b.c
hit -fanalyzer -Iinc -c a.c
hit --param max-inline-insns-single=5 -O2 -Iinc -c a.c
hit -O2 -fno-ident -fno-asynchronous-unwind-tables -Iinc -c a.c
hit -gstabs -Iinc -c a.c
hit -fworking-directory -E b.c
hit -dN -E b.c
hit -dU -E b.c
hit -A machine=x -Iinc -c a.c
hit -remap -Iinc -c a.c
hit -no-integrated-cpp -Iinc -c a.c
hit -fsplit-stack -Iinc -c a.c
hit -fcf-protection=full -Iinc -c a.c
hit -fopenmp -Iinc -c a.c
hit -Wa,--MD,out/as.d -c r.s
hit -Wa,-adhln=out/a.lst,-g -g -Iinc -c a.c
hit -O2 -fdump-noaddr -fdump-ipa-all -Iinc -c a.c -o out/a.o
hit -O2 -fdump-noaddr -fdump-rtl-all -Iinc -c a.c -o out/a.o
hit -O2 -fdump-noaddr -fdump-unnumbered -fdump-tree-all-lineno -Iinc -c a.c
hit -fdump-final-insns=out/final -fdump-noaddr -frandom-seed=1 -Iinc -c a.c
hit -fcompare-debug=-g0 -frandom-seed=1 -O1 -Iinc -c a.c
hit -O2 -fdump-statistics -Iinc -c a.c
hit -fdump-earlydebug -fdump-noaddr -g -Iinc -c a.c
hit -fdump-go-spec=out/go.txt -Iinc -c a.c
hit -fdump-ada-spec -Iinc -c a.c
hit --coverage -frandom-seed=7 -fprofile-abs-path -Iinc -c a.c
hit --coverage -frandom-seed=7 -fprofile-note=out/n.gcno -Iinc -c a.c
hit --coverage -frandom-seed=7 -dumpdir out/q- -Iinc -c a.c
hit -dumpbase '' -gsplit-dwarf -g -Iinc -c a.c -o out/a.o
hit -O2 -fprofile-generate=out -frandom-seed=7 -Iinc -c a.c
hit -fprofile-update=atomic --coverage -frandom-seed=7 -Iinc -c a.c
hit -ffile-prefix-map=$PWD=/x -gsplit-dwarf -g -Iinc -c a.c -o out/a.o
hit -fcanon-prefix-map -c b.c
hit -fsanitize=thread -Iinc -c a.c
hit -fno-working-directory -g -E -Iinc a.c
hit -x cpp-output -c i.i
hit -x assembler -c r.s
hit -x c -c b.c -x none r.s
option -fmodules-ts -x c++ -c b.c
option -wrapper env -c b.c
END

cat >"$hg_dir/clang" <<'END'
hit -Weverything -c warn.c
hit -ferror-limit=1 -Wall -c warn.c
hit -fdiagnostics-format=msvc -Wall -c warn.c
hit -fansi-escape-codes -fcolor-diagnostics -Wall -c warn.c
hit --serialize-diagnostics out/d.dia -Wall -c warn.c
hit -serialize-diagnostics out/d.dia -Wall -c warn.c
hit -fsave-optimization-record -O2 -Iinc -c a.c
hit -foptimization-record-file=out/o.yaml -fsave-optimization-record -c b.c
hit -Rpass=.* -O2 -Iinc -c a.c
hit -emit-llvm -Iinc -c a.c
hit -emit-llvm -S -Iinc a.c
hit -flto=thin -Iinc -c a.c
hit -fembed-bitcode -Iinc -c a.c
hit -MV -MD -Iinc -c a.c
hit -fprofile-instr-generate -fcoverage-mapping -Iinc -c a.c
hit -fsanitize=address -fsanitize-ignorelist=list.txt -Iinc -c a.c
hit -target x86_64-linux-gnu -Iinc -c a.c
hit --target=aarch64-linux-gnu -c b.c
hit -no-integrated-as -Iinc -c a.c
hit -fintegrated-as -Iinc -c a.c
hit -grecord-command-line -g -Iinc -c a.c
hit -gline-tables-only -Iinc -c a.c
hit -fdebug-compilation-dir=/x -g -Iinc -c a.c
hit -ffile-compilation-dir=/x -g -Iinc -c a.c
hit -fno-caret-diagnostics -Wall -c warn.c
hit -frewrite-includes -E -Iinc a.c
hit -Qunused-arguments -Wl,-z,now -c b.c
hit -fcrash-diagnostics-dir=out -c b.c
hit -MJ out/j.json -Iinc -c a.c
hit -save-stats -Iinc -c a.c
hit -save-stats=obj -Iinc -c a.c -o out/a.o
hit -fsave-optimization-record -foptimization-record-passes=inline -O2 -Iinc -c a.c
hit -g -gsplit-dwarf=single -Iinc -c a.c -o out/a.o
hit -fdebug-types-section -gdwarf-5 -gembed-source -Iinc -c a.c
hit -fstack-size-section -fstack-usage -Iinc -c a.c
hit -fxray-instrument -fxray-instruction-threshold=1 -Iinc -c a.c
hit -fmodule-map-file=module.map -Iinc -c a.c
hit -Wno-unknown-warning-option -Wno-such -c warn.c
hit -Xclang -emit-llvm-bc -c b.c
hit -mllvm -inline-threshold=5 -O2 -Iinc -c a.c
hit -fcoverage-prefix-map=$PWD=/x -fprofile-instr-generate -fcoverage-mapping -Iinc -c a.c
hit -fprofile-instr-generate=out/x.profraw -Iinc -c a.c
hit -ivfsoverlay overlay.yaml -Iinc -c a.c
hit --config ./clang.cfg -c a.c
hit -emit-interface-stubs -c b.c
language -x ir -c b.c
hit -fmodules-strict-decluse -fmodule-name=m -fmodule-map-file=module.map -Iinc -c a.c
hit -fimplicit-module-maps -Iinc -c a.c
hit -Wp,-MD,out/w.d -Iinc -c a.c -o out/a.o
hit -Xclang -dependency-file -Xclang out/y.d -Xclang -MT -Xclang t -Iinc -c a.c
option -fmodules -c b.c
option -fmodules -fmodules-cache-path=out -c b.c
option -Xclang -emit-module -c b.c
option --analyze b.c
END

cat >"$hg_dir/cxx" <<'END'
hit -c c.cc
hit -Iinc -O2 -g -MD -c c.cc -o out/c.o
hit -Iinc -std=c++20 -fno-exceptions -fno-rtti -c c.cc
hit -Iinc -nostdinc++ -c c.cc
hit -Iinc -M c.cc
hit -Iinc -x c++ -c c.cc
hit -Iinc --coverage -frandom-seed=1 -c c.cc
hit -Iinc -g -gsplit-dwarf -c c.cc -o out/c.o
END

check gcc <"$hg_dir/common"
check gcc <"$hg_dir/gcc"
check g++ <"$hg_dir/cxx"
if command -v clang >"$hg_dir/which"; then
	check clang <"$hg_dir/common"
	check clang <"$hg_dir/clang"
	check clang++ <"$hg_dir/cxx"
fi

# environment
in_env()
{
	want=$1
	setting=$2
	shift 2
	old_locale=$LC_ALL
	export "${setting?}"
	same "$want" "$setting $*" "$@"
	unset "${setting%%=*}"
	LC_ALL=$old_locale
	export LC_ALL
}
old_tmpdir=$TMPDIR
in_env hit CPATH=inc gcc -c a.c
in_env hit CPATH=only: gcc -c a.c
in_env hit C_INCLUDE_PATH=inc gcc -c a.c
in_env hit CPLUS_INCLUDE_PATH=inc g++ -c c.cc
in_env hit COMPILER_PATH="$PWD/out" gcc -c b.c
in_env compile_failed GCC_EXEC_PREFIX="$PWD/out/" gcc -c b.c
in_env hit LIBRARY_PATH=out gcc -c b.c
in_env hit SOURCE_DATE_EPOCH=1000000000 gcc -c date.c
in_env hit SOURCE_DATE_EPOCH=1000086400 gcc -c date.c
in_env hit SOURCE_DATE_EPOCH=1000086400 gcc -E date.c
in_env hit TZ=Asia/Tokyo gcc -Iinc -c a.c
in_env hit LC_ALL=xx_YY.UTF-8 gcc -Wall -c warn.c
in_env hit LC_MESSAGES=de_DE.UTF-8 gcc -Wall -c warn.c
in_env hit OBJC_INCLUDE_PATH=only gcc -Iinc -c a.c
in_env hit GCC_COMPARE_DEBUG=-g0 gcc -Iinc -c a.c
in_env hit NO_COLOR=1 gcc -fdiagnostics-color=auto -Wall -c warn.c
in_env hit TERM=dumb gcc -fdiagnostics-color=auto -Wall -c warn.c
in_env hit GCC_COLORS= gcc -fdiagnostics-color=always -Wall -c warn.c
in_env hit GCC_COLORS=error=01 gcc -fdiagnostics-color=always -Wall -c warn.c
in_env hit COLUMNS=30 gcc -Wall -c warn.c
in_env hit LC_ALL=C.UTF-8 gcc -Wall -c warn.c
in_env hit TMPDIR="$PWD/out" gcc -Iinc -c a.c
in_env hit PWD=/nowhere gcc -g -Iinc -c a.c
for cc in gcc clang; do
	command -v $cc >"$hg_dir/which" || continue
	same hit "$cc -g: nothing set" $cc -g -Iinc -c a.c
	while read -r setting; do
		in_env hit "$setting" $cc -g -Iinc -c a.c
	done <<-'END'
	BINUTILS_ROOT=/x
	GCC_ROOT=/x
	INCLUDE=only
	LLVM_OVERRIDE_PRODUCER=x
	LPATH=/x
	OUTPUT_CHARSET=UTF-8
	RC_DEBUG_OPTIONS=1
	SDKROOT=/x
	END
done
in_env environment DEPENDENCIES_OUTPUT=out/dep gcc -Iinc -c a.c
in_env environment SUNPRO_DEPENDENCIES=out/dep gcc -Iinc -c a.c
TMPDIR=$old_tmpdir
PWD=$(pwd -P)
export TMPDIR PWD

# standard input
echo 'int from_stdin = 1;' >one.in
printf '#include "h.h"\nint from_stdin = H;\n' >two.in
echo 'int broken(' >bad.in
sleep 0.05
touch "$hg_dir/mark"
for cc in gcc clang; do
	command -v $cc >"$hg_dir/which" || continue
	for input in one.in two.in bad.in /dev/null; do
		same hit "$cc -xc -c - <$input" $cc -xc -Iinc -c - -o out/x.o
		same hit "$cc -E - <$input" $cc -Iinc -E -
		same hit "$cc -xc -MD -c - <$input" \
			$cc -xc -Iinc -MD -c - -o out/x.o
	done
	input=two.in
	same hit "$cc -S, from standard input" $cc -xc -Iinc -S -
	same hit "$cc, from standard input without a name" $cc -xc -Iinc -c -
	same hit "$cc -g, from standard input" $cc -g -xc -Iinc -c - -o x.o
	same hit "$cc -M, from standard input" $cc -xc -Iinc -M -
	same from_stdin "$cc -c - without a language" $cc -Iinc -c -
	same from_stdin "$cc: a precompiled header from standard input" \
		$cc -x c-header -Iinc - -o /dev/stdout
	same not_compile "$cc, a program from standard input" \
		$cc -xc -Iinc -shared - -o out/x.so
	# read by us first, then by the compiler, as nobody else can do it
	for i in 1 2; do
		sed 's/H/H + 4/' two.in |
			"$launcher" $cc -xc -Iinc -c - -o out/pipe$i.o
	done
	is "$cc, a pipe" "$(last_reason)" hit
	sed 's/H/H + 4/' two.in | $cc -xc -Iinc -c - -o out/direct.o
	ok '... before' cmp out/pipe1.o out/direct.o
	ok '... and after' cmp out/pipe2.o out/direct.o
	rm -f out/*.o
	input=
done
(exec <&- && "$launcher" gcc -xc -c - -o out/x.o) 2>err
is 'no standard input is an error' "$?" 1
is '... is for the compiler to tell' "$(last_reason)" from_stdin

# what changes an input that only an option names
marked=
changed()
{
	what=$1
	file=$2
	shift 2
	same hit "$what" "$@"
	cat >"$file"
	sleep 0.05
	compiled_anew "$what changed" "$@"
}
changed '-include' inc/g.h gcc -include inc/g.h -DX=G -c b.c <<'END'
int more;
END
changed '-imacros' inc/g.h gcc -imacros inc/g.h -S b.c <<'END'
#define only other
END
changed 'a response file' two.rsp gcc @one.rsp -c a.c <<'END'
-Iinc -DX=9
END
changed '.incbin' blob gcc -c blob.c <<'END'
two
END
changed '-specs' my.specs gcc -specs=my.specs -S b.c <<'END'
*cc1:
+ -Donly=other
END
# appears LIST FILE COMMAND...: FILE comes where it was looked for in vain
appears()
{
	what=$1
	file=$2
	shift 2
	same hit "$what" "$@"
	echo '#define H 77' >"$file"
	sleep 0.05
	compiled_anew "$what: a header comes first" "$@"
	rm -f "$file"
	sleep 0.05
	same hit "$what: and is gone" "$@"
}
mkdir -p q1 i1 s1 late sub
printf '#include "h.h"\nint sub = H;\n' >sub/a.c
printf '#include <h.h>\nint angle = H;\n' >angle.c
sleep 0.05
for cc in gcc clang; do
	command -v $cc >"$hg_dir/which" || continue
	appears "$cc -iquote" q1/h.h $cc -iquote q1 -Iinc -c a.c
	appears "$cc -I" i1/h.h $cc -Ii1 -Iinc -c a.c
	appears "$cc -I by its path" i1/h.h $cc "-I$PWD/i1" -Iinc -c a.c
	appears "$cc -isystem" s1/h.h $cc -isystem s1 -isystem inc -c angle.c
	appears "$cc -idirafter" late/h.h $cc -idirafter late -idirafter inc \
		-c angle.c
	appears "$cc, beside the source" sub/h.h $cc -Iinc -c sub/a.c
	appears "$cc, in the working folder" h.h $cc -Iinc -c a.c
	appears "$cc -include" g.h $cc -include g.h -Iinc -c b.c
	CPATH=i1:inc
	export CPATH
	appears "$cc, CPATH" i1/h.h $cc -c a.c
	unset CPATH
	same hit "$cc, a folder that is not there" $cc -Inew -Iinc -c a.c
	mkdir new
	echo '#define H 78' >new/h.h
	sleep 0.05
	compiled_anew "$cc: ... comes" $cc -Inew -Iinc -c a.c
	rm -r new
	ln -s inc via
	sleep 0.05
	same hit "$cc, a folder that is a link" $cc -Ivia -c a.c
	ln -sfn only via
	sleep 0.05
	compiled_anew "$cc: ... leads elsewhere" $cc -Ivia -c a.c
	rm via
	ln -s inc/h.h h.h
	sleep 0.05
	same hit "$cc, a header that is a link" $cc -c a.c
	ln -sfn only/h.h h.h
	sleep 0.05
	compiled_anew "$cc: ... leads elsewhere" $cc -c a.c
	rm h.h
done
CPATH=only
export CPATH
changed 'CPATH' only/h.h gcc -c a.c <<'END'
#define H 5
END
unset CPATH
echo 'int s1;' >sys/usr/include/s.h
echo '#include <s.h>' >sys.c
sleep 0.05
changed '--sysroot' sys/usr/include/s.h \
	gcc --sysroot="$PWD/sys" -c sys.c <<'END'
int s2;
END
cat >prof.c <<'END'
int main(int n, char **v)
{
	int s = 0;

	for (int i = 0; i < n * 99; i++)
		s += i;
	return s > 9;
}
END
gcc -O2 -fprofile-generate -c prof.c -o prof.o && gcc --coverage prof.o -o prof
./prof
sleep 0.05
same hit 'profile data' gcc -O2 -fprofile-use -c prof.c
./prof 1 2 3 4 5 6 7 8
sleep 0.05
compiled_anew 'profile data changed' gcc -O2 -fprofile-use -c prof.c
cat >plugin.c <<'END'
#include <stdio.h>
int plugin_is_GPL_compatible;
int plugin_init(void *a, void *b) { fputs(SAYS "\n", stderr); return 0; }
END
gcc -shared -fPIC -DSAYS='"one"' plugin.c -o plugin.so
sleep 0.05
same hit 'a plugin' gcc -fplugin=./plugin.so -c b.c
gcc -shared -fPIC -DSAYS='"two"' plugin.c -o plugin.so
sleep 0.05
compiled_anew 'a plugin changed' gcc -fplugin=./plugin.so -c b.c
assembler()
{
	printf '#!/bin/sh\nexec %s "$@" --defsym %s\n' "$(command -v as)" "$1"
}
assembler ONE=1 >parts/as
chmod +x parts/as
sleep 0.05
same hit '-B with an assembler' gcc -B "$PWD/parts" -c b.c
assembler TWO=2 >parts/as
sleep 0.05
compiled_anew '-B with another assembler' gcc -B "$PWD/parts" -c b.c
if command -v clang >"$hg_dir/which"; then
	changed '-fsanitize-ignorelist' list.txt clang -fsanitize=address \
		-fsanitize-ignorelist=list.txt -Iinc -c a.c <<-'END'
	fun:f
	END
	changed '--config' clang.cfg clang --config ./clang.cfg -c a.c <<-'END'
	-Ionly
	END
	changed '-ivfsoverlay' overlay.yaml \
		clang -ivfsoverlay overlay.yaml -include "$PWD/seen.h" \
		-DX=G -c b.c <<-END
	{ "version": 0, "roots": [ { "name": "$PWD/seen.h", "type": "file",
		"external-contents": "$PWD/only/h.h" } ] }
	END
	changed '-fmodule-map-file' module.map \
		clang -fmodule-map-file=module.map -Iinc -c a.c <<-'END'
	module other { header "inc/h.h" }
	END
	echo 'fun:f' >cover.txt
	sleep 0.05
	changed '-fsanitize-coverage-allowlist' cover.txt clang \
		-fsanitize-coverage=trace-pc -Iinc -c a.c \
		-fsanitize-coverage-allowlist=cover.txt <<-'END'
	fun:none
	END
	for i in 1 2; do
		"$launcher" clang -ftime-trace -Iinc -c a.c -o out/a.o
		ok '-ftime-trace has its file' test -s out/a.json
		rm out/a.json
	done
	is '... also from the cache' "$(last_reason)" hit
fi

if [ "${HG_TEST_CLUSTER:-}" ]; then
	remote=$(cut -f 4 "$HG_LOG" | grep -c '^remote$')
	[ "$remote" -gt 10 ]
	report $? "workers did their part" || diag "$remote compiles were remote"
fi
done_testing
