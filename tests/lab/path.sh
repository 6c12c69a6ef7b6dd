#!/bin/bash
# Paths that are not simple: a router with a small MTU on either side of the gateway, hosts that go away, packets in
# fragments, with options, at the end of their TTL. The relay alone, as in relay.sh; every end is a real kernel.
#
#    x1 10.0.0.11 ──┐                                             (link: 1300 bytes)
#    x2 10.0.0.12 ──┴── n ── wan0 203.0.113.1 ── y 203.0.113.200 ── z 198.51.100.7
#     └── x3 10.1.0.13 (link: 1300 bytes)
#
# x1 and x3 share 203.0.113.8; x2 and y are the routers. Needs root; BUILDDIR is where the programs were built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/relay_gateway.sh"
export PYTHONDONTWRITEBYTECODE=1

shared=203.0.113.8 peer=203.0.113.200 far=198.51.100.7

probe() { on "$1" python3 "$here/path_probe.py" "${@:2}"; }

# behind ROUTER NODE ROUTER_ADDRESS NODE_ADDRESS: a link of 1300 bytes; the router forwards.
behind() {
	lab_node "$2"
	lab_wire "$1" eth1 "$2" eth0
	on "$1" ip link set eth1 mtu 1300
	on "$1" ip addr add "$3/24" dev eth1
	on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0 \
		net.ipv4.icmp_ratelimit=0
	on "$2" ip link set eth0 mtu 1300
	on "$2" ip addr add "$4/24" dev eth0
	on "$2" ip route add default via "$3"
}

routers_up() {
	local last
	behind x2 x3 10.1.0.1 10.1.0.13
	on n ip route add 10.1.0.0/24 via 10.0.0.12
	on n sysctl -qw net.ipv4.icmp_ratelimit=0
	on x3 ip route add 10.0.0.0/24 via 10.1.0.1
	behind y z 198.51.100.1 $far
	for last in 8 9 10; do on z ip addr add "198.51.100.$last/24" dev eth0; done
	on z ip route replace default via 198.51.100.1 advmss 1460 # so that TCP has to find the path MTU
	on n ip route add 198.51.100.0/24 via $peer
	head -c 3000000 /dev/urandom >"$relay_tmp/file"
}

knows_mtu() { on "$1" ip route get "$2" | grep -q "mtu $3"; }

# upload FROM TO ADDRESS PORT SPORT: 3 MB by TCP, whole.
upload() {
	rm -f "$relay_tmp/got"
	on "$2" timeout 30 socat -u "TCP4-LISTEN:$4,reuseaddr" "CREATE:$relay_tmp/got" 2>/dev/null & local listener=$!
	wait_for 5 on "$2" sh -c "ss -Htln | grep -q :$4" || return 1
	on "$1" timeout 30 socat -u "OPEN:$relay_tmp/file" "TCP4:$3:$4,sourceport=$5" && wait "$listener" &&
		cmp "$relay_tmp/file" "$relay_tmp/got"
}

# --- the public side: a router behind the peer's says what is too long -------------------------------------------------

forget_mtu() { on "$1" ip route flush cache; }

public_mtu() {
	check "path MTU from the public side: ping" ping_learns
	forget_mtu x1
	check "path MTU from the public side: UDP" probe x1 mtu udp $shared $far 9 1300
	forget_mtu x1
	check "path MTU from the public side: native ESP" probe x1 mtu esp $shared $far 0 1300
	forget_mtu x1
	check "path MTU from the public side: native AH" probe x1 mtu ah $shared $far 0 1300
	forget_mtu x1
	check "path MTU from the public side: IKE from port 500" probe x1 mtu ike $shared $far 500 1300
	forget_mtu x1
	check "TCP to a peer behind a link of 1300 bytes" upload x1 z $far 8000 1400
	check "and it has found the path MTU" knows_mtu x1 $far 1300
}
ping_learns() { on x1 ping -c 3 -i 0.2 -W 2 -M "do" -s 1400 $far | grep -q "mtu = 1300"; }

# --- the private side: errors about the outer packet, told to the peer (RFC 2003 4) ------------------------------------

private_mtu() {
	check "path MTU inside the tunnel: UDP" probe y mtu udp $peer $shared 3100 1280
	forget_mtu y
	check "path MTU inside the tunnel: native ESP" esp_inward
	forget_mtu y
	check "TCP to a host behind a link of 1300 bytes" upload y x3 $shared 3200 0
	check "and the peer has found the path MTU" knows_mtu y $shared 1280
	check "they are counted" test "$(relay_counter tunnel_errors)" -gt 0
}
# The peer's ESP to an SPI of x3's.
esp_inward() { probe y mtu esp $peer $shared 0 1280; }

unreachable() {
	on x2 ip route add unreachable 10.1.0.13/32
	check "host unreachable inside the tunnel" probe y error $peer $shared 3100 3 1
	on x2 ip route replace prohibit 10.1.0.13/32
	check "prohibited inside the tunnel: host unreachable" probe y error $peer $shared 3100 3 1
	on x1 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
	on x1 ip route add 10.1.0.13/32 via 10.0.0.12
	on x2 ip route replace 10.1.0.13/32 via 10.0.0.11
	check "a loop inside the tunnel: host unreachable" probe y error $peer $shared 3100 3 1
	on x1 ip route del 10.1.0.13/32
	on x2 ip route del 10.1.0.13/32
	end_tunnel x3
	check "the host has no tunnel any more: host unreachable" probe y error $peer $shared 3100 3 1
	on x1 ip link set eth0 down
	on n ip neigh flush dev lan0
	check "the host is gone from the LAN: host unreachable" probe y error $peer $shared 1100 3 1
	on x1 ip link set eth0 up
	on x1 ip route replace default dev tun0 src $shared
}
end_tunnel() {
	local pid
	for pid in $(ip netns pids "$LAB-$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = tunnel_end ] && kill "$pid"
	done
	wait_for 5 not_there "$1"
}
not_there() { ! on "$1" ip link show dev tun0 2>/dev/null; }

# --- fragments ----------------------------------------------------------------------------------------------------------

# fragmented ORDER FROM SOURCE TO ADDRESS SPORT DPORT: 5000 bytes arrive.
fragmented() {
	local out=$relay_tmp/receive.$RANDOM receiver
	probe "$4" receive "$5" "$7" 5000 >"$out" & receiver=$!
	wait_for 10 grep -q ready "$out" && probe "$2" fragments "$1" "$3" "$5" "$6" "$7" 5000 && wait "$receiver"
}

fragments() {
	check "fragments from the peer, in order" fragmented in-order z $far x1 $shared 99 1500
	check "fragments from the peer, reversed" grows_and held fragmented reversed z $far x1 $shared 99 1501
	check "fragments from the peer, the first one last" fragmented first-last z $far x1 $shared 99 1502
	check "a fragment that overwrites the first is dropped, the packet arrives" \
		grows_and fragment_overlap fragmented overlapping z $far x1 $shared 99 1503
	check "fragments from a host, reversed" grows_and held fragmented reversed x1 $shared z $far 1504 99
	check "fragments from host to host, reversed" fragmented reversed x1 $shared x3 $shared 1505 3105
	check "a flood of fragments is counted" grows fragment_flood probe y flood $peer $shared 20000
	check "and takes nothing from another peer" flooded
	check "what waited in vain is counted" wait_for 10 counted fragment 0
}
grows_and() { # grows_and COUNTER COMMAND...: both
	local name=$1 before
	shift
	before=$(relay_counter "$name")
	"$@" && wait_for 2 counted "$name" "$before"
}
# The relay gives each sender a share of its room by a secret hash: one of another address may get the flood's, in one case
# of 256 (fragment_hold.h). So there are four, of which two at least are let alone.
flooded() {
	local last passed=0
	ip netns exec "$LAB-y" python3 "$here/path_probe.py" flood $peer $shared 1000000 & local flood=$!
	for last in 7 8 9 10; do
		fragmented reversed z "198.51.100.$last" x1 $shared 99 "$((1506 + last))" && passed=$((passed + 1))
	done
	kill "$flood"
	wait "$flood" 2>/dev/null
	echo "$passed of 4 senders"
	[ $passed -ge 2 ]
}

# --- header fields ------------------------------------------------------------------------------------------------------

hops() { on "$@" | awk 'NR > 1 { print $2 }' | paste -sd ' '; }
trace() { hops "$1" traceroute -n -w 3 -q 1 -U -p "$3" --sport="$4" "${@:5}" "$2"; }

header() {
	check "traceroute from the peer to a host's port: the gateway, then the address" \
		test "$(trace y $shared 1600 33000)" = "203.0.113.1 $shared"
	check "traceroute from host to host: the gateway first" test "$(trace x1 $shared 3300 1601 -m 1)" = 203.0.113.1
	check "a source route is dropped and counted" grows source_route probe x1 route $shared $far 1700
	check "a recorded route passes" recorded
	leases mss
	forget_mtu y # it would not say more than the path takes that it knows
	check "MSS clamped to the tunnel, as the host sees it" clamped
}
# The routers on the way write themselves in: the kernel of the gateway has done so by then.
recorded() { on x1 ping -R -c 2 -W 2 $peer | grep -q "203.0.113.1"; }
clamped() {
	: >"$relay_tmp/tcpdump"
	on x1 timeout 10 tcpdump --immediate-mode -c 1 -nvi tun0 "tcp[tcpflags] & tcp-syn != 0" >"$relay_tmp/syn" \
		2>"$relay_tmp/tcpdump" & local dump=$!
	wait_for 5 grep -q listening "$relay_tmp/tcpdump"
	on y timeout 2 socat -u "TCP4:$shared:1800" - >/dev/null 2>&1
	wait "$dump"
	grep -q "mss 1440" "$relay_tmp/syn"
}

leases() { # leases [mss]
	relay_tell sync "pool 203.0.113.8-203.0.113.9 shared ike=500,4500 ${1-}" \
		"bind 1 10.0.0.11 $shared rsap-ip ports=1024-2047" "bind 2 10.1.0.13 $shared rsap-ip ports=3072-4095" \
		"bind 3 10.0.0.11 $shared rsipsec spis=0x10000000-0x1000000f cookie=0x1111000000000000/0xffff000000000000" \
		"bind 4 10.1.0.13 $shared rsipsec spis=0xc0d0-0xc0df" end
}

main() {
	lab_up
	trap relay_down EXIT
	routers_up
	relay_up || { fail "the relay starts"; return; }
	leases
	tunnel x1 $shared "1024 2047"
	tunnel x3 $shared "3072 4095"
	neighbours_by_port x1 $shared 1024-2047
	neighbours_by_port x3 $shared 3072-4095
	wait_for 5 on x1 ping -c 1 -W 1 $far
	public_mtu
	private_mtu
	fragments
	header
	unreachable
}

main
verdict_exit
