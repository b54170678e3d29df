# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Test results as TAP. A script sources this, reports, and ends with plan. What
# the commands of ok print goes to a file, as a background process may keep it.

t_output=${hg_dir:+$hg_dir/output}
t_output=${t_output:-/dev/null}
t_count=0
t_failed=0

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# report STATUS NAME
report()
{
	t_count=$((t_count + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$t_count" "$2"
	else
		t_failed=$((t_failed + 1))
		printf 'not ok %d - %s\n' "$t_count" "$2"
	fi
	return "$1"
}

# ok NAME COMMAND...: the command succeeds
ok()
{
	t_name=$1
	shift
	"$@" >"$t_output" 2>&1
	report $? "$t_name" && return
	diag "failed: $*"
	tail -n 40 "$t_output" | sed 's/^/#   /'
	return 1
}

# is NAME GOT WANTED
is()
{
	[ "$2" = "$3" ]
	report $? "$1" && return
	diag "     got: $2"
	diag "  wanted: $3"
	return 1
}

# like NAME TEXT REGEX
like()
{
	printf '%s\n' "$2" | grep -Eq -- "$3"
	report $? "$1" && return
	diag "     got: $2"
	diag "  wanted: $3"
	return 1
}

# empty NAME TEXT: a list of offences, one a line, has none
empty()
{
	[ -z "$2" ]
	report $? "$1" && return
	diag "$2"
	return 1
}

# skip NAME REASON
skip()
{
	t_count=$((t_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$t_count" "$1" "$2"
}

bail_out()
{
	printf 'Bail out! %s\n' "$1"
	exit 1
}

# Ends the script's output; succeeds when every test did.
plan()
{
	printf '1..%d\n' "$t_count"
	[ "$t_failed" -eq 0 ]
}
