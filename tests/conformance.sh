#!/bin/sh
# docs/conformance.md says, statement by statement of the RFCs, which tests show it. Each row is looked at: its form,
# and whether every test that it names is there and passed in this run.
#
#   conformance.sh                    as `make check` runs it, after all other tests, where their logs are
#   conformance.sh UNIT-LOGS LAB-LOGS as ./run does: the directory of the unit tests' logs, and that of its stages; one
#                                     that is not there did not run this time
#
# A test is named as `LOG: NAME`. LOG is a program of tests/unit or tests/exchange, or a stage of ./run; NAME is the
# name of a test of Check, or what the program or the stage prints behind "PASS: ". What did not run in this invocation
# has at least to be found by name in the sources, and is told in SKIP lines: it is not taken for shown.
set -u
src=${srcdir:-$(cd "$(dirname "$0")" && pwd)}
page=$src/../docs/conformance.md
if [ $# -eq 0 ]; then set -- . /nonexistent; fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# passed FILE...: of each log, "LOG<TAB>NAME" for what passed in it and never failed in it.
passed() {
	awk '
	function put(name, good) { if (good) pass[log_name "\t" name]; else fail[log_name "\t" name] }
	FNR == 1 { n = split(FILENAME, path, "/"); log_name = path[n]; sub(/\.log$/, "", log_name) }
	/^PASS: / { put(substr($0, 7), 1) }
	/^FAIL: / { name = substr($0, 7); sub(/ - .*/, "", name); put(name, 0) }
	/\.c:[0-9]+:[PFE]:/ { split($0, part, ":"); put(part[5], part[3] == "P") }
	END { for (key in pass) if (!(key in fail)) print key }' "$@"
}

# rows: "LINE<TAB>RFC<TAB>STATE<TAB>TEST" of the page, once for each test; TEST is "-" where there is none. A state is
# "done", or a reason that begins with "not". Rows that say neither, and rows of another shape, are told on stderr.
rows() {
	awk -v page=conformance.md '
	function wrong(why) { print "FAIL: " page ":" FNR " - " why > "/dev/stderr" }
	function trim(s) { gsub(/^ +| +$/, "", s); return s }
	/^## RFC / { rfc = $3; sub(/:/, "", rfc); next }
	!/^\|/ || /^\|[-| ]*$/ || /^\| *section *\|/ { next }
	{
		cells = split($0, cell, "|")
		if (cells != 6) { wrong("a row has four cells"); next }
		state = trim(cell[4]); tests = cell[5]; n = 0
		if (trim(cell[2]) == "" || trim(cell[3]) == "") wrong("section and statement are needed")
		while (match(tests, /`[^`]+`/)) {
			print FNR "\t" rfc "\t" state "\t" substr(tests, RSTART + 1, RLENGTH - 2)
			tests = substr(tests, RSTART + RLENGTH)
			n++
		}
		if (n == 0) print FNR "\t" rfc "\t" state "\t-"
		if (state !~ /^(done|not[ ,:])/) wrong("the state is neither done nor not")
		if (state ~ /^done/ && n == 0) wrong("done, but no test shows it")
		if (state ~ /^not/ && length(state) < 20) wrong("not, but no reason why")
	}' "$page" 2>"$tmp/form"
	[ ! -s "$tmp/form" ]
}

# lab_names: regular expressions for what stands in quotes in the labs' scripts, where a variable may be anything.
lab_names() {
	grep -rhoE '"[^"]+"' --include='*.sh' "$src/lab" |
		sed -E 's/^"|"$//g; s/\$(\{[^}]*\}|[A-Za-z0-9_]+)/\x01/g; s/[][\.*^$()+?{}|]/\\&/g; s/\x01/.*/g' |
		grep '[A-Za-z]\{2\}' | sort -u
}

# there LOG NAME: whether the sources have such a test. A lab may put words, each with ": ", before a name that its
# scripts share, and "works" or "fails" behind it.
there() {
	name=$2
	case $1 in
	check_*) [ -e "$src/unit/$1.c" ] || [ -e "$src/exchange/$1.c" ] || return 1 ;;
	*) grep -q "^stage_$1()" "$src/../run" || return 1 ;;
	esac
	grep -rqF -e "$name" "$src/unit" "$src/exchange" "$src/dataplane" "$src/vectors" "$src/lab" && return
	[ -s "$tmp/lab-names" ] || lab_names >"$tmp/lab-names"
	name=${name% works} name=${name% fails}
	until printf '%s\n' "$name" | grep -qxEf "$tmp/lab-names" || grep -rqF -e "$name" "$src/exchange" "$src/vectors"; do
		[ "$name" != "${name#*: }" ] || return 1
		name=${name#*: }
	done
}

find "$1" "$2" -type f -name '*.log' ! -name 'conformance*' 2>/dev/null >"$tmp/logs"
sed 's|.*/||; s|\.log$||' "$tmp/logs" | sort -u >"$tmp/ran"
while read -r log; do passed "$log"; done <"$tmp/logs" >"$tmp/passed"
rows >"$tmp/rows" || { cat "$tmp/form"; failed=1; }
[ -s "$tmp/rows" ] || { echo "FAIL: docs/conformance.md - no rows"; exit 1; }

# One answer for each test that is named, however many rows name it: passed, absent from the run, or wrong.
cut -f 4 "$tmp/rows" | sort -u | grep -vx -e - >"$tmp/tests"
while read -r test; do
	log=${test%%: *} name=${test#*: }
	if grep -qxF -e "$log	$name" "$tmp/passed"; then echo "passed	$test"
	elif [ "$log" = "$test" ]; then echo "wrong	$test	is no LOG: NAME"
	elif grep -qxF -e "$log" "$tmp/ran"; then echo "wrong	$test	did not pass in $log.log"
	elif there "$log" "$name"; then echo "absent	$test"
	else echo "wrong	$test	is no test that there is"
	fi
done <"$tmp/tests" >"$tmp/answers"

awk -F '\t' '
FILENAME ~ /answers$/ { answer[$2] = $1; why[$2] = $3; next }
{
	if (!($1 in line)) { line[$1]; rfc[$1] = $2; total[$2]++; if ($3 ~ /^done/) done[$2]++; left[$1] = 0 }
	if ($4 == "-") next
	if (answer[$4] == "wrong") { print "FAIL: conformance.md:" $1 " - `" $4 "` " why[$4]; bad = 1 }
	if (answer[$4] == "absent") { left[$1] = 1; log_name = $4; sub(/: .*/, "", log_name); skip[log_name]++ }
}
END {
	for (l in left) if (left[l]) waiting[rfc[l]]++
	for (name in skip)
		print "SKIP: conformance: " name " - not run in this invocation; " skip[name] " mentions of its tests"
	for (r in total) if (!bad) print "PASS: conformance: RFC " r ": " total[r] " statements, " done[r] " of them done" \
		(waiting[r] ? "; tests of " waiting[r] " are not run here" : "; all tests ran")
	exit bad
}' "$tmp/answers" "$tmp/rows" || failed=1
exit $failed
