#!/bin/bash
# How many packets of the smallest size the relay passes, against what the same kernel forwards in the same namespaces:
# one flooding sender, one core for it, the others for the relay. Prints packets a second, the ratio, and the CPU time
# the relay took for a packet. Needs root; BUILDDIR is a build without sanitizers. SECONDS_EACH (default 3), ROUNDS (3).
set -u
here=$(cd "$(dirname "$0")/../lab" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11"
. "$here/topology.sh"
. "$here/relay_gateway.sh"
each=${SECONDS_EACH:-3} rounds=${ROUNDS:-3}

received() { on "$1" cat /sys/class/net/eth0/statistics/rx_packets; }

# rate FROM TO FLOOD-ARGUMENT...: packets a second that reach TO's wire.
rate() {
	local from=$1 to=$2 before
	shift 2
	before=$(received "$to")
	on "$from" taskset -c 0 "$BUILDDIR/tests/tools/flood" "${@:1:2}" "$each" "${@:3}" >/dev/null
	echo $((($(received "$to") - before) / each))
}

relay_pid() { ip netns pids "$LAB-n" | while read -r pid; do
	[ "$(cat "/proc/$pid/comm")" = relay_lab ] && awk -v pid="$pid" '{ print $14 + $15, pid }' "/proc/$pid/stat"
done | sort -n | tail -n 1 | cut -d' ' -f2; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$(relay_pid)/stat"; }

max() { sort -n | tail -n 1; }

# measure NAME ARGUMENTS-OF-rate...: the best of the rounds, for it is others' work that makes the worse ones worse.
measure() {
	local name=$1
	shift
	for ((i = 0; i < rounds; i++)); do rate "$@"; done | max >"$relay_tmp/$name"
}

main() {
	lab_up
	trap relay_down EXIT
	relay_up || exit 1
	relay_tell sync "pool 203.0.113.8-203.0.113.9 shared ike=500,4500" "bind 1 10.0.0.11 203.0.113.8 rsap-ip ports=1024-2047" end
	# The sinks drop at once what is not theirs: x1 has no tunnel, y does not own the address flooded.
	on y ip route add 10.0.0.0/24 via 203.0.113.1
	on n ip neigh replace 203.0.113.250 lladdr "$(on y cat /sys/class/net/eth0/address)" dev wan0
	on n ip neigh replace 10.0.0.11 lladdr "$(on x1 cat /sys/class/net/eth0/address)" dev lan0
	on n ip neigh replace 10.0.0.50 lladdr "$(on x1 cat /sys/class/net/eth0/address)" dev lan0
	on x1 nft 'table ip sink { chain input { type filter hook input priority filter; ip protocol 4 drop; }; }'
	measure in_kernel y x1 203.0.113.200 10.0.0.50
	measure out_kernel x1 y 10.0.0.11 203.0.113.250
	local before after
	before=$(cpu_ticks)
	measure in_relay y x1 203.0.113.200 203.0.113.8
	measure out_relay x1 y 203.0.113.8 203.0.113.250 10.0.0.1
	after=$(cpu_ticks)
	report "$((after - before))"
}

report() {
	local in_kernel out_kernel in_relay out_relay passed
	read -r in_kernel <"$relay_tmp/in_kernel"
	read -r out_kernel <"$relay_tmp/out_kernel"
	read -r in_relay <"$relay_tmp/in_relay"
	read -r out_relay <"$relay_tmp/out_relay"
	passed=$(($(relay_counter in_packets) + $(relay_counter out_packets)))
	awk -v ik="$in_kernel" -v ok="$out_kernel" -v ir="$in_relay" -v or="$out_relay" -v p="$passed" -v t="$1" 'BEGIN {
		printf "%-28s %12s %12s\n", "64-byte frames, packets/s", "inbound", "outbound"
		printf "%-28s %12d %12d\n", "kernel forwarding", ik, ok
		printf "%-28s %12d %12d\n", "relay", ir, or
		printf "%-28s %12.2f %12.2f\n", "ratio", ir / ik, or / ok
		if (p > 0) printf "relay CPU: %.2f us a packet\n", t * 10000 / p
	}'
}

main
