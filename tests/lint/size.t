#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions one can read at once, files one can keep in mind.
. "$(dirname "$0")/lib.sh"

# A function's body starts and ends with a brace in the first column.
long_functions()
{
	c_sources | xargs awk '
		FNR == 1 { start = 0 }
		/^{/ { start = FNR }
		/^}/ {
			if (start && FNR - start > 100)
				print FILENAME ":" start ": " FNR - start " lines"
			start = 0
		}'
}

long_files()
{
	c_sources | xargs wc -l | awk '
		$2 == "total" { next }
		$2 ~ /\.c$/ && $1 > 1000 { print $2 ": " $1 " lines" }
		$2 ~ /\.h$/ && $1 > 400 { print $2 ": " $1 " lines" }'
}

empty 'no function is longer than 100 lines' "$(long_functions)"
empty 'no file is longer than 1000 lines (headers: 400)' "$(long_files)"
plan
