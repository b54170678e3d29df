# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Comparing what a compile gives through the launcher with what it gives alone:
# exit status, stdout, stderr, and every file that it made. Sourced after
# lib.sh.

launcher=$hg_bin/hg-launcher
HG_LOG=$hg_dir/launcher.log
export HG_LOG

# The reason of the last compile.
last_reason()
{
	tail -n 1 "$HG_LOG" | cut -f 4
}

# run_as NAME COMMAND...: its results in $hg_dir/NAME.{out,err,rc}, the files that
# it made moved to $hg_dir/NAME.files; stdin from $input.
run_as()
{
	as=$1
	shift
	"$@" >"$hg_dir/$as.out" 2>"$hg_dir/$as.err" <"${input:-/dev/null}"
	echo $? >"$hg_dir/$as.rc"
	rm -rf "$hg_dir/$as.files"
	mkdir "$hg_dir/$as.files"
	find . -newer "$hg_dir/mark" -type f | while read -r f; do
		mkdir -p "$hg_dir/$as.files/$(dirname "$f")"
		mv "$f" "$hg_dir/$as.files/$f"
	done
}

agrees()
{
	for part in out err rc files; do
		diff -r "$hg_dir/direct.$part" "$hg_dir/$1.$part" || return 1
	done
}

# Tells the last difference, and fails.
differ()
{
	cat "$hg_dir/differ"
	return 1
}

# What is made from now on belongs to the runs. With $marked nothing but runs has
# happened since the last time, so that there is no need to wait.
mark()
{
	[ -z "${marked:-}" ] || return 0
	sleep 0.03
	touch "$hg_dir/mark"
}

# Is it the last reason? On a farm a compile may stay here for reasons of its own.
was_for()
{
	[ "${HG_TEST_CLUSTER:-}" ] || {
		is "$1: $2 $3" "$(last_reason)" "$3"
		return
	}
	[ "$3$(last_reason)" != misshit ]
	report $? "$1: $2 $3, or on the farm"
}

# same REASON NAME COMMAND...: cold and warm as direct; the warm one for REASON
same()
{
	want=$1
	name=$2
	shift 2
	mark
	run_as direct "$@"
	run_as cold "$launcher" "$@"
	run_as warm "$launcher" "$@"
	if { agrees cold && agrees warm; } >"$hg_dir/differ" 2>&1; then
		was_for "$name" 'as the compiler alone; then' "$want"
	else
		ok "$name: as the compiler alone" differ
	fi
}

# compiled_anew NAME COMMAND...: something changed, so that the cache must not
# be used
compiled_anew()
{
	name=$1
	shift
	mark
	run_as direct "$@"
	run_as anew "$launcher" "$@"
	if agrees anew >"$hg_dir/differ" 2>&1; then
		was_for "$name" 'compiled anew,' miss
	else
		ok "$name: as the compiler alone" differ
	fi
}
