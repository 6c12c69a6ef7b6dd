#!/bin/bash
# Disks that are full or read-only, database files that are damaged, clocks that jump: nothing is granted that is not
# kept, nothing is begun anew in silence. Needs root and a loop device; BUILDDIR is where the programs were built. Words
# as arguments run only the checks of faults_test.py that have one of them in the title.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP FAULTS_CONF=$LAB_TMP/rsipd.conf

lab_up
trap daemons_down EXIT
on n ip neigh add 203.0.113.201 lladdr "$(on y cat /sys/class/net/eth0/address)" dev wan0 nud permanent
box n || exit 1

# The database has a disk of its own.
truncate -s 24M "$LAB_TMP/disk"
mkfs.ext4 -q -F "$LAB_TMP/disk"
in_box n mkdir -p /var/lib/rsip
if ! in_box n mount -o loop "$LAB_TMP/disk" /var/lib/rsip 2>/dev/null; then
	skip "faults of disks, files and clocks" "no loop device with ext4 can be mounted here"
	verdict_exit
fi
in_box n chown _rsip /var/lib/rsip
trap 'in_box n umount -l /var/lib/rsip; daemons_down' EXIT

sed 's|data-plane        = "auto"|data-plane        = "relay"|; s|rate         = 50|rate         = 100000|
	s|203.0.113.8/29", "203.0.113.20-203.0.113.30|203.0.113.9|' "$here/rsipd-example.conf" >"$FAULTS_CONF"
python3 "$here/faults_test.py" "$@" || verdict_failed=1
verdict_exit
