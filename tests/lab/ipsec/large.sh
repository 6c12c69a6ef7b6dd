# An IKE_AUTH too large for one packet, by certificates of four kilobytes, in both directions, of both hosts at once: as IP
# fragments, of which only the first has ports and cookies; and in fragments that IKE itself makes (RFC 7383), each with
# a header of its own. Source this file after learned.sh.

FRAGMENTED="udp and ip[6:2] & 0x3fff != 0"
IKE_FRAGMENT="udp port 500 and udp[24] = 53" # next payload: encrypted and authenticated fragment

step_large() {
	large ip "IP fragments" "$FRAGMENTED" "$IKE_FRAGMENT"
	large ike "fragments by IKE itself" "$IKE_FRAGMENT" "$FRAGMENTED"
}

# large NAME WORDS FILTER FILTER-OF-THE-OTHER-KIND
large() {
	capture_start "large_$1" n wan0 "host $PEER"
	check "large IKE_AUTH in $2: both hosts set up SAs" both call "large-$1"
	check "large IKE_AUTH in $2: which work" both datagrams tunnel
	hang_up "large-$1" x1 x2
	capture_stop
	check "large IKE_AUTH in $2: from the hosts" seen "large_$1" "($3) and dst host $PEER"
	check "large IKE_AUTH in $2: from the peer" seen "large_$1" "($3) and src host $PEER"
	check "large IKE_AUTH in $2: and in no others" unseen "large_$1" "$4"
}
