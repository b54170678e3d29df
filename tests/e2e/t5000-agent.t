#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hg-agent: one a user, free of the build that started it, gone when idle; and a
# coordinator that is missing, silent or wrong costs one bounded wait.
. "$(dirname "$0")/lib.sh"

client=$top_builddir/tests/lib/agent_client
agent=$hg_bin/hg-agent
place=$XDG_RUNTIME_DIR/hybridgrid
HG_AGENT_LOG=$hg_dir/agent.log
export HG_AGENT_LOG

# compile SOURCE [FLAG...]: prints what the client tells
compile()
{
	c_source=$1
	shift
	"$client" -a "$agent" -C "$HG_COORDINATOR" compile "$c_source" \
		"${c_source%.c}.o" /usr/bin/gcc "$@" -c "$c_source" \
		-o "${c_source%.c}.o"
}

ask()
{
	"$client" "$1"
}

count_agents()
{
	hg_agents | wc -l
}

no_agent()
{
	[ -z "$(hg_agents)" ]
}

stop_agent()
{
	ask stop >"$hg_dir/stopped" 2>&1
	wait_for 10 no_agent
}

# milliseconds COMMAND...: how long it took; its output goes to $hg_dir/said
milliseconds()
{
	m_start=$(date +%s%N)
	"$@" >"$hg_dir/said" 2>&1
	echo $((($(date +%s%N) - m_start) / 1000000))
}

less()
{
	[ "$2" -lt "$3" ]
	report $? "$1" || diag "$2 is not less than $3"
}

mkdir inc src
echo '#define X 3' >inc/x.h
cat >src/a.c <<'END'
#include <stdio.h>
#include "../inc/x.h"
int main(void) { printf("%d\n", X); return 0; }
END
gcc -g -O2 -c src/a.c -o want.o

# --- the program ------------------------------------------------------------

ok 'has --help' "$agent" --help
like 'has --version' "$("$agent" --version)" '^hg-agent [0-9]'
ok 'refuses to serve nowhere' sh -c "! '$agent' 2>'$hg_dir/said'"

# --- without a coordinator --------------------------------------------------

HG_COORDINATOR=127.0.0.1:1
like 'an absent coordinator is said' "$(compile src/a.c)" \
	'^reason=no_coordinator '
less 'and costs nothing the next time' "$(milliseconds compile src/a.c)" 200
HG_COORDINATOR=
like 'no coordinator at all is said' "$(compile src/a.c)" \
	'^reason=no_coordinator '
HG_COORDINATOR='no such host:x'
like 'a wrong address is said' "$(compile src/a.c)" '^reason=no_coordinator '

"$PYTHON3" -c 'import socket, time
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(50)
print("ready grpc=127.0.0.1:%d" % s.getsockname()[1], flush=True)
time.sleep(100)' >"$hg_dir/silent.out" &
silent=$!
hg_pids="$hg_pids $silent"
hg_ready "$hg_dir/silent.out" "$silent"
HG_COORDINATOR=127.0.0.1:$(hg_port "$hg_dir/silent.out")
less 'a silent coordinator costs one wait' "$(milliseconds compile src/a.c)" \
	3500
like 'and is said' "$(cat "$hg_dir/said")" '^reason=no_coordinator '
less 'which is not paid twice' "$(milliseconds compile src/a.c)" 200
hg_stop "$silent"

like 'the agent tells how it is' "$(ask status)" \
	'^pid=[0-9]+ compiles=6 remote=0 local=6 active=0$'
is 'one agent served all' "$(count_agents)" 1
ok 'it leaves when asked' stop_agent
ok 'and takes its socket along' test ! -e "$place/agent.sock"
is 'asking does not start one' "$(ask status | cut -d= -f1)" error

# --- with a cluster ---------------------------------------------------------

ok 'a cluster starts' hg_start_cluster 1
like 'compiles remotely' "$(compile src/a.c -g -O2)" \
	'^reason=remote exit=0 outputs=1 observed=[0-9]+ worker=worker-1$'
ok 'the object is what a local compile makes' cmp src/a.o want.o

cat >bad.c <<'END'
int f(void) { return undeclared; }
END
like 'errors of the source come back' "$(compile bad.c 2>err.txt)" \
	'^reason=remote exit=1 outputs=0 '
gcc -c bad.c -o bad.o 2>want.txt
ok 'as the compiler says them' cmp err.txt want.txt

cat >none.c <<'END'
#include "missing.h"
END
like 'so does a header that is nowhere' "$(compile none.c 2>err.txt)" \
	'^reason=remote exit=1 outputs=0 '
gcc -c none.c -o none.o 2>want.txt
ok 'in the same words' cmp err.txt want.txt
cat >now.c <<'END'
const char *now = __DATE__;
END
like 'a source that wants the date stays here' "$(compile now.c)" \
	'^reason=time_macro '
printf 'int x;\n' >"$(printf 'b\377.c')"
like 'a name that is not UTF-8 stays here' \
	"$(compile "$(printf 'b\377.c')")" '^reason=not_utf8 '
ln -s src link
cp src/a.c link/b.c
like 'symbolic links work' "$(cd link && compile b.c -I../link/../inc)" \
	'^reason=remote'

# --- free of the build ------------------------------------------------------

stop_agent
cat >Makefile <<'END'
all: ; @$(CLIENT) -a $(AGENT) -C $(HG_COORDINATOR) compile src/a.c src/a.o \
	/usr/bin/gcc -c src/a.c -o src/a.o
END
less 'a pipe from make ends with make' "$(milliseconds sh -c \
	"make -j2 CLIENT='$client' AGENT='$agent' | cat")" 5000
like 'although its agent lives' "$(cat "$hg_dir/said")" '^reason=remote'
pid=$(hg_agents)
is 'it holds nothing of the build' \
	"$(for fd in 0 1 2; do readlink "/proc/$pid/fd/$fd"; done | sort -u)" \
	"/dev/null
$HG_AGENT_LOG"
empty 'not even pipes' "$(find "/proc/$pid/fd" -lname 'pipe:*')"
is 'it works in the root folder' "$(readlink "/proc/$pid/cwd")" /
empty 'and knows no job server' \
	"$(tr '\0' '\n' <"/proc/$pid/environ" | grep '^MAKE')"

# --- many at once -----------------------------------------------------------

stop_agent
i=0
while [ $i -lt 200 ]; do
	echo "int f$i(void) { return $i; }" >many$i.c
	i=$((i + 1))
done
i=0
start=$(date +%s)
many=
while [ $i -lt 200 ]; do
	compile many$i.c >many$i.said 2>&1 &
	many="$many $!"
	i=$((i + 1))
done
# shellcheck disable=SC2086
wait $many
diag "200 compiles took $(($(date +%s) - start)) s"
is 'two hundred at once start one agent' "$(count_agents)" 1
is 'all of them compile remotely' \
	"$(cat many*.said | grep -c '^reason=remote exit=0')" 200

# --- what breaks ------------------------------------------------------------

pid=$(hg_agents)
kill -KILL "$pid"
like 'after it was killed a new one starts' "$(compile many1.c)" \
	'^reason=remote'
pid=$(hg_agents)
kill -STOP "$pid"
less 'a frozen one costs one bounded wait' \
	"$(milliseconds compile many2.c)" 5000
like 'and is said' "$(cat "$hg_dir/said")" '^reason=no_agent '
less 'which is not paid twice' "$(milliseconds compile many2.c)" 200
hg_kill "$pid"
rm "$place/agent.down"

cat >slow.c <<'END'
#include <stddef.h>
END
awk 'BEGIN { for (i = 0; i < 30000; i++)
	printf "int f%d(int x) { return x * %d + (x << %d); }\n", i, i, i % 7 }' \
	>>slow.c
worker=$(hg_worker_pid worker-1)
"$client" -a "$agent" -C "$HG_COORDINATOR" compile slow.c slow.o \
	/usr/bin/gcc -O2 -c slow.c -o slow.o >"$hg_dir/slow" 2>&1 &
slow=$!
# the worker's compiler: the preprocessor's run has -E
compilers()
{
	for pid in $(hg_processes); do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'cc1 .*slow\.c' &&
			! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q ' -E ' &&
			echo "$pid"
	done
}
has_compiler()
{
	[ -n "$(compilers)" ]
}
has_no_compiler()
{
	! has_compiler
}
ok 'a long compile runs at the worker' wait_for 60 has_compiler
kill -KILL "$slow"
ok 'a launcher that leaves takes its compile along' \
	wait_for 10 has_no_compiler
ok 'and the agent forgets it' \
	wait_for 5 sh -c "'$client' status | grep -q active=0"

chmod 755 "$place"
like 'a folder that others can enter is not used' "$(compile many3.c)" \
	'^reason=no_agent detail=.*only this user'
chmod 700 "$place"

stop_agent
HG_AGENT_IDLE_TIMEOUT=300ms
export HG_AGENT_IDLE_TIMEOUT
like 'an agent with little patience works' "$(compile many4.c)" \
	'^reason=remote'
ok 'and leaves when idle' wait_for 10 no_agent
unset HG_AGENT_IDLE_TIMEOUT

HG_AGENT_MAX_COMPILES=0
export HG_AGENT_MAX_COMPILES
like 'an agent that is full says so' "$(compile many5.c)" \
	'^reason=agent_busy '
unset HG_AGENT_MAX_COMPILES
for pid in $(hg_agents); do
	hg_stop "$pid"
done

hg_stop "$worker"
echo 'int unseen;' >unseen.c
like 'no worker is said' "$(compile unseen.c)" '^reason=no_worker '

done_testing
