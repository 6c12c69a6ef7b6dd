#!/bin/bash
# The user-space ESP of rsipc with itself, in namespaces: kills and restarts, replayed packets, paths that narrow,
# faults.
#
#        a: rsipc                             b: rsipc
#        inner 10.1.0.1, fd00:1::1            inner 10.2.0.1, fd00:2::1
#        eth0 192.0.2.1 ──────────────────── eth0 192.0.2.2
#
#   esp_native.sh     PASS and FAIL lines
#
# Needs root, and the programs in $BUILDDIR (a build of this project; build/release when not set). Packages: iproute2
# iputils-ping tcpdump tshark iperf3 python3 jq. Logs of a run that failed stay in $BUILDDIR/esp-native-lab.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
LAB=espnat$$
LAB_TMP=$(mktemp -d)
. "$here/topology.sh"
declare -A PEER=([a]=192.0.2.2 [b]=192.0.2.1) RUN=()

[ "$(id -u)" = 0 ] || { fail "user-space ESP" "needs root"; verdict_exit; }
[ -x "$BUILDDIR/rsipc/rsipc" ] || { fail "user-space ESP" "$BUILDDIR is not a finished build"; verdict_exit; }

finish() {
	[ ${#RUN[@]} = 0 ] || kill "${RUN[@]}" 2>/dev/null
	[ $verdict_failed = 0 ] || { rm -rf "$BUILDDIR/esp-native-lab" && cp -r "$LAB_TMP" "$BUILDDIR/esp-native-lab"; }
	ip netns del "$LAB-a"
	ip netns del "$LAB-b"
	rm -rf "$LAB_TMP"
}

# conf NODE ENCAPSULATION: a is 1, b is 2 of everything.
conf() {
	local me=1 peer=2
	[ "$1" = a ] || me=2 peer=1
	(umask 077 && printf 't in 0x%064d0a0b0c0d\nt out 0x%064d0a0b0c0d\n' $me $peer >"$LAB_TMP/$1.keys")
	cat >"$LAB_TMP/$1.conf" <<-END
		state = "$LAB_TMP/$1.db"
		control = "$LAB_TMP/$1.sock"
		adoption { }
		esp {
		    keys = "$LAB_TMP/$1.keys"
		    state = "$LAB_TMP/$1.state"
		    addresses = { "10.$me.0.1/32", "fd00:$me::1/128" }
		}
		sa "t" {
		    remote = "${PEER[$1]}"
		    encapsulation = "$2"
		    spi-in = 0x100$me
		    spi-out = 0x100$peer
		    local-networks = { "10.$me.0.0/24", "fd00:$me::/64" }
		    remote-networks = { "10.$peer.0.0/24", "fd00:$peer::/64" }
		}
	END
}

ctl() { "$BUILDDIR/rsipctl/rsipctl" -s "$LAB_TMP/$1.sock" "${@:2}"; }
value() { ctl "$1" -j sas | jq -r ".[0].$2"; }

run() {
	ip netns exec "$LAB-$1" "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/$1.conf" >>"$LAB_TMP/$1.log" 2>&1 &
	RUN[$1]=$!
	wait_for 10 ctl "$1" sas || { tail -n 5 "$LAB_TMP/$1.log"; return 1; }
}

# end NODE [SIGNAL]
end() {
	kill "-${2:-TERM}" "${RUN[$1]}"
	wait "${RUN[$1]}" 2>/dev/null
	unset "RUN[$1]"
	return 0
}

both_run() { run a && run b; }
both_end() { end a "${1-}" && end b "${1-}"; }
echoes() { on a ping -n -q -i 0.05 -c "${2:-5}" -W 5 "$1" >/dev/null; }
passes() { wait_for 10 echoes 10.2.0.1 1 && echoes 10.2.0.1 && echoes fd00:2::1; }

capture_start() {
	: >"$LAB_TMP/tcpdump"
	ip netns exec "$LAB-b" tcpdump -q -U --immediate-mode -i eth0 -w "$LAB_TMP/$1.pcap" \
		'udp port 4500 or esp' 2>"$LAB_TMP/tcpdump" &
	capture=$!
	wait_for 5 grep -q listening "$LAB_TMP/tcpdump"
}
# capture_stop NAME: when what `passes` sends at the least, and its answers, are in the file.
capture_stop() {
	wait_for 5 captured "$1" 22
	kill $capture
	wait $capture 2>/dev/null
}

captured() { [ "$(tcpdump -nr "$LAB_TMP/$1.pcap" 2>/dev/null | wc -l)" -ge "$2" ]; }

# numbers FILE: SPI and sequence number of every packet, as the header has them.
numbers() { tshark -r "$1" -Y esp -T fields -e esp.spi -e esp.sequence 2>/dev/null; }

# unique FILE...: many packets, and no number twice, whatever happened between the files.
unique() {
	local file all twice
	all=$(for file in "$@"; do numbers "$file"; done)
	[ "$(wc -l <<<"$all")" -ge 30 ] || { echo "too few packets"; return 1; }
	twice=$(sort <<<"$all" | uniq -d)
	[ -z "$twice" ] || { echo "used twice: $twice"; return 1; }
}

stream() {
	on b timeout 60 iperf3 -s -1 >"$LAB_TMP/server" 2>&1 &
	wait_for 5 on b sh -c 'ss -Hltn sport = 5201 | grep -q .' &&
		on a timeout 60 iperf3 -c "$1" -n 20M --bidir >"$LAB_TMP/client" 2>&1 || { cat "$LAB_TMP/client"; return 1; }
	wait $! # the next one listens at the same port
}

# replay FILE: every packet of a's again, from a port of its own.
replay() {
	on a python3 - "$1" <<-'END'
		import socket, struct, sys
		data, at, sock = open(sys.argv[1], "rb").read(), 24, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		while at < len(data):
		    length, = struct.unpack("<I", data[at + 8:at + 12])
		    packet, at = data[at + 16 + 14:at + 16 + length], at + 16 + length
		    if packet[12:16] == socket.inet_aton("192.0.2.1") and packet[9] == 17:
		        sock.sendto(packet[28:], ("192.0.2.2", 4500))
	END
}

replayed_refused() {
	local in before
	in=$(value b in_packets) before=$(value b drops.replayed)
	replay "$1"
	wait_for 5 more_refused "$before" || { echo "nothing was refused"; return 1; }
	[ "$(value b in_packets)" = "$in" ] || { echo "some was taken"; return 1; }
	[ "$(value b remote)" = 192.0.2.1:4500 ] && [ "$(value b adopted)" = 0 ] || { echo "the tunnel moved"; return 1; }
}
more_refused() { [ "$(value b drops.replayed)" -ge $(($1 + 10)) ]; }

# noise: a keepalive, IKE, rubbish and nothing at all; the tunnel does not mind.
noise() {
	on a python3 -c '
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
spi = b"\0\0\x10\x02"
for data in b"", b"\xff", b"\xff\xff", bytes(4), bytes(28), spi, spi + bytes(60), bytes(range(256)):
    sock.sendto(data, ("192.0.2.2", 4500))'
	echoes 10.2.0.1 && [ "$(value b remote)" = 192.0.2.1:4500 ]
}

device_mtu() { [ "$(on a cat /sys/class/net/rsipesp0/mtu)" = "$1" ]; }

# says COMMAND... -- TEXT: the command fails and its output has the text.
says() {
	local said
	said=$("${@:1:$#-2}" 2>&1) && { echo "it succeeded"; return 1; }
	[[ $said == *"${!#}"* ]] || { echo "$said"; return 1; }
}

trap finish EXIT
lab_node a
lab_node b
lab_wire a eth0 b eth0
for node in a b; do on $node sysctl -qw net.ipv6.conf.all.disable_ipv6=0; done
ip -n "$LAB-a" addr add 192.0.2.1/24 dev eth0
ip -n "$LAB-b" addr add 192.0.2.2/24 dev eth0

for encapsulation in udp none; do
	label="encapsulation $encapsulation"
	for node in a b; do conf $node $encapsulation; done
	check_here "$label: both ends start without a gateway" both_run || continue
	check "$label: IPv4 and IPv6 pass" passes
	check "$label: TCP over IPv4, both ways" stream 10.2.0.1
	check "$label: TCP over IPv6, both ways" stream fd00:2::1
	for node in a b; do check "$label: no packet of $node's was refused" test "$(value $node 'drops | add')" = 0; done
	both_end
done

for node in a b; do conf $node udp; done
capture_start before
check_here "they start" both_run
check "packets pass" passes
both_end KILL
capture_stop before
check_here "killed, they start again" both_run
capture_start after # what the one sent before the other was there has not been received
check "killed, packets pass at once" passes
capture_stop after
check "no sequence number was used twice" unique "$LAB_TMP/before.pcap" "$LAB_TMP/after.pcap"
check "what was received before the kill is refused behind it, and moves nothing" \
	replayed_refused "$LAB_TMP/before.pcap"
check "what was received since is refused" replayed_refused "$LAB_TMP/after.pcap"
check "keepalives, IKE and rubbish do no harm" noise

check "the device's MTU is what fits" wait_for 5 device_mtu 1438
on a ip route add 192.0.2.2/32 dev eth0 mtu 1400
check "the path narrows: the device's MTU follows" wait_for 5 device_mtu 1338
check "packets pass through it" echoes 10.2.0.1
on a ip route del 192.0.2.2/32
check "and back" wait_for 5 device_mtu 1438

sed "s/a\.db/second.db/; s/a\.sock/second.sock/" "$LAB_TMP/a.conf" >"$LAB_TMP/second.conf"
check "a second rsipc does not use the same sequence numbers" \
	says on a timeout 10 "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/second.conf" -- "the file is used by another program"
chmod 0640 "$LAB_TMP/a.keys"
check "a key file that others may read is refused" \
	says "$BUILDDIR/rsipc/rsipc" -t -c "$LAB_TMP/a.conf" -- "others may read"
check "no log shows a key" sh -c "! grep -q 0000000000000000000000000000 $LAB_TMP/a.log $LAB_TMP/b.log"
on b ip link del rsipesp0
check "a device that somebody removed is told" wait_for 5 grep -q "the device was removed" "$LAB_TMP/b.log"
both_end
check "the device goes with rsipc" sh -c "! ip -n $LAB-a link show rsipesp0 2>/dev/null"
verdict_exit
