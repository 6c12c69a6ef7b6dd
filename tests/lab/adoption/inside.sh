#!/bin/bash
# The labs of the moves themselves, run as root by ../adoption.sh and ../../bench/move.sh.
#
#   inside.sh DIR BUILDDIR PART...      DIR: where logs and captures of a run that failed go
#
# Parts print PASS, FAIL and SKIP lines, or those of the bench, RESULT lines. Those of the kernel's ESP need a kernel that
# has it.
set -u
export PYTHONDONTWRITEBYTECODE=1

here=$(cd "$(dirname "$0")" && pwd)
out=$1 BUILDDIR=$2
shift 2
LAB_TMP=$(mktemp -d)

for part in ../verdict ../topology ../daemons ../demo_words sites swan stream bench agent moves attacks nat manual many readd stock libreswan user demo; do . "$here/$part.sh"; done

finish() {
	[ $verdict_failed = 0 ] || cp -r "$LAB_TMP/." "$out/"
	lab_down
	rm -rf "$LAB_TMP"
}

# What iproute2 and strongSwan will ask for; loaded by name because nothing does so by itself in a namespace.
modules() {
	modprobe ${MODULES:+-d "$MODULES"} -a tun ipv6 dummy sch_netem xfrm_user esp4 esp6 gcm ctr echainiv \
		seqiv authenc ghash-generic hmac cbc drbg chacha20poly1305 iptable_filter iptable_nat \
		iptable_raw nf_conntrack_netlink 2>/dev/null
}

modules
sites_up
trap finish EXIT
box h r g s
for part in "$@"; do "part_$part"; done
verdict_exit
