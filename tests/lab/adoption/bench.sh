# The bench: what a stream loses in moves, beside strongSwan's own ways. Source this file after swan.sh and stream.sh.

BENCH_MOVES=${BENCH_MOVES:-5}

# bench_moves NAME HOW SECONDS [MOVES]: the stream flows, the host moves to and fro by host_at or host_roams, with so many
# seconds for each move.
bench_moves() {
	local name=$1 how=$2 seconds=$3 moves=${4:-$BENCH_MOVES} report place=b STREAM_RATE=1000
	host_at a
	sleep 0.5
	stream_start
	sleep 1.5
	for ((; moves > 0; moves--)); do
		"$how" $place
		[ $place = a ] && place=b || place=a
		pause "$seconds"
	done
	stream_stop
	if report=$(stream_report --each 2>&1); then
		echo "RESULT: $name: $report"
	else
		fail "bench: $name" "$report"
	fi
}

# bench_strongswan NAME VERSION HOW SECONDS [MOVES]: strongSwan alone, with the SWAN_ variables.
bench_strongswan() {
	host_at a
	check_here "bench: $1: strongSwan starts" swan_start "$2" || return
	check_here "bench: $1: SAs are there" swan_up net || return
	bench_moves "$1" "${@:3}"
	swan_stop
}

part_bench_mobike() { SWAN_CONNECTION="mobike = yes" bench_strongswan "strongSwan with MOBIKE" 2 host_at 2; }
part_bench_mobike_roams() {
	SWAN_CONNECTION="mobike = yes" bench_strongswan "strongSwan with MOBIKE$ROAMS" 2 host_roams 1.5
}

# What is left without MOBIKE: IKEv2 authenticates anew as soon as its address changes; IKEv1 when the peer is found dead.
part_bench_reconnect() {
	SWAN_CONNECTION="mobike = no
		dpd_delay = 1s" SWAN_CHILD="dpd_action = restart" bench_strongswan "strongSwan anew, IKEv2" 2 host_at 3
}

part_bench_reconnect_v1() {
	SWAN_CONNECTION="dpd_delay = 1s
		dpd_timeout = 3s" SWAN_CHILD="dpd_action = restart" bench_strongswan "strongSwan anew, IKEv1" 1 host_at 8 2
}

# bench_agent NAME VERSION HOW SECONDS NODE...: our agent on those nodes, beside strongSwan.
bench_agent() {
	local SWAN_CONNECTION SWAN_HOST SWAN_CHARON SWAN_ENCAP SWAN_ANYWHERE node
	agent_settings "$2"
	SWAN_ENCAP=${ENCAP-$SWAN_ENCAP}
	host_at a
	check_here "bench: $1: strongSwan starts" swan_start "$2" || return
	for node in "${@:5}"; do check_here "bench: $1: the agent starts on $node" agent_start "$node" || return; done
	check_here "bench: $1: SAs are there" swan_up net || return
	bench_moves "$1" "$3" "$4"
	agent_stop h g
	swan_stop
}

ROAMS=", both for 1 s"
part_bench_agent() { bench_agent "adoption, IKEv2" 2 host_at 2 h g; }
part_bench_agent_v1() { bench_agent "adoption, IKEv1" 1 host_at 2 h g; }
part_bench_agent_host() { ENCAP="h g" bench_agent "adoption at the host alone, IKEv2" 2 host_at 2 h; }
part_bench_agent_roams() { bench_agent "adoption, IKEv2$ROAMS" 2 host_roams 1.5 h g; }
