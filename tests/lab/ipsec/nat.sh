# The same hosts, peer and strongSwan behind address translation (RFC 3022) in place of RSIP: what fails there, and why.
# Source this file after conversation.sh, manual.sh and capture.sh.

NAT_PUBLIC=203.0.113.1

# Linux masquerade on the gateway. Debian's user-mode-linux has nf_tables for bridges alone; the older iptables asks the
# same NAT engine of the kernel.
nat_up() {
	on n nft 'table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; } }' \
		2>"$LAB_TMP/nft.log" ||
		on n iptables-legacy -t nat -A POSTROUTING -o wan0 -j MASQUERADE
}

nat_down() {
	on n nft delete table ip nat 2>/dev/null || on n iptables-legacy -t nat -F
}

scenario_nat() {
	local version
	check "nat: the gateway masquerades" nat_up || return
	ADDRESS=([x1]=10.0.0.11 [x2]=10.0.0.12) PORTS=([x1]=20480 [x2]=20544) SEEN=([x1]=$NAT_PUBLIC [x2]=$NAT_PUBLIC)
	SPI=([x1]=0x10000001 [x2]=0x10000002)
	check_here "nat: strongSwan starts" ike_start y x1 x2 || return
	captures_start
	for version in ${NAT_VERSIONS:-2 1}; do
		sessions nat $version
		both terminate $version
	done
	capture_stop
	ike_stop x1 x2 y
	shared nat fails
	nat_down
	SEEN=()
}
