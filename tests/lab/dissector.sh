#!/bin/bash
# An outsider reads what we send: every message of the protocol checks (all types, both ways) and of two rsipc, captured
# on the wire, through tshark's RSIP dissector. What the dissector itself gets wrong is listed in dissector.py.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/native_parts.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR

command -v tshark >/dev/null || { skip "tshark reads what we send" "tshark is not installed"; exit 0; }

# The checks that send well-formed messages; whether they pass is protocol.sh's business.
RSIP_CAPTURE=$LAB_TMP/client.pcap bash "$here/protocol.sh" REGISTER: RSAP-IP: RSA-IP: RSIPSEC: "cookie block" "IKE listener" \
	EXTEND FREE: QUERY: LISTEN: "appendix C" policy: expiry: >"$LAB_TMP/protocol.log" 2>&1

lab_up
trap daemons_down EXIT
box n x1 x2 || exit 1
gateway_conf 203.0.113.9 1024-65535
host_conf x1 tcp 8080 ip-ip
host_conf x2 udp 8081 gre
background n tcpdump -i lan0 -s 0 -U -w "$LAB_TMP/rsipc.pcap" port 4555
wait_for 5 grep -q 'listening on lan0' "$LAB_TMP/services.log"
gateway_start "$LAB_TMP/rsipd.conf" && hosts_up dissector
host_stop x1
host_stop x2
gateway_stop
sleep 0.3
python3 "$here/dissector.py" "$LAB_TMP/client.pcap" "$LAB_TMP/rsipc.pcap" \
	--types 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,22,23 || verdict_failed=1
verdict_exit
