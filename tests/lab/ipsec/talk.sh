# What the hosts and the peer say to each other through their SAs. Source this file after ike.sh.

ECHO_PORT=7000
FLOW=$TOOLS/flow

# talk_services: on the peer a web server and an echo server that serve all its addresses.
talk_services() {
	local dir=$LAB_TMP/nginx host
	# The few ports of a host are used again and again: none is held back in TIME-WAIT.
	for host in x1 x2; do on $host sysctl -qw net.ipv4.tcp_max_tw_buckets=0; done
	mkdir -p "$dir/tmp"
	head -c 100000 /dev/urandom | base64 >"$dir/page"
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		pid $dir/pid;
		user root;
		worker_processes 1;
		error_log $dir/error.log;
		events { }
		http {
			access_log off;
			client_body_temp_path $dir/tmp/body;
			proxy_temp_path $dir/tmp/proxy;
			fastcgi_temp_path $dir/tmp/fastcgi;
			uwsgi_temp_path $dir/tmp/uwsgi;
			scgi_temp_path $dir/tmp/scgi;
			keepalive_timeout 0;
			server { listen 80; root $dir; }
		}
	END
	background y nginx -c "$dir/nginx.conf" -e "$dir/error.log"
	background y "$FLOW" echo "0.0.0.0:$ECHO_PORT"
	wait_for 20 on y nc -z "$PEER" 80 && wait_for 20 on y nc -z "$PEER" $ECHO_PORT
}

# ends HOST MODE: sets `mine`, `theirs`: the two addresses that traffic in that mode is between; and `port`, the
# first of the ports that are the host's own.
ends() {
	port=${PORTS[$1]}
	if [ "$2" = tunnel ]; then
		mine=${INNER[$1]} theirs=${INNER[y]}
	else
		mine=${ADDRESS[$1]} theirs=$PEER
	fi
}

# fetch HOST MODE: a page of 130 kB from the peer's web server, whole.
fetch() {
	local mine theirs port
	ends "$@"
	on "$1" curl -s --max-time 60 --interface "$mine" --local-port $((port + PORT_CALL)) "http://$theirs/page" |
		cmp - "$LAB_TMP/nginx/page"
}

listening() { on "$1" ss -Hltn | grep -q ":$2 "; }

# serve HOST MODE: the host is the server, on a port of its own; the peer connects.
serve() {
	local mine theirs port server status=0
	ends "$@"
	background "$1" "$FLOW" echo "$mine:$((port + PORT_CALL))"
	server=$!
	wait_for 30 listening "$1" $((port + PORT_CALL))
	[ "$2" = tunnel ] || mine=${SEEN[$1]:-$mine}
	on y "$FLOW" run -n 10 -i 20 "$theirs" "$mine:$((port + PORT_CALL))" >"$LAB_TMP/serve_$1.log" 2>&1 ||
		{ echo "the peer does not reach $1: $(tail -n 1 "$LAB_TMP/serve_$1.log")"; status=1; }
	kill $server
	return $status
}

# datagrams HOST MODE: a short UDP flow through the peer's echo server; nothing may be lost.
datagrams() {
	local mine theirs port
	ends "$@"
	on "$1" "$FLOW" run -u -n 10 -i 50 "$mine:$((port + PORT_FLOW))" "$theirs:$ECHO_PORT" >"$LAB_TMP/datagrams_$1.log" 2>&1 ||
		{ echo "no answer for $1"; return 1; }
}

# flows_start: on each host, in each mode of $MODES, a TCP and a UDP flow through the peer's echo server and back, five
# messages a second each (one each FLOW_MS milliseconds), until flows_stop.
flows_start() {
	local host mode mine theirs port
	FLOWS=()
	for host in x1 x2; do
		for mode in $MODES; do
			ends $host $mode
			flow_start $host ${mode}_tcp
			flow_start $host ${mode}_udp -u
		done
	done
}

# flow_start HOST NAME [-u]: one of them, with the variables of flows_start.
flow_start() {
	local name=flow_$1_$2
	rm -f "$LAB_TMP/$name.log"
	start "$1" "$name" "$FLOW" run ${3:-} -n 0 -i "${FLOW_MS:-200}" "$mine:$((port + PORT_FLOW))" "$theirs:$ECHO_PORT"
	FLOWS+=("$name")
}

# flows_stop: ends them.
flows_stop() {
	local flow
	for flow in "${FLOWS[@]}"; do stop "$flow"; done
}

# flows_lost_at_most DATAGRAMS: true when each message of each flow came back, but that many of each UDP flow.
flows_lost_at_most() {
	local flow lost status=0
	for flow in "${FLOWS[@]}"; do
		echo "$flow: $(<"$LAB_TMP/$flow.log")"
		lost=$(sed -n 's/^sent=[1-9].* lost=\([0-9]*\) .*/\1/p' "$LAB_TMP/$flow.log")
		case $flow in *_tcp) [ "$lost" = 0 ] ;; *) [ -n "$lost" ] && [ "$lost" -le "$1" ] ;; esac || status=1
	done
	return $status
}
