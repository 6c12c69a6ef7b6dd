# What is compared between RSIP and NAT: by `try` (verdict.sh), in the same words for both. All of it is done by both
# hosts, at the same time, with the one peer. Source this file after conversation.sh, manual.sh and capture.sh.

# captures_start: on the public side, and at the three ends.
captures_start() {
	capture_start public n wan0 "host $PEER"
	capture_start y y eth0 "host ${SEEN[x1]:-${ADDRESS[x1]}}"
	capture_start x1 x1 eth0
	capture_start x2 x2 eth0
}

# shared WHO EXPECTED: what sharing an address by NAT costs. Looks at those captures, of sessions, then makes SAs by hand, for which no IKE daemon may run.
shared() {
	try "$1" "IKE from port 500, and only there" "$2" ike_on_500
	try "$1" "ESP as it is: protocol 50, not inside UDP" "$2" esp_native
	try "$1" "packets arrive as they were sent, byte for byte" "$2" unchanged
	try "$1" "ESP without IKE, SAs made by hand" "$2" manual esp tunnel
	try "$1" "AH" "$2" manual ah transport
}

ike_on_500() {
	local ports
	ports=$(tcpdump -nr "$(capture_file public)" "udp and dst host $PEER" 2>/dev/null |
		awk '{ sub(/.*\./, "", $3); print $3 }' | sort -nu)
	[ "$ports" = 500 ] || { echo "the peer sees it come from ports" $ports; return 1; }
}

esp_native() {
	local native wrapped
	native=$(capture_count public "ip proto 50") wrapped=$(capture_count public "udp port 4500")
	echo "$wrapped packets on UDP port 4500, $native of protocol 50"
	[ "$native" -gt 0 ] && [ "$wrapped" = 0 ]
}

unchanged() {
	python3 -B "$here/../pcap_compare.py" "${SEEN[x1]:-${ADDRESS[x1]}}" \
		"$(capture_file y)" "$(capture_file x1)" "$(capture_file x2)"
}
