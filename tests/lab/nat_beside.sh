#!/bin/bash
# RSIP and NAT on one gateway: x1 has rsipc, x2 has not and is masqueraded by nftables. Three ways: both on the gateway's
# own address, by disjoint ports; both on one pool address, the same way; and each on an address of its own. Needs root;
# BUILDDIR is where the programs were built. See topology.sh for the picture.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/traffic.sh"
. "$here/native_parts.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

examples=$here/../../examples/nat
LEASED="1024 39999" TRANSLATED="40000 60999"

# seen_as HOST ADDRESS FIRST LAST TCP|UDP: the peer sees the host by this address and a port of this range.
seen_as() {
	local got
	got=$(echo | on "$1" timeout 8 socat -t "$([ "$5" = UDP ] && echo 2 || echo 5)" - "$5:$PEER:7001")
	[ "${got% *}" = "$2" ] && [ "${got#* }" -ge "$3" ] && [ "${got#* }" -le "$4" ] ||
		{ echo "$1 is seen as $got, not as $2 with $3 to $4"; return 1; }
}

# both_work TITLE RSIP-ADDRESS NAT-ADDRESS
both_work() {
	check "$1: curl of both at once" both fetch small
	check "$1: downloads of 32 MiB of both at once" both fetch big
	for what in TCP UDP; do
		# shellcheck disable=SC2086 # two words
		check "$1: $what of the RSIP host has a leased port" seen_as x1 "$2" $LEASED "$what"
		# shellcheck disable=SC2086
		check "$1: $what of the other has a translated port" seen_as x2 "$3" $TRANSLATED "$what"
	done
	check "$1: ping of both at once" both ping_peer
	check "$1: a server on the RSIP host is reached from outside" try_server
	check "$1: what RSIP hosts send is not translated" test -z "$(translated_of "$2")"
	check "$1: neither way dropped what it should not" quiet
}

ping_peer() { on "$1" ping -q -c 10 -i 0.1 -W 2 "$PEER"; }

# Flows from the leased address to which conntrack has given another source: what comes back goes elsewhere than where it
# came from.
translated_of() {
	on n cat /proc/net/nf_conntrack 2>/dev/null | awk -v a="$1" '
		{
			n = m = 0
			for (i = 1; i <= NF; i++) {
				if (split($i, part, "=") != 2) continue
				if (part[1] ~ /^(src|dst)$/) addr[++n] = part[2]
				if (part[1] ~ /^(sport|dport|id)$/) port[++m] = part[2]
			}
			back = m == 4 ? port[4] : port[2]
		}
		addr[1] == a && (addr[4] != a || back != port[1])'
}

quiet() { gateway_ctl -j stats | jq -e '.data.drops | .no_lease == 0 and .local_port_unallowed == 0' >/dev/null; }

# part NAME RSIP-ADDRESS NAT-ADDRESS CONFIG RULES
part() {
	LAB=$prefix-$1 PUBLIC=$2 LISTEN_x1=8080
	lab_up
	trap daemons_down EXIT
	box n x1 && peer_up || { fail "$1: the peer's services start"; return; }
	on n nft -f "$5" || { fail "$1: nftables takes the rules"; return; }
	gateway_start "$4" || { fail "$1: rsipd starts" "$(tail -n 1 "$LAB_TMP/rsipd.log")"; return; }
	host_conf x1 tcp 8080 ip-ip
	host_start x1 "$LAB_TMP/x1.conf"
	check "$1: the RSIP host leases" wait_for 15 eval 'leases 3 && on x1 ip link show rsip0' && server_up &&
		both_work "$1" "$2" "$3"
	if [ "$2" = 203.0.113.1 ]; then
		background n socat TCP-LISTEN:70,bind=203.0.113.1,reuseaddr,fork SYSTEM:'echo mine'
		wait_for 5 on n sh -c 'ss -ltn | grep -q :70'
		check "$1: the gateway's own services stay its own" \
			test "$(on y timeout 8 socat -t 5 - TCP:203.0.113.1:70 </dev/null)" = mine
	fi
	host_stop x1
	gateway_stop
	lab_down
}

prefix=$LAB
cp "$examples/rsipd.conf" "$LAB_TMP/own.conf"
part own 203.0.113.1 203.0.113.1 "$LAB_TMP/own.conf" "$examples/nftables.conf"

# The one address is a pool's. The kernel has to see packets to it before the relay does: relay-io is tun.
sed 's/203\.0\.113\.1"/203.0.113.9"/; s/public-interface /relay-io = "tun"\n    &/' "$examples/rsipd.conf" >"$LAB_TMP/pool.conf"
sed 's/masquerade to :/snat to 203.0.113.9:/; s/masquerade$/snat to 203.0.113.9/' "$examples/nftables.conf" >"$LAB_TMP/pool.nft"
part pool 203.0.113.9 203.0.113.9 "$LAB_TMP/pool.conf" "$LAB_TMP/pool.nft"

sed 's/203\.0\.113\.1"/203.0.113.9"/' "$examples/rsipd.conf" >"$LAB_TMP/apart.conf"
part apart 203.0.113.9 203.0.113.1 "$LAB_TMP/apart.conf" "$examples/nftables.conf"

trap daemons_down EXIT
verdict_exit
