# The relay alone on n, with relay_lab in control's place and the kernel set up as the monitor does. Source after
# topology.sh; used by relay.sh and path.sh.

BUILDDIR=${BUILDDIR:-$(pwd)}
relay_tmp=$(mktemp -d "/tmp/$LAB-relay-XXXXXX")

# The pools 203.0.113.8/29 and 203.0.113.64/28 are on the public subnet: the gateway answers ARP for them.
# RELAY_IO=tun: without packet rings.
relay_up() {
	local rings="-r $relay_tmp/journal wan0 203.0.113.8-203.0.113.9,203.0.113.64/28"
	[ "${RELAY_IO-rings}" = rings ] || rings=
	mkfifo "$relay_tmp/commands"
	on n "$BUILDDIR/tests/tools/relay_lab" $rings 10.0.0.1 203.0.113.1 lan0 <"$relay_tmp/commands" >"$relay_tmp/reports" \
		2>"$relay_tmp/relay.log" &
	exec 7>"$relay_tmp/commands"
	wait_for 5 on n ip link show dev rsipd0 || return 1
	on n sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.rsipd0.rp_filter=0 \
		net.ipv4.conf.rsipd0.accept_local=1 net.ipv4.conf.rsipd0.send_redirects=0 net.ipv6.conf.rsipd0.disable_ipv6=1
	on n ip link set rsipd0 up mtu 65535 txqueuelen 4096
	local address
	for address in 203.0.113.8 203.0.113.9 203.0.113.64; do
		on n ip neigh add proxy $address dev wan0
		on n ip route add $address dev rsipd0 src 203.0.113.1
	done
}

# Own-address mode: what comes in on wan0 for the gateway's own address goes to the relay before the local stack. The
# kernel does not forward a packet that early demux has already given to a socket of its own.
relay_own_address() {
	on n sysctl -qw net.ipv4.ip_early_demux=0
	on n ip route add default dev rsipd0 table 4555
	on n ip rule add pref 10 iif wan0 to 203.0.113.1 lookup 4555
	on n ip rule add pref 20 lookup local
	on n ip rule del pref 0
}

# relay_tell COMMAND...: each argument one line for relay_lab.
relay_tell() { printf '%s\n' "$@" >&7; }

# relay_counter NAME
relay_counter() {
	local dots
	dots=$(grep -cx '\.' "$relay_tmp/reports")
	relay_tell counters
	wait_for 2 relay_answered "$dots"
	grep "^$1=" "$relay_tmp/reports" | tail -n 1 | cut -d= -f2
}
relay_answered() { [ "$(grep -cx '\.' "$relay_tmp/reports")" -gt "$1" ]; }

# tunnel NODE ADDRESS PORTS [gre]: the node's tunnel, its leased address on it, and all but the LAN through it.
tunnel() {
	local node=$1 address=$2 ports=$3 private
	private=$(on "$node" ip -o -4 addr show dev eth0 | awk '{ split($4, a, "/"); print a[1] }')
	on "$node" "$BUILDDIR/tests/tools/tunnel_end" tun0 "$private" 10.0.0.1 ${4-} >>"$relay_tmp/$node.log" 2>&1 &
	wait_for 5 on "$node" ip link show dev tun0
	on "$node" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.tun0.rp_filter=0 net.ipv6.conf.tun0.disable_ipv6=1
	on "$node" ip link set tun0 up mtu 1480
	on "$node" ip addr add "$address/32" dev tun0
	on "$node" ip route replace default dev tun0 src "$address"
	on "$node" sysctl -qw net.ipv4.ip_local_port_range="$ports"
}

# neighbours_by_port NODE ADDRESS FIRST-LAST: an address that is shared is not all local. UDP ports that others lease are
# reached through the tunnel, and answers come from the node's own address.
neighbours_by_port() {
	on "$1" sysctl -qw net.ipv4.conf.tun0.accept_local=1
	on "$1" ip rule add pref 5 to "$2" ipproto udp dport "$3" lookup local
	on "$1" ip rule add pref 6 to "$2" ipproto udp iif lo lookup main
	on "$1" ip rule add pref 10 lookup local
	on "$1" ip rule del pref 0
}

grows() { # grows COUNTER COMMAND...: whatever the command returns
	local name=$1 before
	shift
	before=$(relay_counter "$name")
	"$@" >/dev/null 2>&1
	wait_for 1 counted "$name" "$before"
}
counted() { [ "$(relay_counter "$1")" -gt "$2" ]; }

relay_down() {
	exec 7>&-
	lab_down
	if [ -n "${RSIP_KEEP-}" ] || [ "${verdict_failed-0}" != 0 ]; then
		echo "logs of this run: $relay_tmp"
	else
		rm -rf "$relay_tmp"
	fi
}
