# The bench: what a stream loses in one move, beside strongSwan's own ways. Source this file after swan.sh and stream.sh.

# bench_move NAME SECONDS: the stream flows, the host moves from a to b; what came of it SECONDS later.
bench_move() {
	local name=$1 seconds=$2 report STREAM_RATE=1000
	host_at a
	sleep 0.5
	stream_start
	sleep 2
	host_at b
	sleep "$seconds"
	stream_stop
	if report=$(stream_report $H_B 2>&1); then
		echo "RESULT: $name: $report"
	else
		fail "bench: $name" "$report"
	fi
}

# bench_strongswan NAME VERSION SECONDS: strongSwan alone, with the SWAN_ variables.
bench_strongswan() {
	host_at a
	check_here "bench: $1: strongSwan starts" swan_start "$2" || return
	check_here "bench: $1: SAs are there" swan_up net || return
	bench_move "$1" "$3"
	swan_stop
}

part_bench_mobike() { SWAN_CONNECTION="mobike = yes" bench_strongswan "strongSwan with MOBIKE" 2 4; }

# What is left without MOBIKE: IKEv2 authenticates anew as soon as its address changes; IKEv1 when the peer is found dead.
part_bench_reconnect() {
	SWAN_CONNECTION="mobike = no
		dpd_delay = 1s" SWAN_CHILD="dpd_action = restart" bench_strongswan "strongSwan anew, IKEv2" 2 4
}

part_bench_reconnect_v1() {
	SWAN_CONNECTION="dpd_delay = 1s
		dpd_timeout = 3s" SWAN_CHILD="dpd_action = restart" bench_strongswan "strongSwan anew, IKEv1" 1 12
}

# bench_agent NAME VERSION NODE...: our agent on those nodes, beside strongSwan.
bench_agent() {
	local SWAN_CONNECTION SWAN_HOST SWAN_CHARON SWAN_ENCAP SWAN_ANYWHERE node
	agent_settings "$2"
	SWAN_ENCAP=${ENCAP-$SWAN_ENCAP}
	host_at a
	check_here "bench: $1: strongSwan starts" swan_start "$2" || return
	for node in "${@:3}"; do check_here "bench: $1: the agent starts on $node" agent_start "$node" || return; done
	check_here "bench: $1: SAs are there" swan_up net || return
	bench_move "$1" 4
	agent_stop h g
	swan_stop
}

part_bench_agent() { bench_agent "adoption, IKEv2" 2 h g; }
part_bench_agent_v1() { bench_agent "adoption, IKEv1" 1 h g; }
part_bench_agent_host() { ENCAP="h g" bench_agent "adoption at the host alone, IKEv2" 2 h; }
