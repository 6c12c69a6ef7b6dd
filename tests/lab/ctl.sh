#!/bin/bash
# rsipctl, the control socket and the metrics, against the real rsipd with the example configuration. Leases are made by
# the client of protocol.sh. Needs root; BUILDDIR is where rsipd was built. Words as arguments run only the checks that
# have one of them in the title.
#
#    x1 10.0.0.11   x2 10.0.0.77
#        └──────────────┴── lan0 10.0.0.1   n: rsipd   wan0 203.0.113.1 ── y
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11 x2:10.0.0.77"
. "$here/topology.sh"
. "$here/daemons.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

lab_up
trap daemons_down EXIT
box n || exit 1
cp "$here/rsipd-example.conf" "$LAB_TMP/example.conf"
export RSIP_CONF_EXAMPLE=$LAB_TMP/example.conf
python3 "$here/ctl_test.py" "$@" || verdict_failed=1
verdict_exit
