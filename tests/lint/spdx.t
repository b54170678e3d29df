#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file that people wrote names its licence at its head.
. "$(dirname "$0")/lib.sh"

unmarked()
{
	{
		sources '*.c' '*.h' '*.def' '*.proto' '*.sh' '*.t' '*.mk' \
			'*.m4' '*.py' '*.cmake' '*.bzl' packages layers owners
		find tests -type f -perm -u+x ! -name '*.t' 2>/dev/null
		ls autogen.sh bootstrap configure.ac Makefile.am
	} | grep -v -e '/fixtures/' -e '\.\(o\|so\)$' | while read -r file; do
		head -n 4 "$file" |
			grep -q 'SPDX-License-Identifier: Apache-2\.0' ||
			echo "$file"
	done
}

# local.mk of a few lines says nothing of its own
empty 'every file names its licence' \
	"$(unmarked | grep -v 'local\.mk$')"
plan
