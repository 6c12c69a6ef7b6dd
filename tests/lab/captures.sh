# When a capture is whole. tcpdump gets packets some time after they have passed, in their order: what is in the file is all
# that there was before a packet that is in it, too. Source this file after topology.sh and verdict.sh.

# marked FILE N: the capture has N packets of mark's.
marked() { [ "$(grep -aob rsipmark "$1" | wc -l)" -ge "$2" ]; }

# mark PEER PEER-FILE NODE FILE...: a ping of each node to the peer, last of all that is captured, and its answer are in the
# files of both.
mark() {
	local peer=$1 file=$2 pings=0
	shift 2
	while [ $# -gt 0 ]; do
		wait_for 5 on "$1" ping -q -c 1 -W 4 -s 24 -p 727369706d61726b "$peer" || return 1
		wait_for 5 marked "$2" 2 || return 1
		pings=$((pings + 1))
		shift 2
	done
	wait_for 5 marked "$file" $((2 * pings))
}
