#!/bin/bash
# service.sh: the units of rsipd and rsipc under Debian's systemd: installed by `make install`, started, reloaded,
# killed, hung, put to sleep and stopped, with leases and packets. The systemd is the first process of a kernel of its own
# (uml.sh), so that none need run here, and the machine is left alone.
#
#                      ┌── the systemd's machine ───────────┐
#   x1: rsipc.service ─┤ lan0  10.0.0.1   wan0  203.0.113.1 ├─ y: 203.0.113.200
#       10.0.0.11      └── rsipd.service ────────────────────┘
#
# Needs root and a finished build in BUILDDIR. Journal and logs of a run that failed stay in $BUILDDIR/service-lab.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
out=$BUILDDIR/service-lab
limit=1500 # seconds

[ "$(id -u)" = 0 ] || { fail "service" "needs root"; verdict_exit; }
[ -x "$BUILDDIR/rsipd/rsipd" ] || { fail "service" "$BUILDDIR is not a finished build"; verdict_exit; }
if [ ! -x /lib/systemd/systemd ]; then
	skip "the units under systemd" "systemd is not installed: apt-get install systemd"
	verdict_exit
fi
rm -rf "$out"
mkdir -p "$out"
check "make install into a directory" make -s -C "$BUILDDIR" install DESTDIR="$out/root" || verdict_exit
rm -rf "$out/root/usr/share" "$out/root/usr/local/share"

"$here/uml.sh" -m 512 -t $limit -w "$out" -- exec "$here/service/init.sh" "$here/service/inside.sh" >"$out/boot.out" 2>"$out/uml.log"
status=$?
[ ! -e "$out/lab.out" ] || cat "$out/lab.out"
case $status in
0) rm -rf "$out" ;;
125) skip "the units under systemd" "$(tail -n 1 "$out/uml.log")" && exit 0 ;;
124) fail "service" "not done after $limit seconds; see $out" ;;
1) echo "journal and logs: $out" ;;
*) fail "service" "the lab ended with status $status; see $out" ;;
esac
exit "$status"
