# The tunnel carried by rsipc itself on both ends, with keys set by hand: no kernel ESP, no IKE. Source this file after
# attacks.sh: the same moves and attacks, asked of another backend.

# user_conf NODE HERE-NETWORKS THERE-NETWORKS [LINES-OF-ADOPTION]: each end knows where the other one is at first.
user_conf() {
	local node=$1 remote=$G_A in=0x1002 out=0x1001 addresses="\"$IN_H/32\", \"$IN6_H/128\"" probe_from=$IN_H probe_to=10.2.0.1
	[ "$node" = h ] || { remote=$H_A in=0x1001 out=0x1002 addresses='' probe_from=10.2.0.1 probe_to=$IN_H; }
	cat <<-END
		adoption { ${4-} }
		esp {
		    device = "esp0"
		    keys   = "$LAB_TMP/esp-$node.keys"
		    ${addresses:+addresses = { $addresses \}}
		}
		sa "office" {
		    remote          = "$remote"
		    spi-in          = $in
		    spi-out         = $out
		    algorithm       = "aes-128-gcm"
		    replay-window   = 1024
		    local-networks  = { $2 }
		    remote-networks = { $3 }
		    probe-from      = "$probe_from"
		    probe-to        = "$probe_to"
		}
		state   = "/var/lib/rsip/rsipc.db"
		control = "/run/rsip/rsipc.sock"
		log     { to = "stderr"  level = "${AGENT_LOG:-info}"  format = "text" }
	END
}

# user_keys NODE IN OUT: the last digit of each direction's key.
user_keys() {
	(umask 077
	for way in "in $2" "out $3"; do
		echo "office ${way% *} 0x0001020304050607 08090a0b0c0d0e0${way#* } 10111213"
	done >"$LAB_TMP/esp-$1.keys")
}

user_start() {
	local host='"10.1.0.1/32", "fd00:1::1/128"' lan='"10.2.0.0/24", "fd00:2::/64"' node
	on h ip link del in0 2>/dev/null
	on g ip -6 route del fd00:1::/64 2>/dev/null
	host_at a
	user_keys h 1 2
	user_keys g 2 1
	user_conf h "$host" "$lan" "keepalive = 3s" >"$LAB_TMP/user-h.conf"
	user_conf g "$lan" "$host" "${1-}" >"$LAB_TMP/user-g.conf"
	for node in h g; do
		start $node "agent_$node" "$BUILDDIR/rsipc/rsipc" -f -c "$LAB_TMP/user-$node.conf"
		wait_for 10 agent_ctl $node sas || { tail -n 5 "$LAB_TMP/agent_$node.log"; return 1; }
	done
	wait_for 10 both_reach
}

user_stop() {
	agent_stop h g
	host_at a
	[ -z "$SITES_KERNEL" ] || user_restore
}

# For a part that follows with the kernel's ESP.
user_restore() {
	sites_inner
	on g ip route add fd00:1::/64 dev wan0
}

# What the steps ask of the SAs, answered by the agent.
user_questions() {
	sa_ends() {
		agent_ctl "$1" -j sas | jq -r '.[] | "\(.local) \(.remote) \(.spi_out)", "\(.remote) \(.local) \(.spi_in)"'
	}
	refusals() {
		local what=replayed
		[ "$2" = XfrmInStateSeqError ] || what=unauthentic
		agent_ctl "$1" -j sas | jq "[.[].drops.$what] | add"
	}
	in_packets() { agent_ctl "$1" -j sas | jq '[.[].in_packets] | add'; }
	attack_world() { check_here "$label: tunnels work" user_start "$1"; }
	world_end() { user_stop; }
}

# SIGHUP: the gateway's guards change, its tunnels stay.
user_reload() {
	user_conf g "$lan" "$host" "$1" >"$LAB_TMP/user-g.conf"
	kill -HUP "$agent_g_pid"
	wait_for 5 eval "[ \$(grep -c 'reloaded adoption=yes' $LAB_TMP/agent_g.log) = $2 ]"
}

user_reloads() {
	local host='"10.1.0.1/32", "fd00:1::1/128"' lan='"10.2.0.0/24", "fd00:2::/64"'
	check "$label: SIGHUP: other guards" user_reload 'allow = { "192.0.2.0/24" }' 1
	host_at b
	check "$label: SIGHUP: the address that is allowed no more is refused" wait_for 5 refused_one
	check "$label: SIGHUP: the tunnel is where it was" sends_to g $G_A $H_A
	check "$label: SIGHUP: no guards" user_reload "" 2
	check "$label: SIGHUP: the host is followed" wait_for 5 ends_are $H_B $G_A
	check "$label: SIGHUP: both tunnels work" both_reach
	host_at a
}
refused_one() { agent_ctl g -j sas | jq -e '.[0].refused > 0'; }

# Everything without IKE, in this shell's child: the questions stay there.
user_moves() {
	local label="user space" report step late_moves=''
	user_questions
	check_here "$label: tunnels for IPv4 and IPv6 work" user_start || { user_stop; return; }
	for step in stream idle flap both; do "step_$step"; done
	user_reloads
	user_stop
	label="user space: attacks"
	attack_world "" && { step_replayed; step_forged; step_late; step_late_host; step_forwarded; }
	world_end
	part_guards
	user_nat
}

user_nat() {
	local label="user space: nat"
	nat_up 20000
	user_start
	check "$label: the gateway sees r's address" wait_for 5 nat_found 20000
	nat_moves "$label"
	sleep 1 # what still was under way
	nat_up 50000
	check "$label: another port while nobody speaks: the keepalive alone tells the gateway" wait_for 10 seen_at 50000
	user_stop
	nat_down
}

part_user() { user_moves; }

part_bench_user() {
	check_here "bench: user space: tunnels work" user_start || return
	bench_moves "adoption, ESP in user space" host_at 2
	user_stop
}
