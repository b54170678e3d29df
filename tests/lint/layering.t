#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lower layers never include higher ones, and each third-party header has one
# folder. The rules are the tables beside this file.
. "$(dirname "$0")/lib.sh"

# FILE LINE INCLUDED, one a line, of everything but tests
includes()
{
	c_sources | grep -v '^tests/' | while read -r file; do
		sed -n '/^[[:space:]]*#[[:space:]]*include/{
			=
			s/^[^<"]*[<"]\([^>"]*\)[>"].*/\1/p
		}' "$file" | paste -d ' ' - - | sed "s|^|$file |"
	done
}

all=$(includes)

ours_upwards()
{
	printf '%s\n' "$all" | awk '
	function is_below(path, folder)
	{
		return index(path, folder "/") == 1
	}
	FNR == NR {
		if ($1 ~ /^[^#]/) {
			folder[++n] = $1
			for (i = 2; i <= NF; i++)
				may[$1] = may[$1] " " $i
		}
		next
	}
	$3 ~ /^(lib|launcher|services|cli|proto|tests)\// {
		mine = ""
		for (i = 1; i <= n; i++)
			if (is_below($1, folder[i]))
				mine = folder[i]
		if (mine == "") {
			if (!told[$1]++)
				print $1 ": not in tests/lint/layers"
			next
		}
		good = is_below($3, mine)
		m = split(may[mine], list, " ")
		for (i = 1; i <= m; i++)
			good = good || is_below($3, list[i])
		if (!good)
			print $1 ":" $2 ": includes " $3
	}' tests/lint/layers -
}

third_party_elsewhere()
{
	printf '%s\n' "$all" | awk '
	FNR == NR {
		if ($1 ~ /^[^#]/) {
			pattern[++n] = $1
			for (i = 2; i <= NF; i++)
				owner[n] = owner[n] " " $i
		}
		next
	}
	{
		for (p = 1; p <= n; p++) {
			if ($3 !~ pattern[p])
				continue
			good = 0
			m = split(owner[p], list, " ")
			for (i = 1; i <= m; i++)
				good = good || index($1, list[i] "/") == 1
			if (!good)
				print $1 ":" $2 ": includes " $3 \
					", which is for" owner[p]
		}
	}' tests/lint/owners -
}

config_h_misplaced()
{
	printf '%s\n' "$all" | awk '
	$1 ~ /\.h$/ && $3 == "config.h" {
		print $1 ":" $2 ": a header includes config.h"
	}
	$1 ~ /\.c$/ && !($1 in seen) && $3 != "config.h" {
		print $1 ":" $2 ": config.h is not the first include"
	}
	{ seen[$1] = 1 }'
}

empty 'nobody includes a higher layer' "$(ours_upwards)"
empty 'third-party headers stay in their folder' "$(third_party_elsewhere)"
empty 'config.h is first in every .c and in no .h' "$(config_h_misplaced)"
plan
