#!/bin/bash
# Packets flow while rsipd restarts, and hosts notice when it has lost their registrations. A flow of numbered UDP
# messages, 200 a second from x1 to the peer and back, runs through each restart and tells what was lost. Needs root;
# BUILDDIR is where the programs were built. See topology.sh for the picture. Arguments: the parts to run, of relay, xdp
# and notice.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/native_parts.sh"
export BUILDDIR LAB LAB_TMP

peer=203.0.113.200 flow=$BUILDDIR/tests/tools/flow conf=$LAB_TMP/rsipd.conf
interval_ms=5
again=3 # times that what depends on the speed of the machine is tried

# --- helpers
# ------------------------------------------------------------------------------------------------------------

said() { grep -qE -- "$2" "$LAB_TMP/$1.log"; }
monitor_pid() { in_box n cat /run/rsip/rsipd.pid; }
worker() { ps -o pid=,args= --ppid "$(monitor_pid)" | awk -v t="rsipd: $1" '$2 " " $3 == t { print $1 }'; }
renewed() { local now; now=$(worker "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }
plane_is() { [ "$(gateway_ctl -j status | jq -r .data_plane)" = "$1" ]; }

# The data plane that the part is about, all of it in service.
in_service() { plane_is "$plane" && gateway_ctl check; }

# streams NAME MAX COMMAND...: COMMAND happens to the gateway while messages flow; MAX of them may be lost, or as many as are
# sent until it is back in service ("meanwhile").
streams() {
	local name=$1 bound=$2 max=$2 try=1 pid text lost since
	shift 2
	while :; do
		ip netns exec "$LAB-x1" "$flow" run -u -n 0 -i $interval_ms "$PUBLIC:$PORT_x1" "$peer:7009" >"$LAB_TMP/flow" 2>&1 &
		pid=$!
		sleep 0.3
		since=${EPOCHREALTIME/[.,]/}
		"$@" || { fail "$name" "failed: $*"; { kill $pid; wait $pid; } 2>/dev/null; return; }
		wait_for 20 in_service || fail "$name" "the gateway is not back in service"
		[ "$bound" != meanwhile ] || max=$(((${EPOCHREALTIME/[.,]/} - since) / 1000 / interval_ms))
		sleep 0.3
		{ kill $pid; wait $pid; } 2>/dev/null
		text=$(cat "$LAB_TMP/flow")
		lost=$(sed -n 's/.* lost=\([0-9]*\).*/\1/p' "$LAB_TMP/flow")
		[ "${lost:-999999}" -gt "$max" ] && [ "$max" -gt 0 ] && [ $try -lt $again ] || break
		try=$((try + 1))
	done
	if [ "${lost:-999999}" -le "$max" ]; then pass "$name ($text)"; else fail "$name" "more than $max lost: $text"; fi
}

kill_worker() {
	local old
	old=$(worker "$1")
	kill -9 "$old" && wait_for 10 renewed "$1" "$old"
}

reload() {
	local before
	before=$(grep -c 'config: reloaded' "$LAB_TMP/rsipd.log")
	kill -HUP "$(monitor_pid)"
	wait_for 10 reloads_since "$before"
}
reloads_since() { [ "$(grep -c 'config: reloaded' "$LAB_TMP/rsipd.log")" -gt "$1" ]; }

# Another policy and another pool, and back.
reload_other() {
	sed -i 's|^pool "shared" {|pool "more" { addresses = { "203.0.113.40" } methods = { "rsap-ip" } }\n&|
		s|hold-down = "1s"|hold-down = "2s"|' "$conf"
	plane_conf "$conf" >/dev/null
	reload || return
	sed -i '/^pool "more"/d; s|hold-down = "2s"|hold-down = "1s"|' "$conf"
	plane_conf "$conf" >/dev/null
	reload
}

stop_and_start() { gateway_stop && gateway_start "$conf"; }
exchange() { gateway_stop USR1 && gateway_start "$conf"; } # an upgrade: rsipd(8)

# The workers end by themselves; the next rsipd is started at once.
kill_all() { gateway_stop KILL && gateway_start "$conf"; }

# --- packets flow
# -------------------------------------------------------------------------------------------------------

# through MAX-EXCHANGE MAX-KILLED: how many may be lost from one rsipd to the next, and when one is killed.
through() {
	gateway_conf 203.0.113.9 1024-65535
	host_conf x1 tcp 8080 ip-ip
	background y "$flow" echo "$peer:7009"
	box n x1 && gateway_start "$conf" && host_start x1 "$LAB_TMP/x1.conf" && wait_for 10 leases 3 &&
		wait_for 5 on x1 ip link show rsip0 && wait_for 20 in_service || { fail "$part: the lab starts"; return; }
	PORT_x1=$(last_port 10.0.0.11)
	PUBLIC=$(bindings '.[0].address')
	streams "$part: the control process is killed: nothing is lost" 0 kill_worker control
	streams "$part: and again: nothing is lost" 0 kill_worker control
	streams "$part: reload: nothing is lost" 0 reload
	streams "$part: reload of another config: nothing is lost" 0 reload_other
	streams "$part: the relay is killed: of 200 messages a second $2 at most" "$2" kill_worker relay
	streams "$part: a new rsipd over the old one: of 200 messages a second $1 at most" "$1" exchange
	streams "$part: kill -9 and start: of 200 messages a second $2 at most" "$2" kill_all
	streams "$part: stop and start: no more is lost than is sent meanwhile" meanwhile stop_and_start
	check "$part: the leases are the same all the while" test "$(bindings length) $(last_port 10.0.0.11)" = "3 $PORT_x1"
	refute "$part: and the host has noticed nothing but the connection" said rsipc_x1 'registration lost'
	host_stop x1
	gateway_stop
}

part_relay() { plane=relay; through 199 199; }

# A probe now and then is for the relay, which cannot have it while there is none.
part_xdp() {
	lab_can_native "xdp: packets flow through restarts" || return 0
	plane=xdp
	through 4 4
}

# --- hosts notice
# -------------------------------------------------------------------------------------------------------

db=/var/lib/rsip/rsipd.db

# All that hosts hold, without the IDs.
held() { bindings 'map([.host, .method, .address, .ports, .spis, .cookie.value, .tunnel]) | sort | tostring'; }
held_again() { [ "$(held)" = "$held_before" ]; }

# An older copy takes the place of the database, as rsipd(8) says.
restore_older() {
	gateway_stop
	in_box n sh -c "rm -f $db* && install -o _rsip -m 640 /var/lib/rsip/copy.db $db"
	gateway_start "$conf"
}

part_notice() {
	local since
	gateway_conf 203.0.113.9 1024-65535
	host_conf x1 tcp 8080 ip-ip
	host_conf x2 udp 8081 gre
	background y "$flow" echo "$peer:7009"
	box n x1 x2 && gateway_start "$conf" || { fail "notice: the lab starts"; return; }
	in_box n sqlite3 $db ".backup /var/lib/rsip/copy.db"
	hosts_up notice || return
	held_before=$(held)
	on x2 "$flow" run -u -n 0 -i 50 "$PUBLIC:$PORT_x2" "$peer:7009" >/dev/null 2>&1 &
	local pid=$!
	sleep 0.5
	since=$EPOCHREALTIME
	check_here "notice: rsipd starts with an older copy of its database, of before the hosts" restore_older
	# A host over UDP would ask by itself after a minute.
	check "notice: both hosts have the same addresses, ports, SPIs and cookies again" wait_for 5 held_again
	echo "  after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $since }") s, stop and start of rsipd included"
	check "notice: the host over UDP was called by the gateway" said rsipc_x2 'gateway says that it does not know us'
	check "notice: and the gateway has told why" \
		said rsipd 'host without a registration sends packets, told to register host=10.0.0.12'
	check "notice: packets of the host over UDP flow" \
		on x2 "$flow" run -u -n 20 -i 20 "$PUBLIC:$((PORT_x2 - 1))" "$peer:7009"
	check "notice: packets of the host over TCP flow" on x1 "$flow" run -u -n 20 -i 20 "$PUBLIC:$PORT_x1" "$peer:7009"
	# A copy that knows the host, but not what it leases.
	in_box n sh -c "sqlite3 $db '.backup /var/lib/rsip/copy.db' &&
		sqlite3 /var/lib/rsip/copy.db 'DELETE FROM binding; DELETE FROM binding_tuple; DELETE FROM history'"
	check_here "notice: rsipd starts with a copy that knows the hosts, but not their leases" restore_older
	check "notice: both hosts have the same again" wait_for 5 held_again
	{ kill $pid; wait $pid; } 2>/dev/null
	host_stop x1
	host_stop x2
	gateway_stop
}

# --- all
# ----------------------------------------------------------------------------------------------------------------

trap daemons_down EXIT
for part in "${@:-relay xdp notice}"; do
	for part in $part; do
		case $part in
		xdp) LAB_DATA_PLANE=native ;;
		*) LAB_DATA_PLANE=relay ;;
		esac
		lab_up
		"part_$part"
		lab_down
		trap daemons_down EXIT
	done
done
verdict_exit
