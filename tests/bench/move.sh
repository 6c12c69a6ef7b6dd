#!/bin/bash
# What a call through an IPsec tunnel loses when the host moves to another address: 1,000 datagrams a second each way, 20 ms
# round trip, several moves a row (../lab/adoption/sites.sh, bench.sh). The old address goes and the new one comes in one
# request to the kernel, the same for all; in the rows "both for 1 s" the new one comes a second before.
#
#   move.sh [PART...]      prints a table of: strongSwan with MOBIKE, strongSwan without (it connects anew), rsipc beside
#                          strongSwan, and rsipc with its own ESP; PART: bench_NAME of ../lab/adoption/, instead of all.
#                          A row is compared with the one of MOBIKE before it
#
# Needs root, and what ../lab/adoption.sh needs; BUILDDIR: a finished build (build/release when not set). BENCH_MOVES: how
# many moves a row (5).
set -u

here=$(cd "$(dirname "$0")" && pwd)
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
. "$here/../lab/adoption/kernel.sh"

[ $# -gt 0 ] || set -- bench_mobike bench_agent bench_agent_v1 bench_agent_host bench_user bench_mobike_roams \
	bench_agent_roams bench_reconnect bench_reconnect_v1
lines=$(mktemp) out=$(mktemp -d)
trap 'rm -rf "$lines" "$out"' EXIT

kernel_lab 400 "$out" "$@" | tee >(cat >&2) >"$lines"
status=${PIPESTATUS[0]}
echo
python3 -B "$here/move_table.py" <"$lines" || status=1
exit "$status"
