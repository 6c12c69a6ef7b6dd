#!/bin/bash
# The life of the fast path on this kernel: attach, crash, exchange, detach in every order, with a flow of numbered UDP
# messages running through it, and what goes wrong with kernels, drivers and neighbours. Needs root; BUILDDIR is where the
# programs were built. See topology.sh for the picture. Arguments: the parts to run.
set -u
here=$(cd "$(dirname "$0")" && pwd)
LAB_DATA_PLANE=native
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/native_parts.sh"
export BUILDDIR LAB LAB_TMP

peer=203.0.113.200 flow=$BUILDDIR/tests/tools/flow conf=$LAB_TMP/rsipd.conf

# --- helpers ------------------------------------------------------------------------------------------------------------

status_of() { gateway_ctl -j status | jq -r ".$1"; }
plane_is() { [ "$(status_of data_plane)" = "$1" ]; }
detail_has() { status_of data_plane_detail | tee /dev/stderr | grep -qF -- "$1"; }
said() { grep -qE -- "$1" "$LAB_TMP/rsipd.log"; }
programs() { on n ip -o link show | grep -c '[ /]xdp'; } # how many devices have one
pins() { in_box n find /sys/fs/bpf/rsip -mindepth 2 -maxdepth 2 2>/dev/null | wc -l; }
fast_packets() { gateway_ctl -j stats | jq '.data.xdp.in_packets'; }
monitor_pid() { in_box n cat /run/rsip/rsipd.pid; }

# up DATA-PLANE: rsipd, until it forwards by that.
up() { gateway_start "$conf" && wait_for 10 plane_is "$1"; }

# dead: kill -9 of the monitor, whose workers go with it.
dead() {
	local pid workers
	pid=$(monitor_pid) && workers=$(ps -o pid= --ppid "$pid")
	stop rsipd KILL
	# shellcheck disable=SC2086 # a list of words
	wait_for 5 refused kill -0 $workers
}

detach() { in_box n "$BUILDDIR/rsipd/rsipd" -d -c "$(plane_conf "$conf")"; }

# flow_begins, flow_ends NAME: messages from x1 to the peer and back, 200 a second. Each way, a packet is for the relay where the
# path may have changed, and it cannot have it while there is none: a few may be lost, more of them where all is slow. A gap
# would be dozens.
flow_begins() {
	ip netns exec "$LAB-x1" "$flow" run -u -n 0 -i 5 "$PUBLIC:$PORT_x1" "$peer:7009" >"$LAB_TMP/flow" 2>&1 &
	flow_pid=$!
	sleep 0.5
}
flow_ends() {
	local said lost
	{ kill "$flow_pid"; wait "$flow_pid"; } 2>/dev/null
	said=$(cat "$LAB_TMP/flow")
	lost=$(sed -n 's/.* lost=\([0-9]*\).*/\1/p' "$LAB_TMP/flow")
	if [ "${lost:-999999}" -le 12 ]; then pass "$1 ($said)"; else fail "$1" "$said"; fi
}

# What one flow loses of a second.
flows() { on x1 "$flow" run -u -n 20 -i 20 "$PUBLIC:$PORT_x1" "$peer:7009"; }

lease_up() {
	gateway_conf 203.0.113.9 1024-65535
	host_conf x1 tcp 8080 ip-ip
	background y "$flow" echo "$peer:7009"
	box n x1
}

host_up() {
	host_start x1 "$LAB_TMP/x1.conf"
	wait_for 10 leases 3 && wait_for 5 on x1 ip link show rsip0 || return 1
	PORT_x1=$(last_port 10.0.0.11)
	PUBLIC=$(bindings '.[0].address')
}

# --- life ---------------------------------------------------------------------------------------------------------------

part_life() {
	lease_up && up xdp && host_up || { fail "life: a gateway with the fast path"; return; }
	check "attach: native on all devices, as rsipctl status says" detail_has "native on wan0, lan-x1, lan-x2"
	check "attach: and the log" said 'xdp: fast path attached detail="native on wan0'
	check "attach: a program on each device" test "$(programs)" = 3
	check "attach: the tables are pinned" test "$(pins)" = 1
	local before after
	before=$(fast_packets)
	check "attach: UDP there and back" flows
	after=$(fast_packets)
	check "attach: by the fast path ($((after - before)) of 20)" test $((after - before)) -ge 18
	refute "detach while it runs: refused" detach
	check "detach while it runs: nothing has changed" test "$(programs)" = 3
	life_crash
	life_exchange
	life_orders
}

# The one message that a probe may send to the kernel's path, while nobody is there to relay it.
life_crash() {
	flow_begins
	dead
	sleep 2
	flow_ends "kill -9: the flow goes on without rsipd"
	check "kill -9: programs and tables are there" test "$(programs) $(pins)" = "3 1"
	: >"$LAB_TMP/rsipd.log"
	flow_begins
	check_here "kill -9: a new rsipd starts" up xdp
	flow_ends "kill -9: and takes over without a gap"
	check "kill -9: the same tables" said 'xdp: takes over the tables'
	check "kill -9: which it finds as they should be" wait_for 5 said 'tables are in step old_bindings_removed=0'
	local child
	child=$(ps -o pid=,args= --ppid "$(monitor_pid)" | awk '/rsipd: relay/ { print $1 }')
	flow_begins
	kill -9 "$child"
	sleep 1.5
	flow_ends "kill -9 of the relay alone: the flow goes on"
}

life_exchange() {
	flow_begins
	stop rsipd USR1
	sleep 1
	check_here "SIGUSR1: the next rsipd starts" up xdp
	flow_ends "SIGUSR1: the flow goes on from one to the other"
	# A pool more, of more addresses than there were: tables of another size.
	stop rsipd USR1
	sed -i 's|^pool "shared" {|pool "more" { addresses = { "203.0.113.128/26" } methods = { "rsa-ip" } }\n&|' "$conf"
	: >"$LAB_TMP/rsipd.log"
	flow_begins
	check_here "another layout: rsipd starts" up xdp
	sleep 0.5
	flow_ends "another layout: new tables, without a gap"
	refute "another layout: the old tables are not taken over" said 'takes over the tables'
	check "another layout: nor left behind" test "$(pins)" = 1
	check "another layout: UDP there and back" flows
}

life_orders() {
	dead
	check "kill -9, detach" detach
	check "kill -9, detach: nothing is left" test "$(programs) $(pins) $(on n ip neigh show proxy | wc -l)" = "0 0 0"
	check "detach again: nothing to do is no fault" detach
	check_here "detach, start" up xdp
	check "detach, start: UDP there and back" flows
	stop rsipd
	check "a clean stop leaves nothing" test "$(programs) $(pins)" = "0 0"
	check "a clean stop, detach" detach
	check_here "a clean stop, start" up xdp
	stop rsipd USR1
	check "SIGUSR1, detach" detach
	check "SIGUSR1, detach: nothing is left" test "$(programs) $(pins)" = "0 0"
	up xdp
	dead
	LAB_DATA_PLANE=relay_on_ports
	check_here "kill -9, start with data-plane = relay" up relay
	check "kill -9, data-plane = relay: what the dead one left is gone" test "$(programs) $(pins)" = "0 0"
	check "kill -9, data-plane = relay: says why" detail_has "the config says so"
	check "kill -9, data-plane = relay: UDP there and back" wait_for 5 flows
	LAB_DATA_PLANE=native
	stop rsipd
	host_stop x1
}

# --- what goes wrong ----------------------------------------------------------------------------------------------------

part_faults() {
	lease_up
	on y "$BUILDDIR/tests/tools/xdp_end" eth0 off
	up xdp && host_up || { fail "faults: a gateway with the fast path"; return; }
	check "a driver that drops redirected frames: generic at the start" detail_has "generic on wan0"
	check "a driver that drops redirected frames: says which, and what to do" \
		detail_has "the driver of wan0 drops redirected frames"
	check "a driver that drops redirected frames: UDP there and back all the same" flows
	stop rsipd
	on y "$BUILDDIR/tests/tools/xdp_end" eth0
	up xdp
	check "a driver that begins to drop them: native before" detail_has "native on wan0"
	on y "$BUILDDIR/tests/tools/xdp_end" eth0 off
	flows >/dev/null 2>&1
	check "a driver that begins to drop them: found, and told" wait_for 10 said 'redirected frames are lost device=wan0'
	check "a driver that begins to drop them: generic then" detail_has "generic on wan0"
	check "a driver that begins to drop them: UDP there and back again" wait_for 5 flows
	on y "$BUILDDIR/tests/tools/xdp_end" eth0
	stop rsipd
	faults_others
	faults_shared
	faults_rights
	faults_device xdp "native on wan0, lan-x1, lan-x2"
	LAB_DATA_PLANE=relay_on_ports
	faults_device relay "packet rings"
	faults_journal
	LAB_DATA_PLANE=native
	host_stop x1
}

# A program that libxdp has not put there cannot share its device, on any kernel.
faults_others() {
	on n "$BUILDDIR/tests/tools/xdp_end" wan0
	check_here "another's program on a device: rsipd starts" up relay
	check "another's program on a device: says whose" wait_for 5 detail_has "lab_pass"
	check "another's program on a device: it stays, alone" test "$(programs)" = 1
	check "another's program on a device: the relay forwards" wait_for 5 flows
	stop rsipd
	check "another's program on a device: it stays when rsipd goes" test "$(programs)" = 1
	on n "$BUILDDIR/tests/tools/xdp_end" wan0 off
	up xdp
	on n ip link set dev wan0 xdpdrv off
	check "our program taken away by hand: told" wait_for 5 detail_has "someone has taken our program from wan0"
	check "our program taken away by hand: the relay forwards what came in there" wait_for 5 flows
	stop rsipd
}

# One that libxdp has put there can, where the kernel has what its dispatcher needs.
faults_shared() {
	local name="a program of libxdp's beside ours" before
	if ! command -v xdp-filter >/dev/null; then
		skip "$name" "xdp-filter is not installed (Debian package xdp-tools)"
		return
	fi
	up xdp
	if detail_has "alone" >/dev/null 2>&1; then
		skip "$name" "this kernel cannot extend BPF programs, which the dispatcher needs"
		stop rsipd
		return
	fi
	check "$name: it comes second" in_box n xdp-filter load -m native wan0
	check "$name: UDP there and back" flows
	before=$(fast_packets)
	flows >/dev/null
	check "$name: by the fast path" test $(($(fast_packets) - before)) -ge 18
	stop rsipd
	check "$name: ours goes, it stays" test "$(programs)" = 1
	check_here "$name: it comes first" up xdp
	check "$name: UDP there and back again" flows
	flow_begins
	dead
	check_here "$name: kill -9, and a new rsipd" up xdp
	flow_ends "$name: takes over without a gap"
	stop rsipd
	check "$name: it stays again" test "$(programs)" = 1
	in_box n xdp-filter unload wan0
}

# faults_device DATA-PLANE DETAIL: a device that goes and comes back is another one to the kernel.
faults_device() {
	local name="$1: the public device goes and comes back"
	: >"$LAB_TMP/rsipd.log"
	up "$1"
	on n ip link del wan0
	check "$name: told that it is gone" wait_for 5 said 'a device is gone.* device=wan0'
	[ "$1" = relay ] || check "$name: rsipctl status tells it, too" wait_for 5 detail_has "the device wan0 is gone"
	lab_wire n wan0 y eth0
	on y "$BUILDDIR/tests/tools/xdp_end" eth0
	on y ip addr add "$peer/24" dev eth0
	on n ip addr add 203.0.113.1/24 dev wan0
	check "$name: told that it is back" wait_for 10 said 'a device has come back.* device=wan0'
	check "$name: all stands on it" wait_for 10 detail_has "$2"
	check "$name: UDP there and back" wait_for 10 flows
	stop rsipd
}

# The filters of a dead rsipd drop what the TUN's way would need: the next one has to take them over.
faults_journal() {
	local name="relay: killed, and its journal is lost"
	up relay
	dead
	in_box n rm /run/rsip/rsipd.undo
	: >"$LAB_TMP/rsipd.log"
	check_here "$name: the next one starts" up relay
	refute "$name: without a device's packet ring" said 'no packet ring'
	check "$name: UDP there and back" wait_for 5 flows
	stop rsipd
}

# As in a container that grants no more than the relay needs.
faults_rights() {
	start n rsipd setpriv --bounding-set -bpf,-perfmon,-sys_admin "$BUILDDIR/rsipd/rsipd" -f -c "$(plane_conf "$conf")"
	check "without the capabilities: the relay forwards" wait_for 10 plane_is relay
	check "without the capabilities: says what is missing" detail_has "CAP_"
	check "without the capabilities: UDP there and back" wait_for 5 flows
	stop rsipd
}

# A bridge has no XDP of its own.
part_generic() {
	lease_up && up xdp && host_up || { fail "generic: a gateway with the fast path"; return; }
	check "a bridge: generic, and says why" detail_has "generic on wan0, lan0; not native: lan0"
	local before
	before=$(fast_packets)
	check "generic: UDP there and back" flows
	check "generic: by the fast path" test $(($(fast_packets) - before)) -ge 18
	flow_begins
	dead
	check_here "generic: killed, started again" up xdp
	flow_ends "generic: without a gap"
	stop rsipd
	check "generic: a clean stop leaves nothing" test "$(programs) $(pins)" = "0 0"
	host_stop x1
}

# --- rsipctl check ------------------------------------------------------------------------------------------------------

finds() { refused gateway_ctl check && gateway_ctl check | grep -F -- "$1"; }

# another_hand MAP: takes the first element out of one of the programs' tables.
another_hand() {
	local map key
	map=$(in_box n sh -c "echo /sys/fs/bpf/rsip/*/*/$1")
	key=$(in_box n bpftool -j map dump pinned "$map" | jq -r '.[0].key | join(" ")')
	# shellcheck disable=SC2086 # a list of words
	in_box n bpftool map delete pinned "$map" key $key
}

part_check() {
	lease_up && up xdp && host_up || { fail "check: a gateway with the fast path"; return; }
	check "check: all is well" gateway_ctl check
	check "check: an address taken out of the programs' table" another_hand addrs
	check "check: it is named" finds "its address is not in the XDP programs' tables"
	kill -HUP "$(monitor_pid)"
	check "check: a reload has mended it" wait_for 5 gateway_ctl check
	check "check: UDP there and back" flows
	stop rsipd
	host_stop x1
}

# --- a relay that stands still, and is as good as none ------------------------------------------------------------------

# Packets of the peer to x1's port by the fast path.
reach_fast() {
	local before
	before=$(fast_packets)
	for _ in 1 2 3 4 5; do on y bash -c "echo >/dev/udp/$PUBLIC/$PORT_x1"; done
	wait_for 1 more_fast "$before"
}
more_fast() { [ "$(fast_packets)" -gt "$1" ]; }

part_away() {
	local child bind_id
	lease_up && up xdp && host_up || { fail "away: a gateway with the fast path"; return; }
	check "away: UDP there and back" flows
	child=$(ps -o pid=,args= --ppid "$(monitor_pid)" | awk '/rsipd: relay/ { print $1 }')
	bind_id=$(bindings "map(select(.ports != [] and .ports[0][1] == $PORT_x1))[0].bind_id")
	stop rsipc_x1 KILL # it would lease again, perhaps the same
	kill -STOP "$child"
	check "away: the fast path goes on" reach_fast
	check "away: a lease is taken back" gateway_ctl free "$bind_id"
	refute "away: no packet of it goes on" reach_fast
	kill -CONT "$child"
	check "away: the relay comes into step" wait_for 10 gateway_ctl check
	refute "away: and it stays with that" reach_fast
	stop rsipd
}

prefix=$LAB
if lab_can_native "the life of the fast path"; then
	for part in ${*:-life faults generic check away}; do
		printf '== %s\n' "$part"
		LAB=$prefix-$part
		[ "$part" != generic ] || LAB_DATA_PLANE=generic
		lab_up
		trap daemons_down EXIT
		"part_$part"
		lab_down
	done
	trap daemons_down EXIT
fi
verdict_exit
