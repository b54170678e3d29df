#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the look at sources finds, in projects that nobody here wrote: at least
# what the preprocessor of GCC and of Clang reads for each of their compiles, and
# not much more. HG_TEST_PROJECTS chooses among them ("none": skip).
. "$(dirname "$0")/lib.sh"
. "$top_srcdir/tests/lib/projects.sh"

projects=${HG_TEST_PROJECTS:-lua zstd leveldb}
[ "$projects" != none ] || skip_all 'switched off (HG_TEST_PROJECTS=none)'
seen=$hg_dir/seen
export seen

# As a launcher: compiles, and appends to $seen for both compilers a line each of
# how the inputs were found, how many, how many are read, which were missed.
cat >"$hg_dir/compare" <<'END'
#!/bin/sh
"$@" || exit
compiler=$1
shift
case $compiler in
*++) other=clang++ ;;
*) other=clang ;;
esac
for cc in "$compiler" "$other"; do
	"$scan_files" "$cc" "$@" >"$seen.$$.found" 2>/dev/null || exit 0
	"$scan_files" -p "$cc" "$@" | sed 1d | sort >"$seen.$$.read"
	how=$(sed -n 1p "$seen.$$.found")
	sed 1d "$seen.$$.found" | sort | comm -13 - "$seen.$$.read" |
		paste -sd ' ' >"$seen.$$.missed"
	echo "$how" $(($(wc -l <"$seen.$$.found") - 1)) \
		$(wc -l <"$seen.$$.read") "$(cat "$seen.$$.missed")" >>"$seen"
done
rm -f "$seen.$$".*
END
chmod +x "$hg_dir/compare"
scan_files=$top_builddir/tests/lib/scan_files
export scan_files

# sum COLUMN
sum()
{
	awk -v c="$1" '{ n += $c } END { print n + 0 }' "$seen"
}

for project in $projects; do
	: >"$seen"
	project_fetch "$project" 2>"$hg_dir/why"
	case $? in
	0) ;;
	3)
		skip "$project" "$(cat "$hg_dir/why")"
		continue
		;;
	*)
		report 1 "$project is fetched"
		continue
		;;
	esac
	project_prepare "$project" "$hg_dir/compare"
	ok "$project builds" project_build "$project" 2
	diag "$(wc -l <"$seen") searches found $(sum 2), read $(sum 3)"
	ok "$project: there were searches" [ "$(wc -l <"$seen")" -ge 40 ]
	empty "$project: all by a look at the sources" \
		"$(grep -v '^scanned ' "$seen")"
	empty "$project: nothing was missed" "$(cut -d ' ' -f 4- "$seen" |
		grep .)"
	ok "$project: at most twice as many as are read" \
		[ "$(sum 2)" -le $((2 * $(sum 3))) ]
done

done_testing
