#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How a hit puts its files where older ones are: over them where nobody could
# tell, as new ones otherwise.
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/e2e/same.sh"

cat >a.c <<'END'
int add(int a, int b)
{
	return a + b;
}
END
sleep 0.03

hit()
{
	"$launcher" gcc "$@" -MD -MF a.d -c a.c -o a.o
}
inode()
{
	stat -c %i "$1"
}
mode()
{
	stat -c %a "$1"
}

ok 'compiled' hit
cp a.o want.o
cp a.d want.d
ok 'twice, as the object was new' hit
is 'it is a hit' "$(last_reason)" hit

# an old file that nobody else has
cp /bin/sh a.o
chmod 644 a.o
seq 1000 >a.d
touch -d '2001-01-01' a.o a.d
before=$(inode a.o)
ok 'over longer files' hit
ok 'the object is right' cmp a.o want.o
ok 'the dependency file is right' cmp a.d want.d
is 'the file is the same one' "$(inode a.o)" "$before"
ok 'it is newer than before' [ "$(stat -c %Y a.o)" -gt 1000000000 ]
ok 'so is the dependency file' [ "$(stat -c %Y a.d)" -gt 1000000000 ]
printf x >a.o
: >a.d
ok 'over shorter files' hit
ok 'the object is right then' cmp a.o want.o
ok 'the dependency file is right then' cmp a.d want.d

# old files that others have, or that are not as a new one would be
printf 'precious\n' >theirs
rm a.o
ln theirs a.o
ok 'over a hard link' hit
ok 'the object is right there' cmp a.o want.o
is 'the other name keeps its content' "$(cat theirs)" precious
ln -sf theirs a.o
ok 'over a symbolic link' hit
ok 'the link became the object' cmp a.o want.o
ok 'and is no link' [ ! -L a.o ]
is 'what it led to keeps its content' "$(cat theirs)" precious
chmod 755 a.o
ok 'over a file of another mode' hit
is 'the mode is that of a new file' "$(mode a.o)" 644
chmod 444 a.o
ok 'over a file that may not be written' hit
is 'its mode is that of a new one' "$(mode a.o)" 644
ok 'under another umask' sh -c "umask 077 && \"$launcher\" gcc -MD -MF a.d \
	-c a.c -o a.o"
is 'the mode follows the umask' "$(mode a.o)" 600
if [ "$(id -u)" -eq 0 ]; then
	chmod 644 a.o
	chown 65534 a.o
	ok 'over a file of another user' hit
	is 'the object is ours' "$(stat -c %u a.o)" 0
else
	skip 'over a file of another user' 'only root can make one'
fi

# a stored object that is damaged must not stay behind in the old one's place
seq 100000 | sed 's/.*/int v&[4] = { &, &, &, & };/' >big.c
sleep 0.03
big()
{
	"$launcher" gcc -c big.c -o big.o
}
ok 'a large object' big
cp big.o want.o
ok 'from the cache' big
is 'a hit, too' "$(last_reason)" hit
entry=$(find "$HG_CACHE_DIR" -name '*.o' -size +1000k)
printf 'damage' | dd of="$entry" bs=1 seek=500000 conv=notrunc 2>/dev/null
ok 'with its entry damaged' big
is 'it is compiled again' "$(last_reason)" miss
ok 'and right' cmp big.o want.o

# ---- hard links ----------------------------------------------------------

rm -rf "$HG_CACHE_DIR"
HG_CACHE_HARD_LINK=true
export HG_CACHE_HARD_LINK
hgbuild=$hg_bin/hgbuild
for tree in one two; do
	mkdir -p $tree/.git
	echo 'int add(int a, int b) { return a + b; }' >$tree/x.c
done
sleep 0.03
# compile TREE [ARGUMENT...]: its object is TREE/x.o
compile()
{
	c_tree=$1
	shift
	(cd "$c_tree" && "$launcher" "$@" -c x.c -o x.o)
}
kept()
{
	find "$HG_CACHE_DIR" -name '*.l'
}
links()
{
	stat -c %h "$1"
}
# is_sound NAME: no entry is damaged, no counter is wrong
is_sound()
{
	"$hgbuild" cache verify >verify 2>&1
	is "$1" "$? $(wc -l <verify)" '0 1'
	[ "$(wc -l <verify)" -le 1 ] || diag "$(cat verify)"
}

ok 'compiled for links' compile one gcc
is 'what the compiler made is a file of its own' "$(links one/x.o)" 1
is 'the cache has the object once' "$(kept | wc -l)" 1
is 'and nobody may write to it' "$(mode "$(kept)")" 444
cp one/x.o want.o
ok 'from the cache as a link' compile one gcc
is 'which is a hit' "$(last_reason)" hit
is 'it is the file that the cache has' "$(inode one/x.o)" "$(inode "$(kept)")"
ok 'the object is right as a link' cmp one/x.o want.o
touch -d '2001-01-01' one/x.o
ok 'another checkout' compile two gcc
is 'which is a hit as well' "$(last_reason)" hit
is 'both have one file' "$(inode two/x.o)" "$(inode one/x.o)"
ok 'its time is that of the delivery' [ "$(stat -c %Y two/x.o)" -gt 1000000000 ]
ok 'over itself' compile two gcc
is 'the links stay what they were' "$(links two/x.o)" 3
empty 'nothing is left beside it' "$(find one two -name '*.hgtmp')"
is_sound 'a cache with links is sound'
like 'it can be inspected' "$("$hgbuild" cache inspect one/x.c)" \
	'x\.o  linked$'
like 'by the name of the file, too' "$("$hgbuild" cache inspect "$(kept)")" \
	'x\.o  linked$'
like 'and is counted' "$("$hgbuild" cache stats --json)" '"entries": 3,'

# a compile over it
echo 'int sub(int a, int b) { return a - b; }' >two/x.c
sleep 0.03
ok 'a changed source' compile two gcc
is 'is compiled' "$(last_reason)" miss
ok 'the other tree keeps its object' cmp one/x.o want.o
is 'which two have now' "$(links one/x.o)" 2
ok 'a hit there' compile one gcc
ok 'is right still' cmp one/x.o want.o
cp one/x.c two/x.c
sleep 0.03
if command -v clang >/dev/null; then
	ok 'Clang over a link' compile one clang
	is 'compiles' "$(last_reason)" miss
	is 'to a file of its own' "$(links one/x.o)" 1
	ok 'a hit of Clang' compile one clang
	is 'is a link' "$(links one/x.o)" 2
	compile one clang -ftime-report 2>err
	is 'a command that is passed on works, too' "$?" 0
	is 'to a file of its own again' "$(links one/x.o)" 1
else
	skip 'Clang over a link' 'there is no clang'
fi
ok 'linked again' compile one gcc
for what in miss hit; do
	ok "assembly over a link, a $what" sh -c \
		"cd one && '$launcher' gcc -S x.c -o x.o"
	is "which is a $what" "$(last_reason)" $what
	ok 'the other tree is not written to' compile two gcc
	is 'it has a hit' "$(last_reason)" hit
	ok 'it has the object' cmp two/x.o want.o
	ok 'linked once more' compile one gcc
done
is_sound 'nothing of that reached the cache'

is 'what goes to standard output is a miss' \
	"$(cd one && "$launcher" gcc -E -P x.c) $(last_reason)" \
	"$(cat one/x.c) miss"
is 'and a hit, of no file' \
	"$(cd one && "$launcher" gcc -E -P x.c) $(last_reason)" \
	"$(cat one/x.c) hit"

# who writes in place
chmod u+w one/x.o
ok 'one that may be written' compile two gcc
ok 'is not given to others' [ "$(inode two/x.o)" != "$(inode one/x.o)" ]
ok 'but copied' cmp two/x.o want.o
chmod a-w one/x.o
rm -f two/x.o
ok 'and linked again later' compile two gcc
is 'as one file' "$(inode two/x.o)" "$(inode one/x.o)"
strip --strip-all -o stripped.o one/x.o
chmod u+w one/x.o
cat stripped.o >one/x.o
chmod a-w one/x.o
"$hgbuild" cache verify >verify 2>&1
like 'one that was stripped in place is damaged' "$(cat verify)" damaged
ok 'the next compile' compile two gcc
is 'does not get it' "$(last_reason)" miss
ok 'but the right one' cmp two/x.o want.o
ok 'a hit after that' compile one gcc
ok 'is right, too' cmp one/x.o want.o
is 'it is a link again' "$(links one/x.o)" 2
is_sound 'the damage is gone'
printf 'X' | dd of=one/x.o bs=1 seek=80 conv=notrunc 2>/dev/null ||
	{ chmod u+w one/x.o && printf 'X' |
		dd of=one/x.o bs=1 seek=80 conv=notrunc 2>/dev/null; }
chmod a-w one/x.o
touch -d '1 hour ago' one/x.o
ok 'one byte of another value' compile two gcc
is 'is noticed' "$(last_reason)" miss
ok 'and mended' cmp two/x.o want.o
compile two gcc
rm -f "$(find "$HG_CACHE_DIR" -samefile two/x.o)"
"$hgbuild" cache verify >verify 2>&1
like 'one that is gone is missed' "$(cat verify)" \
	'the object beside the cached result is gone'
ok 'an object that was removed by hand' compile two gcc
is 'is made again' "$(last_reason)" miss

# where links cannot be made, or are not wanted
ok 'another umask' sh -c "umask 077; cd one && '$launcher' gcc -c x.c -o x.o"
is 'is a hit' "$(last_reason)" hit
is 'with its own permissions' "$(mode one/x.o)" 600
ok 'and a copy' cmp one/x.o want.o
shm=$(mktemp -d /dev/shm/hg-test-XXXXXX 2>/dev/null)
if [ "$shm" ] && [ "$(stat -c %d "$shm")" != "$(stat -c %d .)" ]; then
	ok 'to another file system' sh -c \
		"cd one && '$launcher' gcc -c x.c -o '$shm/x.o'"
	is 'there is a hit' "$(last_reason)" hit
	ok 'which is a copy' cmp "$shm/x.o" want.o
	empty 'and nothing else' "$(find "$shm" -name '*.hgtmp')"
else
	skip 'to another file system' 'there is only one'
fi
[ -z "$shm" ] || rm -rf "$shm"
rm -f one/x.o
HG_CACHE_HARD_LINK=false compile one gcc
is 'without the option there are hits' "$(last_reason)" hit
is 'that are copies' "$(links one/x.o) $(mode one/x.o)" '1 644'
HG_CACHE_FILE_CLONE=true compile one gcc
ok 'links go before clones' [ "$(find "$HG_CACHE_DIR" -samefile one/x.o)" ]
HG_CACHE_HARD_LINK=false HG_CACHE_FILE_CLONE=true compile one gcc
ok 'clones of what could be linked' cmp one/x.o want.o
ok 'are files of their own' [ "$(links one/x.o)" -eq 1 ]

# with the cache
is_sound 'all is sound'
compile one gcc
compile two gcc
"$hgbuild" cache clear >/dev/null
ok 'what was delivered outlives the cache' cmp one/x.o want.o
is 'it is still shared' "$(links one/x.o)" 2
empty 'which keeps nothing' "$(kept)"
like 'and counts nothing' "$("$hgbuild" cache stats --json)" '"entries": 0,'
compile one gcc
"$hgbuild" cache trim --max-files 1 >/dev/null
empty 'trim takes them with their results' "$(kept)"
is_sound 'what trim left is sound'
rm -rf "$HG_CACHE_DIR"
HG_CACHE_COMPRESSION=true compile one gcc
HG_CACHE_COMPRESSION=true compile one gcc
is 'compressed ones are hits' "$(last_reason)" hit
is 'but no links' "$(links one/x.o)" 1
empty 'nor kept for any' "$(kept)"
# failures, several outputs
echo '#error no' >two/x.c
sleep 0.03
compile two gcc 2>/dev/null
compile two gcc 2>/dev/null
is 'failures are hits without an object' "$? $(last_reason)" '1 hit'
cp one/x.c two/x.c
sleep 0.03
compile two gcc -g -gsplit-dwarf -MD
rm two/x.dwo two/x.d
compile two gcc -g -gsplit-dwarf -MD
is 'of several outputs' "$(last_reason)" hit
is 'the object is linked' "$(links two/x.o)" 2
is 'and no other' "$(links two/x.dwo) $(links two/x.d)" '1 1'

done_testing
