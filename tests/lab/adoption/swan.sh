# Stock strongSwan on h and g (daemons.sh): one charon each, configured by swanctl. Source this file after sites.sh.

# Debian's AppArmor profiles let strongSwan read its own directories alone; these files are elsewhere.
UNCONFINED=()
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] && command -v aa-exec >/dev/null; then
	UNCONFINED=(aa-exec -p unconfined --)
fi

swan_dir() { echo "$LAB_TMP/swan/$1"; }

# strongswan.conf: the plugins needed here (all sixty take seconds to start), a log, and the lines of $SWAN_CHARON.
swan_daemon_conf() {
	cat <<-END
	charon {
		load = openssl pem pkcs1 pubkey random nonce kdf kernel-netlink socket-default vici
		install_routes = no
		${SWAN_CHARON-}
		filelog {
			log {
				path = $(swan_dir "$1")/charon.log
				time_format = %H:%M:%S
				time_add_ms = yes
				flush_line = yes
				default = 1
			}
		}
	}
	swanctl {
		load = nonce
	}
	END
}

# swan_child NAME LOCAL REMOTE: lines of $SWAN_CHILD come with it.
swan_child() {
	printf '%s {\nmode = tunnel\nlocal_ts = %s\nremote_ts = %s\nesp_proposals = aes128gcm16\n' "$1" "$2" "$3"
	printf '%s\n}\n' "${SWAN_CHILD-}"
}

# swan_conf NODE VERSION: swanctl.conf; lines of $SWAN_CONNECTION come with it, at the host of $SWAN_HOST too, and there those of
# $SWAN_HOST_CHILD with each child. One child SA for IPv4 inside, one for IPv6: IKEv1 has a single selector an SA. SWAN_ENCAP: the
# nodes that ask for UDP encapsulation, by playing behind a NAT.
swan_conf() {
	local node=$1 version=$2 peer=g inner=$IN_H/32 far=10.2.0.0/24 inner6=$IN6_H/128 far6=fd00:2::/64
	local SWAN_CHILD=${SWAN_CHILD-}
	[ "$node" = g ] || SWAN_CHILD+=$'\n'${SWAN_HOST_CHILD-}
	[ "$node" = h ] || { peer=h inner=10.2.0.0/24 far=$IN_H/32 inner6=fd00:2::/64 far6=$IN6_H/128; }
	cat <<-END
	connections { vpn {
		version = $version
		encap = $(case " ${SWAN_ENCAP-h g} " in *" $node "*) echo yes ;; *) echo no ;; esac)
		proposals = aes128-sha256-ecp256
		$([ "$node" = g ] || printf '%s\n' "remote_addrs = $G_A${SWAN_ANYWHERE-}" "${SWAN_HOST-}")
		${SWAN_CONNECTION-}
		local { auth = psk
			id = $node.rsip.test }
		remote { auth = psk
			id = $peer.rsip.test }
		children {
			$(swan_child net "$inner" "$far")
			$(swan_child net6 "$inner6" "$far6")
		}
	} }
	secrets { ike { secret = "of h and g" } }
	END
}

# swan_start VERSION [NODE...]: charon there, on both when none is named, its connections loaded.
swan_start() {
	local node dir version=$1
	shift
	[ $# -gt 0 ] || set -- h g
	for node in "$@"; do
		dir=$(swan_dir $node)
		rm -rf "$dir"
		mkdir -p "$dir/swanctl"
		swan_daemon_conf $node >"$dir/strongswan.conf"
		swan_conf $node "$version" >"$dir/swanctl/swanctl.conf"
		start $node "charon_$node" "${UNCONFINED[@]}" env STRONGSWAN_CONF="$dir/strongswan.conf" /usr/lib/ipsec/charon
	done
	for node in "$@"; do wait_for 20 swan $node --load-all || return 1; done
}

swan_stop() {
	stop charon_h
	stop charon_g
	for node in h g; do
		ip -n "$LAB-$node" xfrm state flush
		ip -n "$LAB-$node" xfrm policy flush
	done
}

# swan NODE ARG...: swanctl of that node.
swan() {
	local dir
	dir=$(swan_dir "$1")
	in_box "$1" "${UNCONFINED[@]}" env STRONGSWAN_CONF="$dir/strongswan.conf" SWANCTL_DIR="$dir/swanctl" swanctl "${@:2}"
}

# swan_up CHILD...: the host begins them.
swan_up() {
	local child
	for child in "$@"; do
		swan h --initiate --child "$child" --timeout 60 >"$LAB_TMP/swan/initiate.log" 2>&1 ||
			{ tail -n 5 "$LAB_TMP/swan/initiate.log"; return 1; }
	done
}

# swan_has NODE: "IKES CHILDREN": how many IKE SAs it has established, and child SAs installed.
swan_has() {
	swan "$1" --list-sas | awk '
		/ESTABLISHED, IKEv/ { ikes++ }
		/INSTALLED, TUNNEL/ { children++ }
		END { print ikes + 0, children + 0 }'
}
