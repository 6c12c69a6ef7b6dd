# The two-way stream between h and s, and what it says of a move. Source this file after sites.sh.

STREAM=${STREAM:-$BUILDDIR/tests/tools/stream}
STREAM_RATE=${STREAM_RATE:-1000}

# stream_start [4|6]: both ends, until stream_stop. True when each has heard the other.
stream_start() {
	local here=$IN_H there=$IN_S
	[ "${1:-4}" = 4 ] || here=$IN6_H there=$IN6_S
	rm -f "$LAB_TMP"/stream-?.txt
	: >"$LAB_TMP/flowing"
	"$STREAM" -r "$STREAM_RATE" "/proc/$(box_pid h)/ns/net" $here "$LAB_TMP/stream-h.txt" \
		"/proc/$(box_pid s)/ns/net" $there "$LAB_TMP/stream-s.txt" >"$LAB_TMP/flowing" 2>>"$LAB_TMP/stream.log" </dev/null &
	stream_pid=$!
	wait_for 10 test -s "$LAB_TMP/flowing"
}

# It ends of itself, having waited for what is on its way.
stream_stop() {
	kill "$stream_pid"
	wait "$stream_pid"
	stream_pid=''
}

# stream_report [--each]: what happened to it, and of its last move, as NAME=VALUE; --each: of each move.
stream_report() {
	python3 -B "$(dirname "${BASH_SOURCE[0]}")/stream_report.py" "$@" "$ROUND_TRIP_MS" "$LAB_TMP/stream-h.txt" \
		"$LAB_TMP/stream-s.txt" "$LAB_TMP/moves.txt"
}

