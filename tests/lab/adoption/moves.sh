# A host that moves, and all that must go on: the stream, idle tunnels, rekeys, DPD. Source this file after agent.sh.

STREAM_RATE=200 # of all parts but the bench

# world VERSION [NODE...]: strongSwan on both ends with a tunnel for IPv4 and one for IPv6, the agent on those nodes.
world() {
	local node version=$1 SWAN_CONNECTION SWAN_HOST SWAN_CHARON SWAN_ENCAP SWAN_ANYWHERE
	agent_settings "$1"
	shift
	SWAN_ENCAP=${ENCAP-$SWAN_ENCAP}
	host_at a
	check_here "$label: strongSwan starts" swan_start "$version" || return
	for node in "$@"; do check_here "$label: the agent starts on $node" agent_start "$node" || return; done
	check_here "$label: SAs are there" swan_up net net6
}

world_end() {
	agent_stop h g
	swan_stop
	host_at a
}

# ping_inside [-6]: through the tunnel and back.
reach() { on h ping -q -c 1 -W 2 -I $IN_H $IN_S; }
reach6() { on h ping -6 -q -c 1 -W 2 -I $IN6_H $IN6_S; }
both_reach() { wait_for 5 reach && wait_for 5 reach6; }

# whole: of a report of stream_report: it came back, and for good, soon after the move: in a tenth of a second where the
# machine has nothing else to do.
whole() {
	echo "$report"
	awk -v took="$(sed -n 's/.*recovery=\([^ ]*\).*/\1/p' <<<"$report")" -v limit=6000 \
		'BEGIN { exit !(took + 0 == took && took != "nan" && took < limit) }'
}

# stream_end COMMAND...: behind a move the stream goes on until the command succeeds, and a second more. Its report is in
# $report.
stream_end() {
	pause 1
	wait_for 10 "$@"
	pause 1
	stream_stop
	report=$(stream_report 2>&1)
}

# moved_with_stream NAME 4|6 HOST-PLACE HOST-ADDRESS
moved_with_stream() {
	stream_start "$2"
	host_at "$3"
	stream_end ends_are "$4" $G_A
	check "$label: $1: the stream goes on" whole
	check "$label: $1: both ends have the new address" wait_for 5 ends_are "$4" $G_A
}

step_stream() {
	moved_with_stream "a move with a stream inside" 4 b $H_B
	moved_with_stream "and back, with a stream of IPv6 inside" 6 a $H_A
	check "$label: both tunnels work" both_reach
}

# Nobody speaks: what tells the gateway is a packet of the agent's own.
step_idle() {
	sleep 1
	host_at b
	check "$label: a move without traffic: the gateway learns of it" wait_for 5 sends_to g $G_A $H_B
	check "$label: a move without traffic: the server reaches the host first" wait_for 5 on s ping -q -c 1 -W 2 $IN_H
	host_at a
	check "$label: and back" wait_for 5 ends_are $H_A $G_A
}

step_flap() {
	local i
	stream_start
	for i in 1 2 3 4 5; do
		host_at b; sleep 0.2
		host_at a; sleep 0.2
	done
	stream_end ends_are $H_A $G_A
	check "$label: flapping between two addresses: the stream goes on" whole
	check "$label: flapping: both ends have the last address" wait_for 5 ends_are $H_A $G_A
}

# The gateway's address changes at the instant at which the host's does; the old one is still taken for a second, and until
# the host sends to the new one.
step_both() {
	stream_start
	on g ip addr add $G_B/24 dev wan0
	on g ip route replace default via 203.0.113.1 src $G_B &
	host_at b
	wait $!
	sleep 1
	wait_for 10 host_sends_to $G_B
	on g ip addr del $G_A/24 dev wan0
	on g ip addr replace $G_B/24 dev wan0
	on g ip route replace default via 203.0.113.1 src $G_B
	stream_end ends_are $H_B $G_B
	check "$label: both ends move at once: the stream goes on" whole
	check "$label: both ends move at once: each has the other's new address" wait_for 5 ends_are $H_B $G_B
	check "$label: both ends move at once: both tunnels work" both_reach
	on g ip addr add $G_A/24 dev wan0
	on g ip route replace default via 203.0.113.1 src $G_A
	host_at a
	check "$label: and both back" wait_for 10 ends_are $H_A $G_A
	on g ip addr del $G_B/24 dev wan0
	on g ip addr replace $G_A/24 dev wan0
	on g ip route replace default via 203.0.113.1
}

# rekeys_child NODE, rekeys_ike NODE: strongSwan of that node begins it, and there are new SAs in place of the old.
rekeys_child() {
	local before
	before=$(child_spis)
	swan "$1" --rekey --child net && wait_for 10 differs "$before" child_spis && wait_for 10 both_have "*" 2
}
rekeys_ike() {
	local before
	wait_for 20 both_have 1 "*" || return # IKEv1 deletes the old one ten seconds after, and a rekey by name is of both
	before=$(ike_cookies h)
	swan "$1" --rekey --ike vpn && wait_for 10 ike_is_new "$before" && wait_for 10 both_have "*" 2
}
child_spis() { swan h --list-sas --child net | awk '$1 == "in" { print $2 }' | sort; }
ike_cookies() { swan "$1" --list-sas | sed -n 's/.*ESTABLISHED, IKEv., //p' | tr -d '*' | sort; }
# Both ends have one that is not among those. That the host's old one is no longer established is too little: it is being
# rekeyed then.
ike_is_new() { has_new "$1" h && has_new "$1" g; }
has_new() { ike_cookies "$2" | grep -qvxF "$1"; }
differs() { [ "$("$2")" != "$1" ]; }

# both_have IKES CHILDREN: patterns.
both_have() { [[ $(swan_has h) == $1\ $2 && $(swan_has g) == $1\ $2 ]]; }

# logged NODE PATTERN COUNT: charon of that node has written such lines more often than COUNT.
swan_logged() { grep -cE "$2" "$(swan_dir "$1")/charon.log"; }
logged_since() { [ "$(swan_logged "$1" "$2")" -gt "$3" ]; }

DPD_ANSWER='parsed INFORMATIONAL(_V1)? (response|request).* \[ (HASH N\(DPD_ACK\) )?\]'

# ike_works WHAT HOST-ADDRESS GATEWAY-ADDRESS: after that move, all that strongSwan does by itself works, from both ends, and
# leaves each SA there once.
ike_works() {
	local node before
	for node in h g; do
		check "$label: $1: $node rekeys the child SA" rekeys_child $node
		check "$label: $1: $node rekeys the IKE SA" rekeys_ike $node
	done
	before=$(swan_logged h "$DPD_ANSWER")
	check "$label: $1: DPD is answered" wait_for 20 logged_since h "$DPD_ANSWER" "$before"
	check "$label: $1, and rekeys: both tunnels work" both_reach
	check "$label: $1, and rekeys: one IKE SA, two tunnels, none twice" wait_for 30 none_twice
	check "$label: $1, and rekeys: the new SAs are between the new addresses" wait_for 10 ends_are "$2" "$3"
}

step_rekey() {
	host_at b
	check "$label: a move before a rekey" wait_for 5 ends_are $H_B $G_A
	ike_works "after the move" $H_B $G_A
	host_at a
	check "$label: rekeyed tunnels move too" wait_for 5 ends_are $H_A $G_A
	check "$label: rekeyed tunnels move too: they work" both_reach
}

# gateway_to FROM TO: the gateway's address changes; the old one is still taken for a second, and until the host sends to the
# new one.
gateway_to() {
	on g ip addr add "$2/24" dev wan0
	on g ip route replace default via 203.0.113.1 src "$2"
	sleep 1
	wait_for 10 host_sends_to "$2"
	on g ip addr del "$1/24" dev wan0
	on g ip addr replace "$2/24" dev wan0
	on g ip route replace default via 203.0.113.1 src "$2"
}
host_sends_to() { sends_to h $H_A "$1" || sends_to h $H_B "$1"; }

# ike_ends NODE HERE THERE: its strongSwan holds its one IKE SA for one between these.
ike_ends() {
	swan "$1" --list-sas | awk -v here="$2" -v there="$3" '
		$3 == "@" && $1 == "local" { count++; if (index($4, here "[") != 1) wrong++ }
		$3 == "@" && $1 == "remote" && index($4, there "[") != 1 { wrong++ }
		END { exit !(count == 1 && !wrong) }'
}
ike_is_at() { ike_ends h "$1" "$2" && ike_ends g "$2" "$1"; }

# both_at NAME HOST GATEWAY: that is where each has the other. MOBIKE follows the agents, and until it has, the gateway does not
# know where the host is to which it would send a request, nor the host where to find a gateway that moves again.
both_at() {
	check "$label: $1" wait_for 10 ends_are "$2" "$3"
	[ "$label" != IKEv2 ] || check "$label: $1: IKE, too" wait_for 30 ike_is_at "$2" "$3"
}

# One end after the other, and back in the same order: each time the other end has moved since the IKE SA was made.
step_turns() {
	host_at b
	both_at "the host moves" $H_B $G_A
	gateway_to $G_A $G_B
	both_at "then the gateway: each has the other's new address" $H_B $G_B
	ike_works "host, then gateway" $H_B $G_B
	host_at a
	both_at "the host moves back" $H_A $G_B
	gateway_to $G_B $G_A
	both_at "then the gateway: each has the other's first address" $H_A $G_A
	gateway_to $G_A $G_B
	both_at "the gateway moves first" $H_A $G_B
	host_at b
	both_at "then the host" $H_B $G_B
	ike_works "gateway, then host" $H_B $G_B
	gateway_to $G_B $G_A
	both_at "the gateway moves back" $H_B $G_A
	host_at a
	both_at "both are back" $H_A $G_A
}

# shadows_are NODE COUNT: so many of its policies are shadows (rsipc/adoption/kernel_shadow.h).
shadows_are() { [ "$(ip -n "$LAB-$1" xfrm policy | grep -c 'mark 0/0x80000000')" = "$2" ]; }

# Those of the tunnels that h's agent has moved all have one; on a machine so slow that strongSwan was first, none.
policies_twice() { wait_for 5 shadowed || { ip -n "$LAB-h" xfrm policy; ip -n "$LAB-h" xfrm state; false; }; }
shadowed() { shadows_are h 6 || grep -q 'moved by an IKE daemon' "$LAB_TMP/agent_h.log"; }
no_shadows() { shadows_are h 0 && shadows_are g 0; }

# While strongSwan follows.
step_shadows() {
	host_at b
	check "$label: each policy of the tunnels that have moved is there twice" policies_twice
	check "$label: both tunnels work by them" both_reach
	host_at a
	check "$label: and back, with policies that are there twice" wait_for 5 ends_are $H_A $G_A
}

none_twice() { both_have 1 2; }

# moved_during_rekey NODE: that one has just begun it; what it sent, or the answer, goes to where the host was.
moved_during_rekey() {
	local what="a move during a rekey by $1"
	stream_start
	swan "$1" --rekey --child net >"$LAB_TMP/rekey.log" 2>&1
	host_at b
	sleep 1
	stream_end reach
	check "$label: $what: the stream goes on" whole
	check "$label: $what: none twice in the end" wait_for 30 none_twice
	check "$label: $what: both tunnels work" both_reach
	host_at a
	check "$label: $what: and back" wait_for 5 ends_are $H_A $G_A
}

step_during_rekey() { moved_during_rekey h; moved_during_rekey g; }

moves() {
	local label=$1 report step steps=${STEPS:-stream shadows idle flap rekey during_rekey turns both}
	world "$2" h g || { world_end; return; }
	for step in ${steps//,/ }; do "step_$step"; done
	agent_stop h g
	check "$label: the agents leave no policy behind" no_shadows
	world_end
}

# A host without any address for longer than strongSwan's MOBIKE looks for a way, 25 seconds: it gives the IKE SA up, and with
# dpd_action = restart begins anew, for minutes.
part_hole() {
	local label="no address for 30 s" SWAN_HOST_CHILD="dpd_action = restart" report
	world 2 h g || { world_end; return; }
	host_at nowhere
	sleep 30
	host_at a
	check "$label: both ends have the address" wait_for 30 ends_are $H_A $G_A
	check "$label: both tunnels work" wait_for 10 both_reach
	check "$label: one IKE SA, two tunnels, none twice" wait_for 30 none_twice
	world_end
}

part_ikev2() { moves IKEv2 2; }
part_ikev1() { moves IKEv1 1; }
