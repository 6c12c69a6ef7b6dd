#!/bin/bash
# The user-space ESP against the kernel's, run as root by ../esp.sh in a kernel that has ESP.
#
#   inside.sh DIR BUILDDIR [ALGORITHM...]       DIR: where captures and logs go
#
#        a: rsipc, own ESP                    b: ip-xfrm(8)
#        inner 10.1.0.1, fd00:1::1            inner 10.2.0.1, fd00:2::1
#        eth0 192.0.2.1 ──────────────────── eth0 192.0.2.2
#
# Prints PASS, FAIL and SKIP lines.
set -u
here=$(cd "$(dirname "$0")" && pwd)
out=$1 BUILDDIR=$2
shift 2
LAB=esp$$
LAB_TMP=$(mktemp -d)
. "$here/../verdict.sh"
. "$here/../topology.sh"

A=192.0.2.1 B=192.0.2.2
SPI_A=0x1001 SPI_B=0x1002 # of what a and b receive
RSIPC=$BUILDDIR/rsipc/rsipc

# name in rsipc.conf, bytes of key material, how ip-xfrm calls it
ALGORITHMS="aes-128-gcm:20 aes-256-gcm:36 chacha20-poly1305:36 aes-128-cbc-sha256:48 aes-256-cbc-sha256:64"

modules() {
	modprobe ${MODULES:+-d "$MODULES"} -a tun ipv6 xfrm_user esp4 esp6 gcm ctr echainiv seqiv authenc \
		authencesn ghash-generic hmac cbc drbg chacha_generic poly1305_generic chacha20poly1305 2>/dev/null
}

finish() {
	[ -z "${rsipc_pid-}" ] || kill "$rsipc_pid" 2>/dev/null
	[ -z "${port_pid-}" ] || kill "$port_pid" 2>/dev/null
	[ $verdict_failed = 0 ] || cp -r "$LAB_TMP/." "$out/"
	ip netns del "$LAB-a"
	ip netns del "$LAB-b"
	rm -rf "$LAB_TMP"
}

sites() {
	lab_node a
	lab_node b
	lab_wire a eth0 b eth0
	for node in a b; do on $node sysctl -qw net.ipv6.conf.all.disable_ipv6=0; done
	ip -n "$LAB-a" addr add $A/24 dev eth0
	ip -n "$LAB-b" addr add $B/24 dev eth0
	ip -n "$LAB-b" addr add 10.2.0.1/32 dev lo
	ip -n "$LAB-b" addr add fd00:2::1/128 dev lo nodad
	ip -n "$LAB-b" route add 10.1.0.0/24 dev eth0 src 10.2.0.1
	ip -n "$LAB-b" route add fd00:1::/64 dev eth0 src fd00:2::1
	# Somebody has to hold the port and tell the kernel that ESP comes in it, as an IKE daemon does.
	ip netns exec "$LAB-b" python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 4500))
s.setsockopt(socket.IPPROTO_UDP, 100, 2)  # UDP_ENCAP, UDP_ENCAP_ESPINUDP
while True: s.recv(2000)' >/dev/null 2>&1 &
	port_pid=$!
}

# key BYTES SEED: hexadecimal digits, the same for the same arguments.
key() { local i; for ((i = 0; i < $1; i++)); do printf '%02x' $(((i * 7 + $2 * 31) & 255)); done; }

# kernel_algorithm NAME KEY: what ip-xfrm takes.
kernel_algorithm() {
	case $1 in
	*-gcm) echo "aead rfc4106(gcm(aes)) 0x$2 128" ;;
	chacha*) echo "aead rfc7539esp(chacha20,poly1305) 0x$2 128" ;;
	aes-128-cbc*) echo "enc cbc(aes) 0x${2:0:32} auth-trunc hmac(sha256) 0x${2:32} 128" ;;
	aes-256-cbc*) echo "enc cbc(aes) 0x${2:0:64} auth-trunc hmac(sha256) 0x${2:64} 128" ;;
	esac
}

# kernel_state FROM TO SPI KEY
kernel_state() {
	local algorithm flags=(replay-window 32) encap=()
	read -ra algorithm <<<"$(kernel_algorithm "$cipher" "$4")"
	[ "$esn" = no ] || flags=(flag esn replay-window 256)
	[ "$encapsulation" = none ] || encap=(encap espinudp 4500 4500 0.0.0.0)
	ip -n "$LAB-b" xfrm state add src "$1" dst "$2" proto esp spi "$3" reqid 1 mode tunnel flag af-unspec "${flags[@]}" \
		"${algorithm[@]}" "${encap[@]}"
}

# kernel_policy SOURCE DESTINATION DIRECTION OUTER-SOURCE OUTER-DESTINATION
kernel_policy() {
	ip -n "$LAB-b" xfrm policy add src "$1" dst "$2" dir "$3" tmpl src "$4" dst "$5" proto esp reqid 1 mode tunnel
}

kernel_end() {
	local dir
	kernel_state $A $B $SPI_B "$1" && kernel_state $B $A $SPI_A "$2" || return 1
	kernel_policy 10.2.0.0/24 10.1.0.0/24 out $B $A
	kernel_policy fd00:2::/64 fd00:1::/64 out $B $A
	for dir in in fwd; do
		kernel_policy 10.1.0.0/24 10.2.0.0/24 $dir $A $B
		kernel_policy fd00:1::/64 fd00:2::/64 $dir $A $B
	done
}

# own_end KEY-OUT KEY-IN
own_end() {
	(umask 077 && printf 'b out 0x%s\nb in 0x%s\n' "$1" "$2" >"$LAB_TMP/esp.keys")
	cat >"$LAB_TMP/rsipc.conf" <<-END
		state = "$LAB_TMP/rsipc.db"
		control = "$LAB_TMP/rsipc.sock"
		esp {
		    keys = "$LAB_TMP/esp.keys"
		    state = "$LAB_TMP/esp.state"
		    addresses = { "10.1.0.1/32", "fd00:1::1/128" }
		}
		sa "b" {
		    remote = "$B"
		    encapsulation = "$encapsulation"
		    spi-in = $SPI_A
		    spi-out = $SPI_B
		    algorithm = "$cipher"
		    esn = $esn
		    local-networks = { "10.1.0.0/24", "fd00:1::/64" }
		    remote-networks = { "10.2.0.0/24", "fd00:2::/64" }
		}
	END
	ip netns exec "$LAB-a" "$RSIPC" -f -c "$LAB_TMP/rsipc.conf" >>"$LAB_TMP/rsipc.log" 2>&1 &
	rsipc_pid=$!
	wait_for 10 ip -n "$LAB-a" route get 10.2.0.1 from 10.1.0.1 || { cat "$LAB_TMP/rsipc.log"; return 1; }
}

ends_down() {
	kill "$rsipc_pid" 2>/dev/null
	wait "$rsipc_pid" 2>/dev/null
	rsipc_pid=
	ip -n "$LAB-b" xfrm state flush
	ip -n "$LAB-b" xfrm policy flush
}

# refused: what b's kernel has refused so far.
refused() { on b awk '/^Xfrm/ && $2 > 0 { print $1, $2 }' /proc/net/xfrm_stat; }

# reaches FROM TO: ten echo requests of many lengths, so that every length of padding is met; all are answered.
reaches() {
	on "$1" sh -c 'for size in 0 1 2 3 5 8 13 100 500 1300; do
		ping -n -q -c 1 -W 5 -s $size "$0" >/dev/null || { echo "no answer from $0 to $size bytes"; exit 1; }
	done' "$2"
}

try_all() {
	local before after
	wait_for 10 on a ping -n -q -c 1 -W 1 10.2.0.1 || { echo "nothing passes"; refused; return 1; }
	wait_for 10 on a ping -n -q -c 1 -W 1 fd00:2::1 || { echo "no IPv6 passes"; refused; return 1; }
	before=$(refused)
	reaches a 10.2.0.1 && reaches b 10.1.0.1 && reaches a fd00:2::1 && reaches b fd00:1::1 || { refused; return 1; }
	after=$(refused)
	[ "$before" = "$after" ] || { echo "the kernel refused: $after"; return 1; }
}

# stream: TCP both ways through the segmentation offloads; the kernel counts no packet as damaged.
stream() {
	local before=$(refused)
	on b timeout 60 iperf3 -s -1 >"$LAB_TMP/server" 2>&1 &
	wait_for 5 on b sh -c 'ss -Hltn sport = 5201 | grep -q .'
	on a timeout 60 iperf3 -c 10.2.0.1 -n 8M --bidir >"$LAB_TMP/client" 2>&1 || { cat "$LAB_TMP/client"; return 1; }
	wait $!
	[ "$before" = "$(refused)" ] || { echo "the kernel refused: $(refused)"; return 1; }
}

# fragments: a datagram longer than the tunnel, without DF, as fragments inside and whole again outside.
fragments() { on a ping -n -q -c 2 -W 5 -M dont -s 4000 10.2.0.1 && on b ping -nq -c 2 -W 5 -M dont -s 4000 10.1.0.1; }

# too_big: with DF, told at once.
too_big() {
	! on a ping -n -c 1 -W 2 -M do -s 1450 10.2.0.1 >"$LAB_TMP/big" 2>&1 && grep -q "message too long" "$LAB_TMP/big"
}

# kernel_capture: what a sends is also read by tshark, outside of this kernel: b's wire, and the keys.
kernel_capture() {
	: >"$LAB_TMP/tcpdump" # the one before has said that it listens
	on b timeout 60 tcpdump -q -U -i eth0 -w "$out/$label.pcap" -c 8 \
		'(udp port 4500 and udp[4:2] > 9) or esp' 2>"$LAB_TMP/tcpdump" & # a keepalive is one byte
	local pid=$!
	wait_for 5 grep -q listening "$LAB_TMP/tcpdump"
	on a ping -n -q -c 4 -i 0.2 -W 5 -s 77 10.2.0.1 >/dev/null
	wait $pid
	echo "$cipher $esn $1 $2" >"$out/$label.keys"
}

one() {
	local cipher=$1 bytes=$2 esn=$3 encapsulation=$4 mine theirs
	label=$cipher-$([ "$esn" = yes ] && echo esn || echo no-esn)-$encapsulation
	mine=$(key "$bytes" 1) theirs=$(key "$bytes" 2)
	check_here "$label: both ends set up" own_end "$mine" "$theirs" && kernel_end "$mine" "$theirs" && {
		check "$label: every packet passes, IPv4 and IPv6, both ways" try_all
		if [ "$esn" = no ]; then kernel_capture "$mine" "$theirs"; fi
		case $label in
		aes-256-gcm-esn-*)
			check "$label: TCP both ways" stream
			check "$label: fragments inside" fragments
			check "$label: a packet too big is answered" too_big
			;;
		esac
	}
	ends_down
	rm -f "$LAB_TMP"/esp.state
}

modules
trap finish EXIT
sites
for algorithm in $ALGORITHMS; do
	[ $# = 0 ] || [[ " $* " = *" ${algorithm%:*} "* ]] || continue
	for esn in yes no; do
		for encapsulation in udp none; do one "${algorithm%:*}" "${algorithm#*:}" $esn $encapsulation; done
	done
done
verdict_exit
