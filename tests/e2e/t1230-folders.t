#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The configuration of a folder: where it is looked for, what it may set, whose
# it must be.
. "$(dirname "$0")/lib.sh"

launcher=$hg_bin/hg-launcher
hgbuild=$hg_bin/hgbuild
HG_LOG=$hg_dir/launcher.log
export HG_LOG

# in_force NAME VALUE [FOLDER]: of launcher.compiler_check there
in_force()
{
	is "$1" "$(cd "${3:-.}" && "$hgbuild" config show 2>/dev/null |
		sed -n 's/^launcher\.compiler_check = \([^ ]*\) .*/\1/p')" "$2"
}

conf=$PWD/p/.hybridgrid.conf
mkdir -p p/q/r "$HOME/src"
printf '[launcher]\ncompiler_check = mtime\n' >"$conf"
in_force 'in the folder' mtime p
in_force 'and below it' mtime p/q/r
in_force 'not above it' content .
like 'with its origin' "$(cd p/q && "$hgbuild" config show)" \
	"^launcher\.compiler_check = mtime +\($conf:2\)"
printf '[launcher]\ncompiler_check = none\n' >p/q/.hybridgrid.conf
in_force 'the nearest one counts' none p/q/r
mkdir -p "$HOME/.config/hybridgrid"
printf '[launcher]\ncompiler_check = string:user\n' \
	>"$HOME/.config/hybridgrid/hybridgrid.conf"
in_force 'it is stronger than the file of the user' mtime p
printf '[launcher]\ncompiler_check = string:named\n' >named
HG_CONFIG=$PWD/named
export HG_CONFIG
in_force 'weaker than the file that is named' string:named p
unset HG_CONFIG
HG_LAUNCHER_COMPILER_CHECK=content
export HG_LAUNCHER_COMPILER_CHECK
in_force 'and than the environment' content p
unset HG_LAUNCHER_COMPILER_CHECK
HG_LAUNCHER_FOLDER_CONFIG=off
export HG_LAUNCHER_FOLDER_CONFIG
in_force 'it can be switched off' string:user p
unset HG_LAUNCHER_FOLDER_CONFIG
printf '[launcher]\ncompiler_check = none\n' >"$HOME/.hybridgrid.conf"
in_force 'the home folder has none' string:user "$HOME/src"
rm "$HOME/.config/hybridgrid/hybridgrid.conf"

# the launcher
echo 'int i;' >p/q/a.c
sleep 0.03
compile()
{
	(cd p/q && "$launcher" gcc -c a.c)
	tail -n 1 "$HG_LOG" | cut -f 4
}
is 'compiled' "$(compile)" miss
printf '[launcher]\ndisable = yes\n' >p/q/.hybridgrid.conf
is 'the launcher goes by it' "$(compile)" disabled

# wrong ones
# refused NAME REGEX: the file as it is counts for nothing, and why is told
refused()
{
	(cd p && "$hgbuild" config check) >out 2>&1
	t_status=$?
	like "$1: told" "$(cat out)" "$2"
	[ $t_status -ne 0 ]
	report $? "$1: a failure of config check"
	in_force "$1: it counts for nothing" content p
	like "$1: shown" "$(cd p && "$hgbuild" config show 2>&1)" \
		"^hgbuild: $conf: ignored: "
	(cd p && "$launcher" gcc -c q/a.c)
	report $? "$1: compiles go on"
}
ok 'a right one' sh -c "cd p && $hgbuild config check"
chmod 666 "$conf"
refused 'written by others' 'can be written by others: chmod go-w'
chmod 644 "$conf"
printf '[launcher]\ncompiler_check = mtime\nlog = /tmp/x\n' >"$conf"
refused 'a file to write to' ':3: launcher\.log cannot be set for a folder'
printf '[launcher]\ncompiler_check = mtime\ncoordinator = x:1\n' >"$conf"
refused 'a server' ':3: launcher\.coordinator cannot be set for a folder'
printf '[cache]\ndir = x\n[launcher]\ncompiler_check = mtime\n' >"$conf"
refused 'the cache' ':2: cache\.dir cannot be set for a folder'
printf '[launcher]\ncompiler_check = mtime\nsloppiness = x\n' >"$conf"
refused 'a bad value' ":3: launcher\.sloppiness: there is no sloppiness 'x'"
printf '[launcher]\ncompiler_check = mtime\nnone = x\n' >"$conf"
refused 'an unknown key' ":3: unknown key 'none'"
rm "$conf"
mkdir "$conf"
refused 'a folder' 'is not a file'
rmdir "$conf"
mkfifo "$conf"
refused 'a pipe' 'is not a file'
rm "$conf"
if [ "$(id -u)" -eq 0 ]; then
	printf '[launcher]\ncompiler_check = mtime\n' >"$conf"
	chown 1 "$conf"
	refused "another's" 'belongs to another user'
	rm "$conf"
else
	skip "another's" 'only root can give files away'
fi
printf '[launcher]\nbase_dir = .\n' >"$conf"
like 'a relative name starts at the file' \
	"$(cd p/q/r && rm ../.hybridgrid.conf && "$hgbuild" config show)" \
	"^launcher\.base_dir = $PWD/p "

done_testing
