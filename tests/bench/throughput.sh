#!/bin/bash
# Durable leases a second: rsipd under rsipperf, beside Kea's DHCPv4 server under perfdhcp with its lease file on the same
# disk, and beside what SQLite commits there in transactions of the same size with nothing around it. All three in each of
# several rounds, so that what else the machine and its disk do hits all alike.
#
#    ┌── gw ──────────────────────────────────────────────┐     ┌── kea ───────────┐     ┌── load ──────────┐
#    │ rsipd 10.0.0.1, rsipperf from 10.64.0.0/10 on lo   │     │ eth0 10.255.0.1  ├─────┤ eth0 10.255.0.2  │
#    └────────────────────────────────────────────────────┘     │ kea-dhcp4        │     │ perfdhcp         │
#                                                               └──────────────────┘     └──────────────────┘
#
# throughput.sh [--quick] [--rounds N] [--seconds EACH] [--window N] [--disk DIRECTORY] [--out DIRECTORY]: the lease files
# go below --disk (default /var/tmp), throughput.md and throughput.tsv to --out (default the current directory). Needs root.
# BUILDDIR is a build with optimisation and without sanitizers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
BUILDDIR=${BUILDDIR:-$(pwd)}
P=${BENCH_PREFIX:-rsipbench$$}
rounds=3 seconds=5 hosts=10000 window=256 disk=/var/tmp out=$PWD
while [ $# -gt 0 ]; do
	case $1 in
	--quick) rounds=1 seconds=2 ;;
	--rounds) rounds=$2 && shift ;;
	--seconds) seconds=$2 && shift ;;
	--window) window=$2 && shift ;;
	--disk) disk=$2 && shift ;;
	--out) out=$(cd "$2" && pwd) && shift ;;
	*) echo "usage: throughput.sh [--quick] [--rounds N] [--seconds EACH] [--window N] [--disk DIRECTORY] [--out DIRECTORY]" >&2
		exit 2 ;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || { echo "throughput.sh: must be root, for network namespaces" >&2; exit 1; }
tmp=$(mktemp -d "$disk/rsip-throughput-XXXXXX") || exit 1
chmod 755 "$tmp"
results=$out/throughput.tsv
rsipd_pid= kea_pid=

on() { local node=$1; shift; ip netns exec "$P-$node" "$@"; }

# ended PID: asks it to end, and waits.
ended() {
	[ -n "$1" ] || return 0
	kill "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

down() {
	trap - EXIT
	ended "$rsipd_pid"
	ended "$kea_pid"
	for node in gw kea load; do ip netns del "$P-$node" 2>/dev/null; done
	rm -rf "$tmp"
}

up() {
	local node
	trap down EXIT
	trap 'exit 1' INT TERM
	for node in gw kea load; do
		ip netns add "$P-$node"
		on $node ip link set lo up
	done
	on gw ip link add lan0 type veth peer name wan0
	on gw ip addr add 10.0.0.1/24 dev lan0
	on gw ip addr add 203.0.113.1/24 dev wan0
	on gw ip link set lan0 up
	on gw ip link set wan0 up
	on gw ip route add local 10.64.0.0/10 dev lo
	ip link add eth0 netns "$P-kea" type veth peer name eth0 netns "$P-load"
	for node in "kea 10.255.0.1" "load 10.255.0.2"; do
		set -- $node
		on "$1" ip addr add "$2/24" dev eth0
		on "$1" ip link set eth0 up
	done
}

# until_true SECONDS COMMAND...
until_true() {
	local tries=$((10 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.1
	done
}

# record ROUND WHAT NAME GRANTS EXCHANGES P50-MS P99-MS
record() { printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$results"; }

# --- rsipd ----------------------------------------------------------------------------------------------------------

gateway_conf() {
	cat <<-END
	gateway {
	    private-interface = "lan0"
	    public-interface  = "wan0"
	    listen            = { "10.0.0.1" }
	    data-plane        = "relay"
	    state             = "$tmp/rsip/rsipd.db"
	    control           = "$tmp/run/rsipd.sock"
	}
	pool "shared" {
	    addresses = { "100.64.0.0/22" }
	    methods   = { "rsap-ip", "rsipsec" }
	    ports     = "1024-65535"
	}
	policy "load" {
	    pools        = { "shared" }
	    rate         = 1000000
	    max-bindings = 1000
	    max-ports    = 60000
	}
	host "10.64.0.0/10" { policy = "load" }
	END
}

gateway_up() {
	rm -rf "$tmp/rsip" "$tmp/run"
	mkdir -m 755 "$tmp/rsip" "$tmp/run"
	chown _rsip:_rsip "$tmp/rsip"
	gateway_conf >"$tmp/rsipd.conf"
	ip netns exec "$P-gw" "$BUILDDIR/rsipd/rsipd" -f -c "$tmp/rsipd.conf" >"$tmp/rsipd.log" 2>&1 &
	rsipd_pid=$!
	until_true 10 "$BUILDDIR/rsipctl/rsipctl" -s "$tmp/run/rsipd.sock" status && return 0
	echo "throughput.sh: rsipd does not answer:" >&2
	tail -n 5 "$tmp/rsipd.log" >&2
	return 1
}

# perf_phase ROUND NAME PHASE: a phase of rsipperf's.
perf_phase() { record "$1" rsipd "$2" $(python3 "$here/throughput_report.py" phase "$3" <"$tmp/perf.json"); }

# gateway ROUND NAME PHASE [OPTION...]: rsipd with an empty database, and one run of rsipperf's.
gateway() {
	local round=$1 name=$2 phase=$3
	shift 3
	gateway_up || return 1
	on gw "$BUILDDIR/rsipperf/rsipperf" -q -j -f 10.64.0.1 -w "$window" -b 10 --keep "$@" 10.0.0.1 >"$tmp/perf.json"
	perf_phase "$round" "$name" "$phase"
	ended "$rsipd_pid"
	rsipd_pid=
}

# --- Kea ------------------------------------------------------------------------------------------------------------

have_kea() { command -v kea-dhcp4 >/dev/null && command -v perfdhcp >/dev/null; }

kea_conf() {
	cat <<-END
	{ "Dhcp4": {
	    "interfaces-config": { "interfaces": [ "eth0" ], "dhcp-socket-type": "udp" },
	    "lease-database": { "type": "memfile", "persist": true, "name": "$tmp/kea/leases.csv", "lfc-interval": 0 },
	    "valid-lifetime": 3600,
	    "multi-threading": { "enable-multi-threading": $1, "thread-pool-size": 2, "packet-queue-size": 64 },
	    "subnet4": [ { "subnet": "10.0.0.0/8", "pools": [ { "pool": "10.0.0.1 - 10.63.255.254" } ], "id": 1,
	        "relay": { "ip-addresses": [ "10.255.0.2" ] } } ],
	    "loggers": [ { "name": "kea-dhcp4", "severity": "WARN", "output_options": [ { "output": "stderr" } ] } ]
	} }
	END
}

kea_listens() { [ -n "$(on kea ss -Hlun 'sport = :67')" ]; }

# kea ROUND NAME MULTI-THREADED: perfdhcp asks as fast as the answers keep coming: of several rates the one that is
# answered most often.
kea() {
	local best=0 row= rate
	rm -rf "$tmp/kea"
	mkdir -p "$tmp/kea"
	kea_conf "$3" >"$tmp/kea.conf"
	KEA_PIDFILE_DIR=$tmp KEA_LOCKFILE_DIR=$tmp ip netns exec "$P-kea" kea-dhcp4 -c "$tmp/kea.conf" >"$tmp/kea.log" 2>&1 &
	kea_pid=$!
	until_true 10 kea_listens || {
		echo "throughput.sh: Kea does not answer:" >&2
		tail -n 5 "$tmp/kea.log" >&2
		return 1
	}
	for rate in 3000 5000 7000 9000 12000; do
		on load perfdhcp -4 -l eth0 -r $rate -R 1000000 -p "$seconds" -u 10.255.0.1 >"$tmp/perfdhcp" 2>&1
		set -- "$1" "$2" "$3" $(kea_figures)
		if awk -v a="$4" -v b="$best" 'BEGIN { exit !(a > b) }'; then best=$4 row="$4 $5 $6 $7"; fi
	done
	record "$1" Kea "$2" $row
	ended "$kea_pid"
	kea_pid=
}

# Leases and exchanges (a lease takes two) that were answered a second, and the delay of the granting exchange.
kea_figures() {
	awk -v seconds="$seconds" '/DISCOVER-OFFER/ { at = 1 } /REQUEST-ACK/ { at = 2 }
		/received packets:/ { n[at] = $3 } /avg delay:/ { if (at == 2) avg = $3 }
		END { print n[2] / seconds, (n[1] + n[2]) / seconds, avg, "-" }' "$tmp/perfdhcp"
}

# --- SQLite ---------------------------------------------------------------------------------------------------------

# sqlite ROUND KIND BATCH NAME
sqlite() {
	rm -rf "$tmp/sqlite"
	mkdir -p "$tmp/sqlite"
	record "$1" SQLite "$4" $("$BUILDDIR/tests/bench/bench_store" "$2" "$tmp/sqlite/leases.db" "$3" "$seconds")
}

up
: >"$results"
for round in $(seq "$rounds"); do
	gateway "$round" "rsipd, UDP, grants" fill -n "$hosts" --fill -d 0 || exit 1
	gateway "$round" "rsipd, TCP, grants" fill -n "$hosts" --fill -d 0 -t || exit 1
	# Nothing is repeated over TCP, so more may be under way.
	gateway "$round" "rsipd, TCP, grants, ten at once by a host, $((2 * window)) under way" fill -n "$hosts" --fill -d 0 -t \
		--at-once 10 -w $((2 * window)) || exit 1
	gateway "$round" "rsipd, UDP, grants, extensions, frees" mix -n "$hosts" -d "$seconds" || exit 1
	if have_kea; then
		kea "$round" "Kea, one thread" false
		kea "$round" "Kea, two threads" true
	else
		[ "$round" -gt 1 ] || echo "throughput.sh: without Kea: kea-dhcp4-server and kea-admin are not installed" >&2
	fi
	for batch in $((window / 2)) "$window"; do
		sqlite "$round" lease "$batch" "SQLite, the rows of a lease, $batch at a time"
	done
	sqlite "$round" row $((window / 2)) "SQLite, one row, $((window / 2)) at a time"
done
python3 "$here/throughput_report.py" table "$results" | tee "$out/throughput.md"
