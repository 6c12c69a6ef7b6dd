#!/bin/bash
# The relay alone on real kernels: relay_lab plays control, tunnel_end is the hosts' end of the tunnel, the gateway's
# routes are set by hand. Proves what the kernel's part of the path does: forwarding, TTL, MTU, fragments, hairpin,
# own-address mode, and that packets pass byte for byte. Needs root; BUILDDIR is where the programs were built.
# See topology.sh for the picture: x1 and x2 share 203.0.113.8, x3 has 203.0.113.64 for itself.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11 x2:10.0.0.12 x3:10.0.0.13"
. "$here/topology.sh"
. "$here/relay_gateway.sh"
. "$here/captures.sh"
export PYTHONDONTWRITEBYTECODE=1

shared=203.0.113.8 whole=203.0.113.64 own=203.0.113.1 peer=203.0.113.200

# udp_echo NODE PORT: answers each datagram with its own bytes. A child for each datagram: with a child for each sender
# (UDP-LISTEN) socat loses one of two first datagrams that come at the same time.
udp_echo() { on "$1" socat -b 5000 -T2 "UDP4-RECVFROM:$2,fork,reuseaddr" EXEC:cat >/dev/null 2>&1 & }
# No local address, so that the kernel takes the tunnel's; a port of the host's lease.
udp_ask() { echo hello | on "$1" timeout 6 socat -t5 - "UDP4:$2:$3,sourceport=$4,readbytes=6" | grep -qx hello; }
udp_from_peer() { echo hello | on y timeout 6 socat -t5 - "UDP4:$1:$2,readbytes=6" | grep -qx hello; }
# What must not be answered: its fate is a counter, so nobody waits for an answer.
udp_vain() { echo hello | on "$1" timeout 3 socat -t0.2 - "UDP4:$2:$3${4:+,sourceport=$4}"; }
tcp_file() { on "$1" timeout 20 socat -u "TCP4:$2:$3,sourceport=$4" - 2>/dev/null | cmp -s - "$relay_tmp/file"; }

not() { ! "$@"; }
both() { # both FUNCTION: for x1 and x2 at the same time
	"$1" x1 1100 & local first=$!
	"$1" x2 2100 && wait "$first"
}

peer_up() {
	head -c 3000000 /dev/urandom >"$relay_tmp/file"
	udp_echo y 7
	on y socat -U "TCP4-LISTEN:8000,fork,reuseaddr" "OPEN:$relay_tmp/file,rdonly" 2>/dev/null &
	wait_for 5 on y sh -c 'ss -Htln | grep -q :8000 && ss -Huln | grep -q :7'
}

try_udp() { udp_ask "$1" $peer 7 "$2"; }
try_tcp() { tcp_file "$1" $peer 8000 "$2"; }
try_ping() { on "$1" ping -c 3 -i 0.2 -W 2 $peer; }

udp_and_tcp() {
	check "UDP out and back, both hosts on one address" both try_udp
	check "TCP, 3 MB to both hosts at once: path MTU found" both try_tcp
	check "ping, both hosts at once" both try_ping
	udp_echo x1 1234
	udp_echo x2 2345
	check "UDP from the peer to a leased port of x1" wait_for 3 udp_from_peer $shared 1234
	check "UDP from the peer to a leased port of x2" wait_for 3 udp_from_peer $shared 2345
	check "the whole address: UDP" udp_ask x3 $peer 7 40000
	check "the whole address: TCP" tcp_file x3 $peer 8000 40001
	check "the whole address answers ping itself" grows in_packets on y ping -c 1 -W 2 $whole
	check "the gateway answers ping to the shared address" grows answered on y ping -c 1 -W 2 $shared
	neighbours_by_port x1 $shared 1024-2047
	neighbours_by_port x2 $shared 2048-3071
	check "x1 to x2, both on the one public address" udp_ask x1 $shared 2345 1101
	check "x2 to x3 by the public addresses" on x2 ping -c 1 -W 2 $whole
}

not_theirs() {
	check "another host's port" grows local_port_unallowed udp_vain x1 $peer 7 2100
	check "a port that nobody leases, inbound" grows no_lease udp_vain y $shared 999
	check "an address that is not leased" grows local_addr_unallowed \
		on x1 ping -c 1 -W 1 -I 10.0.0.11 $peer
	check "control hears of it" wait_for 2 grep -q "violation host=10.0.0.11 error=LOCAL_ADDR_UNALLOWED" "$relay_tmp/reports"
	check "control hears of the port" wait_for 2 grep -q \
		"violation host=10.0.0.11 error=LOCAL_ADDRPORT_UNALLOWED bind_id=0 local=203.0.113.8:2100" "$relay_tmp/reports"
	check "tunnel packets that come in on the public side" grows not_registered \
		python3 "$here/relay_packet.py" "$LAB-y" 203.0.113.1 10.0.0.11 $shared $peer
}

too_big() { # the peer's kernel hears of MTU 1480
	on y ip route flush cache
	on y ping -c 1 -W 2 -M "do" -s 1472 $whole >/dev/null 2>&1
	on y ip route get $whole | grep -q "mtu 1480"
}
narrower() { # a router on the LAN: the path to x3 takes 1300
	on y ip route flush cache
	on n ip route add 10.0.0.13/32 dev lan0 mtu 1300
	on y ping -c 2 -i 0.3 -W 2 -M "do" -s 1400 $whole >/dev/null 2>&1
	on y ip route get $whole | grep -q "mtu 1280"
}
mtu() {
	check "DF and too long for the tunnel: the peer is told the MTU" grows too_big too_big
	check "without DF it comes in fragments of the tunnel" on y ping -c 1 -W 2 -M dont -s 1472 $whole
	check "fragmented by the peer: 4000 bytes to the whole address" on y ping -c 1 -W 2 -s 4000 $whole
	check "fragmented by the peer: 4000 bytes of UDP to a leased port" udp_large $shared 1234
	check "the path in the LAN becomes narrower" grows too_big narrower
	on n ip route del 10.0.0.13/32 dev lan0
}
udp_large() {
	head -c 4000 "$relay_tmp/file" >"$relay_tmp/large"
	on y timeout 6 socat -b 5000 -t5 - "UDP4:$1:$2,readbytes=4000" <"$relay_tmp/large" | cmp -s - "$relay_tmp/large"
}

hops() { on x1 traceroute -n -w 3 -q 1 --sport=1200 "$@" $peer | awk 'NR > 1 { print $2 }' | paste -sd ' '; }
trace() {
	check "traceroute (UDP): the gateway, then the peer" test "$(hops -U -p 33434)" = "203.0.113.1 $peer"
	check "traceroute (ICMP)" test "$(on x1 traceroute -I -n -w 3 -q 1 $peer | awk 'NR > 1 { print $2 }' | paste -sd ' ')" \
		= "203.0.113.1 $peer"
}

capture() { # what tcpdump misses at one end, for want of room or of time, looks like a packet that nobody sent
	: >"$relay_tmp/tcpdump-$1" # one before has said that it listens
	on "$1" tcpdump --immediate-mode -i "$2" -s 2048 -U -B 16384 -w "$relay_tmp/$1.pcap" "$3" 2>"$relay_tmp/tcpdump-$1" &
	wait_for 5 grep -q listening "$relay_tmp/tcpdump-$1"
}
end_in() { # end_in NODE PROGRAM: by pid, within one namespace
	local pid
	for pid in $(ip netns pids "$LAB-$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ] && kill "$pid"
	done
	wait_for 5 ended_in "$@"
}
ended_in() {
	local pid
	for pid in $(ip netns pids "$LAB-$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$2" ] || return 1
	done
}

# The same packets inside the tunnel and at the peer; ID 0 with DF among them.
unmodified() {
	capture y eth0 "host $shared and not icmp[0] == 3"
	capture x1 tun0 ip
	capture x2 tun0 ip
	both try_udp
	both try_ping
	tcp_file x1 $peer 8000 1300
	on x1 ping -c 1 -Q 0xb8 -W 1 $peer >/dev/null
	mark $peer "$relay_tmp/y.pcap" x1 "$relay_tmp/x1.pcap" x2 "$relay_tmp/x2.pcap" || echo "the captures have not got all"
	end_in y tcpdump
	end_in x1 tcpdump
	end_in x2 tcpdump
	python3 "$here/pcap_compare.py" $shared "$relay_tmp/y.pcap" "$relay_tmp/x1.pcap" "$relay_tmp/x2.pcap" &&
		tcpdump -nr "$relay_tmp/y.pcap" -v 2>/dev/null | grep -q 'id 0, offset 0, flags \[DF\]'
}

gre() {
	relay_tell "bind 3 10.0.0.13 $whole rsa-ip gre"
	end_in x3 tunnel_end
	tunnel x3 $whole "32768 60999" gre
	on x3 ip link set tun0 mtu 1476
	check "GRE: UDP" udp_ask x3 $peer 7 40002
	check "GRE: TCP" tcp_file x3 $peer 8000 40003
	check "IP-IP where GRE was agreed" grows bad_tunnel_type python3 "$here/relay_packet.py" "$LAB-x3" 10.0.0.1 - $whole $peer
}
control_away() {
	check "unbind takes effect" unbound
	relay_tell "bind 2 10.0.0.12 $shared rsap-ip ports=2048-3071"
	check "bind again" try_udp x2 2100
	relay_tell reconnect
	check "packets flow while control is away" try_udp x1 1100
	relay_tell "sync" "pool 203.0.113.8-203.0.113.9 shared ike=500,4500" "bind 1 10.0.0.11 $shared rsap-ip ports=1024-2047" \
		"end"
	check "what the new control tells goes on" try_udp x1 1102
	check "what it does not is forgotten" grows not_registered udp_vain x2 $peer 7 2101
}
unbound() { relay_tell "unbind 2"; sleep 0.2; grows no_lease udp_vain y $shared 2345; }

own_address() {
	relay_own_address
	relay_tell sync "pool $own own shared ike=500,4500" "bind 1 10.0.0.11 $own rsap-ip ports=1024-2047" \
		"bind 2 10.0.0.12 $own rsap-ip ports=2048-3071" end
	for node in x1 x2; do
		on $node ip addr add $own/32 dev tun0
		on $node ip route replace default dev tun0 src $own
	done
	on x1 ip rule add pref 5 to $own ipproto udp dport 1024-2047 lookup local
	on x2 ip rule add pref 5 to $own ipproto udp dport 2048-3071 lookup local
	on x1 ip rule add pref 6 to $own ipproto udp iif lo lookup main
	on x2 ip rule add pref 6 to $own ipproto udp iif lo lookup main
	udp_echo n 53
	wait_for 5 on n sh -c 'ss -Huln | grep -q :53'
	check "own address: a host's UDP" try_udp x1 1103
	check "own address: a host's TCP" tcp_file x2 $peer 8000 2103
	check "own address: the peer to a leased port" udp_from_peer $own 1234
	check "own address: the gateway's own service" grows to_stack udp_from_peer $own 53
	check "own address: the gateway's own ping" on y ping -c 1 -W 2 $own
	check "own address: the gateway's own connections" gateway_asks
	check "own address: host to host" udp_ask x1 $own 2345 1104
	check "own address: what is written back does not come round" test "$(relay_counter to_stack)" -lt 100
}
gateway_asks() { echo hello | on n timeout 6 socat -t5 - "UDP4:$peer:7,readbytes=6" | grep -qx hello; }

main() {
	lab_up
	trap relay_down EXIT
	relay_up || { fail "the relay starts"; return; }
	relay_tell sync "pool 203.0.113.8-203.0.113.9 shared ike=500,4500" "pool 203.0.113.64/28" \
		"bind 1 10.0.0.11 $shared rsap-ip ports=1024-2047" "bind 2 10.0.0.12 $shared rsap-ip ports=2048-3071" \
		"bind 3 10.0.0.13 $whole rsa-ip" end
	tunnel x1 $shared "1024 2047"
	tunnel x2 $shared "2048 3071"
	tunnel x3 $whole "32768 60999"
	peer_up || { fail "the peer's services start"; return; }
	udp_and_tcp
	not_theirs
	mtu
	trace
	check "packets unmodified, byte for byte; ID 0 stays 0" unmodified
	gre
	control_away
	own_address
}

main
verdict_exit
