#!/bin/bash
# The kernel-IPsec lab itself, run as root by ipsec.sh in a kernel that has ESP, AH, ipip and gre.
#
#   inside.sh DIR BUILDDIR SCENARIO...
#
# DIR: where captures and logs go. Prints PASS, FAIL and SKIP lines.
set -u
export PYTHONDONTWRITEBYTECODE=1

here=$(cd "$(dirname "$0")" && pwd)
out=$1 BUILDDIR=$2
shift 2
TOOLS=$BUILDDIR/tests/tools
LAB_TMP=$(mktemp -d)

for part in ../verdict ../topology ../daemons ../demo_words ike talk capture conversation manual features plain nat rsip \
	learned affinity listener large natt collision ephemeral sticky demo; do
	. "$here/$part.sh"
done

finish() {
	[ $verdict_failed = 0 ] || cp -r "$LAB_TMP/." "$out/"
	lab_down
	rm -rf "$LAB_TMP"
}

# What iproute2 and strongSwan will ask for; loaded by name because nothing does so by itself in a namespace.
modules() {
	modprobe ${MODULES:+-d "$MODULES"} -a tun ipip ip_gre xfrm_user esp4 ah4 gcm ctr echainiv seqiv \
		authenc ghash-generic hmac cbc drbg 2>/dev/null
}

modules
lab_up
trap finish EXIT
box n x1 x2 y
for node in x1 x2 y; do on $node ip addr add "${INNER[$node]}/32" dev lo; done
for address in $PEER_CALLS $PEER_ALONE $PEER_NATTED $PEER_ONE_EACH; do on y ip addr add $address/24 dev eth0; done
ike_keys
talk_services
for scenario in "$@"; do "scenario_$scenario"; done
verdict_exit
