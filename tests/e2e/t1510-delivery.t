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

done_testing
