# SAs without IKE, made by hand with ip-xfrm(8), between each host and the peer. Source this file after ike.sh.
#
# What the peer puts into a packet to a host is an SPI of that host; what a host puts in is one of the peer's choice.

declare -gA SPI           # by host: an SPI of its own, for what it receives
PEER_SPI=([1]=0x9001 [2]=0x9002)

manual_algorithm() {
	case $1 in
	esp) echo "aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128" ;;
	ah) echo "auth-trunc hmac(sha256) 0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 128" ;;
	esac
}

# manual_up HOST PROTO MODE: both ends. Transport mode is for the host's UDP flow alone (talk.sh): at the peer both hosts
# may have the same address, and only the ports tell whose packet it is.
manual_up() {
	local host=$1 proto=$2 mode=$3 n=${1#x} at=${SEEN[$1]:-${ADDRESS[$1]}} mine theirs port algorithm up=() down=()
	ends "$host" "$mode"
	read -ra algorithm <<<"$(manual_algorithm "$proto")"
	if [ "$mode" = transport ]; then
		up=(proto udp sport $((port + PORT_FLOW)) dport $ECHO_PORT)
		down=(proto udp sport $ECHO_PORT dport $((port + PORT_FLOW)))
	fi
	manual_state "$host" "${ADDRESS[$host]}" "$PEER" "${PEER_SPI[n]}"
	manual_state "$host" "$PEER" "${ADDRESS[$host]}" "${SPI[$host]}"
	manual_policy "$host" out "$mine" "$theirs" "${ADDRESS[$host]}" "$PEER" "${up[@]}"
	manual_policy "$host" in "$theirs" "$mine" "$PEER" "${ADDRESS[$host]}" "${down[@]}"
	if [ "$mode" = tunnel ]; then ip -n "$LAB-y" route replace "$mine" dev eth0 src "$theirs"; else mine=$at; fi
	manual_state y "$at" "$PEER" "${PEER_SPI[n]}"
	manual_state y "$PEER" "$at" "${SPI[$host]}"
	manual_policy y in "$mine" "$theirs" "$at" "$PEER" "${up[@]}"
	manual_policy y out "$theirs" "$mine" "$PEER" "$at" "${down[@]}"
}

# manual_state NODE SOURCE DESTINATION SPI, manual_policy NODE DIRECTION FROM TO SOURCE DESTINATION [PORTS...]: one step
# of manual_up, with its variables.
manual_state() {
	ip -n "$LAB-$1" xfrm state add src "$2" dst "$3" proto "$proto" spi "$4" reqid "$n" mode "$mode" replay-window 32 \
		"${algorithm[@]}"
}

manual_policy() {
	ip -n "$LAB-$1" xfrm policy add src "$3" dst "$4" "${@:7}" dir "$2" \
		tmpl src "$5" dst "$6" proto "$proto" reqid "$n" mode "$mode"
}

manual_down() {
	local node
	for node in x1 x2 y; do
		ip -n "$LAB-$node" xfrm state flush
		ip -n "$LAB-$node" xfrm policy flush
	done
}

# What the peer's kernel has refused so far.
peer_refusals() { on y awk '/^XfrmIn/ && $2 > 0 { print $1, $2 }' /proc/net/xfrm_stat; }

# manual PROTO MODE: SAs for both hosts, a flow through each.
manual() {
	local before out status=0
	before=$(peer_refusals)
	manual_up x1 "$@"
	manual_up x2 "$@"
	out=$(both datagrams "$2") || status=1
	[ $status = 0 ] || echo ${out//$'\n'/, } $(grep -vxF -e "${before:-none}" <<<"$(peer_refusals)" | sed -n 's/^X/(the peer counts X/p' | sed 's/$/)/')
	manual_down
	return $status
}
