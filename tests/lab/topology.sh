# The lab that all scenarios share, as network namespaces and veth pairs. Source this file (it needs root and ip(8)).
#
#    ┌── x1 ──────────┐
#    │ eth0 10.0.0.11 ├──┐   ┌── n ────────────────────────────┐       ┌── y ────────────────┐
#    └────────────────┘  ├───┤ lan0 10.0.0.1   wan0 203.0.113.1 ├───────┤ eth0 203.0.113.200  │
#    ┌── x2 ──────────┐  │   └─────────────────────────────────┘       └─────────────────────┘
#    │ eth0 10.0.0.12 ├──┘   LAN, private realm 10.0.0.0/24        public realm 203.0.113.0/24
#    └────────────────┘
#
# x1, x2: RSIP hosts; n: the gateway; y: a peer on the Internet that knows nothing of RSIP or of 10.0.0.0/8.
#
# LAB_DATA_PLANE is what rsipd is to forward by (daemons.sh puts it into its config): relay, native, generic, or nothing for
# what the config says. For native XDP n has its ports lan-x1, lan-x2 without a bridge, which no driver's XDP knows, and
# forwards between them; and the far ends of its wires take redirected frames. relay_on_ports is the relay on such an n.

LAB=${LAB:-rsip$$}            # prefix of the namespaces' names: labs of several runs do not meet
LAB_HOSTS=${LAB_HOSTS:-"x1:10.0.0.11 x2:10.0.0.12"}
LAB_DATA_PLANE=${LAB_DATA_PLANE-}

# on NODE COMMAND [ARG...]: runs a command in x1, x2, n or y.
on() { local node=$1; shift; ip netns exec "$LAB-$node" "$@"; }

# both FUNCTION ARG...: FUNCTION HOST ARG... for x1 and x2 at the same time; fails when one does.
both() {
	local one two
	"$1" x1 "${@:2}" & one=$!
	"$1" x2 "${@:2}" & two=$!
	wait $one; one=$?
	wait $two && [ $one = 0 ]
}

lab_node() {
	ip netns add "$LAB-$1"
	on "$1" ip link set lo up
	[ ! -e /proc/sys/net/ipv6 ] || on "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}

# lab_wire NODE_A DEV_A NODE_B DEV_B: a veth pair, offloads off, so that what is captured is what a wire would carry.
lab_wire() {
	ip link add "$2" netns "$LAB-$1" type veth peer name "$4" netns "$LAB-$3"
	local node dev
	for node in "$1 $2" "$3 $4"; do
		dev=${node#* } node=${node% *}
		on "$node" ethtool -K "$dev" tx off tso off gso off gro off >/dev/null 2>&1 || true
		on "$node" ip link set "$dev" up
	done
}

# lab_second_lan: lan1 of n, 10.0.1.0/24, beside lan0, with x1's second device, which has no address yet.
lab_second_lan() {
	on n ip link add lan1 type bridge forward_delay 0
	on n ip link set lan1 up
	on n ip addr add 10.0.1.1/24 dev lan1
	lab_wire x1 eth1 n lan1-x1
	on n ip link set lan1-x1 master lan1
}

# lab_can_native NAME: whether native XDP can be tried here; says why not under that name.
lab_can_native() {
	local status=0
	[ -x "$BUILDDIR/tests/tools/xdp_end" ] || { skip "$1" "built without XDP"; return 1; }
	ip netns add "$LAB-try" && ip -n "$LAB-try" link add try0 type veth peer name try1
	ip netns exec "$LAB-try" "$BUILDDIR/tests/tools/xdp_end" try0 2>/dev/null || status=$?
	ip netns del "$LAB-try"
	[ $status = 0 ] || skip "$1" "this kernel's veth devices take no XDP program"
	return $status
}

# lab_port NODE: the gateway's port to the node becomes one of the LAN.
lab_port() {
	if [ "$LAB_DATA_PLANE" != native ]; then
		on n ip link set "lan-$1" master lan0
		return
	fi
	on n ip addr add 10.0.0.1/32 dev "lan-$1"
	on n sysctl -qw "net.ipv4.conf.lan-$1.proxy_arp=1" "net.ipv4.neigh.lan-$1.proxy_delay=0"
	on "$1" "$BUILDDIR/tests/tools/xdp_end" eth0
}

# lab_address NODE ADDRESS: one more address of a host.
lab_address() {
	on "$1" ip addr add "$2/24" dev eth0
	[ "$LAB_DATA_PLANE" != native ] || on n ip route add "$2/32" dev "lan-$1" src 10.0.0.1
}

lab_up() {
	local host name addr
	trap lab_down EXIT
	lab_node n
	if [ "$LAB_DATA_PLANE" != native ]; then
		on n ip link add lan0 type bridge forward_delay 0
		on n ip link set lan0 up
		on n ip addr add 10.0.0.1/24 dev lan0
	fi
	on n sysctl -qw net.ipv4.ip_forward=1
	for host in $LAB_HOSTS; do
		name=${host%%:*} addr=${host#*:}
		lab_node "$name"
		lab_wire "$name" eth0 n "lan-$name"
		lab_port "$name"
		lab_address "$name" "$addr"
		on "$name" ip route add default via 10.0.0.1
	done
	lab_node y
	lab_wire n wan0 y eth0
	on n ip addr add 203.0.113.1/24 dev wan0
	on y ip addr add 203.0.113.200/24 dev eth0
	[ "$LAB_DATA_PLANE" != native ] || on y "$BUILDDIR/tests/tools/xdp_end" eth0
	wait_for 5 lab_settled
}

# The kernel says of a device that it is up as late as a second after: what a lab compares with later must not be of before.
lab_settled() {
	local ns
	for ns in $(ip netns list | awk -v p="$LAB-" 'index($1, p) == 1 { print $1 }'); do
		! ip -n "$ns" -br link | awk '$1 ~ /^(eth|lan|wan)/ && $2 != "UP"' | grep -q . || return 1
	done
}

# Ends what still runs in the lab's namespaces, by pid, then removes them.
lab_down() {
	local ns
	trap - EXIT
	for ns in $(ip netns list | awk -v p="$LAB-" 'index($1, p) == 1 { print $1 }'); do
		ip netns pids "$ns" | xargs -r kill 2>/dev/null
	done
	sleep 0.2
	for ns in $(ip netns list | awk -v p="$LAB-" 'index($1, p) == 1 { print $1 }'); do
		ip netns pids "$ns" | xargs -r kill -9 2>/dev/null
		ip netns del "$ns"
	done
}
