# The two-way stream between h and s, and what it says of a move. Source this file after sites.sh.

STREAM=${STREAM:-$BUILDDIR/tests/tools/stream}
STREAM_RATE=${STREAM_RATE:-1000}

# stream_start [4|6]: both ends, until stream_stop; true when it flows in both directions.
stream_start() {
	local here=$IN_H there=$IN_S
	[ "${1:-4}" = 4 ] || here=$IN6_H there=$IN6_S
	rm -f "$LAB_TMP"/stream-?.txt
	start s stream_s "$STREAM" -r "$STREAM_RATE" $there 7000 $here 7000 "$LAB_TMP/stream-s.txt"
	start h stream_h "$STREAM" -r "$STREAM_RATE" $here 7000 $there 7000 "$LAB_TMP/stream-h.txt"
}

# Both end of themselves, having waited for what is on its way.
stream_stop() {
	kill "$stream_h_pid" "$stream_s_pid"
	wait "$stream_h_pid" "$stream_s_pid"
	stream_h_pid='' stream_s_pid=''
}

# stream_report [ADDRESS]: what happened to it, as NAME=VALUE; ADDRESS: the one that the host moved to.
stream_report() {
	python3 -B "$(dirname "${BASH_SOURCE[0]}")/stream_report.py" "$ROUND_TRIP_MS" "$LAB_TMP/stream-h.txt" \
		"$LAB_TMP/stream-s.txt" "${@}"
}

# stream_flows NODE: the UDP sockets of that end have got something in the last moment.
stream_received() { on "$1" awk '/^Udp:/ && $2 ~ /^[0-9]/ { print $2 }' /proc/net/snmp; }
stream_received6() { on "$1" awk '$1 == "Udp6InDatagrams" { print $2 }' /proc/net/snmp6; }
