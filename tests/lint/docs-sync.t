#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Documents agree with the tables they are made from, and can be displayed.
. "$(dirname "$0")/lib.sh"

docgen=$top_builddir/bin/hg-docgen
hgbuild=$top_builddir/bin/hgbuild

documents()
{
	grep -l 'generated: ' docs/*.md docs/man/* data/*.example \
		data/bash-completion/*
}

out_of_date()
{
	documents | while read -r file; do
		"$docgen" "$file" | cmp -s - "$file" ||
			echo "$file: run make update-docs"
	done
}

# Every page is linted by whatever there is.
page_warnings()
{
	for page in docs/man/*; do
		if command -v mandoc >/dev/null; then
			mandoc -T lint -W warning "$page"
		else
			groff -ww -mdoc -Tutf8 -z "$page" 2>&1
		fi
	done
}

# undocumented_flags PROGRAM PAGE
undocumented_flags()
{
	"$1" --help | sed -n 's/^  --\([a-z-]*\).*/\1/p' |
		while read -r flag; do
			grep -q -F "Fl \\-$flag" "docs/man/$2" ||
				echo "--$flag is not in $2"
		done
}

completion_errors()
{
	if command -v bash >/dev/null; then
		for file in data/bash-completion/*; do
			bash -n "$file" 2>&1
		done
	fi
}

# completes WORD...: what is offered for the last word
completes()
{
	# the script is bash's
	# shellcheck disable=SC2016
	bash -c '. data/bash-completion/hgbuild
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_hgbuild
	echo "${COMPREPLY[*]}"' bash "$@"
}

[ -x "$docgen" ] || bail_out "not built: $docgen"
ok 'there are documents to look at' test -n "$(documents)"
empty 'they are as the tables say' "$(out_of_date)"
empty 'man pages have no mistakes' "$(page_warnings)"
empty 'hgbuild(1) tells of every flag' \
	"$(undocumented_flags "$hgbuild" hgbuild.1)"
empty 'hg-sandbox(8) tells of every flag' \
	"$(undocumented_flags "$top_builddir/bin/hg-sandbox" hg-sandbox.8)"
empty 'completions are sound' "$(completion_errors)"
if command -v bash >/dev/null; then
	is 'commands are completed' "$(completes hgbuild wo)" 'workers'
	is 'second words are completed' "$(completes hgbuild -C h cache cl)" \
		'clear'
	is 'flags are completed' "$(completes hgbuild --no)" '--no-fallback'
else
	skip 'completion works' 'no bash'
fi

# The example, and all of its defaults
example_is_right()
{
	file=$(mktemp) || return
	sed 's/^#\([a-z_]* =\)/\1/' data/hybridgrid.conf.example >"$file"
	grep -q '^max_size = ' "$file" &&
		"$hgbuild" config check data/hybridgrid.conf.example &&
		"$hgbuild" config check "$file"
	status=$?
	rm -f "$file"
	return $status
}
ok 'the example configuration is a good one' example_is_right
plan
