# IKE from a port that is the host's own, "the simplest and most desirable way" (RFC 3104 6.1): nothing of it is shared, and
# a peer that rekeys phase 1 is no issue (Appendix E). x2 does so, x1 stays on port 500, and is the only one there. Source
# this file after learned.sh.

step_ephemeral() {
	local port=$((PORTS[x2] + PORT_IKE))
	check_here "ephemeral: x2's strongSwan is told to use port $port, which it leases" ephemeral_start || return
	capture_start ephemeral n wan0 "host $PEER_ONE_EACH"
	check "ephemeral: both hosts speak IKEv1 with the peer" both call one-each
	check "ephemeral: the peer rekeys phase 1 of both" rekeyed 1 cookies rekey_ike y 1
	check "ephemeral: and the sessions go on" both datagrams tunnel
	hang_up one-each x1 x2
	capture_stop
	check "ephemeral: x2 speaks IKE from that port" seen ephemeral "src port $port and dst port 500"
	check "ephemeral: the peer speaks IKE to it" seen ephemeral "src port 500 and dst port $port"
	check "ephemeral: ESP is native all the same" unseen ephemeral "udp port 4500 or udp port $((port + 1))"
	ephemeral_end
}

ephemeral_start() {
	in_box x2 tee /etc/strongswan.d/port.conf >/dev/null <<-END
		charon {
			port = $((PORTS[x2] + PORT_IKE))
			port_nat_t = $((PORTS[x2] + PORT_IKE_NATT))
		}
	END
	ike_stop x2
	ike_start x2
}

ephemeral_end() {
	in_box x2 rm /etc/strongswan.d/port.conf
	ike_stop x2
}
