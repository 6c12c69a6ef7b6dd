# What two hosts and their peer do: set SAs up, talk, go on talking while SAs are rekeyed from either side. Source this
# file after ike.sh and talk.sh. VERSION is that of IKE (2, 1); MODE is transport or tunnel.

MODES="transport tunnel" # all of which sessions are in

# initiate HOST VERSION MODE
initiate() {
	local child log=$LAB_TMP/initiate_$1.log
	for child in $(ike_children "$2" "$3"); do
		ike "$1" --initiate --ike "v$2" --child "$child" --timeout 60 >"$log" 2>&1 || {
			echo "$1: $child: $(tail -n 1 "$log")"
			return 1
		}
	done
}

# session VERSION MODE: both hosts set up SAs, fetch a page from the peer, send datagrams, and serve the peer.
session() {
	both initiate "$@" && both fetch "$2" && both datagrams "$2" && both serve "$2" || return
	! ip -n "$LAB-x1" xfrm state | grep -q espinudp || echo "note: inside UDP, port 4500"
}

# sessions WHO VERSION: in all modes, by one IKE SA of each host, and all stays up.
sessions() {
	local mode
	for mode in $MODES; do try "$1" "IKEv$2, $mode mode" works session "$2" "$mode"; done
}

terminate() { ike "$1" --terminate --ike "v$2" --timeout 20 >/dev/null 2>&1; }

# in_sas HOST, cookies HOST: what its SAs are known by. That is the keys of those that it receives by: an SPI may be used
# again at once, the host having leased few.
in_sas() {
	ip -n "$LAB-$1" xfrm state |
		awk '/^src '"$PEER"' / { ours = 1; next } /^src / { ours = 0 } ours && $1 == "aead" { print $3 }'
}
cookies() { ike_table "$1" | awk '{ print $3 }' | sort -u; }

# has_new N BEFORE COMMAND...: the command prints at least N words that are not among BEFORE.
has_new() {
	local n=$1 before=$2
	shift 2
	[ "$("$@" | grep -cvxF -e "${before:-none}")" -ge "$n" ]
}

# agreed HOST...: all child SAs of each host are in IKE SAs that the peer has them in, too, and in one of each version:
# whoever rekeys next, the other knows what he means. An IKEv1 host moves its children to the new IKE SA before the peer
# does.
agreed() {
	local host mine peers
	peers=$(ike_homes y)
	for host in "$@"; do
		mine=$(ike_homes "$host")
		! grep -qvxF -e "$peers" <<<"$mine" && [ -z "$(cut -d ' ' -f 1 <<<"$mine" | uniq -d)" ] || return 1
	done
}

# ike_homes NODE: version and cookies of the IKE SAs that have children.
ike_homes() { ike_table "$1" | awk '{ print $2, $3 }' | sort -u; }

# rekeyed N LIST COMMAND...: has the command begin a rekeying, then waits until each host has N new of what LIST
# (in_sas, cookies) lists, and agrees with the peer.
rekeyed() {
	local n=$1 list=$2 before_x1 before_x2
	shift 2
	before_x1=$($list x1) before_x2=$($list x2)
	"$@" && wait_for 30 has_new "$n" "$before_x1" "$list" x1 && wait_for 30 has_new "$n" "$before_x2" "$list" x2 &&
		wait_for 30 agreed x1 x2
}

# rekey_children NODE VERSION, rekey_ike NODE VERSION: begins it.
rekey_children() {
	local mode child
	for mode in $MODES; do
		for child in $(ike_children "$2" "$mode" "$1"); do ike "$1" --rekey --child "$child" || return 1; done
	done
}

rekey_ike() { ike "$1" --rekey --ike "v$2"; }

# rekeyings NAME VERSION COOKIES: all SAs that the hosts have, from either side, while flows go through them. Nothing may be
# lost; but whoever began an IKEv1 rekeying may use the new SA before the other, who has it when the third message of the
# exchange comes (RFC 2409 5.5), so that each may cost a datagram.
#
# COOKIES is "known" where the gateway knows a host's IKE cookies by themselves. Where they are learned, a host must be the
# first to use a new IKE SA, since the exchange that made it hides its cookies: here by rekeying a child SA. IKEv1's phase
# 1 is not rekeyed by the peer: with two hosts on one peer the new cookie tells nobody which it is for (RFC 3104
# Appendix E).
rekeyings() {
	local name=$1 version=$2 may_lose=0 n
	[ "$version" = 2 ] || may_lose=3
	n=$(in_sas x1 | wc -l)
	flows_start
	check "$name: the hosts rekey child SAs" rekeyed $n in_sas both rekey_children "$version"
	check "$name: the peer rekeys child SAs" rekeyed $n in_sas rekey_children y "$version"
	check "$name: the hosts rekey IKE SAs" rekeyed 1 cookies both rekey_ike "$version"
	[ "$3" = known ] || check "$name: the hosts use the new ones" rekeyed $n in_sas both rekey_children "$version"
	if [ "$version" = 2 ]; then
		check "$name: the peer rekeys IKE SAs" rekeyed 1 cookies rekey_ike y "$version"
		[ "$3" = known ] || check "$name: the hosts use the new ones" rekeyed $n in_sas both rekey_children "$version"
	fi
	check "$name: the peer rekeys child SAs by the new ones" rekeyed $n in_sas rekey_children y "$version"
	flows_stop
	check "$name: no flow has lost anything meanwhile" flows_lost_at_most $may_lose
}

# conversations WHO COOKIES
conversations() {
	local version
	for version in 2 1; do
		sessions "$1" $version
		rekeyings "$1: IKEv$version" $version "$2"
		both terminate $version
	done
}
