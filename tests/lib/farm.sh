# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# A coordinator and workers on loopback, on ports the kernel chooses, for tests,
# demo and benchmarks. The caller sets
#   hg_bin   folder of the programs
#   hg_dir   folder of its own, where everything of this farm lives
# and calls hg_stop_all before it ends. HG_TEST_ID is put in the environment of
# every process, so that those that left our process tree are found again.

HG_TEST_ID=$hg_dir
export HG_TEST_ID
hg_pids=
hg_workers=

# is_running PID: a zombie is not
is_running()
{
	case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' \
		"/proc/$1/status" 2>/dev/null) in
	'' | X | Z) return 1 ;;
	esac
}

is_gone()
{
	! is_running "$1"
}

# wait_for SECONDS COMMAND...: until the command succeeds, at most so long
wait_for()
{
	wf_left=$(($1 * 20))
	shift
	until "$@" >/dev/null 2>&1; do
		wf_left=$((wf_left - 1))
		[ "$wf_left" -gt 0 ] || return 1
		sleep 0.05
	done
}

# hg_ready LOG PID: the program printed its ready line; or fails once it ended
hg_ready()
{
	wait_for 30 hg_ready_or_dead "$1" "$2" && grep -q '^ready ' "$1" && return
	printf '# not ready: %s\n' "$1" >&2
	sed 's/^/#   /' "$1" >&2
	return 1
}

hg_ready_or_dead()
{
	grep -q '^ready ' "$1" || is_gone "$2"
}

# hg_port LOG: the gRPC port that the ready line tells
hg_port()
{
	sed -n 's/^ready .*grpc=[^ ]*:\([0-9]*\).*/\1/p' "$1"
}

# hg_start_coordinator [PORT [ARGUMENT...]]: sets HG_COORDINATOR. $hg_coord_in is a
# program that runs it.
# tests give the arguments
# shellcheck disable=SC2120
hg_start_coordinator()
{
	sc_port=${1:-0}
	[ $# -eq 0 ] || shift
	: >"$hg_dir/coord.log"
	${hg_coord_in:-} "$hg_bin/hg-coord" serve --grpc-port "$sc_port" "$@" \
		>"$hg_dir/coord.log" 2>&1 </dev/null &
	hg_coord_pid=$!
	hg_pids="$hg_pids $hg_coord_pid"
	hg_ready "$hg_dir/coord.log" "$hg_coord_pid" || return
	HG_COORDINATOR=127.0.0.1:$(hg_port "$hg_dir/coord.log")
	export HG_COORDINATOR
}

# hg_start_worker NAME [ARGUMENT...]: sets hg_pid. $hg_worker_in is a program that
# runs it.
hg_start_worker()
{
	sw_name=$1
	shift
	mkdir -p "$hg_dir/$sw_name"
	: >"$hg_dir/$sw_name.log"
	# not quoted: a program may stand for none
	# shellcheck disable=SC2086
	HG_WORKER_WORK_DIR=$hg_dir/$sw_name \
		HG_WORKER_STORE_DIR=$hg_dir/$sw_name.store \
		${hg_worker_in:-} "$hg_bin/hg-worker" serve \
		--port 0 --id "$sw_name" --coordinator "$HG_COORDINATOR" "$@" \
		>"$hg_dir/$sw_name.log" 2>&1 </dev/null &
	hg_pid=$!
	hg_pids="$hg_pids $hg_pid"
	hg_workers="$hg_workers $sw_name"
	echo "$hg_pid" >"$hg_dir/$sw_name.pid"
	hg_ready "$hg_dir/$sw_name.log" "$hg_pid"
}

# hg_has_workers N: the coordinator knows at least so many
hg_has_workers()
{
	[ "$("$hg_bin/hgbuild" workers | grep -c '^worker-')" -ge "$1" ]
}

# hg_start_cluster N [WORKER-ARGUMENT...]: worker-1 to worker-N, registered
hg_start_cluster()
{
	cl_n=$1
	shift
	hg_start_coordinator || return
	cl_i=1
	while [ "$cl_i" -le "$cl_n" ]; do
		hg_start_worker "worker-$cl_i" "$@" || return
		cl_i=$((cl_i + 1))
	done
	wait_for 15 hg_has_workers "$cl_n"
}

# hg_worker_pid NAME
hg_worker_pid()
{
	cat "$hg_dir/$1.pid"
}

# hg_kill PID: SIGKILL and wait until it is gone
hg_kill()
{
	kill -KILL "$1" 2>/dev/null
	wait_for 10 is_gone "$1"
}

# hg_stop PID: SIGTERM, and SIGKILL when that does not help in time (fails)
hg_stop()
{
	kill -TERM "$1" 2>/dev/null || return 0
	wait_for "${HG_STOP_WAIT:-15}" is_gone "$1" && return
	printf '# process %s did not end on SIGTERM\n' "$1" >&2
	hg_kill "$1"
	return 1
}

# The processes of this farm that run: those that carry its id, or work inside
# its folder. This shell and what it runs to find out are not among them.
hg_processes()
{
	for hp in $({
		grep -lsz "^HG_TEST_ID=$HG_TEST_ID\$" /proc/[0-9]*/environ
		# only the names of processes are read from ls
		# shellcheck disable=SC2012
		ls -ld /proc/[0-9]*/cwd 2>/dev/null | sed -n "\\|-> $hg_dir|p"
	} | sed -n 's|.*/proc/\([0-9]*\)/.*|\1|p' | sort -u); do
		! is_running "$hp" ||
			cmp -s "/proc/$hp/cmdline" "/proc/$$/cmdline" ||
			echo "$hp"
	done
}

# The agents that the launchers of this farm started
hg_agents()
{
	for ha in $(hg_processes); do
		case $(readlink "/proc/$ha/exe") in
		*/hg-agent) echo "$ha" ;;
		esac
	done
}

# Stops agents, workers, coordinator. Fails when one had to be killed.
hg_stop_all()
{
	sa_failed=0
	for sa_pid in $(hg_agents) $hg_pids; do
		kill -TERM "$sa_pid" 2>/dev/null
	done
	for sa_pid in $(hg_agents) $hg_pids; do
		hg_stop "$sa_pid" || sa_failed=1
	done
	hg_pids=
	return $sa_failed
}
