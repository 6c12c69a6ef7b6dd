# Captures, and what can be said of them. Source this file after daemons.sh.

CAPTURES=() # the names of those that run

capture_file() { echo "$LAB_TMP/capture_$1.pcap"; }

# capture_start NAME NODE DEVICE [FILTER]
capture_start() {
	: >"$LAB_TMP/capture_$1.log" # one before has said that it listens
	start "$2" "capture_$1" tcpdump -i "$3" -Z root -s 0 -U -B 16384 -w "$(capture_file "$1")" ${4:+"$4"}
	CAPTURES+=("$1")
	wait_for 20 grep -q 'listening on' "$LAB_TMP/capture_$1.log"
}

capture_sizes() { for name in "${CAPTURES[@]}"; do stat -c %s "$(capture_file "$name")"; done; }

# Stops all captures, when what is on its way has arrived: tcpdump gets packets from the kernel once a second, and writes
# them as they come.
capture_stop() {
	local name before=none
	for _ in {1..10}; do
		[ "$before" != "$(capture_sizes)" ] || break
		before=$(capture_sizes)
		sleep 2
	done
	for name in "${CAPTURES[@]}"; do stop "capture_$name" INT; done
	CAPTURES=()
}

# capture_count NAME FILTER: how many packets of it the filter lets through.
capture_count() { tcpdump -nr "$(capture_file "$1")" "$2" 2>/dev/null | wc -l; }

# capture_show NAME FILTER [LINES]: its first packets, for people.
capture_show() { tcpdump -nr "$(capture_file "$1")" "$2" 2>/dev/null | head -n "${3:-3}"; }

# seen NAME FILTER, unseen NAME FILTER: a capture has such packets, or has none.
seen() { [ "$(capture_count "$1" "$2")" -gt 0 ]; }
unseen() {
	[ "$(capture_count "$1" "$2")" -eq 0 ] || { capture_show "$@"; return 1; }
}
