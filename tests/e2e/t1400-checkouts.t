#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A result of one checkout is found by another one of the same sources, though
# builds name their files by absolute paths; and only where it is exactly what
# the compiler would have made there.
. "$(dirname "$0")/lib.sh"

. "$top_srcdir/tests/e2e/same.sh"

for tool in git cmake ninja; do
	command -v $tool >/dev/null || skip_all "no $tool"
done
compilers=gcc
command -v clang >/dev/null && compilers='gcc clang'

cxx_of()
{
	case $1 in
	gcc) echo g++ ;;
	clang) echo clang++ ;;
	esac
}

# Many headers, so that lines of dependency files are broken.
headers()
{
	for i in 1 2 3 4 5 6 7 8 9; do
		echo "#define PART_$i $i" >"inc/part_with_a_name_$i.h"
		echo "#include \"part_with_a_name_$i.h\""
	done
}

project()
{
	mkdir -p src/deep inc
	headers >inc/all.h
	cat >CMakeLists.txt <<-'END'
	cmake_minimum_required(VERSION 3.18)
	project(p C CXX)
	configure_file(config.h.in config.h)
	add_library(p OBJECT src/a.c src/deep/b.c src/c.cc)
	target_include_directories(p PRIVATE inc ${CMAKE_BINARY_DIR})
	END
	echo '#define VERSION "1"' >config.h.in
	cat >src/a.c <<-'END'
	#include <stdio.h>
	#include "all.h"
	#include "config.h"
	int a(void) { return printf("%d %s\n", PART_3, VERSION); }
	END
	printf '#include "all.h"\nint b(void) { return PART_4; }\n' \
		>src/deep/b.c
	printf '#include <vector>\n#include "all.h"\n%s\n' \
		'int c() { return std::vector<int>(PART_5).size(); }' >src/c.cc
}

# configure DIR COMPILER LAUNCHER FLAGS BUILD_TYPE
configure()
{
	cmake -S "$1" -B "$1/build" -G Ninja -DCMAKE_C_COMPILER="$2" \
		-DCMAKE_CXX_COMPILER="$(cxx_of "$2")" \
		-DCMAKE_C_COMPILER_FORCED=1 -DCMAKE_CXX_COMPILER_FORCED=1 \
		-DCMAKE_C_FLAGS="$4" -DCMAKE_CXX_FLAGS="$4" \
		-DCMAKE_BUILD_TYPE="$5" ${3:+-DCMAKE_C_COMPILER_LAUNCHER="$3"} \
		${3:+-DCMAKE_CXX_COMPILER_LAUNCHER="$3"} >cmake.log 2>&1 &&
		sleep 0.05 && : >"$HG_LOG" &&
		ninja -C "$1/build" -d keepdepfile >ninja.log 2>&1
}

# The objects and dependency files of a build, in $hg_dir/NAME
collect()
{
	rm -rf "${hg_dir:?}/$2"
	mkdir "$hg_dir/$2"
	(cd "$1/build/CMakeFiles/p.dir" && find . -type f -name '*.[od]' |
		tar -cf - -T -) | tar -xf - -C "$hg_dir/$2"
	rm -rf "$1/build"
}

reasons()
{
	cut -f 4 "$HG_LOG" | sort | uniq -c | awk '{ print $1, $2 }'
}

# shared WANTED NAME COMPILER FLAGS TYPE: one builds, two finds what it wants
shared()
{
	ok "$2: a direct build" configure "$two" "$3" '' "$4" "$5"
	collect "$two" direct
	ok "$2: one builds" configure one "$3" "$launcher" "$4" "$5"
	rm -rf one/build
	ok "$2: two builds" configure "$two" "$3" "$launcher" "$4" "$5"
	is "$2: ... and finds what one has made" "$(reasons)" "$1"
	collect "$two" second
	ok "$2: ... as the compiler would have made it" \
		diff -r "$hg_dir/direct" "$hg_dir/second"
	ok "$2: two builds again" configure "$two" "$3" "$launcher" "$4" "$5"
	is "$2: ... and has it" "$(reasons)" '3 hit'
	collect "$two" again
	ok "$2: ... as it was" diff -r "$hg_dir/direct" "$hg_dir/again"
}

mkdir one
(cd one && git init -q . && project && git add . &&
	git -c user.name=x -c user.email=x@example.org commit -qm x &&
	git worktree add -q ../the-second-worktree)
two=the-second-worktree
ok 'the second is a worktree' test -f $two/.git -a -f $two/src/a.c
sleep 0.05
one=$PWD/one
two=$PWD/$two

for cc in $compilers; do
	shared '3 hit' "$cc, Release" $cc '' Release
	shared '3 miss' "$cc, Debug" $cc '' Debug
	ok "$cc, Debug: a direct build" configure "$two" $cc '' -g None
	like "$cc, Debug: the folder is told" \
		"$(readelf --debug-dump=info \
			"$two/build/CMakeFiles/p.dir/src/a.c.o" |
			grep DW_AT_comp_dir)" "$two/build\$"
	collect "$two" direct
done

# debug information, mapped
for cc in $compilers; do
	for map in file debug; do
		flags="-g -f$map-prefix-map"
		name="$cc, -f$map-prefix-map"
		ok "$name: a direct build" \
			configure "$two" $cc '' "$flags=$two=." None
		collect "$two" direct
		ok "$name: one builds" \
			configure one $cc "$launcher" "$flags=$one=." None
		rm -rf one/build
		ok "$name: two builds" \
			configure "$two" $cc "$launcher" "$flags=$two=." None
		is "$name: ... and finds what one has made" \
			"$(reasons)" '3 hit'
		like "$name: ... with the folder as it is mapped" \
			"$(readelf --debug-dump=info \
				"$two/build/CMakeFiles/p.dir/src/a.c.o" |
				grep DW_AT_comp_dir)" ': \./build$'
		collect "$two" second
		ok "$name: ... as the compiler would have made it" \
			diff -r "$hg_dir/direct" "$hg_dir/second"
	done
	ok "$cc: one builds with two maps" configure one $cc "$launcher" \
		"-g -ffile-prefix-map=$one=x -ffile-prefix-map=$one/build=y" None
	rm -rf one/build
	flags="-g -ffile-prefix-map=$two=x -ffile-prefix-map=$two/build=y"
	ok "$cc: a direct build with two maps" configure "$two" $cc '' "$flags" None
	collect "$two" direct
	ok "$cc: two builds with two maps" \
		configure "$two" $cc "$launcher" "$flags" None
	collect "$two" second
	ok "$cc: ... as the compiler would have made it" \
		diff -r "$hg_dir/direct" "$hg_dir/second"
done

# folders of any length
for cc in $compilers; do
	for r in r ro roo rooot rootroot rootrootrootroot; do
		mkdir -p $r/.git
		cp -r one/src one/inc $r
		sed -i /config.h/d $r/src/a.c
		sed -i "s/VERSION/\"2\"/" $r/src/a.c
		sleep 0.05
		for how in '' "$launcher"; do
			$how $cc -MD -MP -MT "$PWD/$r/t.o" -MT other \
				-MF a.d${how:+.second} -I"$PWD/$r/inc" \
				-c "$PWD/$r/src/a.c" -o a.o
		done
		cmp a.d a.d.second && last_reason
		rm -rf $r
	done | sort | uniq -c | awk '{ print $1, $2 }' >lengths
	is "$cc: dependency files with folders of any length" \
		"$(cat lengths)" '5 hit
1 miss'
done

# what the sources make of the folder
gets_its_own()
{
	name=$1
	shift
	sleep 0.05
	(cd "$one" && "$launcher" "$@" -c "$one/src/x.c" -o x.o 2>/dev/null)
	(cd "$two" && "$@" -c "$two/src/x.c" -o x.o && mv x.o direct.o &&
		"$launcher" "$@" -c "$two/src/x.c" -o x.o) 2>/dev/null
	is "$name: compiled here" "$(last_reason)" miss
	ok "$name: as the compiler would have made it" \
		cmp "$two/direct.o" "$two/x.o"
}
both()
{
	printf '%b' "$1" >"$one/src/x.c"
	printf '%b' "$1" >"$two/src/x.c"
}
both 'const char *f = __FILE__;\n'
gets_its_own '__FILE__' gcc -O2
both 'int n = sizeof(__FILE__);\n'
gets_its_own 'the length of __FILE__' gcc -O2
both 'int n = sizeof(WHERE);\n'
gets_its_own 'the length of what -D says' gcc -O2 -DWHERE=__BASE_FILE__
both 'int f(int x) { int unused; return x; }\n'
gets_its_own 'a warning that names the file' gcc -Wall
both 'int f(int x) { return x; }\n'
gets_its_own 'coverage' gcc --coverage -frandom-seed=1
gets_its_own 'a link-time object' gcc -flto -g -frandom-seed=1
gets_its_own 'compressed debug information' gcc -g -gz
printf '#include "%s/inc/part_with_a_name_1.h"\nint x = PART_1;\n' \
	"$one" | tee "$one/src/x.c" >"$two/src/x.c"
gets_its_own 'a source that names one folder' gcc -O2
both '#include "all.h"\nint y = PART_1;\n'
sleep 0.05
(cd "$one" && "$launcher" gcc -I"$one/inc" -c "$one/src/x.c" -o x.o)
(cd "$two" && "$launcher" gcc -I"$two/inc" -c "$two/src/x.c" -o x.o)
is 'and a source that does not is found' "$(last_reason)" hit
echo '#define PART_1 100' >"$two/inc/part_with_a_name_1.h"
sleep 0.05
(cd "$two" && gcc -I"$two/inc" -c "$two/src/x.c" -o direct.o &&
	"$launcher" gcc -I"$two/inc" -c "$two/src/x.c" -o x.o)
is 'a header that differs here is noticed' "$(last_reason)" miss
ok '... and compiled as it is' cmp "$two/direct.o" "$two/x.o"
: >"$two/src/all.h"
sleep 0.05
(cd "$two" && "$launcher" gcc -I"$two/inc" -c "$two/src/x.c" -o x.o \
	2>/dev/null)
is 'a header that is only here is noticed' $? 1

# settings
both 'int z(int x) { return x + 7; }\n'
sleep 0.05
HG_CACHE_PORTABLE=false
export HG_CACHE_PORTABLE
gets_its_own 'cache.portable = false' gcc -O2
unset HG_CACHE_PORTABLE
mkdir -p plain/a plain/b
echo 'int w(int x) { return x + 8; }' | tee plain/a/x.c >plain/b/x.c
sleep 0.05
"$launcher" gcc -c "$PWD/plain/a/x.c" -o x.o
"$launcher" gcc -c "$PWD/plain/b/x.c" -o x.o
is 'folders that are no checkouts share nothing' "$(last_reason)" miss
HG_BASE_DIR=$PWD/plain/a "$launcher" gcc -O1 -c "$PWD/plain/a/x.c" -o x.o
HG_BASE_DIR=$PWD/plain/b "$launcher" gcc -O1 -c "$PWD/plain/b/x.c" -o x.o
is '... unless HG_BASE_DIR says that they are' "$(last_reason)" hit

done_testing
