#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The cache keeps itself within its limits and whole: eviction in the background
# and by hand, killed launchers, full disks, foreign and damaged entries.
. "$(dirname "$0")/lib.sh"

launcher=$hg_bin/hg-launcher
hgbuild=$hg_bin/hgbuild
HG_LOG=$hg_dir/launcher.log
export HG_LOG

last_reason()
{
	tail -n 1 "$HG_LOG" | cut -f 4
}

compile()
{
	"$launcher" gcc -c "$1.c" -o "$1.o"
}

# Whoever cleans has our id in his environment.
nobody_cleans()
{
	[ -z "$(hg_processes)" ]
}

# settled: the cleaner is done
settled()
{
	wait_for 20 nobody_cleans
}

entries()
{
	find "$HG_CACHE_DIR"/?? -name "*.$1"
}

temporaries()
{
	find "$HG_CACHE_DIR" -name '*.tmp'
}

# field NAME: of the figures
field()
{
	"$hgbuild" cache stats --json | sed -n "s/^  \"$1\": \([0-9]*\).*/\1/p"
}

# right FILE...: each object is as the compiler alone makes it
right()
{
	for r_file in "$@"; do
		gcc -c "$r_file.c" -o ref.o
		cmp "$r_file.o" ref.o || return 1
	done
}

# is_sound NAME: no entry is damaged, no counter is wrong
is_sound()
{
	"$hgbuild" cache verify >"$hg_dir/verify" 2>&1
	is "$1" "$? $(wc -l <"$hg_dir/verify")" '0 1'
	[ "$(wc -l <"$hg_dir/verify")" -le 1 ] || diag "$(cat "$hg_dir/verify")"
}

# the n-th source: an object of about 20 kB
write_source()
{
	echo "int a$1[5000] = { $1 + 1 }; int f$1(void) { return a$1[$1]; }" \
		>"$1.c"
}

names=
n=0
while [ $n -lt 40 ]; do
	write_source $n
	names="$names $n"
	n=$((n + 1))
done
echo 'int deps(void);' >h.h
echo '#include "h.h"' >deps.c
sleep 0.05

# ---- by hand -------------------------------------------------------------

for i in 0 1 2 3; do
	compile $i
done
settled
is 'entries are counted' "$(field entries)" 8
is_sound 'what was just made is sound'
rm -rf "$HG_CACHE_DIR"
# when each was used: 0 longest ago
for i in 0 1 2 3; do
	: >mark
	sleep 0.02
	compile $i
	sleep 0.02
	find "$HG_CACHE_DIR"/?? -newer mark -type f \
		-exec touch -d "$((4 - i)) hours ago" {} +
done
settled
out=$("$hgbuild" cache trim --max-files 4)
is 'trim keeps what was used last' "$out" \
	"removed 4 entries, 57.3 kB; 4 are left, 57.3 kB"
compile 3
is 'the newest is there' "$(last_reason)" hit
compile 2
is 'the next one too' "$(last_reason)" hit
compile 0
is 'the oldest is not' "$(last_reason)" miss
is 'what was dropped is counted' "$(field evicted)" 4
settled
touch -d '3 hours ago' "$HG_CACHE_DIR"/??/*
compile 3
out=$("$hgbuild" cache evict --older-than 2h)
like 'evict goes by age, and a hit counts as use' "$out" \
	'^removed 4 entries, .*; 2 are left'
compile 3
is 'what was used stays' "$(last_reason)" hit
is_sound 'counters are right after that'
for words in 'trim --max-size x' 'trim --max-files -1' 'evict' \
	'evict --older-than soon' 'trim extra' 'clear --namespace x' 'inspect' \
	'inspect none' 'verify --remove=yes' 'trim --max-size'; do
	# several words each
	# shellcheck disable=SC2086
	"$hgbuild" cache $words >out 2>err
	is "usage error: cache $words" $? 64
done
like 'which says what is wrong' "$(cat err)" '--max-size needs a value'
"$hgbuild" cache inspect 00000000000000000000000000000000 2>err
is 'an entry that is not there' $? 66
"$hgbuild" cache inspect 39.c 2>err
is 'nor is anything of a source that was not compiled' $? 66
like 'which is said' "$(cat err)" 'nothing in .* made of 39\.c as it is now'

# ---- namespaces ----------------------------------------------------------

HG_CACHE_NAMESPACE=ci compile 3
is 'another namespace has entries of its own' "$(last_reason)" miss
HG_CACHE_NAMESPACE=ci compile 3
is 'and finds them' "$(last_reason)" hit
out=$("$hgbuild" cache evict --namespace=ci)
like 'they can be removed' "$out" '^removed 2 entries, .*; 2 are left'
compile 3
is 'and no others are' "$(last_reason)" hit

# ---- checkouts -----------------------------------------------------------

# in_checkout NAME WORDS: compiles there, all files named by absolute paths
in_checkout()
{
	name=$PWD/$1
	shift
	"$launcher" gcc "$@" -c "$name/deps.c" -o "$name/deps.o"
}

# ages ENDING: entries that were not of use for long, of those
ages()
{
	echo "$(entries "$1" | wc -l)," \
		"$(find "$HG_CACHE_DIR"/?? -name "*.$1" -mmin +60 | wc -l) old"
}

rm -rf "$HG_CACHE_DIR"
for name in one two; do
	mkdir -p $name/.git
	cp deps.c h.h $name
done
sleep 0.05
in_checkout one
in_checkout two
is 'a second checkout hits' "$(last_reason)" hit
settled
is 'they share a result' "$(ages m); $(ages o)" '3, 0 old; 1, 0 old'
like 'the shared manifest has no names of checkouts in its inputs' \
	"$("$hgbuild" cache inspect two/deps.c)" '  file .*  @/h\.h$'
touch -d '2 hours ago' "$HG_CACHE_DIR"/??/*
in_checkout two
is 'use is noted for what it took, and for what others would take' \
	"$(ages m); $(ages o)" '3, 1 old; 1, 0 old'
in_checkout one -DOTHER
touch -d '3 hours ago' "$HG_CACHE_DIR"/??/*
in_checkout one -DOTHER
out=$("$hgbuild" cache evict --older-than 2h)
like 'what is no longer used goes, though its source is' "$out" \
	'^removed 4 entries, .*; 3 are left'
rm -rf "$HG_CACHE_DIR" one two

# ---- looking at entries --------------------------------------------------

"$launcher" gcc -Wall -MD -c deps.c -o deps.o
: >mark
out=$("$hgbuild" cache inspect "$(entries m |
	xargs ls -t | head -n 1)")
like 'a manifest shows its inputs' "$out" ' file .* h\.h$'
like 'and where nothing may be' "$out" '^  missing  '
result=$(printf '%s\n' "$out" | sed -n 's/^set: leads to result //p')
out=$("$hgbuild" cache inspect "$result")
like 'a result shows its outputs' "$out" '^  depfile .* bytes  deps\.d$'
like 'its size and age' "$out" ' kB, of use [0-9.]* s ago$'
out=$("$hgbuild" cache inspect deps.c)
is 'a source shows all that was made of it' \
	"$(echo "$out" | grep -E -c '^(manifest|result) ')" 2
like 'among it that result' "$out" "^result $result\$"
is 'an entry can be named by its file' "$("$hgbuild" cache inspect \
	"$HG_CACHE_DIR/$(echo "$result" | cut -c 1-2)/$result.o" | head -n 1)" \
	"result $result"
if [ -n "${PYTHON3:-}" ]; then
	is 'as JSON' "$("$hgbuild" cache inspect --json "$result" |
		"$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)
print(v["kind"], v["exit_code"], sorted(o["role"] for o in v["outputs"]),
	all(o["intact"] for o in v["outputs"]))')" \
		"result 0 ['depfile', 'output'] True"
	is 'a source as JSON' "$("$hgbuild" cache inspect --json deps.c |
		"$PYTHON3" -c 'import json, sys, time
v = json.load(sys.stdin)
m, r = sorted(v["entries"], key=lambda e: e["kind"])
s, = m["sets"]
print(v["kind"], s["result"] == r["key"], s["present"], s["shared"],
	abs(time.time() - r["used"]) < 60, r["bytes"] > 100,
	"h.h" in [i["path"] for i in s["inputs"]], len(s["missing"]) > 0)')" \
		'source True True None True True True True'
	is 'verification as JSON' "$("$hgbuild" cache verify --json |
		"$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)
print(v["entries"], v["damaged"], v["counters"]["folders_wrong"])')" '2 0 0'
	is 'trimming as JSON' "$("$hgbuild" cache trim --json |
		"$PYTHON3" -c 'import json, sys
v = json.load(sys.stdin)
print(v["removed_entries"], v["entries"])')" '0 2'
else
	skip 'as JSON' 'no Python'
	skip 'a source as JSON' 'no Python'
	skip 'verification as JSON' 'no Python'
	skip 'trimming as JSON' 'no Python'
fi

# ---- damage --------------------------------------------------------------

"$hgbuild" cache clear >/dev/null
is 'clear leaves nothing' "$(entries '*')" ''
is 'and counts that' "$(field entries) $(field bytes)" '0 0'
"$hgbuild" cache zero
compile 0
first=$(entries o)
compile 1
second=$(entries o | grep -v "$first")
cp "$first" "$second"
compile 1
is 'a copy of another result is no hit' "$(last_reason)" miss
ok 'and gives the right object' right 1
is 'it is counted as damaged' "$(field damaged)" 1
first=$(entries m | grep "/$(basename "$first" | cut -c 1-16)")
second=$(entries m | grep -v "$first")
cp "$first" "$second"
compile 1
is 'a copy of another manifest is no hit' "$(last_reason)" miss
ok 'and gives the right object, too' right 1
truncate -s -1 "$(entries o | head -n 1)"
printf X | dd of="$(entries m | head -n 1)" bs=1 seek=100 conv=notrunc 2>err
for name in 0 1; do
	"$hgbuild" cache inspect $name.c
	echo "status $?"
done >out 2>err
is 'inspect leaves out what is damaged' "$(grep -c '^manifest' out), $(
	grep -E -c '^status (0|66)$' out)" '1, 2'
out=$("$hgbuild" cache verify)
is 'verify fails when there is damage' $? 74
like 'names it' "$out" '\.o: the cached result is damaged$'
like 'and sums up' "$out" '^checked 4 entries, .*: 2 damaged$'
out=$("$hgbuild" cache verify --remove)
is 'when asked to it removes what is damaged' $? 0
like 'and says so' "$out" '^2 were removed$'
is 'which is counted' "$(field damaged)" 3
is_sound 'then all is well'
rm -f "$(entries m | head -n 1)"
touch -d '2 hours ago' "$HG_CACHE_DIR"/??/*
like 'verify tells of results that nothing leads to' \
	"$("$hgbuild" cache verify)" '^1 are results that nothing leads to$'
like 'and removes them' "$("$hgbuild" cache verify --remove)" '^1 were removed$'
compile 0
compile 1
settled
rm -f "$(entries o | head -n 1)"
like 'verify puts counters right' "$("$hgbuild" cache verify)" \
	'counters of 1 folders were wrong, by -1 entries and -24576 bytes'
is_sound 'for good'
mkdir -p "$HG_CACHE_DIR/00"
echo x >"$HG_CACHE_DIR/00/notes"
like 'what is no entry is left alone' "$("$hgbuild" cache verify)" \
	'^1 files are no entries and were left alone'
rm "$HG_CACHE_DIR/00/notes"

# ---- limits, in the background -------------------------------------------

# limited VARIABLE=VALUE: compiles all, one after the other
limited()
{
	rm -rf "$HG_CACHE_DIR"
	for name in $names; do
		env "$1" "$launcher" gcc -c "$name.c" -o "$name.o" ||
			return 1
	done
	settled
}

limited HG_CACHE_MAX_SIZE=400k
ok 'objects are right under a limit of size' right $names
ok 'the limit is kept' test "$(field bytes)" -le 450000
ok 'and made use of' test "$(field bytes)" -ge 250000
ok 'what was dropped is told' test "$(field evicted)" -gt 20
"$launcher" gcc -c 39.c -o 39.o
is 'what came last is there' "$(last_reason)" hit
is_sound 'counters are right'
limited HG_CACHE_MAX_FILES=20
ok 'a limit of files is kept' test "$(field entries)" -le 22
ok 'and made use of, too' test "$(field entries)" -ge 14
touch -d '2 hours ago' "$HG_CACHE_DIR"/??/*
sleep 1.1
HG_CACHE_MAX_FILES=0 HG_CACHE_MAX_AGE=1h compile 0
# the time of the next round was set without ages in mind: by hand, at once
HG_CACHE_MAX_AGE=1h "$hgbuild" cache trim >out
settled
is 'a limit of age is kept' "$(field entries)" 2
rm -rf "$HG_CACHE_DIR"
HG_CACHE_MAX_AGE=8s compile 0
settled
touch -d '2 hours ago' "$HG_CACHE_DIR"/??/*
sleep 1.1
HG_CACHE_MAX_AGE=8s compile 1
settled
is 'in the background, too' "$(field entries)" 2

# ---- killed at any moment ------------------------------------------------

rm -rf "$HG_CACHE_DIR"
compile 0
settled
round=0
while [ $round -lt 60 ]; do
	"$launcher" gcc -DROUND=$round -c 1.c -o killed.o >out 2>&1 &
	pid=$!
	# from before the compiler starts until after all is published
	sleep "0.0$((round % 10))$((round / 6))"
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null
	round=$((round + 1))
done 2>err
settled
rm -f killed.o*
"$hgbuild" cache verify >out
is 'no entry is wrong after launchers were killed' $? 0
is_sound 'nor are counters, once they were looked at'
round=0
while [ $round -lt 60 ]; do
	"$launcher" gcc -DROUND=$round -c 1.c -o k.o &&
		gcc -DROUND=$round -c 1.c -o ref.o && cmp k.o ref.o || break
	round=$((round + 5))
done
is 'every object is right then' $round 60
round=0
while [ $round -lt 30 ]; do
	for i in 2 3 4 5; do
		HG_CACHE_MAX_SIZE=100k "$launcher" gcc -DROUND=$round \
			-c $i.c -o killed$i.o >out 2>&1 &
	done
	sleep "0.0$((round % 10))$((round / 3))"
	# those who clean as well
	for pid in $(hg_processes); do
		kill -KILL "$pid"
	done
	wait
	round=$((round + 1))
done 2>err
settled
rm -f killed*.o*
"$hgbuild" cache verify >out
is 'no entry is wrong after cleaners were killed, too' $? 0
is_sound 'nor are counters, then'
for i in 2 3 4 5; do
	HG_CACHE_MAX_SIZE=100k compile $i
	settled
done
ok 'objects are right' right 2 3 4 5
ok 'and cleaning goes on' test "$(field bytes)" -le 150000
: >"$HG_CACHE_DIR/00.tmp"
mkdir -p "$HG_CACHE_DIR/00"
: >"$HG_CACHE_DIR/00/left.1.2.tmp"
find "$HG_CACHE_DIR" -name '*.tmp' -exec touch -d '2 hours ago' {} +
"$hgbuild" cache trim >out
is 'what killed processes left is removed' "$(temporaries)" ''

# ---- many at once --------------------------------------------------------

rm -rf "$HG_CACHE_DIR"
mkdir many
round=0
while [ $round -lt 240 ]; do
	{
		HG_CACHE_MAX_SIZE=300k "$launcher" gcc -c \
			$((round % 40)).c -o many/$round.o || echo $round
	} &
	round=$((round + 1))
done >failed
wait
settled
is 'two hundred and more at once succeed' "$(cat failed)" ''
is 'each is counted' "$(($(field hits) + $(field local)))" 240
for name in $names; do
	gcc -c "$name.c" -o ref.o
	for k in 0 40 80 120 160 200; do
		cmp ref.o many/$((k + name)).o
	done
done >differ 2>&1
is 'their objects are right' "$(cat differ)" ''
is 'no temporary file is left' "$(temporaries)" ''
ok 'the limit is kept within a factor' test "$(field bytes)" -le 600000
is_sound 'counters are exact, entries whole'
HG_CACHE_MAX_SIZE=300k compile 0
HG_CACHE_MAX_SIZE=300k compile 1
settled
ok 'and the next cleaning makes it exact' test "$(field bytes)" -le 350000

# ---- a full disk ---------------------------------------------------------

# In namespaces of its own: a disk of 2 MB, all of it taken but for some blocks
cat >on-full-disk <<'END'
mount -t tmpfs -o size=2m none "$1" || exit 99
n=0
while [ $n -lt 40 ]; do
	HG_CACHE_DIR=$1 "$launcher" gcc -c $n.c -o full/$n.o || exit 1
	[ $n -ne 20 ] || head -c 2m /dev/zero >"$1/fill" 2>err
	n=$((n + 1))
done
find "$1" -name '*.tmp'
HG_CACHE_DIR=$1 "$hgbuild" cache stats --json |
	grep -q '"cache_unwritable": [1-9]' || exit 4
HG_CACHE_DIR=$1 "$hgbuild" cache verify >verified || exit 2
rm "$1/fill"
HG_CACHE_DIR=$1 "$launcher" gcc -c 39.c -o full/39.o || exit 3
HG_CACHE_DIR=$1 "$launcher" gcc -c 39.c -o full/39.o || exit 3
END
export launcher hgbuild
mkdir full disk
if [ "$(id -u)" -eq 0 ]; then
	private='unshare -m'
else
	private='unshare -rm'
fi
# shellcheck disable=SC2086
if $private mount -t tmpfs -o size=2m none disk 2>err; then
	# shellcheck disable=SC2086
	out=$($private sh ./on-full-disk disk 2>err)
	is 'compiles succeed on a full disk, which is counted' $? 0
	is 'no temporary file fills it up' "$out" ''
	for name in $names; do
		gcc -c "$name.c" -o ref.o
		cmp ref.o "full/$name.o"
	done >differ 2>&1
	is 'and the objects are right' "$(cat differ)" ''
	is 'with room the cache works again' "$(last_reason)" hit
else
	for name in 'compiles succeed on a full disk, which is counted' \
		'no temporary file fills it up' 'and the objects are right' \
		'with room the cache works again'; do
		skip "$name" 'no private mounts here'
	done
fi

# A file system that never writes in place, so that not even what is there can
# be changed when it is full
cat >on-btrfs <<'END'
mount -o loop btrfs "$1" || exit 99
HG_CACHE_DIR=$1/cache
export HG_CACHE_DIR
"$launcher" gcc -c 0.c -o full/0.o || exit 1
sync
dd if=/dev/zero of="$1/fill" bs=64k
sync
dd if=/dev/zero of="$1/fill2" bs=4k
sync
for n in 0 1 2 3; do
	"$launcher" gcc -c $n.c -o full/$n.o || exit 1
done
"$hgbuild" cache stats || exit 2
"$hgbuild" cache trim || exit 2
rm "$1"/fill*
sync
for n in 3 3; do
	"$launcher" gcc -c $n.c -o full/$n.o || exit 3
done
"$hgbuild" cache verify || exit 4
END
rm -f full/*
if truncate -s 130m btrfs && mkfs.btrfs -q -M btrfs >out 2>&1 &&
	$private mount -o loop btrfs disk 2>err; then
	$private sh ./on-btrfs disk >out 2>err
	is 'compiles succeed on a full disk that nothing can be changed on' $? 0
	for name in 0 1 2 3; do
		gcc -c "$name.c" -o ref.o
		cmp ref.o "full/$name.o"
	done >differ 2>&1
	is 'their objects are right' "$(cat differ)" ''
	is 'and there, too, the cache works again' "$(last_reason)" hit
else
	for name in 'compiles succeed on a disk that nothing can be changed on' \
		'their objects are right' \
		'and there, too, the cache works again'; do
		skip "$name" 'no btrfs to be mounted here'
	done
fi
rm -f btrfs

# ---- file systems that share blocks, or do not ---------------------------

HG_CACHE_FILE_CLONE=true
export HG_CACHE_FILE_CLONE
rm -rf "$HG_CACHE_DIR"
compile 0
compile 0
is 'where blocks cannot be shared there are hits' "$(last_reason)" hit
ok 'with the right object' right 0
cat >on-xfs <<'END'
mount -o loop xfs "$1" || exit 99
HG_CACHE_DIR=$1/cache
export HG_CACHE_DIR
for try in miss hit; do
	rm -f "$1/big.o"
	"$launcher" gcc -c big.c -o "$1/big.o" || exit 1
done
filefrag -v "$1/big.o"
cp "$1/big.o" big.o
"$hgbuild" cache verify >verified
END
echo 'int big[200000] = { 1, 2, 3 };' >big.c
sleep 0.05
if command -v filefrag >out && truncate -s 512m xfs &&
	mkfs.xfs -q -m reflink=1 xfs 2>err &&
	$private mount -o loop xfs disk 2>err; then
	out=$($private sh ./on-xfs disk 2>err)
	is 'where they can all is sound' $? 0
	is 'there are hits' "$(last_reason)" hit
	ok 'with the right object' right big
	like 'that takes no room of its own' "$out" ',shared'
else
	for name in 'where they can all is sound' 'there are hits' \
		'with the right object' 'that takes no room of its own'; do
		skip "$name" 'no XFS to be mounted here'
	done
fi
rm -f xfs
unset HG_CACHE_FILE_CLONE

# ---- a cache that others own ---------------------------------------------

rm -rf "$HG_CACHE_DIR"
compile 0
settled
chmod 755 "$hg_dir" .
mkdir theirs
if [ "$(id -u)" -eq 0 ]; then
	chown 65534:65534 theirs
	as_other='env TMPDIR=theirs setpriv --reuid=65534 --regid=65534 --clear-groups'
else
	chmod -R a-w "$HG_CACHE_DIR"
	as_other=
fi
rm -f "$HG_LOG"
# shellcheck disable=SC2086
if $as_other test ! -w "$HG_CACHE_DIR" 2>/dev/null &&
	$as_other test -x "$launcher"; then
	find "$HG_CACHE_DIR" -type f -exec stat -c '%n %s %y' {} + >before
	HG_LOG=$PWD/theirs/log $as_other "$launcher" gcc -c 0.c -o theirs/0.o
	is 'a cache that cannot be written is no hindrance' $? 0
	HG_LOG=$PWD/theirs/log $as_other "$launcher" gcc -c 1.c -o theirs/1.o
	is 'nor for what it lacks' $? 0
	is 'hits come from it' "$(head -n 1 theirs/log | cut -f 4)" hit
	is 'misses say that it cannot be written' \
		"$(tail -n 1 theirs/log | cut -f 4)" cache_unwritable
	cp theirs/0.o 0.o
	cp theirs/1.o 1.o
	ok 'objects are right' right 0 1
	find "$HG_CACHE_DIR" -type f -exec stat -c '%n %s %y' {} + |
		diff before - >differ
	# shellcheck disable=SC2086
	$as_other "$hgbuild" cache verify >out 2>err
	is 'it can be verified' $? 0
	# shellcheck disable=SC2086
	$as_other "$hgbuild" cache inspect 0.c >out 2>err
	is 'and looked at' $? 0
	is 'it is as it was' "$(cat differ)" ''
	# shellcheck disable=SC2086
	$as_other "$hgbuild" cache trim >out 2>err
	is 'trimming it is an error' $? 74
	like 'which says why' "$(cat err)" \
		'^hgbuild: cannot use .*/usage: Permission denied'
	chmod -R u+w "$HG_CACHE_DIR"
else
	skip 'a cache that others own' 'cannot become another user here'
fi

done_testing
