#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hgbuild import ccache: a full configuration becomes ours.
. "$(dirname "$0")/lib.sh"

hgbuild=$hg_bin/hgbuild
for name in $(env | sed -n 's/^\(CCACHE_[A-Z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done
user=$HOME/.config/hybridgrid/hybridgrid.conf

# value SECTION.KEY: in force when the text in ./ours is the configuration
value()
{
	HG_CONFIG=$PWD/ours "$hgbuild" config show |
		sed -n "s/^$(echo "$1" | sed 's/\./\\./') = \(.*[^ ]\)  *(.*)\$/\1/p"
}

"$hgbuild" import ccache 2>err
is 'nothing to import' "$?" 66
like 'which is told' "$(cat err)" 'there are no settings of ccache'
"$hgbuild" import ccache none 2>err
is 'no such file' "$?" 66
echo 'no setting' >bad
"$hgbuild" import ccache bad 2>err
is 'a bad file' "$?" 64
like 'which is told' "$(cat err)" 'bad:1: not key = value'

cat >full <<'EOF'
# everything that ccache 4.13 knows
absolute_paths_in_stderr = true
base_dir = /home/me/src
cache_dir = /var/cache/ccache
ceiling_dirs = /home
ceiling_markers = .git
compiler = gcc-12
compiler_check = string:gcc 12
compiler_type = auto
compression = true
compression_level = 5
cpp_extension = ii
debug = false
debug_dir = /tmp
debug_level = 1
depend_mode = true
direct_mode = true
disable = false
extra_files_to_hash = /etc/a:/etc/b
file_clone = false
hard_link = true
hash_dir = false
ignore_headers_in_manifest = /x
ignore_options = -Wno-odr -fdiagnostics*
inode_cache = true
keep_comments_cpp = true
libexec_dirs = /l
log_file = /tmp/log
max_files = 0
max_size = 20.0 GiB
msvc_dep_prefix = Note:
msvc_utf8 = true
namespace = mine
path = /usr/bin
pch_external_checksum = true
prefix_command = distcc
prefix_command_cpp = x
read_only = true
read_only_direct = false
recache = false
remote_only = false
remote_storage = redis://localhost
reshare = true
response_file_format = auto
run_second_cpp = true
safe_dirs = /s
sloppiness = time_macros, file_stat_matches,locale
stats = true
stats_log = /tmp/stats
temporary_dir = /tmp
umask = 002
unheard_of = 1
EOF
"$hgbuild" import ccache full >ours
is 'a full file' "$?" 0
ok 'gives a right one' "$hgbuild" config check ours
is 'size' "$(value cache.max_size)" 20GiB
is 'compression' "$(value cache.compression) $(value cache.compression_level)" \
	'true 5'
is 'hard links' "$(value cache.hard_link)" true
is 'namespace' "$(value cache.namespace)" mine
is 'read-only' "$(value cache.readonly)" true
is 'folder' "$(value launcher.base_dir)" /home/me/src
is 'check' "$(value launcher.compiler_check)" 'string:gcc 12'
is 'files' "$(value launcher.extra_files)" /etc/a:/etc/b
is 'arguments' "$(value launcher.ignore_options)" '-Wno-odr -fdiagnostics*'
is 'sloppiness' "$(value launcher.sloppiness)" locale,time_macros
missing()
{
	sed -n 's/^\([a-z_]*\) = .*/\1/p' full | while read -r key; do
		grep -q -e "full:.*" ours &&
			grep -q -E -e "^# $key = |full:$(grep -n "^$key = " full |
				cut -d : -f 1)$" ours || echo "$key"
	done
}
empty 'every setting is told of' "$(missing)"
like 'with the reason' "$(grep -A 1 '^# hash_dir' ours)" \
	'counts only where the output names it'
like 'one that is not known too' "$(cat ours)" 'not a setting of ccache'

# where ccache looks
mkdir -p "$HOME/.ccache" "$HOME/.config/ccache" "$hg_dir/c"
echo 'max_size = 1G' >"$HOME/.config/ccache/ccache.conf"
like 'its new place' "$("$hgbuild" import ccache)" '^max_size = 1G'
echo 'max_size = 2G' >"$HOME/.ccache/ccache.conf"
like 'its old place goes first' "$("$hgbuild" import ccache)" '^max_size = 2G'
echo 'max_size = 3G' >"$hg_dir/c/ccache.conf"
like 'its cache' "$(CCACHE_DIR=$hg_dir/c "$hgbuild" import ccache)" \
	'^max_size = 3G'
echo 'max_size = 4G' >named
like 'the file it is told' "$(CCACHE_CONFIGPATH=named "$hgbuild" import ccache)" \
	'^max_size = 4G'
like 'variables' "$(CCACHE_MAXSIZE=5G "$hgbuild" import ccache)" '^max_size = 5G'
like 'that say no' "$(CCACHE_NODISABLE=1 "$hgbuild" import ccache)" \
	'^disable = false'

# writing
"$hgbuild" import ccache full --write >out
is 'it is written' "$?" 0
is 'where it is said' "$(cat out)" "written: $user"
ok 'it is right' "$hgbuild" config check "$user"
like 'it is in force' "$("$hgbuild" config show)" '^cache.max_size = 20GiB '
printf '[cache]\n; mine\nmax_size = 7G' >"$user"
chmod 600 "$user"
"$hgbuild" import ccache full --write >out
is 'what is there is kept' "$(head -n 3 "$user" | tail -n 2)" '; mine
max_size = 7G'
like 'which is told' "$(cat out)" "^kept: cache\.max_size \($user:3\)"
like 'the rest is added' "$("$hgbuild" config show)" \
	'^launcher\.base_dir = /home/me/src '
like 'once' "$("$hgbuild" import ccache full --write)" \
	'^kept: launcher\.base_dir'
ok 'it is still right' "$hgbuild" config check "$user"
is 'its mode is kept' "$(stat -c %a "$user")" 600
echo 'nonsense' >"$user"
"$hgbuild" import ccache full --write >out 2>&1
is 'a file that is not right is not touched' "$(cat "$user")" nonsense
rm "$user"
"$hgbuild" import ccache a b 2>err
is 'one file at most' "$?" 64
"$hgbuild" config show --write 2>err
is 'other commands have no --write' "$?" 64

done_testing
