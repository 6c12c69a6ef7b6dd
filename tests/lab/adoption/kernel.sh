# Where the labs of the moves run: in this kernel when it has ESP, else in one of their own (../uml.sh). Source this file.

kernel_here=$(dirname "${BASH_SOURCE[0]}")

# True when this kernel has ESP, and netem for the delay; tried in a throw-away namespace.
kernel_has_esp() {
	local ns=rsip-esp-$$ status=0
	ip netns add $ns || return 1
	{
		ip -n $ns xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 mode tunnel \
			aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128 &&
			ip netns exec $ns tc qdisc add dev lo root netem delay 1ms
	} 2>/dev/null || status=1
	ip netns del $ns
	return $status
}

# kernel_lab SECONDS DIR PART...: runs inside.sh; its exit status, or that of uml.sh. STEPS, AGENT_LOG, BENCH_MOVES and
# MANY go with it.
kernel_lab() {
	local seconds=$1 dir=$2
	local command=(/usr/bin/env ${STEPS:+STEPS="$STEPS"} ${AGENT_LOG:+AGENT_LOG="$AGENT_LOG"}
		${BENCH_MOVES:+BENCH_MOVES="$BENCH_MOVES"} ${MANY:+MANY="$MANY"}
		"$(realpath "$kernel_here/inside.sh")" "$dir" "$BUILDDIR" "${@:3}")
	if kernel_has_esp; then
		timeout -k 10 "$seconds" "${command[@]}"
	else
		"$kernel_here/../uml.sh" -t "$seconds" -w "$dir" -- "${command[@]}"
	fi
}
