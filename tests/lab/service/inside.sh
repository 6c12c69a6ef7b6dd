#!/bin/bash
# What service.sh tries, run by the systemd that init.sh has started.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../verdict.sh"
conf=$(sed -n 's/^ExecStart=.* -c \(.*\)\/rsipd.conf$/\1/p' "$(systemctl show -P FragmentPath rsipd)")
on() { ip netns exec "$@"; }

# --- the machine -------------------------------------------------------------------------------------------------------

# wire DEVICE NODE ADDRESS NODE-ADDRESS: gro makes the far end of a veth take frames that XDP redirects.
wire() {
	ip netns add "$2"
	ip link add "$1" type veth peer name eth0 netns "$2"
	on "$2" ethtool -K eth0 gro on tx off >/dev/null
	ethtool -K "$1" gro on tx off >/dev/null
	ip addr add "$3/24" dev "$1"
	ip link set "$1" up
	on "$2" ip addr add "$4/24" dev eth0
	on "$2" ip link set eth0 up
	on "$2" ip link set lo up
}

# gateway_conf DATA-PLANE LEASE: as an operator edits it.
gateway_conf() {
	cat >"$conf/rsipd.conf" <<END
gateway {
    private-interface = "lan0"
    public-interface  = "wan0"
    listen            = { "10.0.0.1" }
    data-plane        = "$1"
}
pool "shared"      { addresses = { "203.0.113.8" }  methods = { "rsap-ip", "rsipsec" }  ike-ports = { 500, 4500 } }
policy "default"   { pools = { "shared" }  lease = "$2" }
host "10.0.0.0/24" { policy = "default" }
END
}

set_up() {
	wire lan0 x1 10.0.0.1 10.0.0.11
	wire wan0 y 203.0.113.1 203.0.113.200
	ip link set lo up
	mkdir -p "$conf" /run/systemd/system/rsip{c,d}.service.d
	gateway_conf auto 1h
	cat >"$conf/rsipc.conf" <<END
gateway      { address = "10.0.0.1" }
lease "apps" { method = "rsap-ip"  ports = 64  max-ports = 64 }
tunnel       { routes = { "default" } }
END
	# The host is another machine but for its files.
	printf '[Service]\nNetworkNamespacePath=/run/netns/x1\n' >/run/systemd/system/rsipc.service.d/lab.conf
	systemctl daemon-reload
	on y python3 "$here/echo_server.py" &
}

# --- looking -----------------------------------------------------------------------------------------------------------

is() { [ "$(systemctl show -P "$2" "$1")" = "$3" ]; }
main_pid() { systemctl show -P MainPID "$1"; }
serves() { is "$1" ActiveState active && is "$1" SubState running; }
bindings() { rsipctl -j bindings 2>/dev/null; }
leased() { [ "$(bindings | jq -r '.[0].ports[0][0]' 2>/dev/null)" -gt 0 ]; }
the_lease() { bindings | jq -c '.[0] | [.bind_id, .address, .ports]'; }
journal_has() { journalctl -b -u "$1" --no-pager -q | grep -q "$2"; }
reaches_y() { [ "$(on x1 curl -sS -m 5 http://203.0.113.200:8080/)" = "$(leased_address)" ]; }
leased_address() { bindings | jq -r '.[0].address'; }
is_fast() { rsipctl -j status | jq -e '.data_plane == "xdp"'; }
restarted() { [ "$(main_pid "$1")" != "$2" ] && serves "$1"; }
in_session() { [ "$(rsipctl -s /run/rsip/rsipc.sock -j status 2>/dev/null | jq .online)" = true ]; }
host_has_tunnel() { on x1 ip -o addr show dev rsip0 | grep -q 203.0.113.8/32; }

# --- the parts ---------------------------------------------------------------------------------------------------------

part_text() {
	check "systemd-analyze verify finds nothing" silent systemd-analyze --man=no verify rsipd.service rsipc.service
	check "their exposure is at most medium" systemd-analyze security --threshold=60 --no-pager rsipd.service rsipc.service
}
silent() { local said; said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }; }

part_start() {
	check "systemd-sysusers has made the user" getent passwd _rsip
	check "rsipd starts" systemctl start rsipd
	check "rsipd: says that it serves" is rsipd StatusText Serving
	check "rsipd: has its TUN device" ip link show rsipd0
	check "rsipc starts" systemctl start rsipc
	check "rsipc: leases" wait_for 10 leased
	check "rsipc: tunnel and address" wait_for 10 host_has_tunnel
	check "a packet's way, there and back" wait_for 5 reaches_y
	if wait_for 20 is_fast; then
		pass "the fast path is attached"
		check "a packet's way by the fast path" wait_for 5 reaches_y
	else
		skip "the fast path under systemd" "$(rsipctl -j status | jq -r .data_plane_detail)"
	fi
	check "both know their state directory" owners root:_rsip:770 /var/lib/rsip root:root:600 /var/lib/rsip/rsipc.db \
		_rsip:_rsip:640 /var/lib/rsip/rsipd.db
	check "root reads the leases with sqlite3" sqlite3 /var/lib/rsip/rsipd.db 'SELECT * FROM binding'
	check "and the sockets" owners root:root:755 /run/rsip root:_rsip:660 /run/rsip/rsipd.sock root:root:660 /run/rsip/rsipc.sock
	check "nothing of it is an error to the journal" [ "$(journalctl -b -u rsipd -u rsipc -p err -q | wc -l)" = 0 ]
	check "a command with a lease of its own" [ "$(on x1 rsipc -- curl -sS -m 5 http://203.0.113.200:8080/)" = 203.0.113.8 ]
}

# owners OWNER:GROUP:MODE FILE ...
owners() {
	while [ $# -gt 1 ]; do
		[ "$(stat -c %U:%G:%a "$2")" = "$1" ] || { stat "$2"; return 1; }
		shift 2
	done
}

part_reload() {
	local lease pid
	lease=$(the_lease) pid=$(main_pid rsipd)
	gateway_conf auto 50m
	check "rsipd: reload" systemctl reload rsipd
	check "rsipd: the new file counts" wait_for 10 journal_has rsipd 'config: reloaded'
	echo 'nonsense' >>"$conf/rsipd.conf"
	systemctl reload rsipd
	check "rsipd: a bad file is refused, with its line" wait_for 10 journal_has rsipd 'rsipd.conf:10'
	check "it is an error to the journal, too" eval 'journalctl -b -u rsipd -p err -q | grep -q "config: refused"'
	check "rsipc: reload" systemctl reload rsipc
	check "nothing of it costs a lease" [ "$(the_lease)" = "$lease" ]
	check "nor the process" [ "$(main_pid rsipd)" = "$pid" ]
}

# An open connection goes on; leases and their numbers stay.
part_restart() {
	local lease pid
	lease=$(the_lease) pid=$(main_pid rsipd)
	coproc FLOW { on x1 python3 "$here/echo_client.py" 203.0.113.200 8081; }
	check "a connection through the tunnel" echoes
	gateway_conf relay 1h # for the rest: checking XDP programs takes this kernel seconds each time
	check "rsipd: restart" systemctl restart rsipd
	check "rsipd: another process" restarted rsipd "$pid"
	check "it takes up the leases" wait_for 10 same_lease "$lease"
	check "the connection goes on" echoes
	pid=$(main_pid rsipc)
	kill -9 "$pid"
	check "rsipc, killed, comes back" wait_for 10 restarted rsipc "$pid"
	check "rsipc: with its lease" wait_for 10 same_lease "$lease"
	check "rsipc: and its tunnel" wait_for 10 host_has_tunnel
	check "the connection still goes on" echoes
	pid=$(main_pid rsipd)
	kill -9 "$pid"
	check "rsipd, killed, comes back" wait_for 20 restarted rsipd "$pid"
	check "rsipd: with the leases" wait_for 10 same_lease "$lease"
	check "rsipd: one monitor, one relay, one control" three_processes
	check "and the connection goes on" echoes
	check "rsipc: restart" systemctl restart rsipc
	check "rsipc: leases again" wait_for 10 leased
	[ -z "${FLOW_PID-}" ] || kill "$FLOW_PID" 2>/dev/null
}
same_lease() { [ "$(the_lease)" = "$1" ]; }
three_processes() { [ "$(wc -l <"/sys/fs/cgroup$(systemctl show -P ControlGroup rsipd)/cgroup.procs")" = 3 ]; }
# A line there and back; TCP repeats what a restart has cost.
echoes() {
	local said
	echo ping >&"${FLOW[1]}" && read -t 60 -r said <&"${FLOW[0]}" && [ "$said" = ping ]
}

# The monitor stands still: the watchdog's time is short here, to be waited for.
part_watchdog() {
	local pid
	printf '[Service]\nWatchdogSec=15\n' >/run/systemd/system/rsipd.service.d/lab.conf
	systemctl daemon-reload
	systemctl restart rsipd
	pid=$(main_pid rsipd)
	kill -STOP "$pid"
	check "rsipd, hanging, is ended by the watchdog and comes back" wait_for 30 restarted rsipd "$pid"
	check "it was the watchdog" journal_has rsipd 'Watchdog timeout'
	check "the host has its lease" wait_for 10 leased
}

falls_asleep() { echo mem >/sys/power/state; }

part_sleep() {
	if ! grep -qw mem /sys/power/state; then
		skip "sleep" "this kernel cannot"
		return
	fi
	: >/run/uml/.uml/asleep
	# What is to wake it may come while it falls asleep, which it gives up then.
	check "the machine sleeps, and wakes" wait_for 10 falls_asleep
	rm -f /run/uml/.uml/asleep
	check "rsipc asks what still holds" wait_for 10 journal_has rsipc 'this machine has slept'
	check "and has its lease" wait_for 10 leased
	check "packets go" wait_for 10 reaches_y
}

part_stop() {
	# It de-registers where it has a session; the gateway has just started anew.
	check "rsipc: in session with the gateway" wait_for 20 in_session
	check "rsipc stops" systemctl stop rsipc
	check "rsipc: in good order" is rsipc Result success
	check "rsipc: its lease is freed" [ "$(bindings | jq length)" = 0 ]
	refute "rsipc: no device is left" on x1 ip link show rsip0
	check "rsipc: no rule is left" [ "$(on x1 ip rule | grep -cE '^(1|2|3|4565|4566):')" = 0 ]
	check "rsipd stops" systemctl stop rsipd
	check "rsipd: in good order" is rsipd Result success
	refute "rsipd: no device is left" ip link show rsipd0
	check "rsipd: no program is left on a device" no_xdp
	check "no process is left" [ -z "$(pgrep -x 'rsipd|rsipc')" ]
	check "nothing is left in /run/rsip" [ -z "$(find /run/rsip -type f -o -type s 2>/dev/null)" ]
}
no_xdp() { ! ip link show | grep xdp; }

part_text
set_up
part_start
part_reload
part_restart
part_sleep
part_watchdog
part_stop
verdict_exit
