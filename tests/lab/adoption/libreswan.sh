# libreswan on h and g (daemons.sh): one pluto each. Debian's package and strongSwan's exclude each other, so that it is run
# from where `./run test packages` has unpacked it, beside the build. Source this file after moves.sh.

LIBRESWAN=${LIBRESWAN:-$BUILDDIR/../libreswan}
[ -x "$LIBRESWAN/usr/libexec/ipsec/pluto" ] || [ ! -x /usr/libexec/ipsec/pluto ] || LIBRESWAN=/

# Whether it is there, with all that it links with.
libre_there() {
	[ -x "$LIBRESWAN/usr/libexec/ipsec/pluto" ] && ! ldd "$LIBRESWAN/usr/libexec/ipsec/pluto" | grep 'not found' &&
		command -v certutil
}

libre_dir() { echo "$LAB_TMP/libre/$1"; }

# libre_box NODE: its programs call each other where the package has them: there, in this box.
libre_box() {
	in_box "$1" test -x /usr/libexec/ipsec/pluto ||
		in_box "$1" sh -c 'mount -t tmpfs libexec /usr/libexec && mkdir /usr/libexec/ipsec && mount --bind "$1" /usr/libexec/ipsec' \
			- "$LIBRESWAN/usr/libexec/ipsec"
}

# libre NODE PROGRAM [ARG...]: of the package, such as whack.
libre() { in_box "$1" env PATH="$LIBRESWAN/usr/sbin:$PATH" "/usr/libexec/ipsec/$2" "${@:3}"; }

# libre_conn NAME NODE VERSION INNER FAR: lines of $LIBRE_CONN come with it, at the host of $LIBRE_HOST too.
libre_conn() {
	local name=$1 node=$2 version=$3 peer=g left=%defaultroute right=$G_A
	[ "$node" = h ] || peer=h left=$G_A right=%any
	cat <<-END
	conn $name
	    left=$left
	    right=$right
	    leftid=@$node.rsip.test
	    rightid=@$peer.rsip.test
	    leftsubnet=$4
	    rightsubnet=$5
	    authby=secret
	    ikev2=$([ "$version" = 2 ] && echo insist || echo no)
	    ike=aes128-sha2-dh19
	    esp=aes_gcm128-null
	    pfs=no
	    encapsulation=$(case " ${LIBRE_ENCAP-g} " in *" $node "*) echo yes ;; *) echo auto ;; esac)
	    auto=ignore
	END
	printf '\t%s\n' "${LIBRE_CONN[@]}"
	[ "$node" = g ] || printf '\t%s\n' "${LIBRE_HOST[@]}"
}

# libre_conf NODE VERSION
libre_conf() {
	local inner=$IN_H/32 far=10.2.0.0/24 inner6=$IN6_H/128 far6=fd00:2::/64
	[ "$1" = h ] || { inner=10.2.0.0/24 far=$IN_H/32 inner6=fd00:2::/64 far6=$IN6_H/128; }
	printf 'config setup\n\tnhelpers=0\n\tlogip=yes\n'
	libre_conn net "$1" "$2" "$inner" "$far"
	libre_conn net6 "$1" "$2" "$inner6" "$far6"
}

# libre_start VERSION NODE...: pluto there, its connections loaded.
libre_start() {
	local version=$1 node dir
	shift
	for node in "$@"; do
		dir=$(libre_dir "$node")
		rm -rf "$dir"
		mkdir -p "$dir/ipsec.d"
		libre_conf "$node" "$version" >"$dir/ipsec.conf"
		echo ': PSK "of h and g"' >"$dir/ipsec.secrets"
		libre_box "$node" || return
		in_box "$node" mkdir -p /var/lib/ipsec/nss /run/pluto
		in_box "$node" certutil -N -d sql:/var/lib/ipsec/nss --empty-password || return
		start "$node" "pluto_$node" env PATH="$LIBRESWAN/usr/sbin:$PATH" /usr/libexec/ipsec/pluto --nofork --stderrlog \
			--config "$dir/ipsec.conf" --secretsfile "$dir/ipsec.secrets" --ipsecdir "$dir/ipsec.d" \
			--nssdir /var/lib/ipsec/nss --rundir /run/pluto
	done
	for node in "$@"; do
		wait_for 20 libre "$node" whack --listen || return
		libre "$node" addconn --ctlsocket /run/pluto/pluto.ctl --config "$(libre_dir "$node")/ipsec.conf" net net6 || return
	done
}

libre_stop() {
	local node
	for node in "$@"; do
		stop "pluto_$node"
		ip -n "$LAB-$node" xfrm state flush
		ip -n "$LAB-$node" xfrm policy flush
	done
}

# libre_states NODE PATTERN: the numbers that pluto has given to its SAs of that kind.
libre_states() { libre "$1" whack --showstates | sed -nE "s/^000 (#[0-9]+): .*($2).*/\1/p" | sort; }
LIBRE_CHILD='ESTABLISHED_CHILD_SA|IPsec SA established' LIBRE_IKE='ESTABLISHED_IKE_SA|IKE SA established'
libre_has_new() { libre_states g "$1" | grep -qvxF "$2"; }

# libre_rekeys NODE child|ike: that node begins it, and pluto has a new SA of that kind; in the end nothing is there twice.
libre_rekeys() {
	local kind=$LIBRE_CHILD before
	[ "$2" = child ] || kind=$LIBRE_IKE
	before=$(libre_states g "$kind")
	case $1-$2 in
	h-child) swan h --rekey --child net ;;
	h-ike) swan h --rekey --ike vpn ;;
	g-child) libre g whack --name net --rekey-ipsec --asynchronous ;;
	g-ike) libre g whack --name "$(libre_ike_name)" --rekey-ike --asynchronous ;;
	esac && wait_for 15 libre_has_new "$kind" "$before" && { wait_for 40 libre_whole || { libre_told; false; }; }
}

# The connection that has the IKE SA, of the two that share it.
libre_ike_name() { libre g whack --showstates | sed -nE "/$LIBRE_IKE/s/^[^\"]*\"([^\"]*)\".*/\1/p" | tail -n 1; }

# libre_whole: one IKE SA and two tunnels at both ends; at the gateway in the kernel too: two SAs each.
libre_whole() {
	[ "$(sa_ends g | wc -l)" = 4 ] && [ "$(libre_states g "$LIBRE_CHILD" | wc -l)" = 2 ] &&
		[ "$(libre_states g "$LIBRE_IKE" | wc -l)" = 1 ] && [ "$(swan_has h)" = "1 2" ]
}

# libre_told: what there is, where it is not that.
libre_told() {
	echo "IKE and child SAs at h: $(swan_has h)"
	libre g whack --showstates
	sa_ends g
}

# libre_ike_works WHAT HOST-ADDRESS: after that move, DPD and rekeys from both ends, and where the new SAs are.
libre_ike_works() {
	local node kind before
	before=$(swan_logged h "$DPD_ANSWER")
	check "$label: $1: DPD is answered" wait_for 20 logged_since h "$DPD_ANSWER" "$before"
	for kind in child ike; do
		for node in h g; do
			check "$label: $1: $node rekeys the $kind SA, and none is there twice" libre_rekeys $node $kind
			check "$label: $1: $node rekeys the $kind SA: the SAs are between the new addresses" wait_for 10 ends_are "$2" $G_A
		done
	done
	check "$label: $1, and rekeys: both tunnels work" both_reach
}

# strongSwan at the host, libreswan at the gateway (docs/adoption.md says why these settings).
libre_world() {
	local node version=$1
	SWAN_ENCAP=h SWAN_HOST="dpd_delay = 2s" SWAN_CONNECTION="mobike = no" SWAN_ANYWHERE='' LIBRE_ENCAP='' LIBRE_CONN=() LIBRE_HOST=()
	SWAN_CHARON="plugins {
		socket-default { set_source = no }
		kernel-netlink { roam_events = no }
	}"
	host_at a
	check_here "$label: libreswan starts" libre_start "$version" g || return
	check_here "$label: strongSwan starts" swan_start "$version" h || return
	for node in h g; do check_here "$label: the agent starts on $node" agent_start "$node" || return; done
	check_here "$label: SAs are there" swan_up net net6
}

libre_world_end() {
	agent_stop h g
	libre_stop g
	swan_stop
	host_at a
}

part_libreswan() {
	local version label report SWAN_CONNECTION SWAN_HOST SWAN_CHARON SWAN_ENCAP SWAN_ANYWHERE LIBRE_ENCAP LIBRE_CONN LIBRE_HOST
	libre_there >/dev/null || { skip "libreswan at the gateway" "not whole in $LIBRESWAN: ./run test packages"; return; }
	for version in ${LIBRE_VERSIONS:-2}; do
		label="libreswan gateway: IKEv$version"
		if libre_world "$version"; then
			moved_with_stream "a move with a stream inside" 4 b $H_B
			libre_ike_works "after the move" $H_B
			host_at a
			check "$label: and back, without traffic" wait_for 10 ends_are $H_A $G_A
			check "$label: and back: both tunnels work" both_reach
		fi
		libre_world_end
	done
}
