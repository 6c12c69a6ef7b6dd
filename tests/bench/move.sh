#!/bin/bash
# What a call through an IPsec tunnel loses when the host moves to another address: 1,000 datagrams a second each way, one
# move, the old address gone at the instant at which the new one is there, 20 ms round trip (../lab/adoption/sites.sh).
#
#   move.sh [PART...]      prints a table of: strongSwan with MOBIKE, strongSwan without (it connects anew), rsipc beside
#                          strongSwan, and rsipc with its own ESP; PART: bench_NAME of ../lab/adoption/, instead of all
#
# Needs root, and what ../lab/adoption.sh needs; BUILDDIR: a finished build (build/release when not set).
set -u

here=$(cd "$(dirname "$0")" && pwd)
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
. "$here/../lab/adoption/kernel.sh"

[ $# -gt 0 ] || set -- bench_mobike bench_reconnect bench_reconnect_v1 bench_agent bench_agent_v1 \
	bench_agent_host bench_user
lines=$(mktemp) out=$(mktemp -d)
trap 'rm -rf "$lines" "$out"' EXIT

# value NAME: of the words NAME=VALUE in $words.
value() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<" $words"; }

table() {
	local name words
	printf '\n%-34s %25s %28s %12s\n' "" "host to server" "server to host" "whole again"
	printf '%-34s %6s %10s %7s %9s %10s %7s %12s\n' "one move of the host" lost "after up" "gap ms" lost "after up" "gap ms" "after ms"
	while IFS=$'\t' read -r name words; do
		printf '%-34s %6s %10s %7s %9s %10s %7s %12s\n' "$name" "$(value up_lost)" "$(value up_after)" "$(value up_gap)" \
			"$(value down_lost)" "$(value down_after)" "$(value down_gap)" "$(value recovery)"
	done
	cat <<-'END'

	lost: of 1,000 datagrams a second. after up: of these, sent when the host already had its new address; towards the host
	also half a round trip later, for nobody can have told the sender before. gap: the longest time in which nothing came.
	END
}

kernel_lab 240 "$out" "$@" | tee /dev/stderr | sed -n 's/^RESULT: \([^:]*\): /\1\t/p' >"$lines"
status=${PIPESTATUS[0]}
table <"$lines"
exit "$status"
