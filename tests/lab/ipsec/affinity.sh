# A peer begins IKEv1's phase 1 anew (RFC 3104 Appendix E): its cookie is new to the gateway, which gives it to the one
# host that has a session with this peer, and to none where there are several. Source this file after learned.sh.

step_affinity() {
	local before
	check "affinity: x1 alone speaks IKEv1 with the peer" call x1 alone || return
	check "affinity: the peer rekeys phase 1" renewed x1 rekey_ike y 1
	check "affinity: and the session goes on" datagrams x1 tunnel
	check "affinity: x2 begins to speak with it too" call x2 alone
	check "affinity: both sessions work" both datagrams tunnel
	before=$(dropped ambiguous_cookie)
	check "affinity: the peer begins phase 1 with two hosts on it: to none, counted" unanswered "$before"
	check "affinity: the gateway says why" grep -q 'several hosts have sessions.*peer='"$PEER_ALONE" "$LAB_TMP/rsipd.log"
	check "affinity: the sessions that there are go on" both datagrams tunnel
	ike y --terminate --ike v1 --force --timeout 20 >/dev/null 2>&1
	hang_up alone x1 x2
}

# renewed HOST COMMAND...: has the command begin a rekeying, then waits until the host has a new IKE SA, the same as the
# peer.
renewed() {
	local host=$1 before
	shift
	before=$(cookies "$host")
	"$@" && wait_for 20 has_new 1 "$before" cookies "$host" && wait_for 20 agreed "$host"
}

# unanswered BEFORE: the peer rekeys all its IKEv1 SAs, the gateway drops what it says, and no host has a new cookie.
unanswered() {
	local before_x1 before_x2
	before_x1=$(cookies x1) before_x2=$(cookies x2)
	rekey_ike y 1 && wait_for 20 dropped_since ambiguous_cookie "$1" && [ "$(cookies x1)" = "$before_x1" ] &&
		[ "$(cookies x2)" = "$before_x2" ]
}
