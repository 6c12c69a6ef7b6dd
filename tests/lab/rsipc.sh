#!/bin/bash
# The host agent against the real gateway, as its user meets it: what it changes on the machine and leaves behind,
# commands with leases of their own, what happens when the gateway or the agent itself goes away. Needs root; BUILDDIR is
# where the programs were built. See topology.sh for the picture. Arguments: the parts to run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"

PEER=203.0.113.200
RSIPC=$BUILDDIR/rsipc/rsipc

# --- what the parts share -------------------------------------------------------------------------------------------

# conf NODE [LINE...]: writes the node's rsipc.conf: 64 ports, a listening port, IPsec; further lines as given. The
# listening port is asked for first: a lease of any ports could get it.
conf() {
	local node=$1
	shift
	{
		cat <<-END
			gateway { address = "10.0.0.1" transport = "${transport:-tcp}" }
			lease "web" { method = "rsap-ip" listen = true port = 808${node#x} }
			lease "apps" { method = "rsap-ip" ports = 64 }
			lease "vpn" { method = "rsipsec" spis = 16 cookie = "block" }
			tunnel { type = "${tunnel:-ip-ip}" ${key:+gre-key = $key} driver = "${driver:-auto}" device = "rsip0" }
			ipsec { strongswan = "/etc/strongswan.d/rsip.conf" }
			environment = "/run/rsip/rsipc.env"
			log { to = "stderr" level = "info" }
		END
		printf '%s\n' "$@"
	} >"$LAB_TMP/$node.conf"
}

gateway_conf() {
	cat >"$LAB_TMP/rsipd.conf" <<-END
		gateway { private-interface = "lan0" public-interface = "wan0" listen = { "10.0.0.1" } }
		pool "shared" { addresses = { "203.0.113.9" } methods = { "rsap-ip", "rsipsec" } }
		policy "default" { pools = { "shared" } hold-down = "1s" ${endpoint:+tunnel-endpoint = "$endpoint"} }
		host "10.0.0.0/24" { policy = "default" }
		local-networks = { "10.0.0.0/8" }
	END
}

# machine NODE: all that the agent may have changed there.
machine() {
	on "$1" ip -o link show | sed 's/^[0-9]*: //'
	on "$1" ip -o addr show | sed 's/^[0-9]*: //'
	on "$1" ip route show table all
	on "$1" ip rule show
	on "$1" sysctl -a 2>/dev/null | grep -E 'net.ipv4.(ip_local|conf.(all|default|eth0)\.)'
	in_box "$1" find /etc/strongswan.d /run ! -type d
}

bindings() { gateway_ctl -j bindings | jq -r "$1"; }
leases() { [ "$(bindings length)" = "$1" ]; }
registered() { [ "$(gateway_ctl -j hosts | jq length)" = "$1" ]; }
client_id() { gateway_ctl -j hosts | jq '.[0].client_id'; }
apps() { host_ctl x1 -j bindings | jq -c '.[] | select(.lease == "apps") | [.bind_id, .ports]'; }
host_leases() { [ "$(host_ctl "$1" -j bindings | jq length)" = "$2" ]; }
logged() { grep -q "$1" "$LAB_TMP/rsipc_x1.log"; }
tunnelled() { on x1 ip route get "$@" | grep -q 'dev rsip0'; }
outside() { on x1 ip route get "$@" | grep -q 'dev eth0'; }

# The peer tells who came: "ADDRESS PORT".
peer_up() {
	# shellcheck disable=SC2016 # socat's shell expands them
	on y socat "TCP-LISTEN:7001,bind=$PEER,reuseaddr,fork" 'SYSTEM:read line; echo $SOCAT_PEERADDR $SOCAT_PEERPORT' \
		2>/dev/null &
	wait_for 5 on y socat -u OPEN:/dev/null "TCP:$PEER:7001"
}
who="echo | timeout 8 socat -t 5 - TCP:$PEER:7001"

# within "ADDRESS PORT" FIRST LAST
within() { [ "${1% *}" = 203.0.113.9 ] && [ "${1#* }" -ge "$2" ] && [ "${1#* }" -le "$3" ]; }

# start_all: gateway, agent on x1, peer. The gateway keeps what it had unless its database is removed.
start_all() {
	gateway_conf
	conf x1
	box n x1 x2 && peer_up && gateway_start "$LAB_TMP/rsipd.conf" || { fail "$part: the lab starts"; return 1; }
	machine x1 >"$LAB_TMP/before"
	host_start x1 "$LAB_TMP/x1.conf"
	wait_for 10 host_leases x1 3 && wait_for 5 on x1 ip link show rsip0 && return
	fail "$part: the agent gets its leases"
	tail -n 5 "$LAB_TMP"/rsip*.log
	return 1
}

run_command() { in_box x1 "$RSIPC" -c "$LAB_TMP/x1.conf" -- "$@"; }

# --- the machine as a whole ----------------------------------------------------------------------------------------------

part_hostwide() {
	local first last got
	start_all || return
	read -r first last <<<"$(host_ctl x1 -j bindings | jq -r '.[] | select(.lease == "apps") | .ports[0] | "\(.[0]) \(.[1])"')"
	check "$part: three leases, on one address, as the gateway has them" \
		test "$(host_ctl x1 -j bindings | jq -c '[.[] | {bind_id, address, ports, spis, cookie}]')" = \
		"$(bindings '[.[] | {bind_id, address, ports, spis, cookie}]' | jq -c)"
	check "$part: the device has the address, and an MTU that fits the LAN" \
		test "$(on x1 ip -j addr show rsip0 | jq -c '.[0] | [.mtu, .addr_info[0].local, .addr_info[0].prefixlen]')" = \
		"[$((1500 - overhead)),\"203.0.113.9\",32]"
	check "$part: driver $driver" test "$(host_ctl x1 -j status | jq -r .data_plane)" = "$driver"
	check "$part: what has no source yet goes through the tunnel" tunnelled "$PEER"
	check "$part: what has the leased source goes through the tunnel" tunnelled 198.51.100.1 from 203.0.113.9
	check "$part: what QUERY calls local does not" outside 10.55.0.1
	check "$part: the gateway does not" outside 10.0.0.1
	check "$part: programs bound to the private address are let alone" outside "$PEER" from 10.0.0.11
	got=$(on x1 sh -c "$who")
	check "$part: the peer sees a leased port ($got, $first to $last)" within "$got" "$first" "$last"
	check "$part: ephemeral ports are the leased ones" \
		test "$(on x1 sysctl -n net.ipv4.ip_local_port_range)" = "$first	$last"
	on x1 socat TCP-LISTEN:8081,reuseaddr,fork SYSTEM:'read line; echo served' 2>/dev/null &
	wait_for 3 on x1 socat -u OPEN:/dev/null TCP:203.0.113.9:8081
	check "$part: a server at the listening port is reached" \
		test "$(echo | on y timeout 8 socat -t 5 - TCP:203.0.113.9:8081)" = served
	check "$part: nobody in the LAN answers ARP for a leased address" arp_quiet
	check "$part: the outer header has the packet's DSCP" outer_dscp
	check "$part: a subnet that comes up later is local, too" later_subnet
	check "$part: strongSwan is told" told_strongswan
	check "$part: shell variables are told" \
		test "$(in_box x1 sh -c '. /run/rsip/rsipc.env; echo $RSIP_ADDRESS $RSIP_PORTS')" = "203.0.113.9 8081-8081 $first-$last"
	check "$part: when ports run out there are more, all of them leased" $([ "$driver" = kernel ] || echo slowed) grown
	check "$part: the agent keeps two capabilities and gets no others" few_powers
	check "$part: a path that takes less makes the device's MTU smaller" smaller_path
	host_stop x1
	check "$part: the gateway has no lease and no host left" eval "leases 0 && registered 0"
	check "$part: nothing is left on the machine" as_before
	gateway_stop
}

# GRE with a key (RFC 2890): both ends put it into every packet, and the device leaves room for it.
part_keyed() {
	local seen=$LAB_TMP/keyed.log
	start_all || return
	on y socat UDP-LISTEN:7003,bind=$PEER,fork EXEC:cat 2>/dev/null &
	on x1 tcpdump --immediate-mode -i eth0 -n -l 'ip proto 47' >"$seen" 2>&1 & # n's own frames pass captures by
	wait_for 5 grep -q 'listening on' "$seen"
	check "$part: the gateway tells of the key" test "$(bindings '[.[].gre_key] | unique | .[]')" = "$key"
	check "$part: and so does the agent" test "$(host_ctl x1 -j bindings | jq '[.[].gre_key] | unique | .[]')" = "$key"
	check "$part: the device's MTU leaves room for it" \
		test "$(on x1 ip -j link show rsip0 | jq '.[0].mtu')" = $((1500 - overhead))
	check "$part: UDP both ways" wait_for 5 udp_answered
	check "$part: packets as long as the LAN takes" \
		on x1 ping -q -c 2 -i 0.3 -W 4 -M do -s $((1500 - overhead - 28)) "$PEER"
	check "$part: the key is in what the host sends" \
		wait_for 5 grep -q "10.0.0.11 > 10.0.0.1: GREv0, key=0x$(printf %x "$key"), " "$seen"
	check "$part: and in what the gateway sends" \
		wait_for 5 grep -q "10.0.0.1 > 10.0.0.11: GREv0, key=0x$(printf %x "$key"), " "$seen"
	check "$part: nothing goes without it" refused eval "grep GREv0 '$seen' | grep -qv key="
	gateway_stop KILL && gateway_start "$LAB_TMP/rsipd.conf"
	check "$part: after the gateway was killed it goes on" wait_for 10 udp_answered
	host_stop x1
	check "$part: nothing is left on the machine" as_before
	gateway_stop
}

udp_answered() { on x1 sh -c "echo hello | timeout 2 socat -t 1 - UDP:$PEER:7003" | grep -q hello; }

# While it is so slow that what it writes into /proc/sys takes effect one by one.
slowed() {
	local tracer status=0
	strace -qq -p "$rsipc_x1_pid" -o /dev/null -e trace=write -e inject=write:delay_enter=20000 & tracer=$!
	wait_for 5 grep -q "TracerPid:.$tracer" "/proc/$rsipc_x1_pid/status" || status=1
	"$@" || status=1
	{ kill $tracer; wait $tracer; } 2>/dev/null
	return $status
}

# 120 sockets at one time, of 64 ports: the agent looks twice a second. One that gets no port tries again and again, and would
# get one in any moment in which others than those leased are to be had.
grown() {
	on x1 timeout 90 python3 -c "
import socket
held = []
for i in range(120):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        try:
            one.connect(('$PEER', 9))
            break
        except OSError:
            pass
    held.append(one.getsockname()[1])
    globals()['s%d' % i] = one
print(*held)" >"$LAB_TMP/grown" || return 1
	gateway_ctl -j bindings | jq -r '.[] | select(.host == "10.0.0.11") | .ports[] | "\(.[0]) \(.[1])"' |
		awk 'NR == FNR { first[NR] = $1; last[NR] = $2; n = NR; next }
			{ for (i = 1; i <= NF; i++) { ok = 0; for (r = 1; r <= n; r++) if ($i >= first[r] && $i <= last[r]) ok = 1; if (!ok) bad++ } total += NF }
			END { exit !(total == 120 && !bad && n >= 3) }' - "$LAB_TMP/grown"
}

outer_dscp() {
	local seen=$LAB_TMP/dscp.log
	on n tcpdump -i lan0 -c 1 -n -l '(ip proto 4 or ip proto 47) and src 10.0.0.11 and ip[1] = 0xb8' >"$seen" 2>&1 &
	wait_for 5 grep -q 'listening on' "$seen" && on x1 ping -q -c 3 -i 0.3 -Q 0xb8 "$PEER" >/dev/null
	wait_for 5 grep -q '1 packet captured' "$seen" || { kill $!; return 1; }
}

# An address that is x1's own is answered for, which shows that arping works.
arp_quiet() {
	on x2 arping -q -c 2 -w 8 -I eth0 10.0.0.11 && refused on x2 arping -q -c 2 -w 2 -I eth0 203.0.113.9
}

later_subnet() {
	on x1 ip link add later type veth peer name later2 && on x1 ip addr add 192.0.2.1/24 dev later &&
		on x1 ip link set later2 up && on x1 ip link set later up
	wait_for 3 eval 'on x1 ip route get 192.0.2.9 | grep -q "dev later"' || return 1
	on x1 ip link del later
	wait_for 3 tunnelled 192.0.2.9
}

told_strongswan() {
	local spis cookie
	spis=$(bindings '.[] | select(.method == "rsipsec") | .spis[0] | "\(.[0]) \(.[1])"')
	cookie=$(bindings '.[] | select(.method == "rsipsec") | .cookie | "\(.value) \(.mask)"')
	in_box x1 cat /etc/strongswan.d/rsip.conf | tr -d '\t' >"$LAB_TMP/strongswan"
	diff - "$LAB_TMP/strongswan" <<-END
		# Written by rsipc while its lease lasts; removed at its end.
		charon {
		spi_min = ${spis% *}
		spi_max = ${spis#* }
		spi_label = ${cookie% *}
		spi_mask = ${cookie#* }
		}
	END
}

# CAP_NET_ADMIN is bit 12, CAP_NET_RAW bit 13.
few_powers() {
	# shellcheck disable=SC2154 # daemons.sh sets it
	grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs):' "/proc/$rsipc_x1_pid/status" | tr -d '\t' >"$LAB_TMP/powers"
	diff - "$LAB_TMP/powers" <<-END
		CapPrm:0000000000003000
		CapEff:0000000000003000
		CapBnd:0000000000000000
		NoNewPrivs:1
	END
}

mtu() { [ "$(on x1 cat /sys/class/net/rsip0/mtu)" = "$1" ]; }

# The first packet that does not fit is answered by ICMP.
smaller_path() {
	local status
	on x1 ip route add 10.0.0.1 dev eth0 mtu lock 1400
	on x1 ping -q -c 3 -i 0.2 -W 1 -M do -s 1440 "$PEER" | grep -q ' 0 received' &&
		wait_for 3 mtu $((1400 - overhead)) &&
		on x1 ping -q -c 1 -W 8 -M do -s $((1400 - overhead - 28)) "$PEER" >/dev/null
	status=$?
	on x1 ip route del 10.0.0.1
	return $status
}

as_before() { machine x1 | diff "$LAB_TMP/before" -; }

# --- commands beside a running agent -----------------------------------------------------------------------------------

part_commands() {
	local got ports status
	start_all || return
	# shellcheck disable=SC2016 # for the shell inside
	got=$(run_command sh -c "echo \$RSIP_ADDRESS \$RSIP_PORTS; $who; ip -o -4 addr show rsip0; ip route" 2>&1)
	ports=$(sed -n '1s/.* //p' <<<"$got")
	check "$part: it has an address and ports of its own" grep -q '^203.0.113.9 [0-9]*-[0-9]*$' <<<"$got"
	check "$part: the peer sees one of them ($(sed -n 2p <<<"$got"), $ports)" \
		within "$(sed -n 2p <<<"$got")" "${ports%-*}" "${ports#*-}"
	check "$part: its lease is freed when it returns" leases 3
	run_command sh -c 'exit 7'; status=$?
	check "$part: its exit status" test $status = 7
	run_command nonexistent-program 2>/dev/null; status=$?
	check "$part: one that does not exist: 127" test $status = 127
	run_command sh -c 'kill -9 $$'; status=$?
	check "$part: one that a signal ends: 128 and its number" test $status = 137
	check "$part: one run by sudo is the user's" \
		test "$(SUDO_UID=65534 SUDO_GID=65534 run_command id -u)" = 65534
	check "$part: ping works in it" run_command ping -q -c 1 -W 8 "$PEER"
	check "$part: a server in it is reached at its port" command_server
	check "$part: two at once, each with ports of its own" two_commands
	check "$part: one that needs more ports than it has gets more" command_grows
	check "$part: SIGTERM is passed on, the lease is freed" passed_on
	check "$part: a launcher that is killed leaves no lease" killed_launcher
	check "$part: a mere user cannot have one" refused in_box x1 setpriv --reuid 65534 --clear-groups "$RSIPC" \
		-c "$LAB_TMP/x1.conf" -- true
	check "$part: the machine's own leases are as before" test "$(host_ctl x1 -j bindings | jq length)" = 3
	check "$part: too many ports: refused with the reason" too_many
	conf x1 'command { resolvers = { 192.0.2.53, 192.0.2.54 } }'
	check "$part: resolvers of its own" \
		test "$(run_command cat /etc/resolv.conf | tr '\n' ' ')" = "nameserver 192.0.2.53 nameserver 192.0.2.54 "
	host_stop x1
	check "$part: nothing is left on the machine" as_before
	gateway_stop
}

command_server() {
	# shellcheck disable=SC2016
	run_command sh -c 'echo ${RSIP_PORTS%-*} >'"$LAB_TMP"'/port
		timeout 30 socat TCP-LISTEN:${RSIP_PORTS%-*},reuseaddr SYSTEM:"read line; echo served"' &
	wait_for 3 test -s "$LAB_TMP/port" && wait_for 5 served
}
served() { [ "$(echo | on y timeout 8 socat -t 5 - "TCP:203.0.113.9:$(cat "$LAB_TMP/port"),connect-timeout=4")" = served ]; }

two_commands() {
	local one two
	run_command sh -c "$who; sleep 1; $who" >"$LAB_TMP/one" &
	sleep 0.2
	two=$(run_command sh -c "sleep 0.5; $who")
	wait $!
	one=$(cat "$LAB_TMP/one")
	[ "$(wc -l <<<"$one")" = 2 ] && [ -n "$two" ] && wait_for 3 leases 3
}

# Four ports, and ten connections at the same time.
command_grows() {
	sed '/^lease "apps"/s/ports = 64/ports = 4 max-ports = 16/' "$LAB_TMP/x1.conf" >"$LAB_TMP/growing.conf"
	[ "$(in_box x1 "$RSIPC" -c "$LAB_TMP/growing.conf" -- python3 "$here/many_connections.py" "$PEER" 7001 10)" = 10 ] &&
		wait_for 3 leases 3
}

launched() { pgrep -P "$1" -x "$2"; }

# launch COMMAND...: in the background; the launcher's pid is $!.
launch() { nsenter -t "$(box_pid x1)" -m -n -r -w -- "$RSIPC" -c "$LAB_TMP/x1.conf" -- "$@" 2>/dev/null & }

passed_on() {
	local pid
	launch sleep 60
	pid=$!
	wait_for 5 launched $pid sleep || return 1
	kill -TERM $pid
	wait $pid
	[ $? = 143 ] && leases 3
}

killed_launcher() {
	local pid
	launch sleep 6
	pid=$!
	wait_for 5 launched $pid sleep && leases 4 || return 1
	kill -KILL $pid
	wait $pid 2>/dev/null
	wait_for 3 leases 3
}

too_many() {
	local said
	sed 's/ports = 64/ports = 5000/' "$LAB_TMP/x1.conf" >"$LAB_TMP/many.conf"
	said=$(in_box x1 "$RSIPC" -c "$LAB_TMP/many.conf" -- true 2>&1)
	[ $? = 125 ] && [ -n "$said" ] && echo "$said" && wait_for 3 leases 3
}

# --- commands where no agent runs --------------------------------------------------------------------------------------

part_alone() {
	local got
	gateway_conf
	conf x1
	box n x1 x2 && peer_up && gateway_start "$LAB_TMP/rsipd.conf" || { fail "$part: the lab starts"; return; }
	machine x1 >"$LAB_TMP/before"
	got=$(run_command sh -c "$who" 2>"$LAB_TMP/alone.log")
	check "$part: the peer sees a leased address ($got)" within "$got" 1024 65535
	check "$part: nothing was said" test ! -s "$LAB_TMP/alone.log"
	check "$part: the host is de-registered when the command returns" eval "leases 0 && registered 0"
	check "$part: nothing is left on the machine" as_before
	run_command sleep 3 &
	wait_for 3 leases 1
	got=$(run_command sh -c "$who")
	check "$part: a second command is served by the agent of the first ($got)" within "$got" 1024 65535
	wait $!
	check "$part: the last one turns off the light" wait_for 5 eval "leases 0 && registered 0"
	check "$part: still nothing left on the machine" as_before
	gateway_stop
	check "$part: without a gateway it says so" no_gateway
}

no_gateway() {
	local pid status
	nsenter -t "$(box_pid x1)" -m -n -r -w -- "$RSIPC" -c "$LAB_TMP/x1.conf" -- true 2>"$LAB_TMP/alone.log" & pid=$!
	wait_for 5 grep 'gateway unreachable' "$LAB_TMP/alone.log"
	status=$?
	kill -INT $pid
	wait $pid
	return $status
}

# --- a tunnel that ends elsewhere ---------------------------------------------------------------------------------------

# policy tunnel-endpoint: another address of the gateway than the one that the agent talks to (RFC 3103 9.9.3).
part_endpoint() {
	local seen=$LAB_TMP/outer.log
	on n ip addr add 10.0.0.2/24 dev lan0
	endpoint=10.0.0.2
	start_all || { endpoint=; return; }
	on x1 timeout 20 tcpdump -i eth0 -n -l 'ip proto 4 or ip proto 47' >"$seen" 2>&1 &
	wait_for 5 grep -q 'listening on' "$seen"
	check "$part: packets flow" on x1 ping -q -c 3 -i 0.3 -W 4 "$PEER"
	check "$part: the agent sends to the endpoint that it was told" wait_for 5 grep -q 'IP 10.0.0.11 > 10.0.0.2:' "$seen"
	check "$part: and gets from there" wait_for 5 grep -q 'IP 10.0.0.2 > 10.0.0.11:' "$seen"
	check "$part: nothing goes to the address that it talks to" refused grep -q '10\.0\.0\.1[ :]' "$seen"
	check "$part: neither address goes through the tunnel" eval "outside 10.0.0.1 && outside 10.0.0.2"
	host_stop x1
	check "$part: nothing is left on the machine" as_before
	gateway_stop
	endpoint=
}

# --- gateway and agent go away and come back ---------------------------------------------------------------------------

part_faults() {
	local id held
	for transport in tcp udp; do
		LAB_TMP=$(mktemp -d "${TMPDIR:-/tmp}/$LAB-XXXXXX")
		start_all || return
		id=$(client_id) held=$(apps)
		gateway_stop && gateway_start "$LAB_TMP/rsipd.conf"
		sleep 3
		check "$part, $transport: a gateway that restarts: same registration, same leases" \
			eval '[ "$(client_id)" = "$id" ] && [ "$(apps)" = "$held" ]'
		check "$part, $transport: and packets flow" wait_for 5 on x1 ping -q -c 1 -W 2 "$PEER"
		stop rsipc_x1 KILL
		host_start x1 "$LAB_TMP/x1.conf"
		check "$part, $transport: an agent that was killed goes on where it was" \
			wait_for 5 eval '[ "$(client_id)" = "$id" ] && [ "$(apps)" = "$held" ] && on x1 ping -q -c 1 -W 2 "$PEER"'
		gateway_stop
		in_box n rm -f /var/lib/rsip/rsipd.db /var/lib/rsip/rsipd.db-wal /var/lib/rsip/rsipd.db-shm
		gateway_start "$LAB_TMP/rsipd.conf"
		[ $transport = tcp ] || kill -KILL "$rsipc_x1_pid"
		[ $transport = tcp ] || { wait "$rsipc_x1_pid" 2>/dev/null; host_start x1 "$LAB_TMP/x1.conf"; }
		check "$part, $transport: a gateway that has lost everything leases the same ports again" \
			wait_for 10 eval '[ "$(apps | jq -c .[1])" = "$(jq -c .[1] <<<"$held")" ] && leases 3'
		check "$part, $transport: and packets flow again" wait_for 5 on x1 ping -q -c 1 -W 2 "$PEER"
		held=$(apps)
		host_stop x1
		host_start x1 "$LAB_TMP/x1.conf"
		check "$part, $transport: an agent that was stopped gets the same ports at its next start" \
			wait_for 5 eval '[ "$(apps | jq -c .[1])" = "$(jq -c .[1] <<<"$held")" ]'
		host_stop x1
		check "$part, $transport: nothing is left on the machine" as_before
		gateway_stop
		host_start x1 "$LAB_TMP/x1.conf"
		check "$part, $transport: without a gateway it says so" wait_for 5 logged 'gateway unreachable\|does not answer'
		gateway_start "$LAB_TMP/rsipd.conf"
		check "$part, $transport: and takes its leases when there is one" wait_for 10 host_leases x1 3
		host_stop x1
		gateway_stop
		lab_down
		lab_up
		trap daemons_down EXIT
	done
}

# --- the config read again -----------------------------------------------------------------------------------------------

held_named() { host_ctl x1 -j bindings | jq -e --arg name "$1" 'any(.lease == $name)' >/dev/null; }

part_reload() {
	local held id
	start_all || return
	held=$(apps) id=$(client_id)
	sed -i '/^lease "vpn"/d' "$LAB_TMP/x1.conf"
	echo 'lease "more" { method = "rsap-ip" ports = 32 }' >>"$LAB_TMP/x1.conf"
	kill -HUP "$rsipc_x1_pid"
	check "$part: a lease that is new in the file is asked for" wait_for 5 held_named more
	check "$part: one that is gone from it is freed" wait_for 5 eval "refused held_named vpn && leases 3"
	check "$part: what has not changed stays, in the same registration" \
		eval '[ "$(apps)" = "$held" ] && [ "$(client_id)" = "$id" ]'
	check "$part: the IKE daemon is told of no lease any more" \
		wait_for 5 in_box x1 sh -c '! grep -q spi_min /etc/strongswan.d/rsip.conf 2>/dev/null'
	check "$part: packets flow" on x1 ping -q -c 1 -W 4 "$PEER"
	echo 'lease "wrong" { method = "nat" }' >>"$LAB_TMP/x1.conf"
	kill -HUP "$rsipc_x1_pid"
	kill -PIPE "$rsipc_x1_pid" # as when nobody reads its log any more, or a gateway hangs up
	check "$part: a file with a fault is refused, with file and line" wait_for 5 logged "x1.conf:$(wc -l <"$LAB_TMP/x1.conf"): "
	check "$part: and nothing changes, nor does a broken pipe end it" \
		eval '[ "$(apps)" = "$held" ] && held_named more && leases 3'
	host_stop x1
	check "$part: nothing is left on the machine" as_before
	gateway_stop
}

# --- starting ------------------------------------------------------------------------------------------------------------

# says STATUS TEXT COMMAND...: it exits with that status and says that.
says() {
	local want=$1 text=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	[ $status = "$want" ] && grep -q "$text" <<<"$out" || { echo "exit status $status: $out"; return 1; }
}

part_start() {
	box n x1 x2
	conf x1
	chmod 755 "$LAB_TMP" # for the one who is not root
	printf 'gateway { address = "10.0.0.256" }\nlease "a" { method = "rsap-ip" }\n' >"$LAB_TMP/bad.conf"
	check "$part: a bad config: its line, exit 1" says 1 'bad.conf:1: address: "10.0.0.256"' "$RSIPC" -t -c "$LAB_TMP/bad.conf"
	check "$part: a good config: exit 0" says 0 good "$RSIPC" -t -c "$LAB_TMP/x1.conf"
	check "$part: an unknown option: exit 2" says 2 usage "$RSIPC" -x
	check "$part: no root: one line, exit 1" says 1 'run it as root' setpriv --reuid 65534 --clear-groups "$RSIPC" -f \
		-c "$LAB_TMP/x1.conf"
	on x1 ip link add rsip0 type veth peer name other
	check "$part: the device's name is taken: exit 1" says 1 'there is a device of that name' in_box x1 timeout 10 "$RSIPC" -f \
		-c "$LAB_TMP/x1.conf"
	check "$part: and the other's device stays" on x1 ip link show rsip0
	on x1 ip link del rsip0
	host_start x1 "$LAB_TMP/x1.conf"
	wait_for 5 host_ctl x1 status
	check "$part: a second agent: exit 1" says 1 'another rsipc runs' in_box x1 timeout 10 "$RSIPC" -f -c "$LAB_TMP/x1.conf"
	check "$part: and the first one stays" host_ctl x1 status
	host_stop x1
	check "$part: into the background" in_box x1 "$RSIPC" -c "$LAB_TMP/x1.conf"
	check "$part: it serves when the command returns" host_ctl x1 status
	kill "$(pgrep -x -f "$RSIPC -c $LAB_TMP/x1.conf")"
	check "$part: and ends by SIGTERM" wait_for 5 refused host_ctl x1 status
}

# --- the kernel's own tunnels ------------------------------------------------------------------------------------------

has_kernel_tunnels() {
	on x1 ip link add probe type ipip remote 10.0.0.1 local 10.0.0.11 && on x1 ip link del probe
}

# Here, or in a kernel of its own.
part_kernel() {
	if has_kernel_tunnels 2>/dev/null; then
		# The module's own device comes with it, and stays.
		for node in x1 x2; do on "$node" ip link add probe type ipip local 10.0.0.11 && on "$node" ip link del probe; done
		part_hostwide
		lab_down
		lab_up
		trap daemons_down EXIT
		part_commands
		lab_down
		lab_up
		trap daemons_down EXIT
		tunnel=gre key=2147501841 overhead=28 part_keyed
	elif [ -z "${UML_DIR-}" ] && command -v linux.uml >/dev/null; then
		"$here/uml.sh" -t 1200 -- /usr/bin/env "BUILDDIR=$BUILDDIR" "$here/rsipc.sh" kernel || verdict_failed=1
	else
		skip "kernel: the kernel's own tunnel" "this kernel has no ipip, and user-mode-linux is not installed"
	fi
}

[ -z "${MODULES-}" ] || modprobe -d "$MODULES" tun
prefix=$LAB
for part in ${*:-hostwide gre keyed commands alone endpoint faults reload start kernel}; do
	printf '== %s\n' "$part"
	LAB=$prefix-$part LAB_TMP=$(mktemp -d "${TMPDIR:-/tmp}/$prefix-$part-XXXXXX")
	transport=tcp tunnel=ip-ip key= overhead=20 driver=tun
	case $part in
	gre) transport=udp tunnel=gre overhead=24 ;;
	keyed) tunnel=gre key=2147501841 overhead=28 ;;
	kernel) driver=kernel ;;
	esac
	lab_up
	trap daemons_down EXIT
	"part_${part/gre/hostwide}"
	for log in "$LAB_TMP"/*.log; do
		[ -e "$log" ] || continue
		! grep -q -E 'runtime error|AddressSanitizer|LeakSanitizer|defect' "$log" ||
			fail "$part: $log" "$(grep -m 1 -E 'error|defect' "$log")"
	done
	daemons_down
done
verdict_exit
