# SAs made by hand, without any IKE daemon. Source this file after moves.sh.

# Somebody has to hold UDP port 4500 and tell the kernel that ESP comes in it (RFC 3948), as an IKE daemon does.
MANUAL_PORT='import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 4500))
s.setsockopt(socket.IPPROTO_UDP, 100, 2)  # UDP_ENCAP, UDP_ENCAP_ESPINUDP
while True: s.recv(2000)'

# manual_sa NODE FROM TO SPI
manual_sa() {
	ip -n "$LAB-$1" xfrm state add src "$2" dst "$3" proto esp spi "$4" reqid 7 mode tunnel replay-window 32 \
		flag af-unspec aead 'rfc4106(gcm(aes))' "0x000102030405060708090a0b0c0d0e0f1011$(printf %04x $(($4 & 0xffff)))" 128 \
		encap espinudp 4500 4500 0.0.0.0
}

# manual_policies NODE HERE THERE INNER-HERE INNER-THERE [VERB]
manual_policies() {
	local node=$1 here=$2 there=$3 verb=${6:-add} dir
	ip -n "$LAB-$node" xfrm policy "$verb" src "$4" dst "$5" dir out \
		tmpl src "$here" dst "$there" proto esp reqid 7 mode tunnel
	for dir in in fwd; do
		ip -n "$LAB-$node" xfrm policy "$verb" src "$5" dst "$4" dir $dir \
			tmpl src "$there" dst "$here" proto esp reqid 7 mode tunnel
	done
}

manual_up() {
	local node
	for node in h g; do
		start $node "port_$node" python3 -c "$MANUAL_PORT"
		manual_sa $node $H_A $G_A 0x10001
		manual_sa $node $G_A $H_A 0x10002
	done
	manual_policies h $H_A $G_A $IN_H/32 10.2.0.0/24
	manual_policies g $G_A $H_A 10.2.0.0/24 $IN_H/32
	manual_policies h $H_A $G_A $IN6_H/128 fd00:2::/64
	manual_policies g $G_A $H_A fd00:2::/64 $IN6_H/128
	wait_for 5 both_reach
}

manual_down() {
	local node
	for node in h g; do
		stop "port_$node"
		ip -n "$LAB-$node" xfrm state flush
		ip -n "$LAB-$node" xfrm policy flush
	done
}

# What an IKE daemon does that moves its policies by a view older than ours, and finds no SA there.
step_pieces() {
	manual_policies h $H_B $G_A $IN_H/32 10.2.0.0/24 update
	manual_policies h $H_B $G_A $IN6_H/128 fd00:2::/64 update
	check "$label: policies led elsewhere are led back to the SAs" wait_for 5 led_back
	check "$label: policies led elsewhere: both tunnels work" both_reach
	sleep 3 # what was given up is deleted by now
	check "$label: policies led elsewhere: no SA is lost" both_reach
}

# The agent is killed when it has just moved the tunnels; and is away while the host moves.
step_restart() {
	host_at b
	check "$label: a move before the agent is killed" wait_for 5 ends_are $H_B $G_A
	stop agent_h KILL
	manual_sa h $G_A $H_A 0x10002 2>/dev/null # what it leaves behind, unless it had drained it already
	check_here "$label: the agent was killed: it starts again" agent_start h
	check "$label: the agent was killed: both tunnels work" both_reach
	check "$label: the agent was killed: the SA at the old address ends" wait_for 15 old_is_gone
	check "$label: the agent was killed: both tunnels still work" both_reach
	stop agent_h KILL
	host_at a
	sleep 1
	check_here "$label: the agent starts after a move" agent_start h
	check "$label: the agent starts after a move: the tunnels follow" wait_for 5 ends_are $H_A $G_A
	check "$label: the agent starts after a move: both tunnels work" both_reach
}

old_is_gone() { ! sa_ends h | grep -q " $H_A:"; }
led_back() { ! ip -n "$LAB-h" xfrm policy | grep -q "tmpl.*$H_B"; }

part_manual() {
	local label="SAs by hand" report step node steps=${STEPS:-stream idle flap pieces restart both}
	host_at a
	check_here "$label: they work" manual_up || return
	for node in h g; do check_here "$label: the agent starts on $node" agent_start $node || return; done
	for step in ${steps//,/ }; do "step_$step"; done
	agent_stop h g
	manual_down
}
