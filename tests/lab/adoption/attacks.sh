# Who sits on the path, and what he cannot do: he captures, holds back, sends again and changes packets of the tunnel, from
# an address of his own and from that of the host; no SA moves (design: the newest authentic packet alone moves one). What
# he can do is tried too. Source this file after moves.sh.

EVIL=203.0.113.66

# tap NAME DEVICE FILTER: what crosses that device of r, written at once to the file of that name.
tap() {
	: >"$LAB_TMP/tap_$1.log" # one before has said that it listens
	start r "tap_$1" tcpdump -i "$2" -Z root -s 0 -U --immediate-mode -w "$LAB_TMP/tap-$1.pcap" "$3"
	wait_for 10 grep -q 'listening on' "$LAB_TMP/tap_$1.log"
}
tap_end() { stop "tap_$1" INT; }
tapped() { tcpdump -nr "$LAB_TMP/tap-$1.pcap" "$2" 2>/dev/null | wc -l; }

# attack WHAT TAP TO FROM...: attack.py from r; how many packets in $attacked.
attack() {
	local what=$1 tap=$2
	attacked=$(on r python3 -B "$here/attack.py" "$what" "$LAB_TMP/tap-$tap.pcap" "${@:3}")
	sleep 0.3 # what it may lead to has had its time: 10 ms of path
}

# Both ends' SAs, to be compared.
sa_picture() { sa_ends h; sa_ends g; }

# attacked_in_vain NAME NODE COUNTER WHAT TAP TO FROM...: the attack is refused by NODE, by that counter (null: nobody counts
# it), and leaves all SAs as they are.
attacked_in_vain() {
	local name=$1 node=$2 counter=$3 before picture
	before=$(refusals "$node" "$counter") picture=$(sa_picture)
	check_here "$label: $name: sent" attack "${@:4}" || return
	[ "$before" = null ] || check "$label: $name: refused as such" wait_for 5 refused_more "$node" "$counter" "$before"
	check "$label: $name: no SA has moved" test_picture "$picture"
}

refused_more() { [ "$(refusals "$1" "$2")" -gt "$3" ]; }

step_replayed() {
	tap wire wan0 "udp port 4500"
	stream_start
	wait_for 10 test_tapped wire 50
	attacked_in_vain "replayed to the gateway from another address" g XfrmInStateSeqError replay wire $G_A $EVIL:4500
	attacked_in_vain "replayed to the gateway from another port" g XfrmInStateSeqError replay wire $G_A $H_A:999
	attacked_in_vain "replayed to the host from another address" h XfrmInStateSeqError replay wire $H_A $EVIL:4500
	tap_end wire
}

step_forged() {
	tap wire wan0 "udp port 4500"
	wait_for 10 test_tapped wire 20
	attacked_in_vain "forged to the gateway from another address" g XfrmInStateProtoError forge wire $G_A $EVIL:4500
	attacked_in_vain "forged to the gateway from the host's address" g XfrmInStateProtoError forge wire $G_A $H_A:4500
	attacked_in_vain "forged to the host from another address" h XfrmInStateProtoError forge wire $H_A $EVIL:4500
	attacked_in_vain "forged to the host from the gateway's address" h XfrmInStateProtoError forge wire $H_A $G_A:4500
	tap_end wire
	stream_stop
	report=$(stream_report 2>&1)
	check "$label: under attack: the stream has lost nothing" nothing_lost
}

nothing_lost() { echo "$report"; [[ " $report " == *" up_lost=0 "* && " $report " == *" down_lost=0 "* ]]; }

# held TAP: r forwards nothing of the host's from now on, and captures it: nothing in there has arrived. held_end: it
# forwards again.
held() {
	on r iptables-legacy -I FORWARD -i a0 -p udp --dport 4500 -j DROP
	tap "$1" a0 "dst host $G_A and udp port 4500"
}
held_end() { on r iptables-legacy -D FORWARD -i a0 -p udp --dport 4500 -j DROP; }

# in_packets NODE ADDRESS: how many packets its SAs towards that address have accepted.
in_packets() {
	ip -s -n "$LAB-$1" xfrm state | awk -v to="$2" '
		$1 == "src" { ours = $4 == to }
		ours && /\(bytes\), [0-9]+\(packets\)/ && !/limit/ { sub(/\(.*/, "", $2); sum += $2 }
		END { print sum + 0 }'
}

# accepted NODE ADDRESS PACKETS REPLAYED: it has accepted more than so many packets, and refused no more as replayed ones.
accepted() { [ "$(in_packets "$1" "$2")" -gt "$3" ] && [ "$(refusals "$1" XfrmInStateSeqError)" = "$4" ]; }

step_late() {
	local picture before replayed
	stream_start
	sleep 0.5
	picture=$(sa_picture)
	held late
	wait_for 10 test_tapped late 5
	held_end
	sleep 1
	tap_end late
	stream_stop
	before=$(in_packets g $G_A) replayed=$(refusals g XfrmInStateSeqError)
	check_here "$label: held back, sent on late from another address" attack oldest late $G_A $EVIL:4500
	check "$label: held back: it is authentic and accepted" wait_for 5 accepted g $G_A "$before" "$replayed"
	check "$label: held back: no SA has moved" test_picture "$picture"
	check "$label: held back: both tunnels work" both_reach
	check "$label: held back: no SA has moved afterwards either" test_picture "$picture"
	tap wire wan0 "udp port 4500"
	check "$label: held back, and the host speaks" wait_for 5 reach
	tap_end wire
	attacked_in_vain "held back, and then the host's newest copied from there" g XfrmInStateSeqError replay wire $G_A $EVIL:4500 1
}

test_tapped() { [ "$(tapped "$1" udp)" -ge "$2" ]; }

# forwarded_newest: the attacker forwards the newest packets of the tunnel from his own address, and nothing else passes.
# Several: the kernel's ESP tells too little of the first.
forwarded_newest() {
	stream_start
	sleep 0.5
	held newest
	wait_for 10 test_tapped newest 12
	stream_stop
	tap_end newest
	attack replay newest $G_A $EVIL:4500 10
}

# What nothing can prevent, but the guards narrow: who forwards the newest packet is taken for the host until its next.
step_forwarded() {
	check_here "$label: who is on the path forwards the newest packets from his address" forwarded_newest
	check "$label: forwarded: without a guard the gateway follows, as documented" wait_for 3 drawn_away
	held_end
	check "$label: forwarded: the host's next packet brings it back" wait_for 5 back_home
}

drawn_away() { sa_ends g | grep -q " $EVIL:"; }
back_home() { reach; ends_are $H_A $G_A; }

attack_world() {
	local SWAN_CHILD="replay_window = 2048" # what is late in a lab that stalls is still in it
	on r ip addr replace $EVIL/24 dev wan0
	STREAM_RATE=50 world 2 h
	check_here "$label: the agent starts on g, after the SAs" agent_start g "$1"
}

# The same towards the host. Its strongSwan takes the gateway for one behind a NAT and follows the late packet by itself, until
# the gateway's next packet; without strongSwan nothing moves at all ($late_moves empty).
late_moves=${late_moves-strongSwan}
step_late_host() {
	local picture before replayed
	stream_start
	sleep 0.5
	picture=$(sa_picture)
	on r iptables-legacy -I FORWARD -i wan0 -p udp --dport 4500 -j DROP
	tap late_host wan0 "src host $G_A and udp port 4500"
	wait_for 10 test_tapped late_host 5
	on r iptables-legacy -D FORWARD -i wan0 -p udp --dport 4500 -j DROP
	sleep 1
	tap_end late_host
	stream_stop
	before=$(in_packets h $H_A) replayed=$(refusals h XfrmInStateSeqError)
	check_here "$label: held back from the host, sent on late from another address" attack oldest late_host $H_A $EVIL:4500
	check "$label: held back from the host: it is authentic and accepted" wait_for 5 accepted h $H_A "$before" "$replayed"
	[ -n "$late_moves" ] || check "$label: held back from the host: no SA has moved" test_picture "$picture"
	check "$label: held back from the host: the gateway's next packet ends it" wait_for 5 on s ping -q -c 1 -W 2 $IN_H
	check "$label: held back from the host: both tunnels work" both_reach
	check "$label: held back from the host: all is where it was" wait_for 5 test_picture "$picture"
}

# The order in which the kernel lists them is not looked at.
test_picture() { [ "$(sa_picture | sort)" = "$(sort <<<"$1")" ]; }

part_attacks() {
	local label=attacks report step steps=${STEPS:-replayed forged late late_host forwarded} STREAM_RATE=50
	attack_world "" && for step in ${steps//,/ }; do "step_$step"; done
	world_end
}

# The guards, each on the gateway: the forwarder gets nowhere, the host that moves does.
guarded() {
	local STREAM_RATE=50 label="guards: $1" report
	if attack_world "$2"; then
		check_here "$label: who is on the path forwards the newest packets from his address" forwarded_newest
		check "$label: the gateway does not follow" sends_to g $G_A $H_A
		held_end
		check "$label: the tunnels work" both_reach
		host_at b
		check "$label: the host's own move is followed" wait_for 10 ends_are $H_B $G_A
		check "$label: the tunnels work after it" both_reach
		STREAM_RATE=200 moved_with_stream "and back, with a stream inside" 4 a $H_A
	fi
	world_end
}

part_guards() {
	guarded "allowed prefixes" 'allow = { "192.0.2.0/24", "198.51.100.0/24" }'
	guarded "return probe" 'return-probe = yes'
}
