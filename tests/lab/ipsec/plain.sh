# No sharing at all: each host has an address that the peer can reach. Shows that the lab's kernel, strongSwan and
# traffic work, so that what fails later fails for the reason told. Source this file after conversation.sh.

scenario_plain() {
	local version mode name
	on y ip route add 10.0.0.0/24 via 203.0.113.1
	ADDRESS=([x1]=10.0.0.11 [x2]=10.0.0.12) PORTS=([x1]=20480 [x2]=20544)
	ike_start y x1 x2 || { fail "plain: strongSwan starts" "see charon.log"; return; }
	for version in 2 1; do
		for mode in transport tunnel; do
			converse "plain: IKEv$version $mode" $version $mode
		done
	done
	ike_stop x1 x2 y
	on y ip route del 10.0.0.0/24
}
