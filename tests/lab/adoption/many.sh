# An IPsec gateway with many tunnels: what one event costs its agent, and all at once. SAs by hand, each tunnel with a reqid
# of its own, as IKE daemons give them. Source this file after manual.sh.

MANY=${MANY:-50 500} # tunnels, which are twice as many SAs
MANY_EVENTS=20            # of those that come one after the other

# many_sas NODE HOST-PORT FIRST LAST VERB: of the tunnels from FIRST to LAST, for `ip -batch`. The host's end of tunnel K is
# 10.64.K inside, its SPIs are 0x10000 + K to the gateway and 0x20000 + K from it.
many_sas() {
	awk -v h=$H_A -v g=$G_A -v port="$2" -v first="$3" -v last="$4" -v verb="$5" '
		function sa(src, dst, spi, k, sport, dport) {
			printf "xfrm state %s src %s dst %s proto esp spi %d reqid %d mode tunnel replay-window 32 flag af-unspec " \
				"aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f%08x 128 encap espinudp %d %d 0.0.0.0\n",
				verb, src, dst, spi, k, spi, sport, dport
		}
		BEGIN {
			for (k = first; k <= last; k++) {
				sa(h, g, 65536 + k, k, port, 4500)
				if (verb == "add") sa(g, h, 131072 + k, k, 4500, port)
			}
		}' >"$LAB_TMP/batch-$1"
	ip -n "$LAB-$1" -batch "$LAB_TMP/batch-$1"
}

# many_policies NODE HERE THERE N
many_policies() {
	awk -v node="$1" -v here="$2" -v there="$3" -v n="$4" '
		function policy(src, dst, dir, from, to, k) {
			printf "xfrm policy add src %s dst %s dir %s tmpl src %s dst %s proto esp reqid %d mode tunnel\n",
				src, dst, dir, from, to, k
		}
		BEGIN {
			for (k = 1; k <= n; k++) {
				host = "10.64." int(k / 256) "." k % 256 "/32"; server = "10.2.0.2/32"
				mine = node == "h" ? host : server; theirs = node == "h" ? server : host
				policy(mine, theirs, "out", here, there, k)
				policy(theirs, mine, "in", there, here, k)
				policy(theirs, mine, "fwd", there, here, k)
			}
		}' >"$LAB_TMP/batch-$1"
	ip -n "$LAB-$1" -batch "$LAB_TMP/batch-$1"
}

many_up() {
	local node
	for node in h g; do
		start $node "port_$node" python3 -c "$MANUAL_PORT"
		many_sas $node 4500 1 "$1" add || return
	done
	many_policies h $H_A $G_A "$1" && many_policies g $G_A $H_A "$1"
}

# many_speak FIRST LAST PAUSE_EACH PAUSE_ALL: three packets from each of those tunnels' hosts: one tunnel after the other when
# there is a pause after each packet, in seconds, else all of them three times, with the other pause.
MANY_SPEAK='import socket, sys, time
first, last, each, all = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
def speak(k):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((f"10.64.{k // 256}.{k % 256}", 0))
    s.sendto(b"", ("10.2.0.2", 9))
    s.close()
for i in range(3 * (last - first + 1)):
    speak(first + (i // 3 if each > 0 else i % (last - first + 1)))
    time.sleep(each)
    if (i + 1) % (last - first + 1) == 0: time.sleep(all)'
many_speak() { on h python3 -c "$MANY_SPEAK" "$@"; }

# many_heard WHAT COUNT SPEAK-ARG...: they speak until the agent has said that of so many.
many_heard() {
	local what=$1 count=$2 i
	shift 2
	for i in 1 2 3 4 5 6; do
		many_speak "$@"
		has_said "$what" "$count" && return
		sleep 1
		has_said "$what" "$count" && return
	done
	return 1
}

# agent_ms: of the processor, so far, of the gateway's agent.
agent_ms() { awk '{ printf "%d\n", $1 / 1000000 }' "/proc/$agent_g_pid/schedstat"; }
many_said() { grep -c "adoption: $1 sa=" "$LAB_TMP/agent_g.log"; }
has_said() { [ "$(many_said "$1")" -ge "$2" ]; }

# many_took WHAT COUNT: its share of each of so many, since $began and $ms_began.
many_begin() { began=$EPOCHREALTIME ms_began=$(agent_ms); }
many_took() {
	awk -v what="$1" -v n="$2" -v tunnels="$many" -v ms=$(($(agent_ms) - ms_began)) -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN {
		printf "RESULT: %6d SAs, %-26s %9.2f ms of the processor each, %7.1f s for %d\n", 2 * tunnels, what ":", ms / n, b - a, n }'
}

# One after the other: the host's address translation gives that tunnel another port.
many_one_by_one() {
	many_sas h 4501 1 $MANY_EVENTS update
	many_begin
	check "bench: $many tunnels: one after the other is adopted" many_heard adopted $MANY_EVENTS 1 $MANY_EVENTS 0.05 0
	many_took "one adopted" $MANY_EVENTS
}

# The address translation of all has begun anew.
many_at_once() {
	many_sas h 4502 1 "$many" update
	many_begin
	check "bench: $many tunnels: all at once are adopted" many_heard adopted $((MANY_EVENTS + many)) 1 "$many" 0 0.2
	many_took "all adopted" "$many"
}

many_moved() {
	many_begin
	gateway_at $G_A $G_B
	check "bench: $many tunnels: the gateway moves with all" wait_for 200 has_said moved "$many"
	many_took "all moved" "$many"
	gateway_at $G_B $G_A
}

many_kept() {
	agent_start g "keepalive = 5"
	sleep 5
	many_begin
	sleep 10
	many_took "kept alive" $((2 * many))
	agent_stop g
}

bench_many() {
	local many=$1 began ms_began
	host_at a
	on h ip route replace local 10.64.0.0/16 dev lo
	check_here "bench: $many tunnels: they are there" many_up "$many" || return
	many_kept
	: >"$LAB_TMP/agent_g.log"
	check_here "bench: $many tunnels: the agent starts" agent_start g "keepalive = 0" || return
	began=$EPOCHREALTIME ms_began=0 many_took "read at the start" "$many"
	sleep $((many / 200 + 2)) # it calls so many peers a second
	many_one_by_one
	many_at_once
	many_moved
	agent_stop g
	manual_down
}

part_bench_many() {
	local n
	for n in $MANY; do bench_many "$n"; done
}
