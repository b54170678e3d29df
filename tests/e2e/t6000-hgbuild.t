#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hgbuild: commands, settings, wrapped builds, exit codes, signals, summary.
. "$(dirname "$0")/lib.sh"

hgbuild=$hg_bin/hgbuild

# status COMMAND...: sets $status, $out and $err
run()
{
	"$@" >"$hg_dir/out" 2>"$hg_dir/err"
	status=$?
	out=$(cat "$hg_dir/out")
	err=$(cat "$hg_dir/err")
}

# ---- help and usage ------------------------------------------------------

run "$hgbuild" --help
is 'help succeeds' $status 0
like 'help lists the commands' "$out" '^  ninja  '
like 'help lists the flags' "$out" '^  --no-fallback  '
run "$hgbuild" config show --help
like 'a command explains itself' "$out" '^Usage: .* config show \[--json\]'
run "$hgbuild" help config
like 'help of a family shows all of it' "$out" 'config check'
run "$hgbuild" --version
like 'the version is told' "$out" '^hgbuild .*[0-9]\.[0-9]'
for words in '' nonesuch config 'config nonesuch' '--bad version' '-C' \
	'version x' 'config check a b' 'wrap' 'version --json' 'help x'; do
	# several words each
	# shellcheck disable=SC2086
	run "$hgbuild" $words
	is "usage error: hgbuild $words" $status 64
done
like 'a usage error says what is wrong' "$err" "no command 'x'"

# ---- settings ------------------------------------------------------------

run "$hgbuild" config show
like 'a default is shown as one' "$out" \
	'^worker\.grpc_port = 50052  *\(default\)'
like 'a variable is shown as the origin' "$out" \
	"^cache\.dir = $HG_CACHE_DIR  *\(env HG_CACHE_DIR\)"
mkdir -p "$HOME/.config/hybridgrid"
conf=$HOME/.config/hybridgrid/hybridgrid.conf
printf '[cache]\nmax_size = 7G\n' >"$conf"
run "$hgbuild" -C h:1 config show
like 'a file is shown with its line' "$out" \
	"^cache\.max_size = 7G  *\($conf:2\)"
like 'a flag is shown as the origin' "$out" \
	'^launcher\.coordinator = h:1  *\(flag -C\)'
if [ -n "${PYTHON3:-}" ]; then
	run "$hgbuild" config show --json
	like 'JSON holds value and origin' "$(printf '%s' "$out" |
		"$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)["cache.max_size"]
print(v["value"], v["origin"])')" "^7G $conf:2"
else
	skip 'JSON holds value and origin' 'no Python'
fi
run "$hgbuild" config check
is 'a good configuration is right' $status 0
like 'the files are named' "$out" "^$conf: right"
printf '[cache]\nmax_size = big\n' >"$conf"
run "$hgbuild" config show
is 'a bad file is an error' $status 64
like 'which names file, line and key' "$err" "$conf:2: cache\.max_size: 'big'"
run "$hgbuild" config check
is 'config check finds it' $status 64
run "$hgbuild" config check /nonexistent
is 'a named file must be there' $status 66
run "$hgbuild" wrap sh -c 'exit 7'
is 'a bad file breaks no build' $status 7
like 'but is told' "$err" "warning: .*$conf:2"
rm "$conf"

# ---- the cache's figures -------------------------------------------------

run env HG_CACHE_DIR="$hg_dir/none" "$hgbuild" cache stats
like 'a cache that is not there is empty' "$out" '^entries *0, 0 B of 5.0 GB'
ok 'looking makes none' test ! -e "$hg_dir/none"
mkdir -p "$HG_CACHE_DIR/ab"
echo x >"$HG_CACHE_DIR/ab/ab000000000000000000000000000000.m"
run "$hgbuild" cache clear
is 'clearing tells what it removed' "$out" \
	'removed 1 entries, 4.1 kB; 0 are left, 0 B'
is 'and removes it' "$(ls "$HG_CACHE_DIR/ab")" ''
if [ -n "${PYTHON3:-}" ]; then
	run "$hgbuild" cache stats --json
	is 'JSON has the figures' "$(printf '%s' "$out" |
		"$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)
print(v["entries"], v["hits"], v["max_bytes"], v["reasons"]["miss"])')" \
		'0 0 5000000000 0'
else
	skip 'JSON has the figures' 'no Python'
fi
run "$hgbuild" cache zero
is 'counters can be set to zero' $status 0

# ---- the cluster, when there is none --------------------------------------

run "$hgbuild" workers
is 'no coordinator is an error' $status 66
like 'which says what to do' "$err" 'use -C or HG_COORDINATOR'
run "$hgbuild" -C 127.0.0.1:1,127.0.0.1:2 workers --json
is 'one that cannot be reached is another' $status 69
like 'which names the last one tried' "$err" '^hgbuild: coordinator 127.0.0.1:2: '
empty 'and prints nothing else' "$out"

# ---- a wrapped command ---------------------------------------------------

# A launcher that says that it was there, then compiles: hgbuild alone is
# looked at here. REASON decides what it notes.
mkdir "$hg_dir/fake"
cp "$hgbuild" "$hg_dir/fake/hgbuild"
cat >"$hg_dir/fake/hg-launcher" <<'EOF'
#!/bin/sh
tab=$(printf '\t')
name=$(basename "$0")
if [ "$name" = hg-launcher ]; then
	name=$1
	shift
fi
for word; do
	case $word in
	*.c) source=$word ;;
	esac
done
printf '%s\n' "v1${tab}1${tab}$HG_BUILD_ID${tab}${REASON:-miss}${tab}5$tab\
${WORKER:--}${tab}0$tab${source:--}$tab-$tab-" >>"$HG_LOG"
PATH=$REAL_PATH exec "$name" "$@"
EOF
chmod +x "$hg_dir/fake/hg-launcher"
fake=$hg_dir/fake/hgbuild
REAL_PATH=$PATH
export REAL_PATH

printf 'int main(void) { return 0; }\n' >a.c
cp a.c b.c
printf 'all: a.o b.o\nlist:\n\t@echo $(CC) $(WORD)\n' >Makefile
run "$fake" make
is 'make succeeds' $status 0
ok 'and built' test -f a.o -a -f b.o
like 'its own output is untouched' "$out" '^cc .*-c -o a.o a.c$'
like 'the summary counts' "$err" \
	'^hgbuild: 0 from the cache, 0 remote, 2 local, 0 passed on; '
like 'and gives reasons' "$err" '^ *2  miss: not in the cache'
empty 'a build without compiles has no summary' "$("$fake" make 2>&1 >/dev/null)"
rm -f ./*.o
run env REASON=remote WORKER=w7 "$fake" -v make
like 'each compile is told' "$err" '^\[remote\] a\.c \(w7\)$'
rm -f ./*.o
run env REASON=hit "$fake" --verbose make -s
like 'a hit is told' "$err" '^\[cache\] b\.c$'
empty 'make keeps its own flags' "$out"
rm -f ./*.o
run env REASON=no_worker "$fake" -v make
like 'a local compile is told with its reason' "$err" \
	'^\[local\] b\.c \(no_worker\)$'
run "$fake" make list CC=mine WORD=-v
is "the user's CC and flags stay" "$out" 'mine -v'
rm -f ./*.o
HG_LOG=$hg_dir/log run env HG_LOG="$hg_dir/log" "$fake" make -s
is "the user's log is used" "$(grep -c '^v1' "$hg_dir/log")" 2
is 'nothing temporary is left' "$(ls "$TMPDIR")" ''
rm -f ./*.o
(cd "$hg_dir" && HG_LOG=rel.log "$fake" make -s -C work 2>/dev/null)
is 'a relative log holds in every folder' "$(grep -c '^v1' "$hg_dir/rel.log")" 2
mkfifo "$hg_dir/fifo"
run env HG_LOG=/dev/null "$fake" wrap true
is 'a log that is no file breaks no build' $status 0
like 'but there is no summary' "$err" 'there will be no summary'

run "$fake" -C h:1 --no-fallback --timeout 5s --insecure wrap \
	sh -c 'env | grep ^HG_'
like 'flags reach the launchers: coordinator' "$out" '^HG_COORDINATOR=h:1$'
like 'flags reach the launchers: no-fallback' "$out" '^HG_NO_FALLBACK=true$'
like 'flags reach the launchers: timeout' "$out" '^HG_LAUNCHER_TIMEOUT=5s$'
run env HG_LAUNCHER_COORDINATOR=h:2 "$fake" wrap -C h:1 -- \
	"$fake" config show
like 'a flag replaces the other name of its variable' "$out" \
	'^launcher.coordinator = h:1 .*env HG_COORDINATOR'
run "$fake" wrap sh -c 'echo "$CMAKE_C_COMPILER_LAUNCHER"'
is 'CMake gets its launcher' "$out" "$hg_dir/fake/hg-launcher"
run env CMAKE_C_COMPILER_LAUNCHER=mine "$fake" wrap \
	sh -c 'echo "$CMAKE_C_COMPILER_LAUNCHER"'
is 'unless the user has one' "$out" mine

# ---- the masquerade ------------------------------------------------------

mkdir tools
for name in x-y-gcc-12 clang-9.1 gcc-ar clang-format my-c++ cc1; do
	cp "$hgbuild" "tools/$name"
done
printf '#!/bin/sh\n' >tools/c99-gcc
chmod +x tools/*
run env PATH="$PWD/tools:/bin" "$fake" wrap sh -c 'ls "${PATH%%:*}"'
for name in x-y-gcc-12 clang-9.1 my-c++; do
	like "$name is a compiler" "$out" "^$(echo $name | sed 's/+/\\+/g')\$"
done
for name in gcc-ar clang-format cc1 c99-gcc; do
	empty "$name is none" "$(printf '%s\n' "$out" | grep -x -e "$name")"
done
run "$fake" wrap sh -c 'echo "${PATH%%:*}"'
first=$out
run "$fake" wrap "$fake" wrap sh -c 'echo "${PATH%%:*}"'
is 'the folder is the same each time, nested or not' "$out" "$first"
rm "$first/cc"
run "$fake" wrap sh -c 'command -v cc'
is 'a lost link is mended' "$out" "$first/cc"
run env HG_CACHE_DIR=here "$fake" wrap sh -c 'echo "$HG_CACHE_DIR"'
is 'a relative cache is the same in every folder' "$out" "$PWD/here"
printf '' >"$hg_dir/plain"
run env HG_CACHE_DIR="$hg_dir/plain" "$fake" wrap sh -c 'exit 4'
is 'a cache that cannot be made breaks no build' $status 4
like 'but is told' "$err" 'only CMake'

# ---- how a build ends ----------------------------------------------------

run "$fake" wrap nonesuch
is 'a missing command gives 127' $status 127
like 'and its name' "$err" "'nonesuch'"
run "$fake" wrap sh -c 'kill -KILL $$'
is 'a killed command gives 128 and the signal' $status 137
run "$fake" wrap sh -c 'kill -TERM $$'
is 'a terminated command terminates us' $status 143
printf 'x' | run "$fake" wrap cat
is 'standard input reaches the command' "$(cat "$hg_dir/out")" x

# signalled SIGNAL: the command's exit code when only hgbuild is signalled
signalled()
{
	rm -f started
	"$fake" wrap sh -c 'trap "exit 42" TERM INT; echo >started
		while :; do sleep 0.05; done' 2>/dev/null &
	pid=$!
	wait_for 10 test -e started && kill "-$1" $pid
	wait $pid
	echo $?
}
is 'SIGTERM is passed on' "$(signalled TERM)" 42

# ---- compiling one file --------------------------------------------------

rm -f ./*.o "$hg_dir/log"
run env HG_LOG="$hg_dir/log" "$fake" cc -v -c a.c
is 'cc compiles' $status 0
ok 'through the launcher' grep -q a.c "$hg_dir/log"
like 'with every argument' "$err" 'version'
run env HG_CC="$hg_dir/none" "$fake" cc -c a.c
like 'HG_CC is the compiler' "$err" "$hg_dir/none"
cp a.c d.cc
run env HG_CXX='g++ -O1' HG_LOG="$hg_dir/log" "$fake" c++ -c d.cc
is 'HG_CXX may have arguments' $status 0
rm "$hg_dir/fake/hg-launcher"
run env PATH=/usr/bin:/bin "$fake" cc -c a.c
is 'without a launcher the compiler still runs' $status 0
run env PATH=/usr/bin:/bin "$fake" make -B
is 'and so does a build' $status 0
like 'which is told' "$err" 'cannot find hg-launcher; building without it'

# ---- with the real launcher ----------------------------------------------

rm -f ./*.o
run "$hgbuild" -v make
like 'a first build misses' "$err" '^\[local\] a\.c \(miss\)$'
like 'and says so' "$err" '^hgbuild: 0 from the cache, 0 remote, 2 local'
cp a.o first.o
rm -f a.o b.o
run "$hgbuild" -v make
is 'a second build succeeds' $status 0
like 'from the cache' "$err" '^\[cache\] a\.c$'
like 'and tells what it saved' "$err" \
	'^hgbuild: 2 from the cache, 0 remote, 0 local.* of compiling saved$'
ok 'with the same bytes' cmp first.o a.o
rm -f a.o b.o
run "$hgbuild" make CC="$hg_bin/hg-launcher cc"
like 'a launcher of the user is not run twice' "$err" \
	'^hgbuild: 2 from the cache, 0 remote, 0 local, 0 passed on'
run "$hgbuild" wrap sh -c 'dirname "$(command -v cc)"'
links=$out
ok 'a link that was remembered by its path compiles' "$links/cc" -c a.c
is 'and compilers run as without links' \
	"$("$links/gcc" -print-prog-name=cc1)" "$(gcc -print-prog-name=cc1)"
printf 'broken\n' >c.c
run "$hgbuild" make c.o
is "a compile error is make's" $status 2
like 'and is told' "$err" '^ *1  compile_failed: '
run "$hgbuild" cache stats
like 'the cache counts as well' "$out" '^hits  *4 '

if command -v ninja >/dev/null; then
	printf 'rule cc\n  command = gcc -c $in -o $out\n%s\n%s\n' \
		'build n/a.o: cc a.c' 'build n/b.o: cc b.c' >build.ninja
	run "$hgbuild" ninja
	is 'ninja builds' $status 0
	rm -r n
	run "$hgbuild" ninja
	like 'and from the cache' "$err" '^hgbuild: 2 from the cache'
else
	skip 'ninja builds' 'no ninja'
fi
if command -v cmake >/dev/null; then
	printf '%s\n' 'cmake_minimum_required(VERSION 3.18)' \
		'project(p C)' 'add_executable(p a.c)' >CMakeLists.txt
	run "$hgbuild" cmake -S . -B cm
	is 'cmake configures' $status 0
	ok 'with its launcher' grep -q \
		'^CMAKE_C_COMPILER_LAUNCHER.*hg-launcher$' cm/CMakeCache.txt
	empty 'and the real compiler' "$(grep \
		'^CMAKE_C_COMPILER:.*masquerade' cm/CMakeCache.txt)"
	run "$hgbuild" cmake --build cm
	like 'cmake builds' "$err" '^hgbuild: 0 from the cache, 0 remote, 1 local'
	run "$hgbuild" cmake --build cm --clean-first
	like 'and from the cache, once' "$err" \
		'^hgbuild: 1 from the cache, 0 remote, 0 local'
else
	skip 'cmake builds' 'no cmake'
fi
done_testing
