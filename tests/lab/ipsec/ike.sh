# Stock strongSwan in the boxes x1, x2 and y (daemons.sh): one charon each, configured by swanctl.
#
# Two hosts that share an address look alike to the peer in everything but what they say of themselves, so (RFC 3104 3
# and 4): each has an identity that is no address; IKEv1 authenticates by certificates, since main mode looks a
# pre-shared key up by address; and in transport mode each asks only for the ports that are its own (RFC 3104 App. A).

PEER=203.0.113.200            # y
declare -gA ADDRESS           # by host: where it speaks IKE from
declare -gA SEEN=()           # by host: the address that the peer sees it at, where that is another one
declare -gA PORTS             # by host: the first of 64 ports, aligned to 64, that are its own on that address
declare -gA INNER=([x1]=10.1.0.11 [x2]=10.1.0.12 [y]=10.2.0.1) # addresses inside tunnel mode SAs

# The hosts' ports with a task of their own, counted from the first.
PORT_FLOW=1 PORT_CALL=2

ike_dir() { echo "$LAB_TMP/ike/$1"; }

# pki(1) with the plugins that it needs here: all of them take longer than its work.
ike_pki() { STRONGSWAN_CONF=$LAB_TMP/ike/pki.conf pki "$@" 2>>"$LAB_TMP/ike/pki.log"; }

# A certificate authority and a certificate for each node.
ike_keys() {
	local ca=$LAB_TMP/ike/ca node dir
	mkdir -p "$ca"
	echo "pki { load = openssl pem pkcs1 x509 pubkey random }" >"$LAB_TMP/ike/pki.conf"
	ike_pki --gen --type rsa --size 2048 --outform pem >"$ca/key.pem"
	ike_pki --self --ca --type rsa --in "$ca/key.pem" --dn "CN=rsip lab" --outform pem >"$ca/cert.pem"
	for node in x1 x2 y; do
		dir=$(ike_dir $node)/swanctl
		mkdir -p "$dir"/{x509,x509ca,private}
		cp "$ca/cert.pem" "$dir/x509ca/"
		ike_pki --gen --type rsa --size 2048 --outform pem >"$dir/private/key.pem"
		ike_pki --issue --cacert "$ca/cert.pem" --cakey "$ca/key.pem" --in "$dir/private/key.pem" --type rsa \
			--dn "CN=$node.rsip.test" --san "$node.rsip.test" --outform pem >"$dir/x509/cert.pem"
	done
}

# strongswan.conf: the plugins needed here (all sixty take seconds to start) and a log. What rsipc wrote is included, as
# Debian's own strongswan.conf does.
ike_daemon_conf() {
	local dir=$(ike_dir "$1")
	cat <<-END
	charon {
		load = openssl pem pkcs1 x509 pubkey random nonce kdf kernel-netlink socket-default vici
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

# mobike would move IKE to port 4500 even where no NAT is (RFC 4555 3.3).
ike_connection() {
	local version=$1 local=$2 remote=$3 auth
	if [ "$version" = 2 ]; then auth=psk; else auth=pubkey; fi
	cat <<-END
		version = $version
		mobike = no
		proposals = aes128-sha256-x25519
		local {
			auth = $auth
			id = $local
			$([ $auth = psk ] || echo "certs = cert.pem")
		}
		remote {
			auth = $auth
			id = $remote
		}
	END
}

ike_host_conf() {
	local host=$1 version
	echo "connections {"
	for version in 2 1; do
		echo "v$version {"
		printf 'local_addrs = %s\nremote_addrs = %s\n' "${ADDRESS[$host]}" "$PEER"
		ike_connection $version "$host.rsip.test" y.rsip.test
		echo "children {"
		ike_host_children "$host" $version
		echo "} }"
	done
	echo "}"
	printf 'secrets { ike { id = %s.rsip.test\n secret = "of %s and y" } }\n' "$host" "$host"
}

# The peer takes any host at any address by its identity. It knows nothing of RSIP.
ike_peer_conf() {
	local version
	echo "connections {"
	for version in 2 1; do
		echo "v$version {"
		echo "local_addrs = $PEER"
		ike_connection $version y.rsip.test "*.rsip.test"
		echo "children {"
		ike_child "v$version-transport" transport dynamic dynamic
		ike_child "v$version-tunnel" tunnel "${INNER[y]}/32" 10.1.0.0/24
		echo "} }"
	done
	echo "}"
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
		start "$node" "charon_$node" env STRONGSWAN_CONF="$dir/strongswan.conf" /usr/lib/ipsec/charon
	done
	for node in "$@"; do wait_for 30 ike "$node" --load-all || return 1; done
}

ike_stop() {
	local node
	for node in "$@"; do stop "charon_$node"; done
}

# ike NODE ARG...: swanctl of that node.
ike() {
	local node=$1 dir=$(ike_dir "$1")
	shift
	in_box "$node" env STRONGSWAN_CONF="$dir/strongswan.conf" SWANCTL_DIR="$dir/swanctl" swanctl "$@"
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
