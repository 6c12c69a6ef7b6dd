# Address translation between: what the gateway sees of the host is r's address and a port of r's choice. Source this file
# after moves.sh.

NAT_ADDRESS=203.0.113.1
NAT_INSIDE=192.0.2.0/24,198.51.100.0/24

# nat_up FIRST: from now on r translates the host's flows to ports from that one; flows that it knows begin anew. The new rule
# is there before the old one goes: a packet in between would begin a flow that is not translated. So would one from outside
# to the host's own address, which no translator lets in.
nat_up() {
	on r iptables-legacy -t raw -F || return
	on r iptables-legacy -t raw -A PREROUTING -i wan0 -d "$NAT_INSIDE" -j DROP || return
	on r iptables-legacy -t nat -I POSTROUTING 1 -o wan0 -p udp -j SNAT --to-source "$NAT_ADDRESS:$1-$(($1 + 99))" || return
	on r iptables-legacy -t nat -D POSTROUTING 2 2>/dev/null # none the first time
	on r python3 -B "$here/forget_flows.py"
}

nat_down() {
	on r iptables-legacy -t nat -F
	on r iptables-legacy -t raw -F
	on r python3 -B "$here/forget_flows.py"
}

# seen_at FIRST: the gateway's outbound SAs go to a port from that one.
seen_at() {
	sa_ends g | awk -v from=$G_A -v to=$NAT_ADDRESS -v first="$1" '
		{ split($1, f, ":"); split($2, t, ":") }
		f[1] == from { count++; if (t[1] != to || t[2] < first || t[2] > first + 99) wrong++ }
		END { exit !(count && !wrong) }'
}

# nat_moves LABEL: through the translation that r begins with: another port, a move of the host behind it, and another
# port while nobody speaks.
nat_moves() {
	local report
	stream_start
	nat_up 30000
	check "$1: another port, and the gateway follows" wait_for 5 seen_at 30000
	host_at b
	stream_end reach
	check "$1: the host moves behind it: the stream goes on" whole
	nat_up 40000
	check "$1: another port while nobody speaks: keepalives and the next packet do" wait_for 10 nat_found 40000
}

part_nat() {
	local label version
	check_here "nat: r translates" nat_up 20000
	for version in 2 1; do
		label="nat: IKEv$version"
		nat_up 20000
		if world $version h g; then
			check "$label: the gateway sees r's address" wait_for 5 seen_at 20000
			nat_moves "$label"
			check "$label: both tunnels work" both_reach
		fi
		world_end
	done
	nat_down
}

nat_found() { reach; seen_at "$1"; }
