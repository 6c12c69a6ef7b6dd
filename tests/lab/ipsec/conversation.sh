# What two hosts and their peer do in every scenario: set SAs up, talk, rekey from either side while talking. Source
# this file after ike.sh and talk.sh. A conversation has a VERSION of IKE (2, 1) and a MODE (transport, tunnel).

# initiate HOST VERSION MODE
initiate() {
	local child log=$LAB_TMP/initiate_$1.log
	for child in $(ike_children "$2" "$3"); do
		ike "$1" --initiate --ike "v$2" --child "$child" --timeout 20 >"$log" 2>&1 || {
			echo "$1: $child: $(tail -n 1 "$log")"
			return 1
		}
	done
}

terminate() { ike "$1" --terminate --ike "v$2" --timeout 10; }

# in_spis HOST, cookies HOST: what its SAs are known by.
in_spis() { on "$1" ip xfrm state | awk '/^src '"$PEER"' / { getline; print $4 }' | sort; }
cookies() { ike_table "$1" | awk '{ print $3 }' | sort -u; }

# has_new N BEFORE COMMAND...: the command prints at least N words that are not among BEFORE.
has_new() {
	local n=$1 before=$2
	shift 2
	[ "$("$@" | grep -cvxF -e "${before:-none}")" -ge "$n" ]
}

# rekeyed N LIST COMMAND...: has the command begin a rekeying, then waits until each host has N new of what LIST
# (in_spis, cookies) lists.
rekeyed() {
	local n=$1 list=$2 before_x1 before_x2
	shift 2
	before_x1=$($list x1) before_x2=$($list x2)
	"$@" || return 1
	wait_for 30 has_new "$n" "$before_x1" "$list" x1 && wait_for 30 has_new "$n" "$before_x2" "$list" x2
}

rekey_children() {
	local child
	for child in $(ike_children "$2" "$3"); do ike "$1" --rekey --child "$child" || return 1; done
}

rekey_ike() { ike "$1" --rekey --ike "v$2"; }

# session VERSION MODE: both hosts set up SAs, fetch a page from the peer, send datagrams, and serve the peer.
session() {
	both initiate "$@" && both fetch "$2" && both datagrams "$2" && both serve "$2"
}

# conversations WHO: all four kinds, the whole of each: both hosts at once set up a session, talk, and go on talking while
# SAs are rekeyed from either side.
conversations() {
	local version mode
	for version in 2 1; do
		for mode in transport tunnel; do
			try "$1" "IKEv$version, $mode mode" works session $version $mode && rekeyings "$1: IKEv$version, $mode mode" $version $mode
			both terminate $version >/dev/null 2>&1
		done
	done
}

# rekeyings NAME VERSION MODE. When the IKEv1 responder of a rekeying takes down the old SA, a datagram may be under way on
# it: nothing in RFC 2409 orders that. IKEv1 phase 1 rekeyed by the peer is not for two hosts (RFC 3104 Appendix E).
rekeyings() {
	local name=$1 version=$2 mode=$3 may_lose=0 n
	[ "$version" = 2 ] || may_lose=4
	n=$(ike_children "$version" "$mode" | wc -w)
	flows_start "$mode"
	check "$name: the hosts rekey child SAs" rekeyed $n in_spis both rekey_children "$version" "$mode"
	check "$name: the peer rekeys child SAs" rekeyed $n in_spis ike y --rekey --child "v$version-$mode"
	check "$name: the hosts rekey IKE SAs" rekeyed 1 cookies both rekey_ike "$version"
	if [ "$version" = 2 ]; then
		check "$name: the peer rekeys IKE SAs" rekeyed 1 cookies rekey_ike y "$version"
		check "$name: the peer rekeys child SAs by these" rekeyed $n in_spis ike y --rekey --child "v$version-$mode"
	fi
	check "$name: both hosts fetch a page after that" both fetch "$mode"
	flows_stop
	check "$name: no flow has lost anything meanwhile" flows_lost_nothing $may_lose
}
