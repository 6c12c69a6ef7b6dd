# The lab of the moves: a host that two access networks serve, a router between, an IPsec gateway with a LAN. Source this
# file after ../verdict.sh, ../topology.sh (for its namespaces and wires) and ../daemons.sh (for its boxes).
#
#    ┌── h ───────────────┐     ┌── r ──────────────────────────┐     ┌── g ──────────────────┐     ┌── s ───────────┐
#    │ a0   192.0.2.10    ├─────┤ a0 192.0.2.1                  │     │ wan0 203.0.113.2      │     │                │
#    │ b0   198.51.100.10 ├─────┤ b0 198.51.100.1  wan0         ├─────┤      203.0.113.3      ├─────┤ eth0 10.2.0.2  │
#    │ in0  10.1.0.1      │     │                  203.0.113.1  │     │ lan0 10.2.0.1         │     │      fd00:2::2 │
#    │      fd00:1::1     │     └───────────────────────────────┘     │      fd00:2::1        │     └────────────────┘
#    └────────────────────┘      10 ms each way between r and g        └───────────────────────┘
#
# h speaks with s through tunnel mode SAs between h and g; it has one outer address at a time and moves between a0 and b0.
# g has its first address, and moves to the second where a test says so. The inner route does not hang on the outer one.

H_A=192.0.2.10 H_B=198.51.100.10
G_A=203.0.113.2 G_B=203.0.113.3
IN_H=10.1.0.1 IN_S=10.2.0.2 IN6_H=fd00:1::1 IN6_S=fd00:2::2
SITES_KERNEL=${SITES_KERNEL-yes} # empty: no kernel ESP, and neither a device of kind dummy nor netem
ROUND_TRIP_MS=${SITES_KERNEL:+20} ROUND_TRIP_MS=${ROUND_TRIP_MS:-0}

# A network that is tried in seconds needs no duplicate address detection.
sites_ipv6() {
	on "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
}

sites_up() {
	local node
	trap lab_down EXIT
	for node in h r g s; do lab_node $node; done
	lab_wire h a0 r a0
	lab_wire h b0 r b0
	lab_wire r wan0 g wan0
	lab_wire g lan0 s eth0
	for node in h g s; do sites_ipv6 $node; done
	for node in r g; do on $node sysctl -qw net.ipv4.ip_forward=1; done
	on g sysctl -qw net.ipv6.conf.all.forwarding=1
	on r ip addr add 192.0.2.1/24 dev a0
	on r ip addr add 198.51.100.1/24 dev b0
	on r ip addr add 203.0.113.1/24 dev wan0
	# As networks on the Internet do (BCP 38): who has moved cannot send from where he was.
	on r sysctl -qw net.ipv4.conf.a0.rp_filter=1 net.ipv4.conf.b0.rp_filter=1
	on g ip addr add $G_A/24 dev wan0
	on g ip route add default via 203.0.113.1
	on g ip addr add 10.2.0.1/24 dev lan0
	on g ip addr add fd00:2::1/64 dev lan0
	on g ip route add fd00:1::/64 dev wan0
	on s ip addr add $IN_S/24 dev eth0
	on s ip addr add $IN6_S/64 dev eth0
	on s ip route add default via 10.2.0.1
	on s ip route add default via fd00:2::1
	if [ -n "$SITES_KERNEL" ]; then
		sites_inner
		sites_delay $((ROUND_TRIP_MS / 2))
	fi
	host_at a
}

# The host's end of the tunnel: a device that carries nothing, with its inner addresses and the routes to the LAN.
sites_inner() {
	on h ip link add in0 type dummy
	on h ip link set in0 up
	on h ip addr add $IN_H/32 dev in0
	on h ip addr add $IN6_H/128 dev in0
	on h ip route add 10.2.0.0/24 dev in0 src $IN_H
	on h ip route add fd00:2::/64 dev in0 src $IN6_H
}

# sites_delay MS: each way, between r and g.
sites_delay() {
	on r tc qdisc replace dev wan0 root netem delay "$1ms" limit 10000
	on g tc qdisc replace dev wan0 root netem delay "$1ms" limit 10000
}

# The steps of tests/tools/renumber.c.
GONE_A=-$H_A/24@a0 GONE_B=-$H_B/24@b0
HERE_A="+$H_A/24@a0 via=192.0.2.1" HERE_B="+$H_B/24@b0 via=198.51.100.1"

# host_at a|b|nowhere: where the host is, from one instant to the next: it has that address alone.
host_at() {
	case $1 in
	a) host_moves $GONE_B $HERE_A ;;
	b) host_moves $GONE_A $HERE_B ;;
	nowhere) host_steps $GONE_A $GONE_B >/dev/null ;;
	esac
}

# pause SECONDS: without a new process, which in user-mode-linux takes the processor for 50 ms, just when the tunnel moves.
pause() {
	[ -n "${silence-}" ] || { mkfifo "$LAB_TMP/silence" && exec {silence}<>"$LAB_TMP/silence"; }
	read -rt "$1" -u "$silence"
}

# host_roams a|b: make before break: the new address and the way by it are there, the old one goes a second later.
host_roams() {
	case $1 in
	a) host_moves $HERE_A; pause 1; host_steps $GONE_B >/dev/null ;;
	b) host_moves $HERE_B; pause 1; host_steps $GONE_A >/dev/null ;;
	esac
}

# host_moves STEP...: and when that was, for stream_report.
host_moves() { host_steps "$@" >>"$LAB_TMP/moves.txt"; }
host_steps() { on h "$BUILDDIR/tests/tools/renumber" "$@"; }

# gateway_at FROM TO: the gateway's outer address becomes another one.
gateway_at() {
	printf '%s\n' "addr add $2/24 dev wan0" "addr del $1/24 dev wan0" "addr replace $2/24 dev wan0" \
		"route replace default via 203.0.113.1" | on g ip -batch -
}
