# A host moves to another LAN while native ESP goes through the gateway: it has leased SPIs and cookies, and its private
# address, which alone changes, is nobody's business but rsipc's and rsipd's (an authenticated move: extensions 2 and 5).
# x1 moves, x2 stays, on the same public address and with the same peer. Source this file after rsip.sh.
#
#    x1 eth0 10.0.0.11 ── lan0 10.0.0.1   n: rsipd   wan0 ── y
#    x1 eth1 10.0.1.11 ── lan1 10.0.1.1
#    x2 eth0 10.0.0.12 ── lan0

STICKY_KEY=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
# Datagrams of a flow, one each 20 ms: three seconds on a machine that is busy. On one that is not it is half a second.
STICKY_MAY_LOSE=150

sticky_gateway() {
	(umask 077; echo $STICKY_KEY >"$LAB_TMP/laptop.key")
	sed 's/@ADDRESS@/203.0.113.9/; s/@PORTS@/1024-65535/; s/"debug"/"info"/
		s/private-interface = "lan0"/private-interface = { "lan0", "lan1" }/' "$here/../rsipd-native.conf" >"$LAB_TMP/rsipd.conf"
	cat >>"$LAB_TMP/rsipd.conf" <<-END
		host "10.0.1.0/24" { policy = "default"  authentication = "required" }
		host "10.0.0.11"   { policy = "default"  identity = "laptop"  key-file = "$LAB_TMP/laptop.key" }
	END
	gateway_start "$LAB_TMP/rsipd.conf"
}

# sticky_conf TYPE/DRIVER: x1 has an identity.
sticky_conf() {
	host_conf x1 block "$1"
	host_conf x2 block "$1"
	sed -i 's|transport = "tcp"|&\n    identity  = "laptop"\n    key-file  = "'"$LAB_TMP/laptop.key"'"|' "$LAB_TMP/x1.conf"
}

# x1_at LAN: it leaves the one and has the other, at once.
x1_at() {
	case $1 in
	lan0) x1_moves "addr flush dev eth1" "addr replace 10.0.0.11/24 dev eth0" "route replace default via 10.0.0.1" ;;
	lan1) x1_moves "addr flush dev eth0" "addr replace 10.0.1.11/24 dev eth1" "route replace default via 10.0.1.1" ;;
	esac
}

x1_moves() { printf '%s\n' "$@" | on x1 ip -batch -; }

# What must stay: x1's leases; its SAs, by SPI and key, and IKE's cookies, as both ends have them.
x1_leases() { bindings "[.[] | select(.host == \"$1\") | {bind_id, client_id, address, ports, spis, cookies}]"; }
both_leases() { [ "$(x1_leases "$1" | jq length)" = 2 ]; }
sas_of() {
	on "$1" ip xfrm state | awk '
		$1 == "src" { at = $2 " " $4 }
		$1 == "proto" { spi = $4 }
		$1 == "aead" { print at, spi, $3 }' | sort
}
kept() { sas_of x1; cookies x1; sas_of y; cookies y; }
same() { [ "$1" = "$2" ] || { printf 'was\n%s\nis\n%s\n' "$1" "$2"; return 1; }; }

tunnel_local() {
	[ -n "${1##*/tun}" ] || return 0 # a TUN device has no outer address
	on x1 ip -d link show rsip0 | grep -q "$2"
}

# sticky_move KIND LAN ADDRESS BEFORE: while flows go through the SAs of both hosts.
sticky_move() {
	local name="sticky: $1: to $2" leases sas
	leases=$(x1_leases "$4") sas=$(kept)
	FLOW_MS=20 MODES=tunnel flows_start
	sleep 1
	x1_at "$2"
	check "$name: the registration follows, and both leases" wait_for 10 both_leases "$3"
	sleep 2
	flows_stop
	sticky_losses
	check "$name: ESP goes on: $STICKY_MAY_LOSE datagrams lost at most, nothing of TCP" flows_lost_at_most $STICKY_MAY_LOSE
	check "$name: the host beside it has lost nothing" lost_nothing flow_x2_tunnel_udp
	check "$name: the leases are the same" same "$leases" "$(x1_leases "$3")"
	check "$name: SAs and IKE SA are the same at both ends, no rekey" same "$sas" "$(kept)"
	check "$name: the tunnel leaves from the new address" wait_for 5 tunnel_local "$1" "$3"
}

sticky_losses() {
	local flow
	for flow in "${FLOWS[@]}"; do echo "    | $flow: $(<"$LAB_TMP/$flow.log")"; done
}

lost_nothing() { cat "$LAB_TMP/$1.log"; grep -q ' lost=0 ' "$LAB_TMP/$1.log"; }

# IKE's own exchanges behind the move: DPD (INFORMATIONAL of nothing) while nobody speaks, and rekeys, from either side.
# Who asks first for a sign of life gives one: the other may never have to ask.
dpd_answers() {
	cat "$(ike_dir x1)/charon.log" "$(ike_dir y)/charon.log" |
		grep -cE 'parsed INFORMATIONAL(_V1)? (response|request).* \[ (HASH N\(DPD_ACK\) )?\]'
}
dpd_since() { [ "$(dpd_answers)" -gt "$1" ]; }

sticky_ike() {
	local name="sticky: $1: $2: behind the move" version=$3
	check "$name: DPD is answered" wait_for 20 dpd_since "$(dpd_answers)"
	check "$name: the hosts rekey child SAs" rekeyed 1 in_sas both rekey_children "$version"
	check "$name: the peer rekeys child SAs" rekeyed 1 in_sas rekey_children y "$version"
	check "$name: the hosts rekey IKE SAs" rekeyed 1 cookies both rekey_ike "$version"
	check "$name: the SAs work" both datagrams tunnel
}

# sticky TYPE/DRIVER VERSION
sticky() {
	local kind=$1 version=$2 MODES=tunnel IKE_DPD=2s
	sticky_conf "$kind"
	check_here "sticky: $kind: both hosts have their leases" hosts_lease || return
	check_here "sticky: $kind: strongSwan starts" ike_start y x1 x2 || return
	capture_start public n wan0 "host $PEER"
	check "sticky: $kind: IKEv$version: both hosts set up SAs" both initiate "$version" tunnel
	sticky_move "$kind" lan1 10.0.1.11 10.0.0.11
	sticky_ike "$kind" lan1 "$version"
	sticky_move "$kind" lan0 10.0.0.11 10.0.1.11
	check "sticky: $kind: the SAs of both hosts work" both datagrams tunnel
	capture_stop
	check "sticky: $kind: all ESP is for leased SPIs, of both hosts" spis_leased
	check "sticky: $kind: nothing but ESP and IKE on port 500 is on the wire" nothing_else
	ike_stop x1 x2 y
	hosts_release
}

scenario_sticky() {
	local one
	lab_second_lan
	check_here "sticky: rsipd starts" sticky_gateway || return
	for one in ${STICKY:-ip-ip/kernel:2 gre/kernel:1 gre/tun:2}; do
		sticky "${one%:*}" "${one#*:}"
		x1_at lan0
	done
	gateway_stop
}
