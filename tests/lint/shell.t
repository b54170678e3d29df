#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Our scripts pass shellcheck.
. "$(dirname "$0")/lib.sh"

scripts()
{
	ls bootstrap autogen.sh .ci/run
	sources '*.sh' '*.t'
	find tests -type f -perm -u+x ! -name '*.t' 2>/dev/null
}

shell_scripts()
{
	scripts | sort -u | while read -r file; do
		case $(head -n 1 "$file" | tr -d '\0') in
		'#!/bin/sh'* | '# SPDX'*) echo "$file" ;;
		esac
	done
}

if command -v shellcheck >/dev/null; then
	# what a script sources sets the variables that it then uses
	empty 'shellcheck finds nothing' "$(shell_scripts |
		xargs shellcheck -S warning -e SC1091,SC2154,SC2034 -f gcc)"
else
	skip 'shellcheck finds nothing' 'it is not installed'
fi
plan
