#!/bin/bash
# What the data planes carry, beside plain kernel forwarding in the same minute: one sending core, one core for the
# gateway, veth pairs between. In rounds, in which everything has its turn, so that what else the machine does hits all
# alike; bench_report.py makes medians, ratios and a chart of them. Needs root, and two cores that are free as may be.
#
#    ┌── x ─────────────┐      ┌── n ─────────────────────────────────┐      ┌── y ────────────┐
#    │ eth0 10.255.0.2  ├──────┤ lan0 10.255.0.1      wan0 203.0.113.1 ├──────┤ eth0 203.0.113.2 │
#    └──────────────────┘      └──────────────────────────────────────┘      └─────────────────┘
#    router to all hosts,        the gateway, on core 1                        router to all peers,
#    10.0.0.0/9; core 0                                                        198.18.0.0/15; core 0
#
# bench.sh [--quick] [--rounds N] [--seconds EACH] [--counts "N..."] [--flows "N..."] [--lengths "BYTES..."]
#          [--only "GROUP..."] [--minutes LIMIT] [--out DIRECTORY]
# GROUPs: masquerade relay yardsticks xdp test_runs; kernel forwarding, which all are compared with, is in each run.
# When LIMIT is over, 30 minutes by default, what is under way is the last. Each result is told as it comes.
# results.tsv, results.md and performance-*.svg go to DIRECTORY, default the current one.
# BUILDDIR is a build with optimisation and without sanitizers. Traffic comes and goes as XDP frames; the veth devices of
# n receive in a kernel thread of their own (threaded NAPI) on core 1.
set -u
here=$(cd "$(dirname "$0")" && pwd)
BUILDDIR=${BUILDDIR:-$(pwd)}
P=${BENCH_PREFIX:-rsipbench$$}
groups="masquerade relay yardsticks xdp test_runs"
minutes=30
rounds=5 seconds=1 counts="100 10000 100000 1000000" flows="10 10000 100000" lengths="64 1400" out=$PWD
while [ $# -gt 0 ]; do
	case $1 in
	--quick) rounds=2 seconds=0.4 counts="100 10000" flows="10 10000" lengths="64" ;;
	--rounds) rounds=$2 && shift ;;
	--counts) counts=$2 && shift ;;
	--flows) flows=$2 && shift ;;
	--lengths) lengths=$2 && shift ;;
	--only) groups=$2 && shift ;;
	--seconds) seconds=$2 && shift ;;
	--minutes) minutes=$2 && shift ;;
	--out) out=$(cd "$2" && pwd) && shift ;;
	*) echo "usage: bench.sh [--quick] [--rounds N] [--seconds EACH] [--counts N...] [--flows N...] \
[--lengths BYTES...] [--only GROUP...] [--minutes LIMIT] [--out DIRECTORY]" >&2; exit 2 ;;
	esac
	shift
done

fail() { echo "bench.sh: $*" >&2; exit 1; }

# A word of the command line in which something of the list stands.
wanted() { case " $groups " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

# have COMMAND PACKAGE
have() { command -v "$1" >/dev/null || fail "$1 is missing: apt-get install $2"; }

[ "$(id -u)" = 0 ] || fail "must be root, for network namespaces and BPF"
[ "$(nproc)" -ge 2 ] || fail "needs two cores, one to send and one for the gateway; this machine lets it have $(nproc)"
[ -x "$BUILDDIR/tests/bench/bench_gateway" ] || \
	fail "$BUILDDIR has no tests/bench/bench_gateway; build with XDP (configure says what is missing)"
have ip iproute2
have ethtool ethtool
have sysctl procps
have taskset util-linux
have python3 python3
! wanted masquerade || have nft nftables

# A binding takes up to 2 kB of memory, here and in the bare table together.
memory=$(awk '$1 == "MemAvailable:" { print int($2 / 2) }' /proc/meminfo)
fitting=
for n in $counts; do
	if [ "$n" -le "$memory" ]; then
		fitting="$fitting $n"
	else
		echo "bench.sh: left out: $n bindings, for which there is too little memory" >&2
	fi
done
counts=${fitting# }
[ -n "$counts" ] || fail "there is too little memory"
tmp=$(mktemp -d /tmp/rsip-bench-XXXXXX)
results=$out/results.tsv
threads= relay_pids=
declare -A gateway_pids

on() { local node=$1; shift; ip netns exec "$P-$node" "$@"; }
mac() { on "$1" cat "/sys/class/net/$2/address"; }

# --- the topology ---------------------------------------------------------------------------------------------------

# The threads that receive for n are known by their devices' names; those of other labs are not ours to move.
receive_on_core_1() {
	local dev id
	threads=
	for dev in lan0 wan0; do
		on n ethtool -K $dev gro off >/dev/null 2>&1
		on n ethtool -K $dev gro on >/dev/null 2>&1
		ls -d /proc/[0-9]* 2>/dev/null >"$tmp/before"
		on n sh -c "echo 0 >/sys/class/net/$dev/threaded; echo 1 >/sys/class/net/$dev/threaded"
		for id in $(ls -d /proc/[0-9]* 2>/dev/null | grep -vxFf "$tmp/before"); do
			case $(cat "$id/comm" 2>/dev/null) in napi/$dev-*)
				taskset -pc 1 "${id#/proc/}" >/dev/null
				threads="$threads ${id#/proc/}" ;;
			esac
		done
	done
}

up() {
	local node
	trap down EXIT
	for node in x n y; do
		ip netns add "$P-$node"
		on $node ip link set lo up
		[ ! -e /proc/sys/net/ipv6 ] || on $node sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	done
	ip link add eth0 netns "$P-x" type veth peer name lan0 netns "$P-n"
	ip link add wan0 netns "$P-n" type veth peer name eth0 netns "$P-y"
	for node in "x eth0 10.255.0.2" "n lan0 10.255.0.1" "n wan0 203.0.113.1" "y eth0 203.0.113.2"; do
		set -- $node
		on "$1" ethtool -K "$2" tx off tso off gso off gro on >/dev/null 2>&1
		on "$1" ip addr add "$3/24" dev "$2"
		on "$1" ip link set "$2" up
	done
	on n sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.all.send_redirects=0
	on n ip route add 10.0.0.0/9 via 10.255.0.2
	on n ip route add 198.18.0.0/15 via 203.0.113.2
	on n ip neigh replace 10.255.0.2 lladdr "$(mac x eth0)" dev lan0 nud permanent
	on n ip neigh replace 203.0.113.2 lladdr "$(mac y eth0)" dev wan0 nud permanent
	receive_on_core_1
}

down() {
	local node
	trap - EXIT
	exec 5>&- 6>&- 7>&- 8>&- 9>&-
	for node in x n y; do
		ip netns pids "$P-$node" 2>/dev/null | xargs -r kill 2>/dev/null
	done
	wait
	for node in x n y; do ip netns del "$P-$node" 2>/dev/null; done
	rm -rf "$tmp"
}

# --- what is measured -----------------------------------------------------------------------------------------------

# record ROUND LENGTH NAME N DIRECTION VALUE CPU-NS
record() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# traffic DIRECTION KIND N LENGTH: packets a second that arrive on the other side,
# and ns of the gateway's CPU time for each.
traffic() {
	local from=y to=x dev=wan0
	[ "$1" = in ] || { from=x to=y dev=lan0; }
	taskset -c 0 "$BUILDDIR/tests/bench/bench_traffic" "$P-$from" eth0 "$(mac n $dev)" "$P-$to" eth0 "$2" "$3" "$4" \
		"$seconds" $threads $relay_pids
}

# warm DIRECTION KIND N: as in a gateway in service, every binding has had a packet lately.
warm() {
	local seconds
	seconds=$(awk -v n="$3" 'BEGIN { s = n / 200000; print s < 0.2 ? 0.2 : s }')
	traffic "$1" "$2" "$3" 96 >/dev/null
}

# measure ROUND LENGTH NAME N DIRECTION KIND: no frame is shorter than its headers.
measure() {
	local len=$2 got
	[ "$6" != out ] || [ "$len" -ge 66 ] || len=66
	[ "$6" != cookie ] || [ "$len" -ge 90 ] || len=90
	got=$(traffic "$5" "$6" "$4" $((len - 4))) || fail "no traffic of kind $6 for $3"
	record "$1" "$2" "$3" "$4" "$5" $got
	printf '%5d s  round %d of %d, %d bytes: %-26s %7d %-3s %9d packets a second\n' $SECONDS "$1" "$rounds" "$2" "$3" "$4" \
		"$5" "${got%% *}" >&2
}

# The gateways of $counts bindings, each a process that holds its tables; their commands go to descriptors 5 and on.
gateways_up() {
	local n fd=5
	for n in $counts; do
		mkfifo "$tmp/gateway-$n"
		on n taskset -c 0 "$BUILDDIR/tests/bench/bench_gateway" "$n" wan0 lan0 "$(mac y eth0)" "$(mac x eth0)" \
			<"$tmp/gateway-$n" >"$tmp/answers-$n" &
		gateway_pids[$n]=$!
		eval "exec $fd>\"$tmp/gateway-$n\""
		fd=$((fd + 1))
	done
	for n in $counts; do
		until grep -q ready "$tmp/answers-$n"; do sleep 0.2; alive "$n"; done
		set -- $(grep ready "$tmp/answers-$n")
		record 0 0 "tables: seconds to fill" "$n" - "$2" -
		record 0 0 "tables: MB when full" "$n" - "$3" -
	done
}

alive() { kill -0 "${gateway_pids[$1]}" 2>/dev/null || fail "the gateway of $1 bindings is gone; what it said stands above"; }

# ask N COMMAND...: the last line that it answers.
ask() {
	local n=$1 fd=5 m before
	for m in $counts; do [ "$m" = "$n" ] && break; fd=$((fd + 1)); done
	shift
	before=$(wc -l <"$tmp/answers-$n")
	echo "$*" >&$fd
	until [ "$(wc -l <"$tmp/answers-$n")" -gt "$before" ]; do sleep 0.02; alive "$n"; done
	tail -n 1 "$tmp/answers-$n"
}

kernel() {
	measure "$1" "$2" "kernel forwarding" 1000 in plain-in
	measure "$1" "$2" "kernel forwarding" 1000 out plain-out
}

masquerade() {
	local n
	on n nft 'table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }; }'
	on n sysctl -qw net.netfilter.nf_conntrack_max=300000 2>/dev/null
	for n in $flows; do measure "$1" "$2" "nftables masquerade" "$n" out plain-out; done
	on n nft delete table ip nat
}

# The relay with the bindings of the smallest gateway, its rings on both devices, on core 1 as the kernel's part.
relay() {
	local io=$3 rings=
	[ "$io" = tun ] || rings="-r $tmp/journal wan0 100.64.0.0-100.64.0.15"
	rm -f "$tmp/relay"
	mkfifo "$tmp/relay"
	on n taskset -c 1 nice -n -10 "$BUILDDIR/tests/tools/relay_lab" $rings 10.255.0.1 203.0.113.1 lan0 \
		<"$tmp/relay" >/dev/null 2>"$tmp/relay.log" &
	local pid=$!
	exec 4>"$tmp/relay"
	until on n ip link show rsipd0 >/dev/null 2>&1; do
		sleep 0.1
		kill -0 $pid 2>/dev/null || { cat "$tmp/relay.log" >&2; fail "the relay did not start"; }
	done
	on n sysctl -qw net.ipv4.conf.rsipd0.rp_filter=0 net.ipv4.conf.rsipd0.accept_local=1
	on n ip link set rsipd0 up mtu 65535 txqueuelen 4096
	on n ip route add 100.64.0.0/16 dev rsipd0 src 203.0.113.1
	until grep -q running "$tmp/relay.log"; do sleep 0.1; done
	receive_on_core_1 # rings have switched off what veth needs to take XDP frames
	awk 'BEGIN { print "sync"; print "pool 100.64.0.0-100.64.0.15 shared ike=500,4500"; for (i = 0; i < 100; i++)
		printf "bind %d 10.0.0.%d 100.64.0.0 rsipsec ports=%d-%d spis=%d-%d\n", i + 1, i + 1, 1024 + 16 * i, 1039 + 16 * i,
			268435456 + 16 * i, 268435471 + 16 * i; print "end" }' >&4
	sleep 0.2
	relay_pids=$(ip netns pids "$P-n")
	measure "$1" "$2" "relay, $io" 100 in port
	measure "$1" "$2" "relay, $io" 100 out out
	relay_pids=
	exec 4>&-
	wait $pid
}

yardsticks() {
	local n first=${counts%% *}
	ask "$first" attach redirect >/dev/null
	measure "$1" "$2" "bare XDP redirect" 1000 in plain-in
	ask "$first" attach strip >/dev/null
	measure "$1" "$2" "bare XDP strip" 100 out out
	for n in $counts; do
		ask "$n" attach encap >/dev/null
		warm in port "$n"
		measure "$1" "$2" "bare XDP encapsulation" "$n" in port
	done
}

xdp() {
	local n kind
	for n in $counts; do
		ask "$n" attach rsip >/dev/null
		warm in port "$n"
		warm out out "$n"
		for kind in port spi cookie; do measure "$1" "$2" "XDP inbound by $kind" "$n" in $kind; done
		measure "$1" "$2" "XDP outbound" "$n" out out
	done
	ask "$n" attach none >/dev/null
	receive_on_core_1
}

# test_run ROUND WHAT GATEWAY N LENGTH
test_run() {
	local ns
	ns=$(ask "$3" run "$2" "$5") || exit 1
	record "$1" 64 "test run: $2" "$4" - "$ns" -
	printf '%5d s  round %d of %d, test run: %-26s %7d     %9d ns a packet\n' $SECONDS "$1" "$rounds" "$2" "$4" "$ns" >&2
}

test_runs() {
	local n what
	test_run "$1" nothing "${counts%% *}" 0 60
	for n in $counts; do
		test_run "$1" encap "$n" "$n" 60
		for what in port spi cookie out; do test_run "$1" $what "$n" "$n" 86; done
	done
}

# All that has its turn in a round, with frames of this length.
turn() {
	local group
	kernel "$1" "$2"
	for group in $groups; do
		case $group in
		relay) relay "$1" "$2" rings; relay "$1" "$2" tun ;;
		masquerade | yardsticks | xdp) $group "$1" "$2" ;;
		esac
	done
}

main() {
	local round length
	printf 'round\tlength\tname\tn\tdirection\tvalue\tcpu_ns\n' >"$results"
	up
	[ -n "$threads" ] || fail "veth has no threaded NAPI here, which needs Linux 5.12"
	echo "bench.sh: gateways of $counts bindings are filled" >&2
	gateways_up
	for ((round = 1; round <= rounds; round++)); do
		for length in $lengths; do
			[ $SECONDS -lt $((minutes * 60)) ] || break 2
			turn $round "$length"
		done
		! wanted test_runs || test_runs $round
	done
	[ $round -gt "$rounds" ] || echo "bench.sh: $minutes minutes are over: no further round (--minutes)" >&2
	python3 "$here/bench_report.py" "$results" "$out" || fail "no report could be made of $results"
	echo "bench.sh: done after $SECONDS s: $out/results.md, results.tsv and the charts performance-*.svg" >&2
}

main
