# Cookies that the gateway learns (RFC 3104 6.1), and what is hard about IKE of two hosts on one address with one peer. x1
# has a GRE tunnel of its kernel, x2 IP-in-IP without one. Each step leaves no SA behind, and can be run by itself; the
# last one ends x2's strongSwan. Source this file after rsip.sh.

WHO_LEARNED="rsip, cookies learned"

learned_begin() {
	host_conf x1 learn gre/kernel "ike-peer = \"$PEER_CALLS\""
	host_conf x2 learn ip-ip/tun
	check_here "$WHO_LEARNED: rsipd starts" rsip_gateway || return
	check_here "$WHO_LEARNED: both hosts have their leases" hosts_lease || return
	check_here "$WHO_LEARNED: strongSwan starts" ike_start y x1 x2
}

learned_end() {
	ike_stop x1 x2 y
	hosts_release
	gateway_stop
}

learned_steps() {
	local step
	learned_begin && for step in "$@"; do "step_$step"; done
	learned_end
}

# Whose IKE it is does not depend on the mode.
step_conversations() {
	local MODES=tunnel
	capture_start public n wan0 "host $PEER"
	conversations "$WHO_LEARNED" learned
	capture_stop
	check "$WHO_LEARNED: all ESP is for leased SPIs, of both hosts" spis_leased
	check "$WHO_LEARNED: nothing but ESP and IKE on port 500 is on the wire" nothing_else
}

scenario_learned() { learned_steps conversations affinity listener large natt collision ephemeral; }
scenario_affinity() { learned_steps affinity; }
scenario_listener() { learned_steps listener; }
scenario_large() { learned_steps large; }
scenario_natt() { learned_steps natt; }
scenario_collision() { learned_steps collision; }
scenario_ephemeral() { learned_steps ephemeral; }
