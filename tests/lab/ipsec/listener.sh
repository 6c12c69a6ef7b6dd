# A peer begins (RFC 3104 Appendix G): x1 has leased the right to be spoken to by that peer first (ike-peer in
# rsipc.conf). Meanwhile x2 is in a session with the same node. Source this file after learned.sh.

step_listener() {
	local version
	check "listener: the gateway shows whom x1 listens for" test "$(bindings '.[].ike_listener // empty')" = "$PEER_CALLS"
	check "listener: x2 is in a session with the peer" initiate x2 2 tunnel
	for version in 2 1; do
		check "listener: IKEv$version: the peer calls x1 by the shared address" call y call-v$version
		check "listener: IKEv$version: both say something" conversation_with_x1
		check "listener: IKEv$version: the peer rekeys the IKE SA" renewed x1 ike y --rekey --ike call-v$version
		check "listener: IKEv$version: and the session goes on" datagrams x1 tunnel
		hang_up v$version x1
	done
	check "listener: x2's session was never touched" datagrams x2 tunnel
	hang_up v2 x2
}

conversation_with_x1() { datagrams x1 tunnel && serve x1 tunnel; }
