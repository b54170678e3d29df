# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Real projects from source packages, built as their users build them, but for
# their tests. A project NAME is four words of its row below and two functions;
# its tree is $hg_dir/p/NAME: src, and b where it is built, always the same
# place, as paths end up in objects.

# NAME: package, a header that only some sources see, program it builds, compilers
project_row()
{
	case $1 in
	leveldb) echo leveldb util/hash.h leveldbutil gcc g++ ;;
	lua) echo lua5.4 src/lopcodes.h src/lua gcc g++ ;;
	zstd) echo libzstd lib/common/xxhash.h programs/zstd clang clang++ ;;
	*) return 1 ;;
	esac
}

project_package()
{
	project_row "$1" | cut -d ' ' -f 1
}

project_header()
{
	echo "$hg_dir/p/$1/src/$(project_row "$1" | cut -d ' ' -f 2)"
}

# project_fetch NAME: status 3 when it cannot be had here
project_fetch()
{
	mkdir -p "$hg_dir/p/$1"
	"$top_srcdir/tests/lib/fetch-source" "$(project_package "$1")" \
		"$hg_dir/p/$1/src"
}

# project_compiler NAME C-OR-C++ (4 or 5)
project_compiler()
{
	project_row "$1" | cut -d ' ' -f "$2"
}

# Objects carry debug information: paths and lines must come out right too.
project_cmake()
{
	pc_name=$1
	pc_source=$2
	shift 2
	rm -rf "$hg_dir/p/$pc_name/b"
	HG_DISABLE=1 cmake -S "$hg_dir/p/$pc_name/src/$pc_source" \
		-B "$hg_dir/p/$pc_name/b" -G Ninja \
		-DCMAKE_BUILD_TYPE=RelWithDebInfo \
		-DCMAKE_C_COMPILER="$(project_compiler "$pc_name" 4)" \
		-DCMAKE_CXX_COMPILER="$(project_compiler "$pc_name" 5)" \
		-DCMAKE_C_COMPILER_LAUNCHER="$pc_launcher" \
		-DCMAKE_CXX_COMPILER_LAUNCHER="$pc_launcher" "$@" >/dev/null
}

# project_prepare NAME LAUNCHER: an empty build tree; LAUNCHER may be empty
project_prepare()
{
	pc_launcher=$2
	case $1 in
	leveldb)
		project_cmake leveldb . -DLEVELDB_BUILD_TESTS=OFF \
			-DLEVELDB_BUILD_BENCHMARKS=OFF
		;;
	lua)
		rm -rf "$hg_dir/p/lua/b"
		cp -a "$hg_dir/p/lua/src" "$hg_dir/p/lua/b"
		;;
	zstd)
		project_cmake zstd build/cmake -DZSTD_BUILD_TESTS=OFF \
			-DZSTD_BUILD_SHARED=OFF -DZSTD_LEGACY_SUPPORT=OFF
		;;
	esac
	echo "$pc_launcher" >"$hg_dir/p/$1/launcher"
}

# project_stow NAME: puts the build tree aside, as it is
project_stow()
{
	mv "$hg_dir/p/$1/b" "$hg_dir/p/$1/stowed"
	cp "$hg_dir/p/$1/launcher" "$hg_dir/p/$1/stowed.launcher"
}

# project_unstow NAME: instead of the build tree that is there
project_unstow()
{
	rm -rf "$hg_dir/p/$1/b"
	mv "$hg_dir/p/$1/stowed" "$hg_dir/p/$1/b"
	mv "$hg_dir/p/$1/stowed.launcher" "$hg_dir/p/$1/launcher"
}

# project_build NAME JOBS: also leaves the depfiles
project_build()
{
	case $1 in
	lua)
		pb_cc="$(cat "$hg_dir/p/lua/launcher") gcc -std=gnu99 -g -MMD"
		make -C "$hg_dir/p/lua/b/src" -j"$2" CC="${pb_cc# }" linux
		;;
	*)
		ninja -C "$hg_dir/p/$1/b" -d keepdepfile -j"$2"
		;;
	esac
}

# project_outputs NAME: objects and depfiles, relative to the build tree
project_outputs()
{
	(cd "$hg_dir/p/$1/b" && find . -name '*.o' -o -name '*.o.d' -o \
		-path './src/*.d' | sort)
}

project_objects()
{
	project_outputs "$1" | grep '\.o$'
}

# project_keep NAME TAG: puts the outputs aside as p/NAME/TAG
project_keep()
{
	rm -rf "$hg_dir/p/$1/$2"
	mkdir "$hg_dir/p/$1/$2"
	(cd "$hg_dir/p/$1/b" && project_outputs "$1" |
		xargs cp -p --parents -t "../$2")
}

# project_differences NAME TAG: what b has other than p/NAME/TAG, one a line
project_differences()
{
	{
		project_outputs "$1"
		(cd "$hg_dir/p/$1/$2" && find . -type f)
	} | sort -u | while read -r pd_file; do
		cmp -s "$hg_dir/p/$1/$2/$pd_file" "$hg_dir/p/$1/b/$pd_file" ||
			echo "$pd_file"
	done
}

# project_dependants NAME TAG: how many objects its header is a part of
project_dependants()
{
	pd_header=$(basename "$(project_header "$1")")
	find "$hg_dir/p/$1/$2" -name '*.d' -exec \
		grep -lE "(^|[/ ])$pd_header" {} + | wc -l
}

# project_program NAME: what b has built
project_program()
{
	echo "$hg_dir/p/$1/b/$(project_row "$1" | cut -d ' ' -f 3)"
}
