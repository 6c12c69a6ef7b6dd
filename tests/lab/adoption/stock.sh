# The agent on the host alone: the gateway runs stock strongSwan, which moves its SAs to where an authentic packet came
# from, but asks for less (docs/adoption.md). Source this file after attacks.sh.

part_stock() {
	local label report version ENCAP="h g"
	for version in 2 1; do
		label="stock peer: IKEv$version"
		if world $version h; then
			step_stream
			step_idle
			host_at b
			check "$label: a move before a rekey" wait_for 5 ends_are $H_B $G_A
			check "$label: after the move: the host rekeys the child SA" rekeys_child h
			check "$label: after the move: the gateway rekeys the child SA" rekeys_child g
			check "$label: rekeys after the move: none twice" wait_for 20 none_twice
			check "$label: both tunnels work" both_reach
		fi
		world_end
	done
}
