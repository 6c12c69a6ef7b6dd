# Our agent: rsipc with nothing but a section `adoption`, on h and on g; and where SAs point. Source this file after swan.sh.

# agent_settings VERSION: what it takes of strongSwan beside the agent (docs/adoption.md), as SWAN_ variables. Packets of IKE
# must leave from whatever address there is. The gateway is not to take the host for one behind a NAT, where that can be had:
# strongSwan then moves SAs itself, and for late packets too. With IKEv2 MOBIKE brings IKE along; with IKEv1 a rekey of the
# gateway's is a new Main Mode, which the host must take from wherever the gateway is.
agent_settings() {
	SWAN_ENCAP=g SWAN_HOST="dpd_delay = 2s" SWAN_CONNECTION='' SWAN_ANYWHERE=''
	SWAN_CHARON="plugins { socket-default { set_source = no } }"
	if [ "$1" = 2 ]; then SWAN_CONNECTION="mobike = yes"; else SWAN_ANYWHERE=", 0.0.0.0/0"; fi
}

# agent_start NODE [LINES]: lines of its section. True when it answers rsipctl.
agent_start() {
	local node=$1
	cat >"$LAB_TMP/agent-$node.conf" <<-END
		adoption {
		    ${2-}
		}
		state   = "/var/lib/rsip/rsipc.db"
		control = "/run/rsip/rsipc.sock"
		log     { to = "stderr"  level = "${AGENT_LOG:-info}"  format = "text" }
	END
	start "$node" "agent_$node" "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/agent-$node.conf"
	wait_for 10 agent_ctl "$node" sas || { tail -n 20 "$LAB_TMP/agent_$node.log"; return 1; }
}

agent_stop() {
	local node
	for node in "$@"; do stop "agent_$node"; done
}

agent_ctl() { in_box "$1" "$BUILDDIR/rsipctl/rsipctl" -s /run/rsip/rsipc.sock "${@:2}"; }

# sa_ends NODE: a line an SA: FROM-ADDRESS:PORT TO-ADDRESS:PORT SPI, as the kernel has them.
sa_ends() {
	ip -n "$LAB-$1" xfrm state | awk '
		$1 == "src" { from = $2; to = $4 }
		$1 == "proto" { split($4, spi, "("); name = spi[1] }
		$1 == "encap" { print from ":" $5, to ":" $7, name }'
}

# points_to NODE HERE THERE: all SAs of the node are between these two addresses, one way or the other, and there are some.
points_to() {
	sa_ends "$1" | awk -v here="$2" -v there="$3" '
		{ sub(/:.*/, "", $1); sub(/:.*/, "", $2); count++ }
		!($1 == here && $2 == there) && !($1 == there && $2 == here) { wrong++ }
		END { exit !(count && !wrong) }'
}

# sends_to NODE HERE THERE: its outbound SAs do, whatever is still taken for the old addresses.
sends_to() {
	sa_ends "$1" | awk -v here="$2" -v there="$3" '
		{ sub(/:.*/, "", $1); sub(/:.*/, "", $2) }
		$1 == here { count++; if ($2 != there) wrong++ }
		END { exit !(count && !wrong) }'
}

# ends_are HOST GATEWAY: both ends send between these addresses.
ends_are() { sends_to h "$1" "$2" && sends_to g "$2" "$1"; }

# refusals NODE NAME: a counter of the kernel, such as XfrmInStateSeqError.
refusals() { on "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/net/xfrm_stat; }
