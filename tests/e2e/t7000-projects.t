#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Projects that nobody here wrote, built directly, by two workers, and from the
# cache: the same bytes each time, and each compile where it should have been. The
# workers have none of the client's headers, and one has not its compiler.
# HG_TEST_PROJECTS chooses among them ("none": skip).
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/projects.sh"

launcher=$hg_bin/hg-launcher
projects=${HG_TEST_PROJECTS:-lua zstd leveldb}
[ "$projects" != none ] || skip_all 'switched off (HG_TEST_PROJECTS=none)'

# build NAME LAUNCHER LOG: from an empty tree
build()
{
	project_prepare "$1" "$2" || return
	rebuild "$1" "$3"
}

# rebuild NAME LOG: what make or ninja finds to be done
rebuild()
{
	: >"$2"
	HG_LOG=$2 project_build "$1" 4
}

# reasons LOG: how many compiles ended in which reason, as "3 hit, 2 remote"
reasons()
{
	awk -F '\t' '$1 == "v1" && $4 != "not_compile" && $4 != "no_source" {
		n[$4]++
	}
	END { for (r in n) print n[r] " " r }' "$1" | sort -k 2 | paste -sd , |
		sed 's/,/, /g'
}

count_objects()
{
	project_objects "$1" | wc -l
}

same_as()
{
	empty "$1: $3" "$(project_differences "$1" "$2")"
}

# A change that every object which includes the header shows
change_header()
{
	cat >>"$(project_header "$1")" <<-'END'
		#ifndef HG_CHANGED
		#define HG_CHANGED
		__attribute__((used)) static const int hg_changed = 1;
		#endif
	END
	renew_header "$1"
}

# The header is newer than all objects, also where the tree has a copy of it.
renew_header()
{
	touch "$(project_header "$1")"
	[ "$1" != lua ] || cp "$(project_header lua)" "$hg_dir/p/lua/b/src/"
}

test_builds()
{
	name=$1
	ok "$name: a direct build" build "$name" '' "$hg_dir/direct" || return
	project_keep "$name" direct
	n=$(count_objects "$name")
	project_stow "$name"

	ok "$name: a build on two workers" \
		build "$name" "$launcher" "$hg_dir/$name-cold.compiles" || return
	is "$name: each of $n compiles was remote" \
		"$(reasons "$hg_dir/$name-cold.compiles")" "$n remote"
	same_as "$name" direct 'objects and depfiles equal the direct build'"'s"

	ok "$name: a build from the cache" \
		build "$name" "$launcher" "$hg_dir/$name-warm.compiles" || return
	is "$name: each of $n compiles was a hit" \
		"$(reasons "$hg_dir/$name-warm.compiles")" "$n hit"
	same_as "$name" direct 'what the cache gave equals the direct build'"'s"
}

test_header()
{
	name=$1
	n=$(count_objects "$name")
	m=$(project_dependants "$name" direct)
	renew_header "$name"
	ok "$name: a build after touching a header" \
		rebuild "$name" "$hg_dir/$name-touch.compiles" || return
	like "$name: touched but equal, every compile is a hit" \
		"$(reasons "$hg_dir/$name-touch.compiles")" '^[0-9]+ hit$'

	change_header "$name"
	ok "$name: a build after changing the header" \
		rebuild "$name" "$hg_dir/$name-change.compiles" || return
	is "$name: exactly its $m dependants were compiled" \
		"$(reasons "$hg_dir/$name-change.compiles")" "$m remote"
	project_keep "$name" changed
	ok "$name: an empty tree with the changed header" \
		build "$name" "$launcher" "$hg_dir/$name-all.compiles" || return
	is "$name: all of it is in the cache" \
		"$(reasons "$hg_dir/$name-all.compiles")" "$n hit"
	same_as "$name" changed 'both give the same'
	project_unstow "$name"
	renew_header "$name"
	ok "$name: a direct build with the changed header" \
		rebuild "$name" "$hg_dir/direct" || return
	same_as "$name" changed 'the direct build gives the same'
}

start_farm()
{
	bare=$top_srcdir/tests/e2e/bare-machine
	"$bare" true || bare=
	hg_worker_in=$bare
	BARE=headers hg_start_cluster 1 &&
		hg_start_worker worker-2 &&
		wait_for 15 hg_has_workers 2
}

ok 'a coordinator and two workers start' start_farm || done_testing
for project in $projects; do
	if why=$(project_fetch "$project" 2>&1); then
		test_builds "$project" && test_header "$project"
	elif [ -n "${CI:-}" ]; then
		is "$project: its source can be fetched" "$why" ''
	else
		skip "$project" "$why"
	fi
	rm -rf "$hg_dir/p/$project"
done
done_testing
