# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the lint tests share: TAP, and the lists of files they look at.
set -u
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
. "$top_srcdir/tests/lib/tap.sh"
cd "$top_srcdir" || exit 99

# The folders that hold what people wrote; what is built there is left out.
lint_folders='launcher lib services cli proto tests data docs integrations m4'

# sources PATTERN...: files of those folders with such names
sources()
{
	for s_pattern in "$@"; do
		# one word each
		# shellcheck disable=SC2086
		find $lint_folders -type f -name "$s_pattern" \
			! -name '*.pb-c.[ch]' 2>/dev/null
	done | sort
}

c_sources()
{
	sources '*.c' '*.h'
}

# without_comments FILE: its text, each comment made one space, same lines
without_comments()
{
	awk '
	{
		line = $0
		out = ""
		while (line != "") {
			if (inside) {
				end = index(line, "*/")
				if (!end) {
					line = ""
				} else {
					line = substr(line, end + 2)
					inside = 0
				}
				continue
			}
			start = index(line, "/*")
			if (!start) {
				out = out line
				line = ""
			} else {
				out = out substr(line, 1, start - 1) " "
				line = substr(line, start + 2)
				inside = 1
			}
		}
		print out
	}' "$1"
}
