#!/bin/bash
# Address adoption: tunnels whose ends move (adoption/sites.sh draws the lab).
#
#   adoption.sh [NAME...]     PASS, FAIL and SKIP lines; without names all of them
#
#   with the kernel's ESP, and rsipc as its agent:
#     ikev2 ikev1   beside stock strongSwan on both ends: streams, idle tunnels, flapping, both ends, rekeys, DPD
#     manual        SAs by hand
#     nat           address translation between, with ports that change
#     attacks       replayed, forged and late packets; and what somebody on the path can do
#     guards        the options against that
#     stock         the agent on the host alone, stock strongSwan at the gateway
#
# Needs root, and the programs in $BUILDDIR (a build of this project; build/release when not set). Packages: iproute2
# procps kmod iptables tcpdump python3 strongswan-charon strongswan-swanctl libstrongswan-standard-plugins, and
# user-mode-linux where the running kernel has no ESP or netem: these labs then run in a kernel of their own (uml.sh).
# Captures and logs of a run that failed stay in $BUILDDIR/adoption-lab.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/adoption/kernel.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
out=$BUILDDIR/adoption-lab
limit=1500 # seconds

[ "$(id -u)" = 0 ] || { fail "adoption" "needs root"; verdict_exit; }
[ -x "$BUILDDIR/tests/tools/stream" ] || { fail "adoption" "$BUILDDIR is not a finished build"; verdict_exit; }
[ $# -gt 0 ] || set -- ikev2 ikev1 manual nat attacks guards stock
rm -rf "$out"
mkdir -p "$out"

kernel_lab $limit "$out" "$@" 2>"$out/lab.log"
status=$?
case $status in
0) rm -rf "$out" ;;
125) skip "adoption in the kernel" "no ESP and netem in this kernel, and $(tail -n 1 "$out/lab.log")" && exit 0 ;;
124) fail "adoption in the kernel" "not done after $limit seconds; see $out" ;;
1) echo "captures and logs: $out" ;;
*) fail "adoption in the kernel" "the lab ended with status $status; see $out" ;;
esac
exit "$status"
