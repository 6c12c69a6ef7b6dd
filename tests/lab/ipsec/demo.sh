# The short form for a person to watch: RSIP, then NAT, in the steps of the scenarios; ipsec/demo_view.sh makes what is
# printed readable. IKEv2 only, to last less than two minutes. Source this file after rsip.sh and nat.sh.

scenario_demo() {
	demo_leases && demo_ipsec
	demo_nat
}

demo_leases() {
	local host
	say "The gateway n runs rsipd. Its pool is one public address, 203.0.113.9, for all its hosts." \
		"x1 and x2 run rsipc. Each leases 64 ports of that address, 64 IPsec SPIs and a block of IKE cookies."
	check_here "rsipd serves" rsip_gateway || return
	for host in x1 x2; do host_conf $host block ip-ip/auto; done
	check_here "both hosts have their leases" hosts_lease || return
	show "rsipctl bindings" gateway_ctl bindings
	say "x1 has the public address on its own tunnel device, and rsipc has told strongSwan what is leased:"
	show "x1: ip -brief address show dev rsip0" on x1 ip -brief address show dev rsip0
	show "x1: cat /etc/strongswan.d/rsip.conf" in_box x1 grep = /etc/strongswan.d/rsip.conf
}

demo_ipsec() {
	say "Stock strongSwan starts on x1, x2 and the peer y. Both hosts set up SAs with y at the same time, by IKEv2, in" \
		"both modes (IKEv1 is in ./run test). In each session they fetch a web page from y, send datagrams, and y connects to them."
	check_here "strongSwan runs" ike_start y x1 x2 || return
	captures_start
	sessions rsip 2
	show "y: swanctl --list-sas    (both come from one address, port 500)" list_ike y
	say "Now y rekeys all these SAs while TCP and UDP flows go through them."
	flows_start
	check "the peer rekeys child SAs" rekeyed 3 in_sas rekey_children y 2
	flows_stop
	check "no flow has lost anything" flows_lost_at_most 0
	both terminate 2
	capture_stop
	ike_stop x1 x2 y
	say "What went over the wire on the public side of the gateway: IKE on port 500 and ESP of both hosts, to one address."
	show "tcpdump -i wan0 'udp port 500'" capture_show public "udp port 500" 4
	show "tcpdump -i wan0 'ip proto 50'    (towards the hosts, each by its own SPIs)" esp_of_both
	say "Without IKE: SAs made by hand with leased SPIs, ESP and AH. And are the packets that y got those that were sent?"
	shared rsip works
	hosts_release
	gateway_stop
}

list_ike() { ike "$1" --list-sas | grep -E '^v|remote |TUNNEL|TRANSPORT' | sed 's/, ESP.*//'; }

esp_of_both() {
	local host
	for host in x1 x2; do
		capture_show public "ip proto 50 and src host $PEER and ip[20:4] >= ${SPI[$host]} and ip[20:4] <= ${SPI_LAST[$host]}" 2
	done
}

demo_nat() {
	say "The same hosts, peer and strongSwan, the gateway translating addresses (masquerade) instead:"
	NAT_VERSIONS=2 scenario_nat
}
