# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The frame of an end-to-end test: TAP, a folder of its own, a farm (farm.sh).
#
#   . "$(dirname "$0")/lib.sh"
#   hg_start_cluster 2
#   ok 'compiles' "$hg_bin/hg-launcher" gcc -c a.c
#   done_testing
#
# The test starts in an empty folder ($hg_dir/work) with HOME, XDG_RUNTIME_DIR,
# TMPDIR and HG_CACHE_DIR of its own and no other HG_ variable. It may be run
# alone from anywhere: top_builddir defaults to ./build, and HG_TEST_INSTALLED
# names a prefix to test instead of the build tree.
set -u

top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
hg_bin=${HG_TEST_INSTALLED:+$HG_TEST_INSTALLED/bin}
hg_bin=${hg_bin:-$top_builddir/bin}
# short, as it holds Unix sockets
hg_dir=$(mktemp -d /tmp/hg-test-XXXXXX) || exit 99
HG_TEST_SOURCES=${HG_TEST_SOURCES:-$top_builddir/sources}

for t_var in $(env | sed -n 's/^\(HG_[A-Z0-9_]*\)=.*/\1/p'); do
	case $t_var in
	HG_TEST_*) ;;
	*) unset "$t_var" ;;
	esac
done
unset MAKEFLAGS MFLAGS MAKELEVEL XDG_CACHE_HOME XDG_CONFIG_HOME
HOME=$hg_dir/home
TMPDIR=$hg_dir/tmp
XDG_RUNTIME_DIR=$hg_dir/run
HG_CACHE_DIR=$hg_dir/cache
LC_ALL=C
export HOME TMPDIR XDG_RUNTIME_DIR HG_CACHE_DIR LC_ALL HG_TEST_SOURCES
mkdir -m 0700 "$HOME" "$TMPDIR" "$XDG_RUNTIME_DIR" "$hg_dir/work"

. "$top_srcdir/tests/lib/tap.sh"
. "$top_srcdir/tests/lib/farm.sh"
t_done=

# skip_all REASON: before the first result
skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	t_done=1
	exit 0
}

# Stops the farm, and shows that nothing of it remains.
done_testing()
{
	cd / || exit 99
	ok 'everything stops when asked to' hg_stop_all
	empty 'no process is left' "$(hg_processes)"
	if [ "$t_failed" -gt 0 ]; then
		for t_log in "$hg_dir"/*.log; do
			[ -s "$t_log" ] || continue
			diag "end of $(basename "$t_log"):"
			tail -n 30 "$t_log" | sed 's/^/#   /'
		done
	fi
	plan
	t_status=$?
	t_done=1
	exit $t_status
}

t_cleanup()
{
	t_status=$?
	trap '' INT TERM HUP
	[ -n "$t_done" ] || echo '# the test ended early'
	cd /
	for t_pid in $hg_pids $(hg_processes); do
		hg_kill "$t_pid"
	done
	if [ -n "${HG_TEST_KEEP:-}" ]; then
		diag "kept: $hg_dir"
	else
		rm -rf "$hg_dir"
	fi
	exit $t_status
}
trap t_cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$hg_dir/work" || exit 99
