# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# For end-to-end tests with a real Docker engine of their own: sourced after
# lib.sh, it skips the test where none can be run, else it defines
#   engine_start           starts it, on $engine_socket; sets engine_pid
#   engine_stop            ends it and all of its processes
#   engine_kill            the same by SIGKILL, containerd and shims included
#   engine ARGUMENT...     docker, against it
#   engine_image NAME [CHANGE...]   this machine's C compiler as an image; each
#                          change is a line of a Dockerfile (docker import -c)
#   ask CODE               Python against $address, with the functions below
#   started LOG            how many containers a worker has started
#
# It has no network and touches no firewall; all it writes lies in $hg_dir.

# no_engine REASON: fine but in CI, where there is to be one
no_engine()
{
	[ -z "${CI:-}" ] || bail_out "$1"
	skip_all "$1"
}

[ "$(id -u)" -eq 0 ] || no_engine 'a Docker engine can only be started by root'
command -v dockerd >/dev/null || no_engine 'docker.io is not installed'
command -v docker >/dev/null || no_engine 'the docker command is not installed'

engine_socket=$hg_dir/engine.sock
engine_dir=$hg_dir/engine

engine()
{
	HOME=$engine_dir docker -H "unix://$engine_socket" "$@"
}

engine_runs()
{
	engine version >/dev/null 2>&1
}

engine_start()
{
	mkdir -p "$engine_dir"
	dockerd --iptables=false --ip6tables=false --bridge=none \
		--data-root "$engine_dir/data" --exec-root "$engine_dir/exec" \
		-H "unix://$engine_socket" -p "$engine_dir/pid" \
		>>"$hg_dir/engine.log" 2>&1 </dev/null &
	engine_pid=$!
	hg_pids="$hg_pids $engine_pid"
	wait_for 30 engine_runs && return
	diag 'end of the log of dockerd:'
	tail -n 5 "$hg_dir/engine.log" | sed 's/^/#   /'
	return 1
}

# What mounts there are of its folder; innermost first.
engine_mounts()
{
	sed -n "s|^[^ ]* [^ ]* [^ ]* [^ ]* \($engine_dir/[^ ]*\) .*|\1|p" \
		/proc/self/mountinfo | sort -r
}

engine_unmount()
{
	for eu_mount in $(engine_mounts); do
		umount -l "$eu_mount" 2>/dev/null
	done
}

# containerd and the shims of containers carry the folder in their arguments
engine_processes()
{
	grep -lsaF "$engine_dir/" /proc/[0-9]*/cmdline |
		sed -n 's|^/proc/\([0-9]*\)/.*|\1|p' | while read -r ep; do
		case $(readlink "/proc/$ep/exe") in
		*/dockerd | */containerd | */containerd-shim*) echo "$ep" ;;
		esac
	done
}

engine_stop()
{
	[ -z "${engine_pid:-}" ] || hg_stop "$engine_pid"
	engine_kill
}

engine_kill()
{
	[ -z "${engine_pid:-}" ] || hg_kill "$engine_pid"
	for ek in $(engine_processes); do
		hg_kill "$ek"
	done
	engine_pid=
	# or the next one waits for what has these numbers now
	rm -f "$engine_dir/pid" "$engine_dir/exec/containerd/containerd.pid"
	engine_unmount
}

# each_link FILE: it and all that it is a link to, without links in the folder
each_link()
{
	el=$1
	while el_dir=$(readlink -f "$(dirname "$el")"); do
		el=$el_dir/$(basename "$el")
		echo "${el#/}"
		[ -L "$el" ] || break
		el_to=$(readlink "$el")
		case $el_to in
		/*) el=$el_to ;;
		*) el=$el_dir/$el_to ;;
		esac
	done
}

# Files that a C compile needs, and those that tests look around with.
engine_files()
{
	ef_machine=$(gcc -dumpmachine)
	for ef in "$(gcc -print-prog-name=cc1)" /usr/bin/gcc /usr/bin/as \
		"/usr/bin/$ef_machine-gcc" /bin/sh /bin/cat /bin/id \
		/bin/ls /bin/sleep /bin/touch; do
		each_link "$ef"
		ldd "$ef" 2>/dev/null | grep -o '/[^ :)]*'
	done | while read -r ef_name; do
		each_link "/${ef_name#/}"
	done
	for ef in /usr/include/stdc-predef.h \
		"/usr/include/$ef_machine/stdc-predef.h"; do
		[ ! -e "$ef" ] || echo "${ef#/}"
	done
	find "$(gcc -print-file-name=include)" -type f | sed 's|^/||'
}

# a test that ends early leaves no engine and no mount behind
engine_cleanup()
{
	ec_status=$?
	trap '' INT TERM HUP
	cd /
	engine_kill
	(exit "$ec_status")
	t_cleanup
}
trap engine_cleanup EXIT

engine_image()
{
	ei_name=$1
	shift
	ei_root=$hg_dir/image-root
	if [ ! -d "$ei_root" ]; then
		mkdir -p "$ei_root/tmp" "$ei_root/usr/lib64"
		# /bin and the like are links on merged systems
		for ei in bin sbin lib lib32 lib64; do
			[ ! -L "/$ei" ] || cp -P "/$ei" "$ei_root/$ei"
		done
		engine_files | sort -u | tar -C / -cf - -T - |
			tar -C "$ei_root" -xf -
	fi
	ei_n=$#
	while [ "$ei_n" -gt 0 ]; do
		set -- "$@" -c "$1"
		shift
		ei_n=$((ei_n - 1))
	done
	tar -C "$ei_root" -cf - . | engine import "$@" - "$ei_name" >/dev/null
}

started()
{
	grep -c 'msg="container started"' "$1"
}

# What CODE may use: the client c; build(), which compiles for arm64 unless told
# otherwise; inside(), which runs a shell in the place of cc1 and returns what it
# wrote; times(), the milliseconds of each call.
ask()
{
	"$specpeer_python" - "$address" <<PY
import sys, threading, time
import grpc
from specpeer import Client, pb

c = Client(sys.argv[1])
call = c.channel.unary_unary(
    "/hybridgrid.v1.BuildService/Compile",
    request_serializer=pb.CompileRequest.SerializeToString,
    response_deserializer=pb.CompileResponse.FromString)

def request(source=b"int x;", compiler="gcc", args=("-c",), arch="arm64",
            system="linux", includes=None):
    return pb.CompileRequest(
        source_file="a.c", source_content=source, compiler=compiler,
        args=args, target_arch=arch, target_os=system, includes=includes or {})

def build(*args, timeout=60, **options):
    return call(request(*args, **options), timeout=timeout)

def script(text):
    return ["-c", "-wrapper", "/bin/sh,-c," + text.replace(",", ";")]

def inside(text, timeout=60):
    """It fails as a compile, so that nothing is cached."""
    r = build(args=script(text + "; exit 3"), timeout=timeout)
    return (r.stdout + r.stderr).split("gcc: ")[0]

def status_of(function, *args, **options):
    try:
        function(*args, **options)
    except grpc.RpcError as error:
        return error.code().name
    return "OK"

def times(n, **options):
    out = []
    for i in range(n):
        start = time.monotonic()
        r = build(b"int f(int x) { return x + %d; }" % i, **options)
        assert r.success, r.stderr
        out.append((time.monotonic() - start) * 1000)
    return out

$1
PY
}
