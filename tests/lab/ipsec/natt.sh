# Port 4500, shared like 500 (RFC 3947, 3948): the peer is behind address translation that writes the hosts' address anew
# too, so that both sides send keepalives. IKE comes behind the marker of four zero bytes, ESP without, a keepalive is the
# one byte 0xff. Source this file after learned.sh.

BEHIND_NAT=198.51.100.1       # where the peer takes itself to be
BEFORE_NAT=198.51.100.9       # where it takes the hosts to be
KEEPALIVE="udp port 4500 and udp[4:2] = 9"

# Its own kernel translates for the peer. As in nat.sh, nft, or iptables where the kernel has no more.
natt_up() {
	on y ip addr add $BEHIND_NAT/32 dev lo
	on y ip route add 198.51.100.0/24 via 203.0.113.1
	on y nft "table ip natt {
		chain before { type nat hook prerouting priority dstnat; ip daddr $PEER_NATTED udp dport { 500, 4500 } dnat to $BEHIND_NAT; }
		chain after { type nat hook input priority 100; ip daddr $BEHIND_NAT udp dport { 500, 4500 } snat to $BEFORE_NAT; }
	}" 2>"$LAB_TMP/nft.log" || natt_iptables
}

natt_iptables() {
	local ports=(-p udp -m multiport --dports 500,4500)
	on y iptables-legacy -t nat -A PREROUTING -d "$PEER_NATTED" "${ports[@]}" -j DNAT --to-destination $BEHIND_NAT &&
		on y iptables-legacy -t nat -A INPUT -d $BEHIND_NAT "${ports[@]}" -j SNAT --to-source $BEFORE_NAT
}

natt_down() {
	on y nft delete table ip natt 2>/dev/null || on y iptables-legacy -t nat -F
	on y ip route del 198.51.100.0/24
	on y ip addr del $BEHIND_NAT/32 dev lo
}

step_natt() {
	local version
	check "4500: the peer goes behind address translation" natt_up || return
	capture_start natt n wan0 "host $PEER_NATTED"
	natt_keepalives
	for version in 2 1; do
		[ $version = 2 ] || check "4500: both hosts speak IKEv1 with it" both call natt-v1
		check "4500: IKEv$version: SAs of both hosts work" both datagrams tunnel
		check "4500: IKEv$version: the hosts rekey the IKE SA" rekeyed 1 cookies both rekey_natt $version
		check "4500: IKEv$version: and the sessions go on" both datagrams tunnel
		hang_up natt-v$version x1 x2
	done
	capture_stop
	natt_down
	check "4500: IKE behind the marker, from the hosts" seen natt "dst host $PEER_NATTED and udp dst port 4500 and udp[8:4] = 0"
	check "4500: IKE behind the marker, from the peer" seen natt "src host $PEER_NATTED and udp src port 4500 and udp[8:4] = 0"
	check "4500: ESP without marker" seen natt "src host $PEER_NATTED and udp src port 4500 and udp[4:2] > 20 and udp[8:4] != 0"
	check "4500: no ESP outside of UDP" unseen natt "ip proto 50"
}

rekey_natt() { ike "$1" --rekey --ike "natt-v$2"; }

# A keepalive names nobody: it is for the one host that has a session with its sender, and lost on nobody where there are
# several.
natt_keepalives() {
	local before
	check "4500: x1 alone speaks IKEv2 with it" call x1 natt-v2
	check "4500: the peer's keepalive comes to x1" heard x1 rsip0 "src host $PEER_NATTED and $KEEPALIVE"
	check "4500: x1's keepalive goes to the peer" heard n wan0 "dst host $PEER_NATTED and $KEEPALIVE"
	before=$(dropped ambiguous_cookie)
	check "4500: x2 begins to speak with it too" call x2 natt-v2
	check "4500: the peer's keepalive is nobody's, counted" wait_for 20 dropped_since ambiguous_cookie "$before"
}

# heard NODE DEVICE FILTER: such a packet comes, within a minute.
heard() { on "$1" timeout 60 tcpdump -c 1 -Z root -i "$2" "$3"; }
