#!/bin/bash
# TCP through ESP in user space: rsipc beside strongSwan's kernel-libipsec, one stream, AES-256-GCM in UDP, over veth.
# The two take turns in every round, so that what else the machine does hits both alike.
#
#    ┌── ours-a / swan-a ──────┐     ┌── ours-b / swan-b ──────┐
#    │ 10.1.0.1                │     │ 10.2.0.1    iperf3 -s   │
#    │ eth0 192.0.2.1          ├─────┤ eth0 192.0.2.2          │
#    └─────────────────────────┘     └─────────────────────────┘
#
#   esp_throughput.sh [--rounds N] [--seconds EACH]      prints a table; exit status 1 when rsipc is the slower one
#
# Needs root, iperf3, jq, strongswan-charon strongswan-swanctl libstrongswan-extra-plugins, and BUILDDIR: a build with
# optimisation and without sanitizers (build/release when not set).
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lab/verdict.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
P=espbench$$
rounds=3 seconds=5
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) rounds=$2 && shift ;;
	--seconds) seconds=$2 && shift ;;
	*) sed -n 's/^#   esp_throughput.sh/usage: esp_throughput.sh/p' "$0" >&2; exit 2 ;;
	esac
	shift
done
[ "$(id -u)" = 0 ] || { echo "esp_throughput.sh: needs root" >&2; exit 1; }
[ -e /usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so ] ||
	{ echo "esp_throughput.sh: install libstrongswan-extra-plugins: kernel-libipsec is not there" >&2; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/espbench-XXXXXX")
chmod 755 "$tmp"
pids=()

# Debian's AppArmor profiles let strongSwan read its own directories alone; these files are elsewhere.
unconfined=()
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] && command -v aa-exec >/dev/null; then
	unconfined=(aa-exec -p unconfined --)
fi

on() { local node=$1; shift; ip netns exec "$P-$node" "$@"; }

down() {
	trap - EXIT
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	wait
	for node in ours-a ours-b swan-a swan-b; do ip netns del "$P-$node" 2>/dev/null; done
	rm -rf "$tmp"
}

# pair NAME: two nodes and a wire.
pair() {
	local node
	for node in "$1-a" "$1-b"; do
		ip netns add "$P-$node"
		ip -n "$P-$node" link set lo up
	done
	ip link add eth0 netns "$P-$1-a" type veth peer name eth0 netns "$P-$1-b"
	ip -n "$P-$1-a" addr add 192.0.2.1/24 dev eth0
	ip -n "$P-$1-b" addr add 192.0.2.2/24 dev eth0
	for node in "$1-a" "$1-b"; do ip -n "$P-$node" link set eth0 up; done
}

background() {
	local node=$1 log=$2
	shift 2
	ip netns exec "$P-$node" "$@" >"$tmp/$log" 2>&1 </dev/null &
	pids+=($!)
}

# ours NODE PEER HERE THERE SPI-IN SPI-OUT KEY-IN KEY-OUT
ours() {
	(umask 077 && printf 't in 0x%s\nt out 0x%s\n' "$7" "$8" >"$tmp/$1.keys")
	cat >"$tmp/$1.conf" <<-END
		state = "$tmp/$1.db"
		control = "$tmp/$1.sock"
		esp { keys = "$tmp/$1.keys" state = "$tmp/$1.state" addresses = { "$3/32" } }
		sa "t" {
		    remote = "$2"  spi-in = $5  spi-out = $6  algorithm = "aes-256-gcm"
		    local-networks = { "$3/32" }  remote-networks = { "$4/32" }
		}
	END
	background "$1" "$1.log" "$BUILDDIR/rsipc/rsipc" -f -c "$tmp/$1.conf"
}

ours_up() {
	local one two
	one=$(head -c 36 /dev/urandom | od -An -tx1 | tr -d ' \n') two=$(head -c 36 /dev/urandom | od -An -tx1 | tr -d ' \n')
	ours ours-a 192.0.2.2 10.1.0.1 10.2.0.1 0x1001 0x1002 "$one" "$two"
	ours ours-b 192.0.2.1 10.2.0.1 10.1.0.1 0x1002 0x1001 "$two" "$one"
}

# swan NODE HERE THERE INNER-HERE INNER-THERE
swan() {
	local dir=$tmp/$1
	mkdir -p "$dir/swanctl"
	cat >"$dir/strongswan.conf" <<-END
		charon {
			load = openssl random nonce kdf kernel-libipsec kernel-netlink socket-default vici
			filelog { log { path = $dir/charon.log
				default = 1 } }
		}
		swanctl { load = nonce }
	END
	cat >"$dir/swanctl/swanctl.conf" <<-END
		connections { vpn {
			version = 2
			proposals = aes128-sha256-ecp256
			local_addrs = $2
			remote_addrs = $3
			local { auth = psk
				id = $2 }
			remote { auth = psk
				id = $3 }
			children { net {
				local_ts = $4/32
				remote_ts = $5/32
				esp_proposals = aes256gcm16
			} }
		} }
		secrets { ike { secret = "of both ends" } }
	END
	ip -n "$P-$1" addr add "$4/32" dev lo
	background "$1" "$1.log" unshare -m sh -c 'mount -t tmpfs run /run && exec "$@"' sh "${unconfined[@]}" \
		env STRONGSWAN_CONF="$dir/strongswan.conf" /usr/lib/ipsec/charon
	eval "${1//-/_}=$!"
}

swanctl_of() {
	local pid=${1//-/_}
	nsenter -t "${!pid}" -m -n -- "${unconfined[@]}" \
		env STRONGSWAN_CONF="$tmp/$1/strongswan.conf" SWANCTL_DIR="$tmp/$1/swanctl" swanctl "${@:2}"
}

swan_up() {
	swan swan-a 192.0.2.1 192.0.2.2 10.1.0.1 10.2.0.1
	swan swan-b 192.0.2.2 192.0.2.1 10.2.0.1 10.1.0.1
	wait_for 15 swanctl_of swan-a --load-all && wait_for 15 swanctl_of swan-b --load-all &&
		swanctl_of swan-a --initiate --child net --timeout 20 >"$tmp/initiate.log" 2>&1
}

reaches() { on "$1-a" ping -q -c 1 -W 1 -I 10.1.0.1 10.2.0.1; }

# measure WHO [-R]: bits a second that arrive.
measure() {
	on "$1-a" timeout $((seconds + 20)) iperf3 -c 10.2.0.1 -B 10.1.0.1 -t "$seconds" -O 1 -J "${@:2}" >"$tmp/iperf" 2>&1
	jq -e '.end.sum_received.bits_per_second | round' "$tmp/iperf" || { cat "$tmp/iperf" >&2; echo 0; }
}

# median NUMBER...
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

trap down EXIT
pair ours
pair swan
ours_up
swan_up || { echo "esp_throughput.sh: strongSwan did not connect" >&2; cat "$tmp"/swan-?/charon.log >&2; exit 1; }
for who in ours swan; do
	wait_for 10 reaches $who || { echo "esp_throughput.sh: nothing passes: $who" >&2; cat "$tmp"/*.log >&2; exit 1; }
	background $who-b "iperf-$who.log" iperf3 -s
	wait_for 10 on $who-b sh -c 'ss -Hltn sport = 5201 | grep -q .'
done

printf '%-7s %22s %22s %8s   (Mbit/s, one TCP stream, %s s each)\n' round rsipc kernel-libipsec ratio "$seconds"
rates_ours=() rates_swan=()
for ((round = 1; round <= rounds; round++)); do
	a=$(measure ours) b=$(measure swan)
	rates_ours+=("$a") rates_swan+=("$b")
	awk -v r=$round -v a="$a" -v b="$b" 'BEGIN { printf "%-7s %22.0f %22.0f %8.2f\n", r, a / 1e6, b / 1e6, b ? a / b : 0 }'
done
a=$(median "${rates_ours[@]}") b=$(median "${rates_swan[@]}")
awk -v a="$a" -v b="$b" \
	'BEGIN { printf "%-7s %22.0f %22.0f %8.2f\n", "median", a / 1e6, b / 1e6, b ? a / b : 0; exit !(a >= b) }'
