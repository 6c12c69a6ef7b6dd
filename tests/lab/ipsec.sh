#!/bin/bash
# The kernel-IPsec lab: two hosts with stock strongSwan talk native IPsec to one peer.
#
#   ipsec.sh [SCENARIO...]      PASS, FAIL and SKIP lines; without names plain, nat, rsip and learned:
#       plain     each host has an address of its own: shows that kernel, strongSwan and traffic work
#       nat       the gateway translates addresses (masquerade): what fails there
#       rsip      both hosts hold one public address by RSIP: what they can do with the one peer at the same time
#       learned   the same by cookies that the gateway learns, through GRE and a TUN device, and all of these:
#         affinity    the peer begins IKEv1's phase 1 anew
#         listener    the peer calls a host
#         large       IKE_AUTH in IP fragments and in fragments of IKE's own
#         natt        port 4500, with a peer behind address translation
#         collision   both hosts use the same cookie
#         ephemeral   IKE from a port that the host leases
#       sticky    a host moves to another LAN while its SAs carry flows
#   ipsec.sh --demo             a short form of rsip and nat in words, with a table at the end
#
# Needs root, and the programs in $BUILDDIR (a build of this project; build/release when not set). Packages: iproute2
# ethtool procps kmod iptables tcpdump curl nginx-light python3 jq strongswan-charon strongswan-swanctl strongswan-pki
# libstrongswan-standard-plugins, and user-mode-linux where the running kernel lacks ESP, AH, ipip or gre: the lab then
# runs in a kernel of its own (uml.sh), and leaves the machine untouched. Captures and logs of a run that failed stay in
# $BUILDDIR/ipsec-lab, behind which stand the names of the scenarios where there are any.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
names=${*#--}
out=$BUILDDIR/ipsec-lab${names:+-${names// /-}} # other scenarios may run beside these
limit=3600 # seconds: eight times what it takes

# True when this kernel can do what the lab asks of it, tried in a throw-away namespace.
kernel_has_ipsec() {
	local ns=rsip-esp-$$ status=0
	local ends=(src 192.0.2.1 dst 192.0.2.2) as=(spi 0x1000 mode transport)
	ip netns add $ns || return 1
	{
		ip -n $ns xfrm state add "${ends[@]}" proto esp "${as[@]}" aead 'rfc4106(gcm(aes))' \
			0x000102030405060708090a0b0c0d0e0f10111213 128 &&
			ip -n $ns xfrm state add "${ends[@]}" proto ah "${as[@]}" auth-trunc 'hmac(sha256)' \
				0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 128 &&
			ip -n $ns link add ipip1 type ipip local 192.0.2.1 remote 192.0.2.2 &&
			ip -n $ns link add gre1 type gre local 192.0.2.1 remote 192.0.2.2
	} 2>/dev/null || status=1
	ip netns del $ns
	return $status
}

[ "$(id -u)" = 0 ] || { fail "kernel IPsec" "needs root"; verdict_exit; }
[ -x "$BUILDDIR/tests/tools/flow" ] || { fail "kernel IPsec" "$BUILDDIR is not a finished build"; verdict_exit; }
demo=
if [ "${1-}" = --demo ]; then
	demo=1
	. "$here/ipsec/demo_view.sh"
	set -- demo
fi
[ $# -gt 0 ] || set -- plain nat rsip learned
rm -rf "$out"
mkdir -p "$out"

# The lab, in this kernel or one of its own; returns its exit status.
run_lab() {
	local command=("$here/ipsec/inside.sh" "$out" "$BUILDDIR" "$@")
	if kernel_has_ipsec; then
		timeout -k 10 $limit "${command[@]}"
	else
		[ -z "$demo" ] || printf 'SAY: This kernel lacks what IPsec needs. The lab boots one that has: Debian user-mode-linux, a plain process.\n'
		"$here/uml.sh" -t $limit -w "$out" -- "${command[@]}" 2>"$out/uml.log"
	fi
}

if [ -n "$demo" ]; then
	demo_picture
	demo_view < <(run_lab "$@"; echo "STATUS: $?")
	demo_table
	status=$view_status
else
	run_lab "$@"
	status=$?
fi
case $status in
0) rm -rf "$out" ;;
125) skip "kernel IPsec" "no ESP, AH, ipip and gre in this kernel, and $(tail -n 1 "$out/uml.log")" && exit 0 ;;
124) fail "kernel IPsec" "not done after $limit seconds; see $out" ;;
1) echo "captures and logs: $out" ;;
*) fail "kernel IPsec" "the lab ended with status $status; see $out" ;;
esac
exit "$status"
