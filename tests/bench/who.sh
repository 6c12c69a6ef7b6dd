#!/bin/bash
# How long rsipctl who takes with a long history: makes a database of so many leases that have ended, on 256 addresses over a year,
# starts rsipd with it in a network namespace and asks for ports at random times. Needs root and sqlite3.
#
# who.sh [ROWS] [DIRECTORY]: 10000000 rows by default, which takes a minute or two and 1.5 GB below the directory, default /var/tmp.
set -u
rows=${1:-10000000} disk=${2:-/var/tmp}
BUILDDIR=${BUILDDIR:-$(pwd)}
P=${BENCH_PREFIX:-rsipwho$$}
questions=200
[ "$(id -u)" = 0 ] || { echo "who.sh: must be root, for network namespaces" >&2; exit 1; }
command -v sqlite3 >/dev/null || { echo "who.sh: needs sqlite3, to fill the history" >&2; exit 1; }
tmp=$(mktemp -d "$disk/rsip-who-XXXXXX") || exit 1
chmod 755 "$tmp"
rsipd_pid=

down() {
	trap - EXIT
	gateway_down
	ip netns del "$P" 2>/dev/null
	rm -rf "$tmp"
}

gateway_down() {
	[ -z "$rsipd_pid" ] || { kill "$rsipd_pid"; wait "$rsipd_pid"; } 2>/dev/null
	rsipd_pid=
}

rsipctl() { "$BUILDDIR/rsipctl/rsipctl" -s "$tmp/run/rsipd.sock" "$@"; }

gateway_up() {
	local i
	ip netns exec "$P" "$BUILDDIR/rsipd/rsipd" -f -c "$tmp/rsipd.conf" >>"$tmp/rsipd.log" 2>&1 &
	rsipd_pid=$!
	for i in $(seq 600); do
		rsipctl status >/dev/null 2>&1 && return 0
		kill -0 $rsipd_pid 2>/dev/null || break
		sleep 0.1
	done
	tail -n 5 "$tmp/rsipd.log" >&2
	return 1
}

trap down EXIT
ip netns add "$P" || exit 1
ip -n "$P" link set lo up
ip -n "$P" link add lan0 type veth peer name wan0
ip -n "$P" addr add 10.0.0.1/24 dev lan0
ip -n "$P" addr add 203.0.113.1/24 dev wan0
ip -n "$P" link set lan0 up
ip -n "$P" link set wan0 up
mkdir -m 755 "$tmp/state" "$tmp/run"
chown _rsip:_rsip "$tmp/state"
cat >"$tmp/rsipd.conf" <<-END
	gateway {
	    private-interface = "lan0"
	    public-interface  = "wan0"
	    listen            = { "10.0.0.1" }
	    data-plane        = "relay"
	    state             = "$tmp/state/rsipd.db"
	    control           = "$tmp/run/rsipd.sock"
	}
	pool "shared" { addresses = { "100.64.0.0/24" }  methods = { "rsap-ip" } }
	policy "p" { pools = { "shared" } }
	host "10.0.0.0/8" { policy = "p" }
END
gateway_up || exit 1
gateway_down

# Each lease is an hour of 8 ports; leases of an address and port follow each other.
now=$(date +%s)
sqlite3 "$tmp/state/rsipd.db" >/dev/null <<-END
	PRAGMA synchronous = OFF;
	DROP INDEX history_of_tuple;
	WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $rows)
	INSERT INTO history (bind_id, client_id, host, name, method, local, kind, first, last, granted, extensions, ended, how)
	SELECT i + 1, i % 65521 + 1, '10.' || (i / 65536 % 256) || '.' || (i / 256 % 256) || '.' || (i % 256), NULL, 'rsap-ip',
	       '100.64.0.' || (i % 256), 'port', 1024 + i / 256 % 8064 * 8, 1031 + i / 256 % 8064 * 8,
	       $now - 31536000 + 3600 * (i / 2064384), 1, $now - 31536000 + 3600 * (i / 2064384 + 1), 'freed'
	FROM n;
	CREATE INDEX history_of_tuple ON history (local, kind, first, granted);
	UPDATE latest SET bind_id = $rows;
END
chown -R _rsip:_rsip "$tmp/state"
gateway_up || exit 1
span=$((rows / 2064384 + 1))
for i in $(seq $questions); do
	address=100.64.0.$((RANDOM % 256)) port=$((1024 + RANDOM % 16000)) at=$((now - 31536000 + RANDOM * 32768 % (3600 * span)))
	begun=$EPOCHREALTIME
	rsipctl who "$address" "$port" --at "@$at" >>"$tmp/answers"
	ended=$EPOCHREALTIME
	echo $(((${ended/./} - ${begun/./}))) >>"$tmp/times"
done
sort -n "$tmp/times" | awk -v rows="$rows" -v answered="$(grep -c '^10\.' "$tmp/answers")" '{ t[NR] = $1 / 1000 } END {
	printf "%d rows, %d questions, %d answers: p50 %.1f ms, p99 %.1f ms, max %.1f ms, rsipctl included\n", rows, NR, answered,
		t[int((NR + 1) / 2)], t[int(NR * 0.99)], t[NR] }'
