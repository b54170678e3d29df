#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Settings that leave something out of the key or the inputs, or add to the key:
# each is off by default, and does what it says when it is on.
. "$(dirname "$0")/lib.sh"

launcher=$hg_bin/hg-launcher
hgbuild=$hg_bin/hgbuild
HG_LOG=$hg_dir/launcher.log
export HG_LOG

# ends REASON NAME COMMAND...: the launcher's run of it ends for that reason
ends()
{
	t_want=$1 t_what=$2
	shift 2
	sleep 0.03
	env "$@" >/dev/null 2>&1
	is "$t_what" "$(tail -n 1 "$HG_LOG" | cut -f 4)" "$t_want"
}

# sloppy NAMES: for the compiles that follow
sloppy()
{
	HG_LAUNCHER_SLOPPINESS=$1
	export HG_LAUNCHER_SLOPPINESS
}

echo 'const char *d = __DATE__ __TIME__;' >date.c
echo '#include "h.h"' >a.c
echo 'int h = 1;' >h.h
sleep 0.05

ends time_macro 'a date is not kept' "$launcher" gcc -c date.c
sloppy time_macros
ends miss 'time_macros: it is' "$launcher" gcc -c date.c
ends hit 'and found again' "$launcher" gcc -c date.c
sloppy ''
ends time_macro 'but not by who wants it exact' "$launcher" gcc -c date.c

unset LC_ALL
ends miss 'compiled' LANG=C "$launcher" gcc -c a.c
ends miss 'the locale counts' LANG=C.UTF-8 "$launcher" gcc -c a.c
sloppy locale
ends miss 'locale: compiled' LANG=C "$launcher" gcc -c a.c
ends hit 'does not count' LANG=C.UTF-8 "$launcher" gcc -c a.c
ends hit 'nor does another' LC_MESSAGES=C "$launcher" gcc -c a.c
sloppy ''

ends miss 'compiled' "$launcher" gcc -DSEED -frandom-seed=1 -c a.c
ends miss 'the seed counts' "$launcher" gcc -DSEED -frandom-seed=2 -c a.c
sloppy 'time_macros, random_seed'
ends miss 'random_seed: compiled' "$launcher" gcc -DSEED -frandom-seed=3 -c a.c
ends hit 'does not count' "$launcher" gcc -DSEED -frandom-seed=4 -c a.c

sloppy ''

# a header that was replaced by one with the same size and time
ends miss 'compiled' "$launcher" gcc -DREPLACED -c a.c
replace()
{
	sleep 0.03
	echo "int h = $1;" >new
	touch -r h.h new
	mv new h.h
}
replace 2
ends miss 'other content of the same size and time counts' \
	"$launcher" gcc -DREPLACED -c a.c
sloppy file_stat_matches
replace 3
ends hit 'file_stat_matches: not so' "$launcher" gcc -DREPLACED -c a.c
echo 'int hh = 4;' >h.h
ends miss 'another size does' "$launcher" gcc -DREPLACED -c a.c
sloppy ''

mkdir one two
cp a.c h.h one
cp a.c h.h two
ends miss 'compiled' sh -c "cd one && $launcher gcc --coverage -c a.c"
ends miss 'the folder counts for coverage' \
	sh -c "cd two && $launcher gcc --coverage -c a.c"
sloppy gcno_cwd
ends miss 'gcno_cwd: compiled' \
	sh -c "cd one && $launcher gcc --coverage -c a.c"
ends hit 'does not count' sh -c "cd two && $launcher gcc --coverage -c a.c"
ok 'and the notes are there' test -f two/a.gcno
ends miss 'for debug information it does' \
	sh -c "cd one && $launcher gcc --coverage -g -c a.c"
ends miss 'as before' \
	sh -c "cd two && $launcher gcc --coverage -g -c a.c"

if command -v clang >/dev/null; then
	echo '{ "version": 0, "roots": [] }' >o1.yaml
	cp o1.yaml o2.yaml
	sloppy ivfsoverlay
	ends miss 'ivfsoverlay: compiled' \
		"$launcher" clang -ivfsoverlay o1.yaml -c a.c
	ends hit 'its name does not count' \
		"$launcher" clang -ivfsoverlay o2.yaml -c a.c
else
	skip 'ivfsoverlay' 'no clang'
fi

sloppy system_headers
echo '#include <stdio.h>' >s.c
sleep 0.05
ends miss 'system_headers: compiled' "$launcher" gcc -c s.c
ends hit 'and found' "$launcher" gcc -c s.c
empty 'no header of the system is looked at' "$(
	find "$HG_CACHE_DIR" -name '*.m' -newer s.c -exec \
		grep -l -a /usr/include/stdio.h {} +)"
sloppy ''

# names
sloppy nonsense
ends hit 'an unknown name does not fail a build' true
ok 'it compiles' "$launcher" gcc -c a.c
like 'the mistake is told' "$("$hgbuild" config check 2>&1)" \
	"HG_LAUNCHER_SLOPPINESS.*there is no sloppiness 'nonsense'"
sloppy 'pch_defines,modules,include_file_mtime,include_file_ctime,incbin'
ok 'all names are taken' "$hgbuild" config check
sloppy ''

# the rest
export HG_LAUNCHER_IGNORE_OPTIONS='-Wno-odr -fdiag*'
ends miss 'compiled' "$launcher" gcc -Wformat -c a.c
ends hit 'an argument that is not to count' \
	"$launcher" gcc -Wformat -Wno-odr -fdiagnostics-color=never -c a.c
ends miss 'another does' "$launcher" gcc -Wformat -Wno-odr -Wno-vla -c a.c
unset HG_LAUNCHER_IGNORE_OPTIONS
export HG_LAUNCHER_ENV='FLAVOUR, MY_*'
ends miss 'a variable that is to count' FLAVOUR=1 "$launcher" gcc -c a.c
ends hit 'is as before' FLAVOUR=1 "$launcher" gcc -c a.c
ends miss 'is another' FLAVOUR=2 "$launcher" gcc -c a.c
ends miss 'of many' FLAVOUR=2 MY_X=1 "$launcher" gcc -c a.c
like 'and why says so' "$("$hgbuild" why a.c)" \
	"environment variable MY_X was not set, and is now '1'"
unset HG_LAUNCHER_ENV
echo 1 >x1
echo 1 >x2
export HG_LAUNCHER_EXTRA_FILES=x1:$PWD/x2
ends miss 'further files count' "$launcher" gcc -c a.c
ends hit 'are as before' "$launcher" gcc -c a.c
echo 2 >x2
ends miss 'are others' "$launcher" gcc -c a.c
like 'and why says so' "$("$hgbuild" why a.c)" 'the file .*x2 has other content'
rm x1
ends extra_file 'are gone' "$launcher" gcc -c a.c
like 'and why says so' "$("$hgbuild" why a.c)" 'could not be read \(x1\)'
unset HG_LAUNCHER_EXTRA_FILES

# compilers
mkdir bin
new_compiler()
{
	printf '#!/bin/sh\n# %s\nexec gcc "$@"\n' "$1" >bin/gcc-1
	chmod +x bin/gcc-1
	touch -d '2020-01-01' bin/gcc-1
	sleep 0.03
}
# check HOW REASON: of a compile with another compiler of the same size
check()
{
	HG_LAUNCHER_COMPILER_CHECK=$1
	export HG_LAUNCHER_COMPILER_CHECK
	new_compiler 1
	"$launcher" bin/gcc-1 -c a.c
	new_compiler 2
	ends "$2" "compiler_check = $1" "$launcher" bin/gcc-1 -c a.c
}
check content miss
check mtime hit
check none hit
check string:9 hit
ends miss 'another text' HG_LAUNCHER_COMPILER_CHECK=string:10 \
	"$launcher" bin/gcc-1 -c a.c
like 'and why says so' "$("$hgbuild" why a.c)" \
	'launcher.compiler_check was string:9, and is now string:10'
HG_LAUNCHER_COMPILER_CHECK=guess
like 'an unknown check is told' "$("$hgbuild" config check 2>&1)" \
	"'guess' is none of content, mtime"
unset HG_LAUNCHER_COMPILER_CHECK

done_testing
