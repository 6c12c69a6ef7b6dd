#!/bin/bash
# The whole system on this kernel: rsipd on n, rsipc on x1 and x2, which share the one address 203.0.113.9, and a peer y
# that knows nothing of it; then the same traffic through nftables masquerade. Needs root; BUILDDIR is where the
# programs were built. See topology.sh for the picture, traffic.sh for what is tried. Arguments: the parts to run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/traffic.sh"
. "$here/native_parts.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

if [ "$LAB_DATA_PLANE" = native ] && ! lab_can_native "${*:-nat packets rsip pools} by native XDP"; then
	verdict_exit
fi
prefix=$LAB
for part in ${*:-nat packets rsip pools}; do
	printf '== %s\n' "$part"
	LAB=$prefix-$part
	LAB_HOSTS="x1:10.0.0.11 x2:10.0.0.12"
	[ "$part" != packets ] || LAB_HOSTS="$LAB_HOSTS x3:10.0.0.77"
	lab_up
	trap daemons_down EXIT
	"part_$part"
	lab_down
done
trap daemons_down EXIT
verdict_exit
