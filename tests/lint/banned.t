#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that have a safer form here, and notes that belong in an issue.
. "$(dirname "$0")/lib.sh"

banned='alloca|asctime|atof|atoi|atol|atoll|ctime|gets|gmtime|localtime'
banned="$banned|longjmp|mktemp|popen|rand|setjmp|signal|sprintf|srand|strcat"
banned="$banned|strcpy|strncat|strncpy|strtok|system|tempnam|tmpnam|usleep"
banned="$banned|vsprintf"

calls()
{
	c_sources | while read -r file; do
		without_comments "$file" |
			grep -nE "(^|[^[:alnum:]_.>\"])($banned)[[:space:]]*\\(" |
			grep -vE '^[0-9]+:localtime\(const' | # the observer's wrapper
			sed "s|^|$file:|"
	done
}

line_comments()
{
	c_sources | while read -r file; do
		without_comments "$file" | grep -nE '(^|[[:space:];{}])//' |
			sed "s|^|$file:|"
	done
}

unfinished()
{
	sources '*.c' '*.h' '*.def' '*.proto' '*.sh' '*.t' '*.mk' '*.m4' |
		grep -v '^tests/lint/' |
		xargs grep -nE '\<(TODO|FIXME|XXX|HACK)\>'
}

empty 'no banned function is called' "$(calls)"
empty 'comments are of the one kind' "$(line_comments)"
empty 'nothing is left as a note to oneself' "$(unfinished)"
plan
