#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The harness itself: what the other tests rely on to be bounded and clean.
. "$(dirname "$0")/lib.sh"

wait_is_bounded()
{
	! wait_for 1 false
}

escaped_process_is_found()
{
	setsid sleep 60 >/dev/null 2>&1 &
	wait_for 5 finds_one || return
	hg_kill "$(hg_processes)"
}

finds_one()
{
	# one word each: numbers
	# shellcheck disable=SC2046
	set -- $(hg_processes)
	[ $# -eq 1 ]
}

process_in_our_folder_is_found()
{
	(cd "$hg_dir/work" && exec env -i sleep 60) >/dev/null 2>&1 &
	wait_for 5 finds_one || return
	hg_kill "$(hg_processes)"
}

stop_kills_what_ignores_sigterm()
{
	sh -c 'trap "" TERM; echo ready; exec sleep 60' \
		>"$hg_dir/stubborn" 2>/dev/null &
	wait_for 5 grep -q ready "$hg_dir/stubborn" || return
	stubborn=$!
	HG_STOP_WAIT=1 hg_stop $stubborn && return 1
	is_gone $stubborn
}

settings_from_outside_are_gone()
{
	[ -z "$(env | sed -n '/^HG_CACHE_DIR=/d; /^HG_TEST_/d; /^HG_/p')" ]
}

ok 'waiting ends when the condition never comes' wait_is_bounded
ok 'a process that left our tree is found' escaped_process_is_found
ok 'a process without our environment is found by its folder' \
	process_in_our_folder_is_found
ok 'a process that ignores SIGTERM is killed, and told' \
	stop_kills_what_ignores_sigterm
ok 'no setting of the caller reaches a test' settings_from_outside_are_gone
ok 'the programs are built' test -x "$hg_bin/hg-launcher"
done_testing
