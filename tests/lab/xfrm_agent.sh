#!/bin/bash
# The adoption agent on the kernel's IPsec with SAs made by hand, no IKE: who moves, who adopts, and who does not. Runs
# inside of uml.sh.
#
#   h 10.0.1.2, later 10.0.2.2 - r - 10.9.0.2 y       inside: 10.100.0.1 (h) and 10.200.0.1 (y)
#                                |
#                                a 10.0.3.2 (attacker: sends what it recorded, and what it makes up)
set -u
here=$(realpath "$(dirname "$0")")
bin=$1
work=/run/xa; mkdir -p $work
. "$here/verdict.sh"

NS=xa
on() { local node=$1; shift; ip netns exec $NS-$node "$@"; }

link() { # NODE DEVICE ADDRESS ROUTER-ADDRESS
	ip link add "$2" netns $NS-$1 type veth peer name "$1-$2" netns $NS-r
	on "$1" ip addr add "$3/24" dev "$2"; on "$1" ip link set "$2" up
	on r ip addr add "$4/24" dev "$1-$2"; on r ip link set "$1-$2" up
}

for module in esp4 xfrm_user gcm ctr echainiv seqiv authenc ghash-generic hmac cbc drbg af_packet; do
	modprobe -d "$MODULES" $module 2>/dev/null
done
for node in h r y a; do ip netns add $NS-$node; on $node ip link set lo up; done
on r sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
link h eth0 10.0.1.2 10.0.1.1
link y eth0 10.9.0.2 10.9.0.1
link a eth0 10.0.3.2 10.0.3.1
on h ip route add default via 10.0.1.1
on y ip route add default via 10.9.0.1
on a ip route add default via 10.0.3.1
ip link add eth1 netns $NS-h type veth peer name h-eth1 netns $NS-r
on r ip addr add 10.0.2.1/24 dev h-eth1; on r ip link set h-eth1 up
on h ip addr add 10.100.0.1/32 dev lo
on y ip addr add 10.200.0.1/32 dev lo
on h ip route add 10.200.0.1 via 10.0.1.1 src 10.100.0.1 table 220
on h ip rule add pref 220 lookup 220
on y ip route add 10.100.0.1 via 10.9.0.1 src 10.200.0.1

KEY=0x000102030405060708090a0b0c0d0e0f10111213
state() { # NODE SRC DST SPI SPORT DPORT
	on "$1" ip xfrm state add src "$2" dst "$3" proto esp spi "$4" reqid 7 mode tunnel replay-window 32 \
		aead 'rfc4106(gcm(aes))' $KEY 128 encap espinudp "$5" "$6" 0.0.0.0
}
policy() { # NODE DIR SRC DST TSRC TDST
	on "$1" ip xfrm policy add src "$3" dst "$4" dir "$2" tmpl src "$5" dst "$6" proto esp reqid 7 mode tunnel
}
for node in h y; do
	state $node 10.0.1.2 10.9.0.2 0x9001 4500 4500
	state $node 10.9.0.2 10.0.1.2 0x9002 4500 4500
done
policy h out 10.100.0.1 10.200.0.1 10.0.1.2 10.9.0.2
policy h in 10.200.0.1 10.100.0.1 10.9.0.2 10.0.1.2
policy y out 10.200.0.1 10.100.0.1 10.9.0.2 10.0.1.2
policy y in 10.100.0.1 10.200.0.1 10.0.1.2 10.9.0.2

# What an IKE daemon does for encapsulation: a socket on 4500 that hands ESP to the kernel.
for node in h y; do
	on $node python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 100, 2)
s.bind(("0.0.0.0", 4500))
time.sleep(3600)' &
	printf 'state = "%s.db"\ncontrol = "%s"\nadoption { }\nlog { level = debug }\n' "$work/$node" "$work/$node.sock" >"$work/$node.conf"
	on $node "$bin/rsipc" -f -c "$work/$node.conf" >"$work/$node.log" 2>&1 &
done

eventually() { # SECONDS COMMAND...
	local n=$(($1 * 10)); shift
	for ((; n > 0; n--)); do "$@" && return; sleep 0.1; done
	return 1
}
answers() { on h ping -n -c 1 -W 1 -I 10.100.0.1 10.200.0.1 >/dev/null; }
goes_to() { on "$1" "$bin/rsipctl" -s "$work/$1.sock" sas 2>&1 | grep -q "$2"; }

eventually 10 test -S "$work/y.sock"
eventually 10 answers && pass "the tunnel carries" || fail "the tunnel carries" "no answer"
on h ip addr add 10.0.2.2/24 dev eth1; on h ip link set eth1 up
on h ip addr del 10.0.1.2/24 dev eth0
on h ip route replace default via 10.0.2.1
eventually 3 goes_to h 10.0.2.2:4500 && pass "a host that moved leaves from its new address" || fail "a host that moved leaves from its new address" "see $work/h.log"
eventually 3 goes_to y 10.0.2.2:4500 && pass "the peer adopts with no traffic either way" || { fail "the peer adopts with no traffic either way" "it goes elsewhere"; cat $work/*.log; on y "$bin/rsipctl" -s "$work/y.sock" sas; on y ip -s xfrm state; }
eventually 3 answers && pass "the tunnel carries after the move" || fail "the tunnel carries after the move" "no answer"
verdict_exit
