# The main thing: both hosts hold the same public address by RSIP (RFC 3102 to 3104), and both speak IKE from port 500
# and native ESP with the same peer at the same time. Source this file after features.sh.

declare -gA SPI_LAST # by host: the last of its SPIs; SPI is the first

# bindings FILTER: a jq filter over the gateway's list of bindings.
bindings() { gateway_ctl -j bindings | jq -r "$1"; }

bindings_are() { [ "$(bindings length)" = "$1" ]; }

# host_conf HOST COOKIE TYPE/DRIVER [OPTION-OF-THE-IPSEC-LEASE]: writes $LAB_TMP/HOST.conf.
host_conf() {
	sed "s/@COOKIE@/$2/; s/@TYPE@/${3%/*}/; s/@DRIVER@/${3#*/}/; s/@OPTION@/${4-}/" "$here/../rsipc-ipsec.conf" \
		>"$LAB_TMP/$1.conf"
}

# hosts_lease: starts rsipc on both, waits for their leases, takes them down.
hosts_lease() {
	local host number
	for host in x1 x2; do host_start $host "$LAB_TMP/$host.conf"; done
	wait_for 20 bindings_are 4 && for host in x1 x2; do
		wait_for 20 in_box $host test -e /etc/strongswan.d/rsip.conf || return 1
		number=1${host#x}
		ADDRESS[$host]=$(bindings ".[] | select(.host == \"10.0.0.$number\" and .method == \"rsipsec\").address")
		PORTS[$host]=$(bindings ".[] | select(.host == \"10.0.0.$number\" and .method == \"rsap-ip\").ports[0][0]")
		read -r SPI[$host] SPI_LAST[$host] <<<"$(bindings \
			".[] | select(.host == \"10.0.0.$number\" and .method == \"rsipsec\").spis[0] | .[0] + \" \" + .[1]")"
	done
}

hosts_release() {
	host_stop x1
	host_stop x2
	wait_for 10 bindings_are 0
}

# spis_leased: of the capture `public`: all ESP to the address is for a leased SPI, and there is some for each host.
spis_leased() {
	local ours=() host
	for host in x1 x2; do
		ours+=("(ip[20:4] >= ${SPI[$host]} and ip[20:4] <= ${SPI_LAST[$host]})")
		seen public "ip proto 50 and dst ${ADDRESS[$host]} and ${ours[-1]}" || { echo "no ESP for $host"; return 1; }
	done
	unseen public "ip proto 50 and dst ${ADDRESS[x1]} and not (${ours[0]} or ${ours[1]})"
}

# nothing_else: of the capture `public`: between the address and the peer go ESP and IKE on port 500, nothing else.
nothing_else() { unseen public "host ${ADDRESS[x1]} and host $PEER and ip and not (proto 50 or (udp src port 500 and dst port 500))"; }

rsip_gateway() {
	sed 's/@ADDRESS@/203.0.113.9/; s/@PORTS@/1024-65535/; s/"debug"/"info"/' "$here/../rsipd-native.conf" >"$LAB_TMP/rsipd.conf"
	gateway_start "$LAB_TMP/rsipd.conf"
}

# dropped REASON: how many packets the gateway has dropped for it. dropped_since REASON BEFORE: some more than BEFORE.
dropped() { gateway_ctl -j stats | jq ".data.drops.$1"; }
dropped_since() { [ "$(dropped "$1")" -gt "$2" ]; }

# With cookies of a leased block, and the kernel's own IP-in-IP.
scenario_rsip() {
	host_conf x1 block ip-ip/kernel
	host_conf x2 block ip-ip/kernel
	check_here "rsip: rsipd starts" rsip_gateway || return
	check_here "rsip: both hosts have their leases" hosts_lease || return
	check "rsip: both hosts hold the one address ${ADDRESS[x1]}" test "${ADDRESS[x1]}" = "${ADDRESS[x2]}"
	gateway_ctl bindings
	check_here "rsip: strongSwan starts" ike_start y x1 x2 || return
	captures_start
	conversations rsip known
	capture_stop
	ike_stop x1 x2 y
	shared rsip works
	check "rsip: all ESP is for leased SPIs, of both hosts" spis_leased
	check "rsip: nothing but ESP and IKE on port 500 is on the wire" nothing_else
	hosts_release
	gateway_stop
}
