#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hg-sandbox: what a program in it can and cannot do, as root and as nobody.
set -u
n=0

# ok CLAIM STATUS: one line of TAP
ok() {
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$work/out" "$work/err" 2>/dev/null
	fi
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# inside [OPTIONS] -- PROGRAM...: runs it in the sandbox
inside() {
	$as "$sandbox" --root "$root" $binds --env PATH=/usr/bin:/bin "$@" \
		>"$work/out" 2>"$work/err" </dev/null
}

# fails_inside CLAIM SCRIPT: the script must fail, but not the sandbox
fails_inside() {
	inside -- /bin/sh -c "$2"
	st=$?
	[ $st -ne 0 ] && [ $st -ne 125 ]
	ok "$1" $?
}

says() {
	grep -q -- "$1" "$work/err"
}

new_root() {
	root=$work/root
	rm -rf "$root"
	mkdir "$root" "$root/home"
	chmod 755 "$root"
	[ -z "$as" ] || chown -R 65534:65534 "$root"
}

test_status() {
	inside -- /bin/sh -c 'exit 7'
	[ $? -eq 7 ]; ok "$who: an exit status is passed on" $?
	inside -- /bin/sh -c 'kill -SEGV $$'
	[ $? -eq 139 ]; ok "$who: a signal is passed on as 128 and its number" $?
	inside -- /no/such/program
	[ $? -eq 125 ] && says '/no/such/program.*No such file'
	ok "$who: a missing program is told with status 125" $?
	inside --cwd /no/such/folder -- /bin/true
	[ $? -eq 125 ] && says '/no/such/folder'
	ok "$who: a missing folder is told with status 125" $?
	inside --check
	[ $? -eq 0 ]; ok "$who: --check makes the sandbox and runs nothing" $?
}

test_view() {
	inside -- /bin/ls -A / && ! grep -Eq '^(root|var|boot|sys)$' "$work/out"
	ok "$who: nothing of the host is at / but what was bound" $?
	fails_inside "$who: a file of the host cannot be read" "cat $work/secret"
	fails_inside "$who: /etc/passwd is not there" 'cat /etc/passwd'
	fails_inside "$who: not even through /proc/1/root" \
		"cat /proc/1/root$work/secret"
	inside -- /bin/sh -c 'cat /proc/1/environ'
	! grep -q HG_TEST_SECRET "$work/out"
	ok "$who: the environment outside cannot be read" $?
	inside -- /bin/sh -c 'env'
	! grep -q HG_TEST_SECRET "$work/out"
	ok "$who: the environment is not inherited" $?
	inside -- /bin/sh -c 'ls -d /proc/[0-9]* | wc -l' &&
		[ "$(cat "$work/out")" -le 5 ]
	ok "$who: processes of the host cannot be seen" $?
	fails_inside "$who: processes of the host cannot be killed" "kill -0 $$"
	fails_inside "$who: there is no terminal" 'echo >/dev/tty'
	inside -- /bin/sh -c 'echo >/dev/null && head -c 4 /dev/urandom &&
		head -c 4 /dev/zero && test ! -e /dev/mem'
	ok "$who: /dev has the harmless devices" $?
}

test_writing() {
	fails_inside "$who: bound folders cannot be written" 'echo >/usr/bin/x'
	fails_inside "$who: bound files cannot be written" \
		'echo >>/etc/ld.so.cache'
	fails_inside "$who: binds cannot be made writable again" \
		'mount -o remount,rw,bind /usr/bin'
	fails_inside "$who: kernel settings cannot be written" \
		'echo x >/proc/sys/kernel/core_pattern'
	fails_inside "$who: /dev cannot be written" 'echo >/dev/x'
	inside --umask 027 --cwd /home -- /bin/sh -c 'echo hi >a && echo >/tmp/b'
	[ $? -eq 0 ] && [ "$(cat "$root/home/a")" = hi ] &&
		[ "$(stat -c %a "$root/home/a")" = 640 ]
	ok "$who: the root folder and /tmp can, with the umask given" $?
	inside --tmpfs /scratch -- /bin/sh -c 'echo hi >/scratch/x' &&
		[ ! -e "$root/scratch/x" ]
	ok "$who: what is written to a tmpfs is gone afterwards" $?
}

test_powers() {
	inside -- /bin/sh -c 'cat /proc/self/status' &&
		! grep '^Cap' "$work/out" | grep -qv '	0000000000000000$' &&
		grep -q '^NoNewPrivs:	1$' "$work/out"
	ok "$who: there are no capabilities, and none can be gained" $?
	fails_inside "$who: no namespaces can be made" 'unshare -U /bin/true'
	fails_inside "$who: nothing can be mounted" 'mount -t tmpfs x /tmp'
	if [ -x "$PYTHON3" ]; then
		inside -- "$PYTHON3" -c "import socket
socket.create_connection(('127.0.0.1', $port), 3)"
		[ $? -eq 1 ] && says 'unreachable\|refused\|not supported'
		ok "$who: the host's network cannot be reached" $?
	else
		skip "$who: the host's network cannot be reached" 'no python3'
	fi
	inside --limit-core 0 --limit-nofile 64 -- /bin/sh -c 'ulimit -c; ulimit -n'
	[ "$(tr '\n' ' ' <"$work/out")" = '0 64 ' ]
	ok "$who: limits are set" $?
}

# Links that somebody laid in the root folder must not lead a mount away.
test_links() {
	mkdir "$work/outside"
	ln -s "$work/outside" "$root/etc"
	inside -- /bin/true
	[ $? -eq 125 ] && [ -z "$(ls -A "$work/outside")" ]
	ok "$who: a mount does not follow a link in the root folder" $?
	rm "$root/etc"
	rmdir "$work/outside"
}

test_lives() {
	# the substitution ends when nobody holds the pipe any more
	up=$(timeout 30 $as "$sandbox" --root "$root" $binds -- \
		/bin/sh -c 'sleep 300 & echo up')
	[ $? -eq 0 ] && [ "$up" = up ]
	ok "$who: what the program leaves behind ends with it" $?
	mkfifo "$work/fifo"
	[ -z "$as" ] || chown 65534 "$work/fifo"
	$as "$sandbox" --root "$root" $binds -- /bin/sh -c \
		'echo up; exec sleep 300' >"$work/fifo" 2>/dev/null &
	pid=$!
	( read -r line; kill -KILL $pid; cat ) <"$work/fifo" >/dev/null
	wait $pid 2>/dev/null
	[ $? -eq 137 ]
	ok "$who: killing the sandbox kills the program" $?
	rm "$work/fifo"
}

all_tests() {
	new_root
	if ! inside --check; then
		skip "$who: sandbox" "$(head -n 1 "$work/err")"
		return
	fi
	for t in status view writing powers links lives; do
		new_root
		test_$t
	done
}

work=$(mktemp -d "${TMPDIR:-/tmp}/hg-t4100.XXXXXX") || exit 1
trap 'kill $listener 2>/dev/null; rm -rf "$work"' EXIT
chmod 755 "$work"
listener=
port=9
# nobody must be able to reach it
cp "$top_builddir/bin/hg-sandbox" "$work/hg-sandbox"
sandbox=$work/hg-sandbox
echo secret >"$work/secret"
chmod 644 "$work/secret"
HG_TEST_SECRET=1
export HG_TEST_SECRET
binds=
for f in /usr/bin /usr/lib /usr/lib64 /bin /lib /lib64 /etc/ld.so.cache; do
	[ ! -e $f ] || binds="$binds --bind-ro $f"
done
if [ -x "$PYTHON3" ]; then
	"$PYTHON3" -c 'import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(120)' >"$work/port" &
	listener=$!
	while [ ! -s "$work/port" ]; do sleep 0.05; done
	port=$(cat "$work/port")
fi

# As continuous integration has it: a chroot whose root folder is no mount.
test_chroot() {
	mkdir -p "$work/ch/proc" "$work/ch/dev" "$work/ch/usr" "$work/ch/r"
	ln -s usr/bin usr/lib usr/lib64 "$work/ch"
	cp "$sandbox" "$work/ch/hg-sandbox"
	# shellcheck disable=SC2016
	unshare -m /bin/sh -c 'cd "$1" && mount --bind /usr usr &&
		mount --bind /dev dev && mount -t proc proc proc &&
		exec chroot . /hg-sandbox --root /r --bind-ro /usr \
			--bind-ro /bin --bind-ro /lib --bind-ro /lib64 \
			-- /bin/sh -c "ls / && ls -d /proc/[0-9]* /hg-sandbox"
		' sh "$work/ch" >"$work/out" 2>"$work/err"
	grep -q '^usr$' "$work/out" && ! grep -q hg-sandbox "$work/out" &&
		[ "$(grep -c '^/proc/' "$work/out")" -le 3 ]
	ok 'in a chroot sandboxes can be made by root' $?
	# there is nothing in it that a dynamic program could load
	if grep -q __asan_init "$sandbox"; then
		skip 'in a chroot others are told why not' 'sanitizers'
		return
	fi
	unshare -m /bin/sh -c 'cd "$1" && mount -t proc proc proc &&
		exec chroot --userspec 65534:65534 . /hg-sandbox --root /r --check
		' sh "$work/ch" >"$work/out" 2>"$work/err"
	[ $? -eq 125 ] && says 'allows no user namespace.*chroot'
	ok 'in a chroot others are told why not' $?
}

as=
who=$(id -un)
all_tests
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	test_chroot
else
	skip 'in a chroot sandboxes can be made by root' 'needs root'
fi
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	as='setpriv --reuid 65534 --regid 65534 --clear-groups'
	who=nobody
	all_tests
else
	skip 'nobody: sandbox' 'needs root and setpriv to become nobody'
fi
inside() { "$sandbox" "$@" >"$work/out" 2>"$work/err"; }
inside --version && grep -q '^hg-sandbox [0-9]' "$work/out"
ok 'tells its version' $?
inside --help && grep -q '^usage: hg-sandbox' "$work/out"
ok 'tells its options' $?
inside --bogus
[ $? -eq 125 ] && says '--bogus is not an option'
ok 'an unknown option is refused' $?
inside --root relative -- /bin/true
[ $? -eq 125 ] && says 'relative is not absolute'
ok 'a relative root is refused' $?
echo "1..$n"
