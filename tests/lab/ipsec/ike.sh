# Stock strongSwan in the boxes x1, x2 and y (daemons.sh): one charon each, configured by swanctl.
#
# Two hosts that share an address look alike to the peer in everything but what they say of themselves, so (RFC 3104 3
# and 4): each has an identity that is no address; IKEv1 authenticates by certificates, since main mode looks a
# pre-shared key up by address; and in transport mode each asks only for the ports that are its own (RFC 3104 App. A).

PEER=203.0.113.200            # y, and its other addresses, each a peer of its own to gateway and hosts:
PEER_CALLS=203.0.113.201      # from which it begins IKE with x1 (listener.sh)
PEER_ALONE=203.0.113.202      # whom one host speaks with, before the other does (affinity.sh)
PEER_NATTED=203.0.113.203     # behind address translation (natt.sh)
PEER_ONE_EACH=203.0.113.204   # whom one host speaks with from port 500, the other from a port of its own (ephemeral.sh)
declare -gA ADDRESS           # by host: where it speaks IKE from
declare -gA SEEN=()           # by host: the address that the peer sees it at, where that is another one
declare -gA PORTS             # by host: the first of 64 ports, aligned to 64, that are its own on that address
declare -gA INNER=([x1]=10.1.0.11 [x2]=10.1.0.12 [y]=10.2.0.1) # addresses inside tunnel mode SAs

# The hosts' ports with a task of their own, counted from the first.
PORT_FLOW=1 PORT_CALL=2 PORT_IKE=3 PORT_IKE_NATT=4

# Debian's AppArmor profiles let strongSwan read its own directories alone; these files are elsewhere.
UNCONFINED=()
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] && command -v aa-exec >/dev/null; then
	UNCONFINED=(aa-exec -p unconfined --)
fi

ike_dir() { echo "$LAB_TMP/ike/$1"; }

# pki(1) with the plugins that it needs here: all of them take longer than its work. swanctl(8) needs some for --load-all.
ike_pki() { STRONGSWAN_CONF=$LAB_TMP/ike/tools.conf pki "$@" 2>>"$LAB_TMP/ike/pki.log"; }

# ike_certificate NODE FILE [MORE-NAMES...]
ike_certificate() {
	local ca=$LAB_TMP/ike/ca node=$1 file=$2 dir=$(ike_dir "$1")/swanctl
	ike_pki --issue --cacert "$ca/cert.pem" --cakey "$ca/key.pem" --in "$dir/private/key.pem" --type rsa \
		--dn "CN=$node.rsip.test" --san "$node.rsip.test" "${@:3}" --outform pem >"$dir/x509/$file"
}

# A certificate authority, and two certificates for each node: the second is of four kilobytes, by names without use.
ike_keys() {
	local ca=$LAB_TMP/ike/ca node dir many=() i
	for i in {100..160}; do many+=(--san "$i.a.name.that.fills.the.certificate.and.has.no.other.use.rsip.test"); done
	mkdir -p "$ca"
	echo "pki { load = openssl pem pkcs1 x509 pubkey random }" >"$LAB_TMP/ike/tools.conf"
	echo "swanctl { load = nonce }" >>"$LAB_TMP/ike/tools.conf"
	ike_pki --gen --type rsa --size 2048 --outform pem >"$ca/key.pem"
	ike_pki --self --ca --type rsa --in "$ca/key.pem" --dn "CN=rsip lab" --outform pem >"$ca/cert.pem"
	for node in x1 x2 y; do
		dir=$(ike_dir $node)/swanctl
		mkdir -p "$dir"/{x509,x509ca,private}
		cp "$ca/cert.pem" "$dir/x509ca/"
		ike_pki --gen --type rsa --size 2048 --outform pem >"$dir/private/key.pem"
		ike_certificate $node cert.pem
		ike_certificate $node large.pem --san "large.$node.rsip.test" "${many[@]}"
	done
}

# strongswan.conf: the plugins needed here (all sixty take seconds to start) and a log. What rsipc wrote is included, as
# Debian's own strongswan.conf does.
ike_daemon_conf() {
	local dir=$(ike_dir "$1")
	cat <<-END
	charon {
		load = openssl pem pkcs1 x509 pubkey random nonce kdf kernel-netlink socket-default vici
		keep_alive = 1s
		filelog {
			log {
				path = $dir/charon.log
				time_format = %H:%M:%S
				flush_line = yes
				default = 1
			}
		}
	}
	swanctl {
		load = openssl pem pkcs1 x509
	}
	include /etc/strongswan.d/*.conf
	END
}

# ike_child NAME MODE LOCAL REMOTE
ike_child() {
	printf '\t\t\t%s {\n\t\t\t\tmode = %s\n\t\t\t\tlocal_ts = %s\n\t\t\t\tremote_ts = %s\n' "$@"
	printf '\t\t\t\tesp_proposals = aes128gcm16\n\t\t\t}\n'
}

# IKEv2 carries ranges of ports in its selectors; IKEv1 a single port (RFC 2407 4.6.2), so each task has an SA.
ike_host_children() {
	local host=$1 address=${ADDRESS[$1]} first=${PORTS[$1]} version=$2 task
	ike_child "v$version-tunnel" tunnel "${INNER[$host]}/32" "${INNER[y]}/32"
	if [ "$version" = 2 ]; then
		ike_child v2-tcp transport "$address/32[tcp/$first-$((first + 63))]" "$PEER/32[tcp]"
		ike_child v2-udp transport "$address/32[udp/$first-$((first + 63))]" "$PEER/32[udp]"
	else
		for task in tcp:$PORT_FLOW udp:$PORT_FLOW tcp:$PORT_CALL; do
			ike_child "v1-${task/:/}" transport "$address/32[${task%:*}/$((first + ${task#*:}))]" "$PEER/32[${task%:*}]"
		done
	fi
}

# ike_children VERSION MODE [NODE]: the names of the child SAs.
ike_children() {
	case $1-$2-${3:-x1} in
	?-tunnel-* | *-y) echo "v$1-$2" ;;
	2-transport-*) echo "v2-tcp v2-udp" ;;
	1-transport-*) echo "v1-tcp$PORT_FLOW v1-udp$PORT_FLOW v1-tcp$PORT_CALL" ;;
	esac
}

# ike_ends VERSION AUTH LOCAL-ID REMOTE-ID: what every connection says. AUTH is psk or the file of a certificate; IKE_DPD is how
# long the other may be silent. mobike
# would move IKE to port 4500 even where no NAT is (RFC 4555 3.3).
ike_ends() {
	local version=$1 auth=psk certs=
	if [ "$2" != psk ]; then auth=pubkey certs="certs = $2"; fi
	cat <<-END
		version = $version
		mobike = no
		${IKE_DPD:+dpd_delay = $IKE_DPD}
		proposals = aes128-sha256-x25519
		local {
			auth = $auth
			id = $3
			$certs
		}
		remote {
			auth = $auth
			id = $4
		}
	END
}

# ike_tunnel NAME HOST REMOTE: a connection of that host with nothing but a tunnel, to the peer at REMOTE; its other
# settings are read from standard input.
ike_tunnel() {
	local name=$1 host=$2 remote=$3
	printf '%s {\nlocal_addrs = %s\nremote_addrs = %s\n' "$name" "${ADDRESS[$host]}" "$remote"
	cat
	echo "children {"
	ike_child "$name-tunnel" tunnel "${INNER[$host]}/32" "${INNER[y]}/32"
	echo "} }"
}

ike_host_conf() {
	local host=$1 id=$1.rsip.test version
	echo "connections {"
	for version in 2 1; do
		echo "v$version {"
		printf 'local_addrs = %s\nremote_addrs = %s, %s\n' "${ADDRESS[$host]}" "$PEER" "$PEER_CALLS"
		ike_ends $version "$(ike_auth $version)" "$id" y.rsip.test
		echo "children {"
		ike_host_children "$host" $version
		echo "} }"
		ike_ends $version "$(ike_auth $version)" "$id" y.rsip.test | ike_tunnel "natt-v$version" "$host" "$PEER_NATTED"
	done
	ike_ends 1 cert.pem "$id" y.rsip.test | ike_tunnel alone "$host" "$PEER_ALONE"
	ike_ends 1 cert.pem "$id" y.rsip.test | ike_tunnel one-each "$host" "$PEER_ONE_EACH"
	{ ike_ends 2 large.pem "$id" large.y.rsip.test; echo "fragmentation = no"; } | ike_tunnel large-ip "$host" "$PEER"
	{ ike_ends 2 large.pem "$id" large.y.rsip.test; echo "fragmentation = yes"; } | ike_tunnel large-ike "$host" "$PEER"
	echo "}"
	printf 'secrets { ike { id = %s\n secret = "of %s and y" } }\n' "$id" "$host"
}

ike_auth() { if [ "$1" = 2 ]; then echo psk; else echo cert.pem; fi; }

# The peer takes any host at any address by its identity. It knows nothing of RSIP. It calls x1 by the address that it
# sees of it.
ike_peer_conf() {
	local version host
	echo "connections {"
	for version in 2 1; do
		echo "v$version {"
		echo "local_addrs = $PEER, $PEER_ALONE, $PEER_ONE_EACH, $BEHIND_NAT"
		ike_ends $version "$(ike_auth $version)" y.rsip.test "*.rsip.test"
		echo "children {"
		ike_child "v$version-transport" transport dynamic dynamic
		ike_child "v$version-tunnel" tunnel "${INNER[y]}/32" 10.1.0.0/24
		echo "} }"
		printf 'call-v%s {\nlocal_addrs = %s\nremote_addrs = %s\n' $version "$PEER_CALLS" "${ADDRESS[x1]}"
		ike_ends $version "$(ike_auth $version)" y.rsip.test x1.rsip.test
		echo "children {"
		ike_child "call-v$version-tunnel" tunnel "${INNER[y]}/32" "${INNER[x1]}/32"
		echo "} }"
	done
	printf 'large {\nlocal_addrs = %s\n' "$PEER"
	ike_ends 2 large.pem large.y.rsip.test "*.rsip.test"
	echo "children {"
	ike_child large-tunnel tunnel "${INNER[y]}/32" 10.1.0.0/24
	echo "} } }"
	for host in x1 x2; do
		printf 'secrets { ike-%s { id = %s.rsip.test\n secret = "of %s and y" } }\n' $host $host $host
	done
}

# ike_start NODE...: starts charon on each and loads its connections.
ike_start() {
	local node dir
	for node in "$@"; do
		dir=$(ike_dir "$node")
		mkdir -p "$dir/swanctl"
		in_box "$node" touch /etc/strongswan.d/none.conf # it complains of a pattern that matches nothing
		ike_daemon_conf "$node" >"$dir/strongswan.conf"
		if [ "$node" = y ]; then ike_peer_conf; else ike_host_conf "$node"; fi >"$dir/swanctl/swanctl.conf"
		start "$node" "charon_$node" "${UNCONFINED[@]}" env STRONGSWAN_CONF="$dir/strongswan.conf" /usr/lib/ipsec/charon
	done
	for node in "$@"; do wait_for 20 ike "$node" --load-all || return 1; done
}

ike_stop() {
	local node
	for node in "$@"; do stop "charon_$node"; done
}

# call NODE CONNECTION: begins it, with its tunnel.
call() {
	local log=$LAB_TMP/call_$1_$2.log
	ike "$1" --initiate --ike "$2" --child "$2-tunnel" --timeout 60 >"$log" 2>&1 || { echo "$1: $(tail -n 1 "$log")"; return 1; }
}

# hang_up CONNECTION HOST...: ends what these hosts have of it.
hang_up() {
	local host
	for host in "${@:2}"; do ike "$host" --terminate --ike "$1" --timeout 20 >/dev/null 2>&1; done
}

# ike NODE ARG...: swanctl of that node.
ike() {
	local node=$1 dir=$LAB_TMP/ike/$1 conf=$LAB_TMP/ike/tools.conf
	shift
	if [ "$1" = --load-all ]; then conf=$dir/strongswan.conf; fi
	in_box "$node" "${UNCONFINED[@]}" env STRONGSWAN_CONF="$conf" SWANCTL_DIR="$dir/swanctl" swanctl "$@"
}

# ike_table NODE: one line a child SA:
# IKE-ID VERSION COOKIES REMOTE-ID REMOTE-PORT LOCAL-PORT CHILD CHILD-ID MODE SPI-IN SPI-OUT
ike_table() {
	ike "$1" --list-sas | awk '
		/^[^ ].*#[0-9]+,/ { split($2, n, /[#,]/); ike = n[2]; state = $3; version = $4; sub(/,$/, "", version)
			cookies = $5 "/" $6; gsub(/_[ir]\*?/, "", cookies) }
		/^  local  *\x27/ { lport = $NF; gsub(/.*\[|\]/, "", lport) }
		/^  remote *\x27/ { rport = $NF; gsub(/.*\[|\]/, "", rport); id = $2; gsub(/\x27/, "", id) }
		/^  [^ ].*: #[0-9]+, reqid/ { name = $1; sub(/:$/, "", name); split($2, c, /[#,]/); child = c[2]
			live = /INSTALLED/; mode = /TRANSPORT/ ? "transport" : "tunnel"; udp = /in UDP/ ? "-in-udp" : "" }
		/^    in  / { spi_in = $2; sub(/,$/, "", spi_in) }
		/^    out / { spi_out = $2; sub(/,$/, "", spi_out)
			if (live) print ike, version, cookies, id, rport, lport, name, child, mode udp, spi_in, spi_out }'
}
