# What every test script of the suite prints: one line a check, "PASS: name", "FAIL: name - why" or
# "SKIP: name - reason". ./run counts these lines. Source this file; end with verdict_exit.

verdict_failed=0

pass() { printf 'PASS: %s\n' "$1"; }
fail() { printf 'FAIL: %s - %s\n' "$1" "${2:-}"; verdict_failed=1; }
skip() { printf 'SKIP: %s - %s\n' "$1" "$2"; }

# check NAME COMMAND [ARG...]: PASS when the command succeeds; what it printed is shown when it does not.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		pass "$name"
	else
		fail "$name" "failed: $*"
		printf '%s\n' "$out" | tail -n 15 | sed 's/^/    | /'
		return 1
	fi
}

# check_here NAME COMMAND [ARG...]: the same for a command whose variables are needed afterwards: not in a subshell.
check_here() {
	local name=$1 said status=0
	shift
	said=$(mktemp)
	if "$@" >"$said" 2>&1; then
		pass "$name"
	else
		fail "$name" "failed: $*"
		tail -n 15 "$said" | sed 's/^/    | /'
		status=1
	fi
	rm -f "$said"
	return $status
}

# refute NAME COMMAND [ARG...]: PASS when the command fails.
refute() {
	local name=$1
	shift
	if "$@" >/dev/null 2>&1; then fail "$name" "should have failed: $*"; else pass "$name"; fi
}

# wait_for SECONDS COMMAND [ARG...]: polls until it succeeds; fails when the time is over. SECONDS are those of a quiet
# machine; one that is slow or busy with other work gets four times as long, which costs nothing where all is well. What
# takes longer is looked at less often, as the looking takes time from what is waited for.
wait_for() {
	local deadline=$((EPOCHSECONDS + 4 * $1)) gap=100 # milliseconds
	shift
	until "$@" >/dev/null 2>&1; do
		[ $EPOCHSECONDS -lt $deadline ] || return 1
		sleep 0.$gap
		gap=$((gap < 400 ? gap + gap / 8 : gap))
	done
}

# try WHO FEATURE EXPECTED FUNCTION ARG...: runs it, prints the RESULT line that the demo's table is made of, and PASS or
# FAIL by whether it did what is EXPECTED (works or fails). Why it failed is the first line that it printed; a line
# "note: ..." tells how it works. Returns whether it worked.
try() {
	local who=$1 feature=$2 want=$3 out have why
	shift 3
	if out=$("$@" 2>&1); then
		have=works why=$(sed -n 's/^note: //p' <<<"$out")
	else
		have=fails why=$(head -n 1 <<<"$out")
	fi
	printf '%s\n' "$out" | sed '/^$/d; s/^/    | /'
	echo "RESULT: $who $feature $have${why:+ - $why}"
	if [ "$have" = "$want" ]; then pass "$who: $feature $have"; else fail "$who: $feature" "$have: $why"; fi
	[ "$have" = works ]
}

verdict_exit() { exit "$verdict_failed"; }
