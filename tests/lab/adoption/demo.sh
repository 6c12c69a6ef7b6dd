# A move for a person to watch, in one screen: a call of 50 packets a second each way through a tunnel that rsipc carries,
# while the host changes its network. Lines of ../ipsec/demo_view.sh. Source this file after user.sh.

# demo_lost: of the report, in words.
demo_lost() {
	local name
	for name in up_sent up_lost down_sent down_lost recovery up_gap down_gap; do
		printf -v "$name" %s "$(sed -n "s/.*\b$name=\([^ ]*\).*/\1/p" <<<"$report")"
	done
	echo "from the host: $up_sent packets, $up_lost lost; to the host: $down_sent packets, $down_lost lost;" \
		"longest silence ${down_gap%.*} ms (a packet comes every 20)"
}

part_demo() {
	local label=demo report STREAM_RATE=50
	user_questions
	say "A host h and an IPsec gateway g, each with rsipc: a tunnel between h's 192.0.2.10 and g's 203.0.113.2, ESP in UDP." \
		"Inside, a call: 50 packets a second each way between h and a server behind g."
	check_here "the tunnel works" user_start || { user_stop; return; }
	stream_start
	sleep 2
	show "g: rsipctl sas" agent_ctl g sas
	say "Now h leaves its network: 192.0.2.10 is gone, 198.51.100.10 is there. No IKE, no new keys, nothing to configure."
	host_at b
	sleep 3
	show "h: log" agent_said h
	show "g: log" agent_said g
	show "g: rsipctl sas" agent_ctl g sas
	stream_stop
	report=$(stream_report 2>&1)
	check "the call went on: $(demo_lost)" whole
	user_stop
}

agent_said() { sed -n 's/^[^ ]* info [^ ]* \(adoption: \(moved\|adopted\).*\)/\1/p' "$LAB_TMP/agent_$1.log" | tail -n 1; }
