# No sharing at all: each host has an address that the peer can reach. Shows that the lab's kernel, strongSwan and
# traffic work, so that what fails later fails for the reason told. Source this file after conversation.sh.

scenario_plain() {
	local version
	on y ip route add 10.0.0.0/24 via 203.0.113.1
	ADDRESS=([x1]=10.0.0.11 [x2]=10.0.0.12) PORTS=([x1]=20480 [x2]=20544)
	check_here "plain: strongSwan starts" ike_start y x1 x2 || return
	for version in 2 1; do
		sessions plain $version
		both terminate $version
	done
	ike_stop x1 x2 y
	SPI=([x1]=0x10000001 [x2]=0x10000002)
	check "plain: hand-made ESP, transport mode" manual esp transport
	check "plain: hand-made ESP, tunnel mode" manual esp tunnel
	check "plain: hand-made AH, transport mode" manual ah transport
	on y ip route del 10.0.0.0/24
}
