#!/bin/bash
# An RSIP client written from RFC 3103 and 3104 alone, against the real rsipd. The client is rsip_wire.py and
# rsip_client.py, the checks are in protocol/. Needs root; BUILDDIR is where rsipd was built. Words as arguments run
# only the checks that have one of them in the title.
#
#    x1 10.0.0.11   x2 10.0.0.12   x3 10.0.0.77 and .21 to .29   x4 172.16.0.5, which no host section covers
#        └──────────────┴───────────────┴──────────────────────────────┘
#                                       │
#                                lan0 10.0.0.1   n: rsipd   wan0 203.0.113.1 ── y
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11 x2:10.0.0.12 x3:10.0.0.77 x4:10.0.0.99"
. "$here/topology.sh"
. "$here/daemons.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

check "the test client agrees with the bytes of RFC 3103 appendix C, written by hand" \
	python3 "$here/rsip_wire_test.py"

lab_up
trap daemons_down EXIT
for last in 21 22 23 24 25 26 27 28 29; do on x3 ip addr add "10.0.0.$last/24" dev eth0; done
on x4 ip addr flush dev eth0
on x4 ip addr add 172.16.0.5/12 dev eth0
on x4 ip route replace default via 172.16.0.1
on n ip addr add 172.16.0.1/12 dev lan0
box n || exit 1
lab_names

# The example as it stands; copies, because a check of reload edits its file.
cp "$here/rsipd-example.conf" "$LAB_TMP/example.conf"
cp "$here/rsipd-policies.conf" "$LAB_TMP/policies.conf"
sed 's/^gateway {/&\n    transports = { "tcp" }/' "$here/rsipd-policies.conf" >"$LAB_TMP/tcp.conf"
export RSIP_CONF_EXAMPLE=$LAB_TMP/example.conf RSIP_CONF_POLICIES=$LAB_TMP/policies.conf RSIP_CONF_TCP=$LAB_TMP/tcp.conf

# Configuration: the example is good as it stands; a fault is named with its line; nothing is started.
try_conf() { in_box n "$BUILDDIR/rsipd/rsipd" -t -c "$1"; }
sed 's/"rsap-ip"/"rsap-pi"/' "$LAB_TMP/example.conf" >"$LAB_TMP/bad.conf"
check "rsipd -t accepts the example as it stands" try_conf "$LAB_TMP/example.conf"
refute "rsipd -t refuses a method that there is none of" try_conf "$LAB_TMP/bad.conf"
check "rsipd -t says where and what: bad.conf:14: ... rsap-pi ... rsap-ip" \
	grep -E 'bad\.conf:14:.*rsap-pi.*rsap-ip' <(try_conf "$LAB_TMP/bad.conf" 2>&1)
if [ -n "${RSIP_CAPTURE-}" ]; then # all of port 4555, for dissector.sh
	background n tcpdump -i lan0 -s 0 -U -B 16384 -w "$RSIP_CAPTURE" port 4555
	wait_for 5 grep -q 'listening on lan0' "$LAB_TMP/services.log"
fi
python3 "$here/protocol_test.py" protocol "$@" || verdict_failed=1
verdict_exit
