# The parts of native.sh, each in a lab of its own.

# --- the same traffic through NAT: what fails there, and why -----------------------------------------------------------

part_nat() {
	PUBLIC=203.0.113.1 PORT_x1=40000 PORT_x2=40000 LISTEN_x1=8080
	on n nft -f - <<-END
		table ip nat {
			chain post { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
		}
	END
	peer_up || { fail "nat: the peer's services start"; return; }
	server_up
	carried nat
	try nat "the host's own source port at the peer" fails try_own_port
	try nat "the host knows its public address" fails try_own_address
	try nat "server on a host, reached by anybody" fails try_server
	try nat "host to host by the public address" fails try_hairpin
	try nat "address inside the payload (active FTP)" fails try_ftp_active
	try nat "packets unmodified, byte for byte" fails try_unmodified eth0
}

# What every way of sharing an address has to carry.
carried() {
	try "$1" "web pages, both hosts at once" works try_web
	try "$1" "downloads of 32 MiB, both hosts at once" works try_download
	try "$1" "TCP upstream (iperf3)" works try_tcp_up
	try "$1" "TCP downstream (iperf3 -R)" works try_tcp_down
	try "$1" "UDP upstream (iperf3 -u)" works try_udp_up
	try "$1" "UDP downstream (iperf3 -u -R)" works try_udp_down
	try "$1" "ping, both hosts at once" works try_ping
	try "$1" "traceroute" works try_traceroute
}

# --- every row of the demultiplexer, byte for byte, by hosts that are raw sockets --------------------------------------

# x3 is where protocol_test.py has the hosts of other policies.
part_packets() {
	local last mac
	for last in 21 22 28; do lab_address x3 "10.0.0.$last"; done
	mac=$(on y cat /sys/class/net/eth0/address)
	for last in 201 202; do on n ip neigh add "203.0.113.$last" lladdr "$mac" dev wan0 nud permanent; done
	box n || { fail "packets: box"; return; }
	lab_names
	cp "$here/rsipd-policies.conf" "$LAB_TMP/policies.conf"
	RSIP_CONF_POLICIES=$(plane_conf "$LAB_TMP/policies.conf") python3 "$here/protocol_test.py" dataplane || verdict_failed=1
}

# --- rsipd and rsipc ---------------------------------------------------------------------------------------------------

# gateway_conf ADDRESS PORTS: writes $LAB_TMP/rsipd.conf.
gateway_conf() { sed "s|@ADDRESS@|$1|; s|@PORTS@|$2|" "$here/rsipd-native.conf" >"$LAB_TMP/rsipd.conf"; }

# host_conf NODE TRANSPORT LISTEN TUNNEL: writes $LAB_TMP/NODE.conf.
host_conf() {
	sed "s|@TRANSPORT@|$2|; s|@LISTEN@|$3|; s|@TUNNEL@|$4|" "$here/rsipc-native.conf" >"$LAB_TMP/$1.conf"
}

# network_of NODE: all that a daemon may have changed there, to compare before and after.
network_of() {
	on "$1" ip -o link show | sed 's/^[0-9]*: //'
	on "$1" ip -o addr show | sed 's/^[0-9]*: //'
	on "$1" ip route show table all
	on "$1" ip rule show
	on "$1" ip neigh show proxy
	on "$1" sysctl -a 2>/dev/null | grep -E 'net.ipv4.(ip_local_port_range|ip_forward|conf.(all|default|lan0|wan0|eth0)\.)'
}

# bindings FILTER: a jq filter over rsipctl -j bindings.
bindings() { gateway_ctl -j bindings | jq -r "$1"; }

leases() { [ "$(bindings length)" = "$1" ]; }

# hosts_up: both rsipc with three leases each; sets PORT_x1 and PORT_x2 to the last port of "apps".
hosts_up() {
	host_start x1 "$LAB_TMP/x1.conf"
	host_start x2 "$LAB_TMP/x2.conf"
	if ! wait_for 10 leases 6; then
		fail "$1: both hosts get their leases" "$(bindings length) of 6 bindings"
		tail -n 8 "$LAB_TMP"/rsip*.log
		return 1
	fi
	wait_for 5 on x1 ip link show rsip0 && wait_for 5 on x2 ip link show rsip0
	PORT_x1=$(last_port 10.0.0.11) PORT_x2=$(last_port 10.0.0.12)
	PUBLIC=$(bindings '.[0].address')
	pass "$1: both hosts get their leases"
	check "$1: both hosts hold the one address $PUBLIC" test "$(bindings 'map(.address) | unique | length')" = 1
}

last_port() { bindings "map(select(.host == \"$1\" and .ports != [] and .ports[0][0] != .ports[0][1]))[0].ports[0][1]"; }

part_rsip() {
	LISTEN_x1=8080
	local before_n before_x1 before_x2
	before_n=$(network_of n) before_x1=$(network_of x1) before_x2=$(network_of x2)
	gateway_conf 203.0.113.9 1024-65535
	host_conf x1 tcp 8080 ip-ip
	host_conf x2 udp 8081 ip-ip
	box n x1 x2 && peer_up || { fail "rsip: the peer's services start"; return; }
	gateway_start "$LAB_TMP/rsipd.conf" || { fail "rsip: rsipd starts" "$(tail -n 1 "$LAB_TMP/rsipd.log")"; return; }
	hosts_up rsip || return
	server_up
	carried rsip
	rsip_counters
	rsip_log
	try rsip "the host's own source port at the peer" works try_own_port
	try rsip "the host knows its public address" works try_own_address
	try rsip "server on a host, reached by anybody" works try_server
	try rsip "host to host by the public address" works try_hairpin
	try rsip "address inside the payload (active FTP)" works try_ftp_active
	try rsip "packets unmodified, byte for byte" works try_unmodified rsip0
	rsip_confined
	rsip_command
	rsip_misuse
	rsip_restarts
	host_stop x1
	host_stop x2
	check "rsip: rsipc leaves no lease behind" leases 0
	check "rsip: rsipc leaves no device, address, route or rule behind on x1" test "$(network_of x1)" = "$before_x1"
	check "rsip: rsipc leaves no device, address, route or rule behind on x2" test "$(network_of x2)" = "$before_x2"
	gateway_stop
	check "rsip: rsipd leaves no device, address, route or rule behind" test "$(network_of n)" = "$before_n"
	for log in rsipd rsipc_x1 rsipc_x2; do
		check "rsip: nothing is wrong in the log of $log" refused grep -E 'runtime error|AddressSanitizer|assert' \
			"$LAB_TMP/$log.log"
	done
}

# RFC 6888 REQ-12 is for what is leased: a log of flows would be as long as the traffic.
rsip_log() {
	local lines i granted
	lines=$(wc -l <"$LAB_TMP/rsipd.log")
	for i in $(seq 30); do fetch x1 small >/dev/null || break; done
	granted=$(gateway_ctl -j stats | jq .control.bindings_granted)
	check "rsip: the log has one line for each lease granted ($granted)" \
		test "$(awk '/ monitor: control process started /{n = 0} / lease: granted /{n++} END{print n + 0}' \
			"$LAB_TMP/rsipd.log")" = "$granted"
	check "rsip: and none for $i flows" \
		test "$(tail -n +$((lines + 1)) "$LAB_TMP/rsipd.log" | grep -vcE ' (lease|session): ')" = 0
}

# The downloads before have sent thousands of packets either way; what is left to the relay is the first packets, ICMP and
# fragments.
rsip_counters() {
	local stats all
	all=$(bindings 'map(.in_packets + .out_packets) | add') # first: what comes meanwhile is in the sum
	stats=$(gateway_ctl -j stats)
	check "rsip: bindings count what they carry ($all packets)" \
		jq -ne "$stats | .data | $all > 10000 and $all <= .in_packets + .out_packets"
	case $LAB_DATA_PLANE in
	native | generic)
		check "rsip: XDP carries nine of ten packets" jq -ne \
			"$stats | .data | .xdp.in_packets > 0.9 * .in_packets and .xdp.out_packets > 0.9 * .out_packets" ;;
	esac
}

# Sockets that name no port get one that is leased.
rsip_confined() {
	local host got first last
	for host in x1:10.0.0.11 x2:10.0.0.12; do
		last=$(last_port "${host#*:}") first=$((last - 63)) got=
		for _ in 1 2 3 4 5; do
			got=$(echo | on "${host%:*}" timeout 8 socat -t 5 - "TCP:$PEER:7001")
			[ "${got% *}" = "$PUBLIC" ] && [ "${got#* }" -ge $first ] && [ "${got#* }" -le "$last" ] || break
		done
		check "rsip: ephemeral ports of ${host%:*} are leased ones ($first to $last)" \
			test "${got% *}" = "$PUBLIC" -a "${got#* }" -ge $first -a "${got#* }" -le "$last"
	done
}

# rsipc -- COMMAND: one command with a lease of its own, in a namespace of its own; nothing stays.
rsip_command() {
	local got
	got=$(in_box x2 timeout 20 "$BUILDDIR/rsipc/rsipc" -c "$LAB_TMP/x2.conf" -- \
		curl -sS -m 10 "http://$PEER/small" 2>"$LAB_TMP/command.log" | sha256sum)
	check "rsip: rsipc -- curl fetches a page" test "$got" = "$(sha256sum <"$LAB_TMP/www/small")"
	in_box x2 timeout 20 "$BUILDDIR/rsipc/rsipc" -c "$LAB_TMP/x2.conf" -- sh -c 'exit 7' 2>>"$LAB_TMP/command.log"
	check "rsip: rsipc -- COMMAND ends with the command's exit status" test $? = 7
}

dropped() { gateway_ctl -j stats | jq ".data.drops.$1"; }

# What an application sends from a port, address or SPI that is not the host's, into the tunnel device itself.
rsip_misuse() {
	local what reason before
	for what in port:local_port_unallowed address:local_addr_unallowed; do
		reason=${what#*:} what=${what%:*} before=$(dropped "$reason")
		python3 "$here/inject.py" "$what" "$LAB-x1" rsip0 "$PUBLIC" "$PEER"
		check "rsip: a packet from $([ $what = port ] && echo a port || echo an address) that x1 does not hold is dropped, counted" \
			wait_for 2 counted "$reason" "$before"
	done
	check "rsip: x1 is told by an asynchronous ERROR_RESPONSE" \
		wait_for 2 grep -E 'LOCAL_ADDR(PORT)?_UNALLOWED' "$LAB_TMP/rsipc_x1.log"
}

counted() { [ "$(dropped "$1")" -gt "$2" ]; }

# slow NODE: a download of about four seconds, checked.
slow() {
	[ "$(on "$1" curl -sS -m 60 --limit-rate 8M "http://$PEER/big" | sha256sum)" = "$(sha256sum <"$LAB_TMP/www/big")" ]
}

# child NAME: the pid of rsipd's child whose process title or name has NAME in it.
child() { pgrep -P "$rsipd_pid" -f "$1" || pgrep -P "$rsipd_pid" "$1"; }

# survives WHAT COMMAND...: COMMAND happens while both hosts download and ping; prints the lost pings.
survives() {
	local what=$1 one two pings
	shift
	slow x1 & one=$!
	slow x2 & two=$!
	on x1 ping -q -i 0.02 -c 150 -W 1 "$PEER" >"$LAB_TMP/ping.log" & pings=$!
	sleep 1
	"$@"
	wait $pings
	wait $one; one=$?
	wait $two; two=$?
	lost=$(awk -F', ' '/packet loss/ { split($1, a, " "); split($2, b, " "); print a[1] - b[1] }' "$LAB_TMP/ping.log")
	check "rsip: downloads of both hosts survive $what (${lost:-all} of 150 pings lost)" test "$one$two" = 00
	check "rsip: the leases survive $what" wait_for 5 leases 6
}

rsip_restarts() {
	survives "kill -9 of the control process" kill -9 "$(child control)"
	check "rsip: the data plane does not stop for the control process" test "${lost:-150}" -le 1
	wait_for 5 gateway_ctl status
	survives "kill -9 of the relay" kill -9 "$(child relay)"
	survives "a restart of rsipd" restart_gateway
	stop rsipc_x1 KILL
	host_start x1 "$LAB_TMP/x1.conf"
	sleep 1
	check "rsip: a host whose rsipc was killed goes on with a new one" wait_for 10 fetch x1 small
	check "rsip: and holds as many leases as before" wait_for 5 leases 6
}

restart_gateway() { gateway_stop && gateway_start "$LAB_TMP/rsipd.conf"; }

# --- pools that are routed to the gateway, and its own address ----------------------------------------------------------

part_pools() {
	box n x1 x2 && peer_up || { fail "pools: the peer's services start"; return; }
	host_conf x1 tcp 8080 ip-ip
	host_conf x2 udp 8081 gre
	LISTEN_x1=8080
	on y ip route add 198.51.100.0/28 via 203.0.113.1
	pool_variant "routed pool 198.51.100.0/28" 198.51.100.0/28 1024-65535
	background n socat TCP-LISTEN:80,bind=203.0.113.1,reuseaddr,fork 'SYSTEM:read line; echo the gateway'
	pool_variant "own address 203.0.113.1" 203.0.113.1 1024-32000 own
}

# pool_variant TITLE ADDRESSES PORTS [own]
pool_variant() {
	local title=$1 before
	before=$(network_of n)
	in_box n sh -c 'rm -rf /var/lib/rsip'
	in_box x1 sh -c 'rm -rf /var/lib/rsip'
	in_box x2 sh -c 'rm -rf /var/lib/rsip'
	gateway_conf "$2" "$3"
	gateway_start "$LAB_TMP/rsipd.conf" || { fail "$title: rsipd starts" "$(tail -n 1 "$LAB_TMP/rsipd.log")"; return; }
	hosts_up "$title" || return
	background x1 socat "TCP-LISTEN:$LISTEN_x1,reuseaddr,fork" 'SYSTEM:read line; echo x1 serves'
	check "$title: both hosts download" both fetch small
	check "$title: both hosts ping" both pings
	check "$title: a server on x1 is reached" wait_for 3 visit y TCP
	check "$title: host to host by the public address" visit x2 TCP
	if [ "${4-}" = own ]; then
		check "$title: the gateway's own service is still there" gateway_serves
		check "$title: the gateway itself still reaches the peer" on n curl -sS -m 5 -o /dev/null "http://$PEER/small"
		check "$title: the gateway itself still pings the peer" on n ping -q -c 2 -i 0.2 -W 4 "$PEER"
		check "$title: the gateway answers pings of the peer" on y ping -q -c 2 -i 0.2 -W 4 203.0.113.1
	fi
	host_stop x1
	host_stop x2
	gateway_stop
	check "$title: rsipd leaves nothing behind" test "$(network_of n)" = "$before"
}

gateway_serves() { [ "$(echo | on y timeout 8 socat -t 5 - TCP:203.0.113.1:80,connect-timeout=4)" = "the gateway" ]; }
