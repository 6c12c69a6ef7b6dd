#!/bin/bash
# A host moves while it has leases: its private address changes, or it goes from one LAN to another, and its registration,
# its bindings and its public address go with it (extensions 2 and 5). Needs root; BUILDDIR is where the programs were built.
#
#   x1 eth0 10.0.0.11 ── lan0 10.0.0.1   n: rsipd   wan0 ── y
#   x1 eth1 10.0.1.11 ── lan1 10.0.1.1
#   x2 eth0 10.0.0.12 ── lan0            (no identity)
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11 x2:10.0.0.12"
. "$here/topology.sh"
. "$here/daemons.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

KEY=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
flow=$BUILDDIR/tests/tools/flow

configs() {
	(umask 077; echo $KEY >"$LAB_TMP/laptop.key"; echo "${KEY}ff" >"$LAB_TMP/wrong.key")
	cat >"$LAB_TMP/rsipd.conf" <<-END
		gateway {
		    private-interface = { "lan0", "lan1" }
		    public-interface  = "wan0"
		    listen            = { "10.0.0.1" }
		    data-plane        = "${LAB_DATA_PLANE:-relay}"
		}
		pool "shared" {
		    addresses = { "203.0.113.9" }
		    methods   = { "rsap-ip", "rsipsec" }
		    ike-ports = { 500, 4500 }
		}
		policy "default"   { pools = { "shared" }  hold-down = "1s"  rate = 1000 }
		policy "roaming"   { pools = { "shared" }  max-ports = 200 }
		host "10.0.0.0/24" { policy = "default" }
		host "10.0.1.0/24" { policy = "default"  authentication = "required" }
		host "10.0.0.11"   { policy = "roaming"  identity = "laptop"  key-file = "$LAB_TMP/laptop.key" }
		host "10.0.0.40"   { policy = "default"  identity = "probe"  key-file = "$LAB_TMP/laptop.key" }
		local-networks = { "10.0.0.0/8" }
		log { to = "stderr"  level = "debug"  format = "text" }
	END
	host_conf x1 'identity = "laptop"  key-file = "'"$LAB_TMP/laptop.key"'"' tcp
	host_conf x2 '' tcp
}

# host_conf NODE AUTHENTICATION TRANSPORT
host_conf() {
	cat >"$LAB_TMP/$1.conf" <<-END
		gateway { address = "10.0.0.1"  transport = "$3"  $2 }
		lease "apps" { method = "rsap-ip"  ports = 16  max-ports = 16 }
		lease "vpn"  { method = "rsipsec"  spis = 4  cookie = "block" }
		tunnel { type = "${TUNNEL:-ip-ip}"  routes = { "default" } }
		log { to = "stderr"  level = "debug"  format = "text" }
	END
}

hosts() { gateway_ctl -j hosts | jq -r "$1"; }
leases_of() { gateway_ctl -j bindings | jq -c --arg h "$1" '[.[] | select(.host == $h) | {bind_id, client_id, address, ports, spis}]'; }
count() { gateway_ctl -j stats | jq -r ".control.$1"; }
has_two() { [ "$(leases_of "$1" | jq length)" = 2 ]; }
is_at() { [ "$(hosts '.[] | select(.identity == "laptop").address')" = "$1" ] && has_two "$1"; }
device_of() { on x1 ip -o link show rsip0 | cut -d: -f1; }
laptops() { [ "$(hosts 'map(select(.identity == "laptop")) | length')" = "$1" ]; }
same() { [ "$1" = "$2" ] || { echo "is $2, was $1"; return 1; }; }
port_of() { leases_of "$1" | jq -r '[.[] | select(.ports | length > 0)][0].ports[0][0]'; }

# The laptop's addresses and ways: WHERE is lan0 (10.0.0.11), other (10.0.0.31, the same LAN) or lan1.
go() {
	case $1 in
	lan0) on x1 ip addr add 10.0.0.11/24 dev eth0 2>/dev/null
	      on x1 ip route replace default via 10.0.0.1 src 10.0.0.11
	      on x1 ip addr del 10.0.0.31/24 dev eth0 2>/dev/null; on x1 ip addr flush dev eth1
	      on x1 ip route replace 10.0.0.0/24 dev eth0 src 10.0.0.11 ;;
	other) on x1 ip addr add 10.0.0.31/24 dev eth0
	      on x1 ip route replace 10.0.0.0/24 dev eth0 src 10.0.0.31
	      on x1 ip addr del 10.0.0.11/24 dev eth0; on x1 ip addr add 10.0.0.31/24 dev eth0 2>/dev/null
	      on x1 ip route replace default via 10.0.0.1 src 10.0.0.31; on x1 ip addr flush dev eth1 ;;
	lan1) on x1 ip addr add 10.0.1.11/24 dev eth1
	      on x1 ip addr flush dev eth0
	      on x1 ip route replace default via 10.0.1.1 ;;
	esac
	true
}

# move WHERE ADDRESS FROM: during a stream of packets; everything else stays as it is.
move() {
	local before device line
	before=$(leases_of "$3") device=$(device_of)
	on x1 "$flow" run -u -n 250 -i 20 "203.0.113.9:$(port_of "$3")" 203.0.113.200:7000 >"$LAB_TMP/flow.out" 2>&1 & local stream=$!
	sleep 1
	go "$1"
	check "to $1: the registration follows" wait_for 10 is_at "$2"
	check "to $1: the leases are the same" same "$before" "$(leases_of "$2")"
	check "to $1: the tunnel's device is the same" same "$device" "$(device_of)"
	wait $stream
	line=$(cat "$LAB_TMP/flow.out")
	echo "    | stream during the move: $line"
	check "to $1: the stream goes on, 100 of 250 lost at the most" stream_went_on "$line"
}

stream_went_on() { local lost; lost=$(sed -n 's/.*lost=\([0-9]*\).*/\1/p' <<<"$1"); [ -n "$lost" ] && [ "$lost" -le 100 ]; }

reachable() { on x1 "$flow" run -u -n 10 -i 20 "203.0.113.9:$(port_of "$1")" 203.0.113.200:7000; }

lab_up
lab_second_lan
trap daemons_down EXIT
box n x1 x2
configs
background y "$flow" echo 203.0.113.200:7000

part_moves() {
	gateway_start "$LAB_TMP/rsipd.conf" || { fail "gateway" "did not start"; verdict_exit; }
	host_start x1 "$LAB_TMP/x1.conf"
	host_start x2 "$LAB_TMP/x2.conf"
	check "$1: the laptop registers by its identity" wait_for 10 is_at 10.0.0.11 || return
	check "$1: a host without one beside it" wait_for 10 has_two 10.0.0.12
	check "$1: packets flow" wait_for 10 reachable 10.0.0.11
	move other 10.0.0.31 10.0.0.11
	move lan1 10.0.1.11 10.0.0.31
	gateway_stop KILL
	gateway_start "$LAB_TMP/rsipd.conf"
	check "$1: a gateway that was killed after the move knows where the host is" is_at 10.0.1.11
	check "$1: and packets flow" wait_for 10 reachable 10.0.1.11
	move lan0 10.0.0.11 10.0.1.11
	check "$1: rsipctl hosts tells the last move" same 10.0.1.11 "$(hosts '.[] | select(.identity == "laptop").moved_from')"
	check "$1: who had the port is told by where the host was then" same 10.0.0.11 \
		"$(gateway_ctl -j who 203.0.113.9 "$(port_of 10.0.0.11)" | jq -r '.[0].host')"
	go lan1; go lan0; go other; go lan1; go lan0; go lan1
	check "$1: flapping ends where the host ends" wait_for 20 is_at 10.0.1.11
	check "$1: and packets flow there" wait_for 10 reachable 10.0.1.11
	host_stop x1
	check "$1: it leaves from where it is" wait_for 10 laptops 0
	host_stop x2
	gateway_stop
	go lan0
}

for transport in ${*:-tcp udp}; do
	host_conf x1 'identity = "laptop"  key-file = "'"$LAB_TMP/laptop.key"'"' $transport
	host_conf x2 '' $transport
	part_moves $transport
done

# --- keys at a reload: root reads them, and the control process, which cannot, has them ---

said() { [ "$(grep -c "$1" "$LAB_TMP/rsipd.log")" -ge "$2" ]; }
gateway_start "$LAB_TMP/rsipd.conf"
host_conf x1 'identity = "laptop"  key-file = "'"$LAB_TMP/new.key"'"' tcp
(umask 077; openssl rand -hex 32 >"$LAB_TMP/new.key")
mv "$LAB_TMP/rsipc_x1.log" "$LAB_TMP/rsipc_x1_before.log" # it has that line, too
host_start x1 "$LAB_TMP/x1.conf"
check "a key that only the host has yet is refused" wait_for 10 grep -q "does not prove to be the gateway's" "$LAB_TMP/rsipc_x1.log"
cp "$LAB_TMP/new.key" "$LAB_TMP/laptop.key"
reloads=$(grep -c "config: reloaded" "$LAB_TMP/rsipd.log")
kill -HUP "$rsipd_pid"
check "a reload takes the new key" wait_for 10 said "config: reloaded" $((reloads + 1))
check "and the host registers" wait_for 40 is_at 10.0.0.11
chmod 644 "$LAB_TMP/laptop.key"
kill -HUP "$rsipd_pid"
check "a key that others could read is refused, with the line" wait_for 10 said \
	"rsipd.conf:[0-9]*: key-file: $LAB_TMP/laptop.key: has mode 0644" 1
chmod 600 "$LAB_TMP/laptop.key"
check "the host counts what did not prove to be the gateway's" test \
	"$(host_ctl x1 -j stats | jq .control.not_the_gateways)" -gt 0
refute "no key is in a log" grep -qF -f "$LAB_TMP/laptop.key" "$LAB_TMP"/rsip?*.log
host_stop x1
gateway_stop
echo $KEY >"$LAB_TMP/laptop.key"

# --- who cannot prove it ---

gateway_start "$LAB_TMP/rsipd.conf"
host_conf x1 '' tcp
told() { grep -q "$1" "$LAB_TMP/rsipc_x1.log"; }
: >"$LAB_TMP/rsipc_x1.log"
host_start x1 "$LAB_TMP/x1.conf"
check "without an identity the laptop's address is refused, and says why" wait_for 10 told "this gateway wants this host to authenticate"
check "that is counted" test "$(count auth_missing)" -gt 0
host_stop x1
host_conf x1 'identity = "laptop"  key-file = "'"$LAB_TMP/wrong.key"'"' tcp
: >"$LAB_TMP/rsipc_x1.log"
host_start x1 "$LAB_TMP/x1.conf"
check "so is another key" wait_for 10 told "does not prove to be the gateway's"
check "that is counted, too" test "$(count auth_wrong)" -gt 0
refute "and it has no lease" has_two 10.0.0.11
host_stop x1

# --- attacks, by a client that shares no code with ours ---

for last in 40 41 42 43; do lab_address x2 "10.0.0.$last"; done
again=$LAB_TMP/restart
python3 "$here/move_attacks.py" "$LAB" $KEY \
	"nsenter -t $(box_pid n) -m -n -r -w -- $BUILDDIR/rsipctl/rsipctl -s /run/rsip/rsipd.sock" \
	"touch $again; while [ -e $again ]; do sleep 0.1; done" & attacks=$!
while kill -0 $attacks 2>/dev/null; do
	if [ -e "$again" ]; then
		gateway_stop KILL
		gateway_start "$LAB_TMP/rsipd.conf"
		rm "$again"
	fi
	sleep 0.1
done
wait $attacks || fail "attacks" "see above"
gateway_stop
verdict_exit
