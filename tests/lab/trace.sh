#!/bin/bash
# rsipctl trace and replay: the real rsipd and two rsipc on one address, a packet of each kind and real downloads; every
# line is looked at. Needs root; BUILDDIR is where the programs were built. See topology.sh for the picture.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/traffic.sh"
. "$here/native_parts.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

# trace NAME ARG...: in the background, its lines in $LAB_TMP/NAME.out; returns when it captures.
trace() {
	local name=$1
	shift
	: >"$LAB_TMP/$name.err"
	nsenter -t "$(box_pid n)" -m -n -r -w -- "$BUILDDIR/rsipctl/rsipctl" -s /run/rsip/rsipd.sock trace "$@" \
		>"$LAB_TMP/$name.out" 2>"$LAB_TMP/$name.err" </dev/null &
	eval "${name}_pid=$!"
	wait_for 10 sandboxed "$!" || { cat "$LAB_TMP/$name.err"; return 1; }
}

# It captures as soon as it has given up root.
sandboxed() { grep -q "^Uid:.$(id -u _rsip)" "/proc/$1/status"; }

# trace_end NAME: ^C, and its exit status.
trace_end() {
	local name=${1}_pid
	kill -INT "${!name}"
	wait "${!name}"
}

# line NAME FILTER: whether a JSON line of that trace passes the jq filter.
line() { jq -es "map(select($2)) | length > 0" "$LAB_TMP/$1.out" >/dev/null; }

# says WHAT FILTER: the first trace and the replay of its file both say so.
says() {
	check "trace: $1" line all "$2"
	check "replay: $1" line replay "$2"
}

one_of_each() {
	says "a host's packet goes out, with its binding" \
		".seen == \"from-host\" and .src_port == $port and .fate == \"public\" and .bind_id == $apps and
		.host == \"10.0.0.11\" and .tunnel == \"ip-ip\" and (.why | test(\"leases port $port\"))"
	says "and is seen again on the public side" \
		".seen == \"to-public\" and .src_port == $port and .fate == \"sent\" and .bind_id == $apps"
	says "a peer's packet goes to its host" \
		".seen == \"from-public\" and .dst_port == $port and .fate == \"host\" and .bind_id == $apps"
	says "and is seen again in the tunnel" \
		".seen == \"to-host\" and .dst_port == $port and .outer_dst == \"10.0.0.11\" and .bind_id == $apps"
	says "another host's port is a drop that names both" \
		".src_port == $theirs and .reason == \"local_port_unallowed\" and (.why | test(\"10.0.0.12 does, with binding $other\"))"
	says "an address that the host has not leased" '.src == "198.51.100.99" and .reason == "local_addr_unallowed"'
	says "a port that nobody leases" '.dst_port == 999 and .reason == "no_lease"'
	says "ESP from the host" ".seen == \"from-host\" and .spi == \"0x5e5e5e5e\" and .bind_id == $vpn"
	says "ESP to a leased SPI" ".seen == \"from-public\" and .spi == \"$spi\" and .fate == \"host\" and .bind_id == $vpn"
	says "ESP to an SPI that nobody leases" '.spi == "0x00000077" and .reason == "no_lease"'
	says "IKE with a cookie of a leased block" ".seen == \"from-public\" and .initiator_cookie == \"$cookie\" and
		.bind_id == $vpn and (.why | test(\"leases the block\"))"
	says "IKE with a cookie that the host has claimed" ".seen == \"from-public\" and .initiator_cookie == \"$news\" and
		.bind_id == $vpn and (.why | test(\"has claimed\"))"
	says "IKE with a cookie that nobody holds" '.initiator_cookie == "0x0000000000009999" and .reason == "unknown_cookie"'
	says "an answer to the host's ping" '.seen == "from-public" and .icmp_id == 4711 and .host == "10.0.0.11"'
	says "a ping to the shared address is the gateway's" '.icmp_id == 4712 and .fate == "answered"'
	says "an ICMP error by the UDP packet that it is about" ".src == \"192.0.2.33\" and .bind_id == $apps and .fate == \"host\""
	says "an ICMP error by the ESP packet that it is about" ".src == \"192.0.2.33\" and .bind_id == $vpn and .fate == \"host\""
	says "a protocol that cannot be shared" '.protocol == "89" and .reason == "protocol"'
	says "a later fragment from the host" '.seen == "from-host" and .ip_id == 77 and .fragment_offset > 0 and .fate == "public"'
	says "a later fragment to the host" '.seen == "from-public" and .ip_id == 78 and .fragment_offset > 0 and .host == "10.0.0.11"'
}

# What the trace has said of packets that came must be what the relay has counted.
agrees() {
	local reason want
	for reason in no_lease unknown_cookie local_port_unallowed local_addr_unallowed protocol; do
		want=$(dropped "$reason")
		check "trace: counts of $reason are the relay's" \
			test "$(jq -s "map(select(.reason == \"$reason\")) | length" "$LAB_TMP/all.out")" = "$want"
	done
}

told() { [ "$(wc -l <"$LAB_TMP/$1.out")" -ge "$2" ]; }

follows_leases() {
	trace follow -j --host=10.0.0.11 --dropped || { fail "trace: starts once more"; return; }
	gateway_ctl free "$apps" >/dev/null
	wait_for 5 refused bindings_has "$apps"
	python3 "$here/inject.py" port "$LAB-x1" rsip0 "$public" "$PEER"
	check "trace: says what changes while it runs" wait_for 5 line follow '.reason == "local_port_unallowed"'
	check_here "trace: the second one ends by ^C" trace_end follow
}
bindings_has() { bindings 'map(.bind_id)[]' | grep -qx "$1"; }

filters() {
	local text
	trace text -c 4 --host=10.0.0.12 --port=80 || { fail "trace: starts as text"; return; }
	on x1 curl -sS -m 10 -o /dev/null "http://$PEER/small" && on x2 curl -sS -m 10 -o /dev/null "http://$PEER/small"
	check "trace: -c ends it, a line at a time through a pipe" wait_for 10 refused kill -0 "$text_pid"
	wait "$text_pid"
	text=$(cat "$LAB_TMP/text.out")
	check "trace: as many lines as -c says" test "$(wc -l <<<"$text")" = 4
	check "trace: a filter by host and port shows nothing else" test "$(grep -c "10.0.0.12" <<<"$text")" = 4
	check "trace: a line for people" grep -qE \
		"lan0 from 10.0.0.12: ip-ip tcp $public:[0-9]+ > $PEER:80 [0-9]+ bytes: goes out: binding [0-9]+ of 10.0.0.12 leases port" \
		<<<"$text"
	for filter in --spi="$spi" --cookie="$cookie" --peer=192.0.2.33 --port="$port" --address=192.0.2.1 --dropped; do
		in_box n "$BUILDDIR/rsipctl/rsipctl" -j replay --leases="$LAB_TMP/saved" "$filter" "$LAB_TMP/all.pcap" >"$LAB_TMP/filtered.out"
		case $filter in
		--spi*) check "replay: --spi" jq -es "length >= 2 and all(.spi == \"$spi\" or .protocol == \"icmp\")" "$LAB_TMP/filtered.out" ;;
		--cookie*) check "replay: --cookie" jq -es "length >= 4 and all(.initiator_cookie == \"$cookie\" or .protocol == \"icmp\")" "$LAB_TMP/filtered.out" ;;
		--peer*) check "replay: --peer" jq -es "length >= 2 and all(.src == \"192.0.2.33\")" "$LAB_TMP/filtered.out" ;;
		--port*) check "replay: --port, ICMP errors about it among them" jq -es \
			"any(.protocol == \"icmp\") and all(.protocol == \"icmp\" or .src_port == $port or .dst_port == $port)" "$LAB_TMP/filtered.out" ;;
		--address*) check "replay: --address of none" test ! -s "$LAB_TMP/filtered.out" ;;
		--dropped) check "replay: --dropped" jq -es 'length >= 6 and all(.fate == "dropped")' "$LAB_TMP/filtered.out" ;;
		esac
	done
}

# shellcheck disable=SC1091
main() {
	on n ip neigh add 203.0.113.201 lladdr "$(on y cat /sys/class/net/eth0/address)" dev wan0 nud permanent
	gateway_conf 203.0.113.9 1024-65535
	cp "$LAB_TMP/rsipd.conf" "$LAB_TMP/rings.conf"
	sed -i 's/data-plane  .*/&\n    relay-io = "tun"/' "$LAB_TMP/rsipd.conf" # what is sent on is seen, too
	host_conf x1 tcp 8080 ip-ip
	host_conf x2 udp 8081 ip-ip
	box n x1 x2 && peer_up || { fail "the peer's services start"; return; }
	gateway_start "$LAB_TMP/rsipd.conf" || { fail "rsipd starts" "$(tail -n 1 "$LAB_TMP/rsipd.log")"; return; }
	hosts_up trace || return
	check_here "trace: starts" trace all -j -w "$LAB_TMP/all.pcap" || return
	check "trace: has given up root and is sandboxed" grep -q '^Seccomp:.2' "/proc/$all_pid/status"
	python3 "$here/trace_packets.py" "$LAB" 203.0.113.201 "$(gateway_ctl -j bindings)" >"$LAB_TMP/values" ||
		{ fail "packets of each kind are sent"; return; }
	. "$LAB_TMP/values"
	wait_for 10 line all '.seen == "to-host" and .ip_id == 78 and .fragment_offset > 0'
	check "trace: lines come as packets do" told all 30
	agrees
	both fetch small
	check_here "trace: ends by ^C with status 0" trace_end all
	check "trace: nothing was lost, and it says so" grep -qE 'rsipctl: [0-9]+ packets told of, 0 lost' "$LAB_TMP/all.err"
	check "trace: each line names a lease, the gateway, or a reason" jq -es \
		'all(.bind_id != null or .reason != null or .fate == "answered" or (.fate == "sent" and .why != ""))' "$LAB_TMP/all.out"
	check "trace: tshark reads the file, as many packets as there are lines" \
		test "$(tshark -n -r "$LAB_TMP/all.pcap" -T fields -e frame.number 2>/dev/null | wc -l)" = "$(wc -l <"$LAB_TMP/all.out")"
	check "trace: tshark sees both sides in it" \
		test "$(tshark -n -r "$LAB_TMP/all.pcap" -Y "udp.srcport == $port && !icmp" -T fields -e ip.src 2>/dev/null |
			sort -u | tr '\n' ' ')" = "10.0.0.11,$public $public "
	check "leases: are saved" gateway_ctl leases
	gateway_ctl leases >"$LAB_TMP/saved"
	gateway_ctl -j replay "$LAB_TMP/all.pcap" >"$LAB_TMP/replay.out" || fail "replay: runs against the live table"
	one_of_each
	check "replay: says of every packet what the trace said" diff \
		<(jq -c 'del(.interface, .claims)' "$LAB_TMP/all.out") <(jq -c 'del(.interface)' "$LAB_TMP/replay.out")
	filters
	follows_leases
	host_stop x1
	host_stop x2
	gateway_stop
	in_box n "$BUILDDIR/rsipctl/rsipctl" -j replay --leases="$LAB_TMP/saved" "$LAB_TMP/all.pcap" >"$LAB_TMP/offline.out"
	check "replay: says the same against the saved table, without a gateway" cmp "$LAB_TMP/replay.out" "$LAB_TMP/offline.out"
	jq '.bindings' "$LAB_TMP/saved" >"$LAB_TMP/bindings"
	in_box n "$BUILDDIR/rsipctl/rsipctl" -j replay --leases="$LAB_TMP/bindings" "$LAB_TMP/all.pcap" >"$LAB_TMP/bindings.out"
	check "replay: a table of bindings alone will do" \
		diff <(jq -c '[.fate, .bind_id]' "$LAB_TMP/replay.out") <(jq -c '[.fate, .bind_id]' "$LAB_TMP/bindings.out")
	echo '{"data_plane":{},"bindings":[]}' >"$LAB_TMP/bad"
	refute "replay: a bad table is refused" "$BUILDDIR/rsipctl/rsipctl" replay --leases="$LAB_TMP/bad" "$LAB_TMP/all.pcap"
	refute "trace: without a gateway there is none" in_box n "$BUILDDIR/rsipctl/rsipctl" -s /run/rsip/rsipd.sock trace
}

# Where the relay takes packets past the kernel, it is at least said whose they are when they come.
past_the_kernel() {
	gateway_start "$LAB_TMP/rings.conf" || { fail "rings: rsipd starts" "$(tail -n 1 "$LAB_TMP/rsipd.log")"; return; }
	host_start x1 "$LAB_TMP/x1.conf"
	wait_for 15 leases 3 && wait_for 5 on x1 ip link show rsip0 || { fail "rings: x1 gets its leases"; return; }
	check_here "rings: trace starts" trace rings -j --host=10.0.0.11 || return
	check "rings: a page is fetched" fetch x1 small
	check "rings: what the host sends is named" wait_for 5 line rings '.seen == "from-host" and .dst_port == 80 and .bind_id != null'
	check "rings: what the peer sends is named" wait_for 5 line rings '.seen == "from-public" and .src_port == 80 and .fate == "host"'
	check_here "rings: the trace ends" trace_end rings
	check "rings: it says what it cannot see" grep -q 'relay-io is auto' "$LAB_TMP/rings.err"
	host_stop x1
	gateway_stop
}

lab_up
trap daemons_down EXIT
main
past_the_kernel
verdict_exit
