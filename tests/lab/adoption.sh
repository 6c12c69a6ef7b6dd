#!/bin/bash
# Address adoption: tunnels whose ends move (adoption/sites.sh draws the lab).
#
#   adoption.sh [NAME...]     PASS, FAIL and SKIP lines; without names: all but hole and the demo
#   adoption.sh --demo        one move in words
#
#   with ESP of rsipc's own, keys set by hand, in namespaces of this kernel:
#     user          streams, idle tunnels, flapping, both ends at once, translation between, attacks, guards
#   with the kernel's ESP, and rsipc as its agent:
#     ikev2 ikev1   beside stock strongSwan on both ends: the same; rekeys and DPD behind the moves of either end
#     manual        SAs by hand
#     readd         SAs by hand, on a kernel that is not asked to move one in a step
#     nat           address translation between, with ports that change
#     attacks       replayed, forged and late packets; and what somebody on the path can do
#     guards        the options against that
#     stock         the agent on the host alone, stock strongSwan at the gateway
#     libreswan     the agents beside strongSwan on the host and libreswan at the gateway
#     hole          a host without an address for half a minute (not without being named: it takes as long)
#
# Needs root, and the programs in $BUILDDIR (a build of this project; build/release when not set). Packages: iproute2
# procps kmod iptables tcpdump python3 jq strongswan-charon strongswan-swanctl libstrongswan-standard-plugins, and
# user-mode-linux where the running kernel has no ESP or netem: the labs that need it then run in a kernel of their own
# (uml.sh). Captures and logs of a run that failed stay in $BUILDDIR/adoption-lab, behind which stand the names of the
# parts where there are any.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/adoption/kernel.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
names=${*#--}
out=$BUILDDIR/adoption-lab${names:+-${names// /-}} # other parts may run beside these
limit=2400 # seconds, for all of the kernel's

[ "$(id -u)" = 0 ] || { fail "adoption" "needs root"; verdict_exit; }
[ -x "$BUILDDIR/tests/tools/stream" ] || { fail "adoption" "$BUILDDIR is not a finished build"; verdict_exit; }
rm -rf "$out"
mkdir -p "$out"

# user_lab PART: in this kernel, whatever it has.
user_lab() { SITES_KERNEL='' timeout -k 10 900 "$here/adoption/inside.sh" "$out" "$BUILDDIR" "$1"; }

if [ "${1-}" = --demo ]; then
	. "$here/ipsec/demo_view.sh"
	demo_view < <(user_lab demo 2>"$out/lab.log"; echo "STATUS: $?")
	exit "$view_status"
fi

[ $# -gt 0 ] || set -- user ikev2 ikev1 manual readd nat attacks guards stock libreswan
kernel_parts=() status=0
for name in "$@"; do
	if [ "$name" = user ]; then user_lab user 2>"$out/user.log" || status=1; else kernel_parts+=("$name"); fi
done
if [ ${#kernel_parts[@]} -gt 0 ]; then
	kernel_lab $limit "$out" "${kernel_parts[@]}" 2>"$out/lab.log"
	case $? in
	0) ;;
	125) skip "adoption in the kernel" "no ESP and netem in this kernel, and $(tail -n 1 "$out/lab.log")" ;;
	124) fail "adoption in the kernel" "not done after $limit seconds; see $out" ; status=1 ;;
	126) fail "adoption in the kernel" "it has crashed"; tail -n 40 "$out/lab.log"; status=1 ;;
	*) status=1 ;;
	esac
fi
if [ $status = 0 ]; then rm -rf "$out"; else echo "captures and logs: $out"; fi
exit $status
