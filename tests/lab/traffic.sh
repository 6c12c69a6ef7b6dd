# The traffic that any way of sharing an address has to carry, one function for each thing that people do. Each prints
# why when it fails. The same list runs through RSIP and through NAT; what the two need before it differs, this does not.
#
# Set before: PUBLIC, the address that the peer sees; PORT_x1 and PORT_x2, a port that the host may use as its own.
# LISTEN_x1: the port at which x1 serves.

. "$(dirname "${BASH_SOURCE[0]}")/captures.sh"

PEER=203.0.113.200

# Services of the peer y: web pages, who-am-I over TCP and UDP, FTP that calls back.
peer_up() {
	local dir=$LAB_TMP/www
	mkdir -p "$dir"
	head -c 33554432 /dev/urandom >"$dir/big"
	head -c 262144 /dev/urandom >"$dir/small"
	chmod 755 "$LAB_TMP" "$dir"
	cat >"$LAB_TMP/nginx.conf" <<-END
		daemon off; pid $LAB_TMP/nginx.pid; error_log $LAB_TMP/nginx.log;
		events {}
		http { access_log off; sendfile off; server { listen $PEER:80; root $dir; } }
	END
	background y nginx -c "$LAB_TMP/nginx.conf" -e "$LAB_TMP/nginx.log"
	# shellcheck disable=SC2016 # socat's shell expands them
	background y socat "TCP-LISTEN:7001,bind=$PEER,reuseaddr,fork" 'SYSTEM:read line; echo $SOCAT_PEERADDR $SOCAT_PEERPORT'
	# shellcheck disable=SC2016
	background y socat "UDP-RECVFROM:7001,bind=$PEER,fork" 'SYSTEM:read line; echo $SOCAT_PEERADDR $SOCAT_PEERPORT'
	background y python3 -B "$here/ftp_server.py" "$PEER" "$dir/small"
	wait_for 5 on y socat -u OPEN:/dev/null "TCP:$PEER:80" && wait_for 5 on y socat -u OPEN:/dev/null "TCP:$PEER:21" &&
		wait_for 5 on y socat -u OPEN:/dev/null "TCP:$PEER:7001"
}

fetch() {
	local want got
	want=$(sha256sum <"$LAB_TMP/www/$2")
	got=$(on "$1" curl -sS -m 30 "http://$PEER/$2" | sha256sum)
	[ "$want" = "$got" ] || { echo "$1: the download of $2 differs or failed"; return 1; }
}

try_web() { both fetch small; }

try_download() { both fetch big; }

# iperf HOST ARG...: two seconds with a server of its own, as one that has just served may be busy yet; fails when nothing
# arrived.
iperf() {
	local host=$1 port=520${1#x} server status
	shift
	ip netns exec "$LAB-y" timeout 60 iperf3 -s -1 -B "$PEER" -p "$port" >>"$LAB_TMP/services.log" 2>&1 </dev/null & server=$!
	wait_for 5 on y sh -c "ss -Hltn sport = :$port | grep -q ."
	on "$host" timeout 30 iperf3 -J -c "$PEER" -p "$port" -t 2 --connect-timeout 8000 "$@" >"$LAB_TMP/iperf-$host.json"
	status=$?
	[ $status = 0 ] || kill $server # it serves one that comes
	wait $server 2>/dev/null
	[ $status = 0 ] || { echo "$host: iperf3 $*: $(jq -r '.error // empty' "$LAB_TMP/iperf-$host.json")"; return 1; }
	jq -r --arg what "$host iperf3 $*" '(.end.sum_received // .end.sum) as $r |
		"\($what): \($r.bits_per_second / 1e6 | floor) Mbit/s, \($r.lost_percent // 0 | floor) % lost"' \
		"$LAB_TMP/iperf-$host.json"
	jq -e '(.end.sum_received // .end.sum) | .bytes > 100000 and (.lost_percent // 0) < 20' "$LAB_TMP/iperf-$host.json" \
		>/dev/null
}

try_tcp_up() { both iperf; }
try_tcp_down() { both iperf -R; }
try_udp_up() { both iperf -u -b 20M -l 1200; }
try_udp_down() { both iperf -u -b 20M -l 1200 -R; }

pings() { on "$1" ping -q -c 5 -i 0.2 -W 3 "$PEER" >/dev/null || { echo "$1: no echo replies"; return 1; }; }

try_ping() { both pings; }

# The first hop is the gateway, the second the peer. Kernels limit the ICMP errors that they send to one address, and behind
# NAT both hosts have one: what is missing is asked for again.
hops() { hops_once "$1" >/dev/null || { sleep 2; hops_once "$1"; }; }
hops_once() {
	local out
	out=$(on "$1" traceroute -n -q 1 -w 3 -m 4 "$PEER" 2>&1)
	[ "$(awk 'NR > 1 { last = $1; at = $2 } END { print last, at }' <<<"$out")" = "2 $PEER" ] &&
		awk '$1 == 1 && $2 == "*" { exit 1 }' <<<"$out" || { echo "$1: traceroute says: $out"; return 1; }
}

try_traceroute() { both hops; }

# A UDP answer has no end but its length.
answer_of() { [ "$1" = TCP ] || echo ",readbytes=$((${#2} + 1))"; }

# seen HOST TCP|UDP PORT: what the peer sees of the host that sends from the address and port that it calls its own.
seen() {
	local got
	got=$(echo hello | on "$1" timeout 6 socat -t 5 - "$2:$PEER:7001,sourceport=$3,reuseaddr$(answer_of "$2" "$PUBLIC $3")" 2>&1)
	[ "$got" = "$PUBLIC $3" ] || { echo "$1 sent from port $3; the peer saw '$got'"; return 1; }
}

# Each host sends from the port that is its own by its lease; without leases both may well choose the same.
try_own_port() { seen x1 UDP "$PORT_x1" && seen x2 UDP "$PORT_x2" && seen x1 TCP "$PORT_x1" && seen x2 TCP "$PORT_x2"; }

try_own_address() {
	local have
	have=$(on x1 ip -o route get "$PEER" | sed -n 's/.* src \([0-9.]*\).*/\1/p')
	[ "$have" = "$PUBLIC" ] || { echo "x1 believes to be $have; its peer sees $PUBLIC"; return 1; }
}

# A server on x1 that answers whoever connects, over TCP and UDP.
server_up() {
	background x1 socat "TCP-LISTEN:$LISTEN_x1,reuseaddr,fork" 'SYSTEM:read line; echo x1 serves'
	background x1 socat "UDP-RECVFROM:$LISTEN_x1,fork" 'SYSTEM:read line; echo x1 serves'
	wait_for 5 on x1 sh -c "ss -Hltn sport = :$LISTEN_x1 | grep -q . && ss -Hlun sport = :$LISTEN_x1 | grep -q ."
}

visit() { # NODE TCP|UDP
	local got
	got=$(echo hello | on "$1" timeout 6 socat -t 5 - "$2:$PUBLIC:$LISTEN_x1$(answer_of "$2" "x1 serves")$([ "$2" = UDP ] || echo ,connect-timeout=4)" 2>&1)
	got=${got##* E } # what socat says before "E" is about itself
	[ "$got" = "x1 serves" ] || { echo "$1 over $2 to $PUBLIC port $LISTEN_x1: ${got:-no answer}"; return 1; }
}

try_server() { visit y TCP && visit y UDP; }

try_hairpin() { visit x2 TCP && visit x2 UDP; }

try_ftp_active() {
	local want got
	want=$(sha256sum <"$LAB_TMP/www/small")
	got=$(on x1 curl -sS -m 10 -P - "ftp://$PEER/file" 2>&1 | sha256sum)
	[ "$want" = "$got" ] || { echo "the server could not call back at the address that the client gave it"; return 1; }
}

# try_unmodified DEVICE-OF-THE-HOSTS: pages, pings and datagrams of both hosts, captured at both ends. Each packet that
# arrived must be one that was sent; TTL and header checksum aside.
try_unmodified() {
	local node pids=() pid
	for node in x1:$1 x2:$1 y:eth0; do
		: >"$LAB_TMP/tcpdump-${node%:*}.log" # one before has said that it listens
		ip netns exec "$LAB-${node%:*}" tcpdump -i "${node#*:}" -s 0 -U -w "$LAB_TMP/${node%:*}.pcap" -B 8192 ip \
			2>"$LAB_TMP/tcpdump-${node%:*}.log" &
		pids+=($!)
	done
	for node in x1 x2 y; do wait_for 5 grep -q listening "$LAB_TMP/tcpdump-$node.log"; done
	both fetch small
	both pings
	seen x1 UDP "$PORT_x1" >/dev/null
	seen x2 UDP "$PORT_x2" >/dev/null
	[ -z "${LISTEN_x1-}" ] || visit y TCP >/dev/null
	if [ "$1" = rsip0 ]; then # where the host's own packets can be made by hand: in its tunnel device
		python3 "$here/inject.py" odd "$LAB" x1 rsip0 "$PUBLIC" "$PORT_x1" "$PEER"
		python3 "$here/inject.py" odd "$LAB" x2 rsip0 "$PUBLIC" "$PORT_x2" "$PEER"
	fi
	mark "$PEER" "$LAB_TMP/y.pcap" x1 "$LAB_TMP/x1.pcap" x2 "$LAB_TMP/x2.pcap" || echo "the captures have not got all"
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done
	python3 -B "$here/pcap_compare.py" "$PUBLIC" "$LAB_TMP/y.pcap" "$LAB_TMP/x1.pcap" "$LAB_TMP/x2.pcap"
}
