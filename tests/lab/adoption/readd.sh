# A kernel without MIGRATE (CONFIG_XFRM_MIGRATE): an SA that keeps its destination is deleted and added again with its keys,
# replay state and counts. SAs by hand: nobody but the agent touches them. Source this file after manual.sh and attacks.sh.

# monitor NODE, monitor_end: what becomes of its SAs, as the kernel tells it.
monitor() { start "$1" sa_monitor ip xfrm monitor SA; wait_for 10 listens "$1" "$sa_monitor_pid"; }
monitor_end() { sleep 0.5; stop sa_monitor; }
# listens NODE PID: that process takes part in groups of NETLINK_XFRM.
listens() { on "$1" awk -v pid="$2" '$2 == 6 && $3 == pid && $4 !~ /^0+$/ { found = 1 } END { exit !found }' /proc/net/netlink; }
was_deleted() { grep -A 1 '^Deleted' "$LAB_TMP/sa_monitor.log" | grep -q "spi $1"; }

# What the gateway's inbound SA has counted, and its replay window: "PACKETS SEQUENCE".
inbound_at_g() {
	ip -s -n "$LAB-g" xfrm state get src "$1" dst $G_A proto esp spi 0x10001 | awk '
		/\(packets\)/ && !/limit/ && packets == "" { packets = $2; sub(/\(.*/, "", packets) }
		/anti-replay context/ { seq = $4; sub(/,$/, "", seq) }
		END { print packets + 0, seq }'
}

counts_go_on() {
	local before=($1) after=($2)
	[ "${after[0]}" -ge "${before[0]}" ] && [ $((${after[1]})) -ge $((${before[1]})) ] && [ $((${before[1]})) -gt 0 ]
}

# Everything that the gateway has received before it moved its SA is sent to it again.
step_readd() {
	local report before
	on r ip addr replace $EVIL/24 dev wan0
	tap wire wan0 "dst host $G_A and udp port 4500"
	monitor g
	stream_start
	wait_for 10 test_tapped wire 50
	before=$(inbound_at_g $H_A)
	host_at b
	stream_end ends_are $H_B $G_A
	tap_end wire
	monitor_end
	echo "    | $report"
	check "$label: a move with a stream inside: the stream goes on" whole
	check "$label: both ends have the new address" wait_for 5 ends_are $H_B $G_A
	check "$label: the gateway has deleted and added its SA" was_deleted 0x00010001
	check "$label: counts and replay window go on" counts_go_on "$before" "$(inbound_at_g $H_B)"
	attacked_in_vain "what came before the move, sent again from elsewhere" g XfrmInStateSeqError replay wire $G_A $EVIL:4500
	check "$label: both tunnels work" both_reach
	host_at a
	check "$label: and back" wait_for 5 ends_are $H_A $G_A
}

part_readd() {
	local label="without MIGRATE" report step node steps=${STEPS:-readd idle flap both}
	host_at a
	check_here "$label: SAs work" manual_up || return
	for node in h g; do check_here "$label: the agent starts on $node" agent_start $node "migrate = no" || return; done
	for step in ${steps//,/ }; do "step_$step"; done
	agent_stop h g
	manual_down
}
