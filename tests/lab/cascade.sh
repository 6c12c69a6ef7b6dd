#!/bin/bash
# A gateway behind a gateway (RFC 3102 4.2.1): d leases ports and SPIs of n by rsipc, and its rsipd leases them on to h1
# and h2, while x1 has its own of the same address from n. Needs root; BUILDDIR is where the programs were built.
#
#   h1 192.168.1.11 ─┬─ lan0 192.168.1.1  d: rsipd, rsipc  eth0 10.0.0.12 ─┬─ lan0 10.0.0.1  n: rsipd  wan0 ── y
#   h2 192.168.1.12 ─┘                                     x1 10.0.0.11 ───┘
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11 d:10.0.0.12"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/traffic.sh"
. "$here/native_parts.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

# The private network behind d.
behind_d() {
	local host
	on d ip link add lan0 type bridge forward_delay 0
	on d ip link set lan0 up
	on d ip addr add 192.168.1.1/24 dev lan0
	for host in h1:192.168.1.11 h2:192.168.1.12; do
		lab_node "${host%:*}"
		lab_wire "${host%:*}" eth0 d "lan-${host%:*}"
		on d ip link set "lan-${host%:*}" master lan0
		on "${host%:*}" ip addr add "${host#*:}/24" dev eth0
		on "${host%:*}" ip route add default via 192.168.1.1
	done
}

configs() {
	gateway_conf 203.0.113.9 1024-65535
	sed -i 's/hold-down = "1s"/hold-down = "1s"  lease = "10m"/' "$LAB_TMP/rsipd.conf"
	host_conf x1 tcp 8080 ip-ip
	# The examples as they stand, but for what a test cannot wait for, and the words of the log.
	{ cat "$here/../../examples/cascade/rsipc.conf"; echo 'log { level = "debug" }'; } >"$LAB_TMP/rsipc-d.conf"
	{ sed 's/lease = "1h" /hold-down = "1s" &/' "$here/../../examples/cascade/rsipd.conf"; echo 'log { level = "debug" }'; } \
		>"$LAB_TMP/rsipd-d.conf"
	cat >"$LAB_TMP/h.conf" <<-'END'
		gateway { address = "192.168.1.1" }
		lease "apps" { method = "rsap-ip"  ports = 64 }
		lease "vpn"  { method = "rsipsec"  spis = 16 }
		log { to = "stderr"  level = "debug"  format = "text" }
	END
}

d_ctl() { in_box d "$BUILDDIR/rsipctl/rsipctl" -s /run/rsip/rsipd.sock "$@"; }
d_bindings() { d_ctl -j bindings | jq -r "$1"; }
d_leases() { [ "$(d_bindings length)" = "$1" ]; }

# A host of d holds its two leases, and may use the first.
h_ready() {
	[ "$(d_bindings "map(select(.host == \"$2\")) | length")" = 2 ] && on "$1" ip link show rsip0
}

# x1 has its three leases of n.
x1_ready() { [ "$(bindings 'map(select(.host == "10.0.0.11")) | length')" = 3 ] && on x1 ip link show rsip0; }

# Each binding of d lies in one that n leases to d, and ends no later.
inside() {
	jq -e --argjson up "$(bindings 'map(select(.host == "10.0.0.12"))')" '
		def within($list): . as [$a, $b] | any($list[]; .[0] <= $a and .[1] >= $b);
		($up | map(.ports) | add | sort) as $ports | ($up | map(.spis) | add) as $spis |
		($up | map(.expires_in_s) | min) as $ends |
		length > 0 and all(.[]; .address == $up[0].address and .expires_in_s <= $ends + 2 and
			all(.ports[]; [range(.[0]; .[1] + 1)] | all(.[]; [., .] | within($ports))) and all(.spis[]; within($spis)))' \
		<<<"$(d_ctl -j bindings)"
}

# What the peer sees of a TCP connection of this host: the public address, and a port that d has leased to it.
own_port() {
	local got range
	got=$(echo | on "$1" timeout 8 socat -t 5 - "$3:$PEER:7001")
	range=$(d_bindings "map(select(.host == \"$2\" and .method == \"rsap-ip\"))[0].ports[0] | \"\(.[0]) \(.[1])\"")
	[ "${got% *}" = 203.0.113.9 ] && [ "${got#* }" -ge "${range% *}" ] && [ "${got#* }" -le "${range#* }" ] ||
		{ echo "$1 is seen as $got, has $range"; return 1; }
}

everybody_fetches() {
	local one two three
	fetch h1 "$1" & one=$!
	fetch h2 "$1" & two=$!
	fetch x1 "$1" & three=$!
	wait $one && wait $two && wait $three
}

traffic_passes() {
	check "cascade: hosts of both gateways download at once through one address" everybody_fetches big
	for host in h1:192.168.1.11 h2:192.168.1.12; do
		check "cascade: TCP of ${host%:*} has a port that it leases of d" own_port "${host%:*}" "${host#*:}" TCP
		check "cascade: UDP of ${host%:*} has a port that it leases of d" own_port "${host%:*}" "${host#*:}" UDP
		check "cascade: ping of ${host%:*}" on "${host%:*}" ping -q -c 5 -i 0.1 -W 2 "$PEER"
	done
	check "cascade: a large datagram in fragments, and back" on h1 ping -q -c 3 -i 0.1 -W 2 -s 4000 "$PEER"
}

# Both have the one address: it goes out to n, and comes in again. x1 serves at a port of its own.
hairpin_passes() {
	PUBLIC=203.0.113.9 LISTEN_x1=8080
	server_up
	check "cascade: a host of d reaches a host of n by the address that they share" visit h1 TCP
	check "cascade: over UDP, too" visit h1 UDP
}

# rsipc killed and started again: its leases go on, and what d has leased of them.
killed() {
	local before
	before=$(d_bindings 'map(.bind_id) | sort | @json')
	stop rsipc_d KILL
	check "cascade: without its rsipc d keeps what it has, for as long as that is leased" \
		test "$(d_bindings 'map(.bind_id) | sort | @json')" = "$before"
	start d rsipc_d "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/rsipc-d.conf"
	check "cascade: a killed rsipc takes its leases up again, and traffic passes" wait_for 30 fetch h1 small
	check "cascade: no binding of d has ended by it" test "$(d_bindings 'map(.bind_id) | sort | @json')" = "$before"
}

# ESP with a leased SPI to h1, and from it with the peer's.
esp_passes() {
	local spi public=203.0.113.9
	spi=$(d_bindings 'map(select(.host == "192.168.1.11" and .spis != []))[0].spis[0][0]')
	on h1 timeout 20 tcpdump -i rsip0 -nl -c 1 "esp and ip[20:4] == $spi" >"$LAB_TMP/esp-in" 2>/dev/null &
	local in=$!
	on y timeout 20 tcpdump -i eth0 -nl -c 1 "esp and src host $public and ip[20:4] == 0x5e5e5e5e" >"$LAB_TMP/esp-out" 2>/dev/null &
	local out=$!
	until_sent() {
		for _ in $(seq 50); do
			python3 - "$here" "$LAB" "$public" "$PEER" "$spi" <<-'END'
				import sys
				sys.path.insert(0, sys.argv[1])
				import ip_packet
				from inject import into, mac
				from tunnel import Peer
				lab, public, peer, spi = sys.argv[2:]
				into(lab + "-h1", "rsip0", [ip_packet.esp(public, peer, 0x5e5e5e5e)])
				Peer(lab + "-y", peer, mac(lab + "-y", "eth0"), mac(lab + "-n", "wan0")).send(
				    ip_packet.esp(peer, public, int(spi, 16)))
			END
			kill -0 $in 2>/dev/null || kill -0 $out 2>/dev/null || break
			sleep 0.2
		done
	}
	until_sent
	check_here "cascade: ESP to a leased SPI reaches its host behind both gateways" wait $in
	check_here "cascade: ESP of that host reaches the peer" wait $out
}

refused_ports() {
	local theirs before
	theirs=$(bindings 'map(select(.host == "10.0.0.11" and .method == "rsap-ip"))[0].ports[0][0]')
	before=$(d_ctl -j stats | jq .data.drops.local_port_unallowed)
	python3 "$here/inject.py" port "$LAB-h1" rsip0 203.0.113.9 "$PEER"
	check "cascade: d itself drops what is not leased to its host" \
		wait_for 5 eval "[ \"\$(d_ctl -j stats | jq .data.drops.local_port_unallowed)\" -gt $before ]"
	check "cascade: a port that n leases to x1 is not d's" test \
		"$(d_bindings "map(.ports[] | select(.[0] <= $theirs and .[1] >= $theirs)) | length")" = 0
}

# n takes one of d's leases away: d's rsipc leases anew, the bindings within the old one end, and their hosts lease anew.
withdrawn() {
	local id
	id=$(bindings 'map(select(.host == "10.0.0.12" and .method == "rsap-ip")) | sort_by(.bind_id)[]
		| "\(.bind_id) \(.ports[0][0]) \(.ports[0][1])"' | while read -r id first last; do
			[ "$(d_bindings "map(.ports[] | select(.[0] >= $first and .[1] <= $last)) | length")" -gt 0 ] && echo "$id" && break
		done)
	gateway_ctl free "$id" >/dev/null
	check "cascade: what n takes back ends at d, and its host is told" wait_for 15 grep -q 'how=withdrawn' "$LAB_TMP/rsipd_d.log"
	check "cascade: the hosts have leases again" wait_for 30 eval 'h_ready h1 192.168.1.11 && h_ready h2 192.168.1.12'
	check "cascade: all of them inside of what n leases to d" wait_for 15 inside
	check "cascade: and traffic passes" wait_for 20 fetch h1 small
}

main() {
	behind_d
	configs
	box n d x1 h1 h2 && peer_up || { fail "the peer's services start"; return; }
	gateway_start "$LAB_TMP/rsipd.conf" || { fail "rsipd of n starts"; return; }
	in_box d mkdir -p /run/rsip
	start d rsipd_d "$BUILDDIR/rsipd/rsipd" -f -c "$LAB_TMP/rsipd-d.conf"
	check "cascade: d's gateway serves before it has anything to lease" wait_for 10 d_ctl status || return
	check "cascade: its pool is empty" test "$(d_ctl -j status | jq '.pools[0].addresses')" = 0
	host_start x1 "$LAB_TMP/x1.conf" # before d, which leases any ports, and could get the one that x1 names
	check "cascade: a host of n leases" wait_for 20 x1_ready || return
	start d rsipc_d "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/rsipc-d.conf"
	check "cascade: what rsipc leases becomes the pool" \
		wait_for 20 eval '[ "$(d_ctl -j status | jq ".pools[0].ports_total")" = 1024 ]' || return
	check "cascade: the machine itself has none of it" test -z "$(on d ip -o addr show dev rsip0 | grep 203.0.113)"
	host_start h1 "$LAB_TMP/h.conf"
	host_start h2 "$LAB_TMP/h.conf"
	check "cascade: hosts of d lease" wait_for 20 eval 'h_ready h1 192.168.1.11 && h_ready h2 192.168.1.12' || return
	check "cascade: inside of what n leases to d, and no longer" inside
	check "cascade: all on the one address" test "$(bindings 'map(.address) | unique | length')" = 1
	traffic_passes
	hairpin_passes
	esp_passes
	check "cascade: what comes through the tunnel of n is no drop of d's" \
		test "$(d_ctl -j stats | jq .data.drops.not_registered)" = 0
	refused_ports
	killed
	withdrawn
	stop rsipc_d
	check "cascade: without d's leases its pool is empty" wait_for 15 eval '[ "$(d_ctl -j status | jq ".pools[0].addresses")" = 0 ]'
	check "cascade: and its hosts hold nothing" wait_for 15 d_leases 0
	start d rsipc_d "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/rsipc-d.conf"
	check "cascade: all comes back with them" wait_for 60 eval 'h_ready h1 192.168.1.11 && fetch h1 small'
	for name in h1 h2 x1; do host_stop $name; done
	stop rsipc_d
	stop rsipd_d
	gateway_stop
	check "cascade: nothing is left on d" test -z "$(on d ip rule show | grep -E '456[0-9]|4555'; on d ip route show | grep rsip)"
	check "cascade: nothing is wrong in the logs" refused grep -hE 'runtime error|AddressSanitizer|assert' "$LAB_TMP"/*.log
}

lab_up
trap daemons_down EXIT
main
verdict_exit
