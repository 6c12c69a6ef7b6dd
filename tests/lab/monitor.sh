#!/bin/bash
# rsipd as an operator meets it: options, refusals, privileges, supervision, reload, network state. Needs root; BUILDDIR
# is where rsipd was built. The gateway runs with the example config as it stands.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"

rsipd=$BUILDDIR/rsipd/rsipd
ctl_sock=/run/rsip/rsipd.sock
pid_file=/run/rsip/rsipd.pid
conf=$LAB_TMP/rsipd.conf
log=$LAB_TMP/rsipd.log
chmod 755 "$LAB_TMP" # the check as another user reads the config there

# --- helpers ----------------------------------------------------------------------------------------------------------

# A config in the lab's directory: the example, changed by the sed commands given.
write_conf() { sed -E "$@" "$here/../../examples/rsipd.conf" >"$conf"; }

# fault REGEX: "FILE:LINE: " of the config's first line that matches.
fault() { echo "$conf:$(grep -nE -m 1 "$1" "$conf" | cut -d: -f1): "; }

serving() { in_box n test -e "$pid_file" && grep -q 'monitor: serving' "$log"; }

# up NAME: starts rsipd; the check is that it serves. Not by `check`, whose subshell would keep the pid to itself.
up() {
	: >"$log"
	start n rsipd "$rsipd" -f -c "$conf"
	if wait_for 10 serving; then
		pass "$1"
	else
		fail "$1" "it does not serve"
		tail -n 15 "$log" | sed 's/^/    | /'
	fi
}

# down NAME [SIGNAL]: ends it; the check is that it ends with status 0.
down() {
	local status=0
	kill -"${2:-TERM}" "$rsipd_pid"
	wait "$rsipd_pid" || status=$?
	rsipd_pid=
	if [ $status -eq 0 ]; then pass "$1"; else fail "$1" "status $status"; fi
}

monitor_pid() { in_box n cat "$pid_file"; }

# worker NAME: the pid of "rsipd: NAME".
worker() { ps -o pid=,args= --ppid "$(monitor_pid)" | awk -v t="rsipd: $1" '$2 " " $3 == t { print $1 }'; }

alive() { [ -n "$(worker "$1")" ]; }

# renewed NAME OLD: runs again, as another process.
renewed() { local now; now=$(worker "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }

gone() { ! kill -0 "$@" 2>/dev/null; }

said() { grep -qE -- "$1" "$log"; }

# What rsipd may change in the namespace, as text.
snapshot() {
	in_box n ip -br link | awk '{ print $1 }'
	in_box n ip rule
	in_box n ip route
	in_box n ip neigh show proxy
	in_box n sh -c 'cd /proc/sys/net/ipv4 && grep -H . ip_forward ip_early_demux ip_local_reserved_ports conf/*/forwarding \
		conf/*/rp_filter conf/*/accept_local conf/*/send_redirects neigh/*/proxy_delay 2>/dev/null'
	in_box n ethtool -k lan-x1 | grep receive-offload
	in_box n ls /run/rsip 2>/dev/null
}

same_as_before() { diff <(printf '%s\n' "$before") <(snapshot); }

# fails_with STATUS REGEX COMMAND...: ends with this status and says this, in a line of its own.
fails_with() {
	local want=$1 regex=$2 out status
	shift 2
	out=$("$@" 2>&1)
	status=$?
	printf '%s\n' "$out"
	[ $status -eq "$want" ] || { echo "status $status, expected $want"; return 1; }
	printf '%s\n' "$out" | grep -qE -- "$regex" || { echo "nothing like: $regex"; return 1; }
}

# refuses REGEX COMMAND...: a start that says why in one line, and leaves nothing behind.
refuses() {
	fails_with 1 "$@" && same_as_before
}

in_n() { in_box n "$@"; }

# --- options, without root's work ---------------------------------------------------------------------------------------

lab_up
trap daemons_down EXIT
box n || exit 1
in_n mkdir -p /run/rsip
before=$(snapshot)
write_conf ''

check "-t accepts the example config" fails_with 0 ': good$' "$rsipd" -t -c "$conf"
check "-V tells the version" fails_with 0 '^rsipd [0-9]' "$rsipd" -V
check "-h tells the options" fails_with 0 '^usage: rsipd' "$rsipd" -h
check "an unknown option is a usage error" fails_with 2 '^usage: rsipd' "$rsipd" -x
check "a stray argument is a usage error" fails_with 2 'unexpected argument "start"' "$rsipd" start
check "a config that is not there" fails_with 1 'cannot read /nonexistent' "$rsipd" -t -c /nonexistent
write_conf 's/"rsipsec" }/"rsipsex" }/; s/max-ports    = 1024/max-ports = lots/'
check "-t tells each fault with its line, first" fails_with 1 "$(fault rsipsex)methods: \"rsipsex\"" "$rsipd" -t -c "$conf"
check "-t tells each fault with its line, second" fails_with 1 "$(fault lots)max-ports: \"lots\"" "$rsipd" -t -c "$conf"
check "a bad config starts nothing" refuses "$(fault rsipsex).*; allowed: rsa-ip, rsap-ip, rsipsec" in_n "$rsipd" -f -c "$conf"

# --- refusals -----------------------------------------------------------------------------------------------------------

write_conf ''
check "not root" refuses 'must be started as root' in_n setpriv --reuid=nobody --clear-groups "$rsipd" -f -c "$conf"
check "a missing capability is named" refuses 'lacks capability CAP_NET_ADMIN' \
	in_n setpriv --bounding-set=-net_admin,-net_raw --inh-caps=-all "$rsipd" -f -c "$conf"
start n holder nc -l 10.0.0.1 4555
wait_for 5 in_n sh -c 'ss -lnt | grep -q 10.0.0.1:4555'
check "the TCP port in use" refuses 'address=10.0.0.1 port=4555 protocol=tcp error="another program has it' \
	in_n "$rsipd" -f -c "$conf"
stop holder
start n holder nc -u -l 10.0.0.1 4555
wait_for 5 in_n sh -c 'ss -lnu | grep -q 10.0.0.1:4555'
check "the UDP port in use" refuses 'port=4555 protocol=udp error="another program has it' in_n "$rsipd" -f -c "$conf"
stop holder
write_conf 's/"10\.0\.0\.1" \}/"10.0.0.99" }/'
check "a listen address that no interface has" refuses 'address=10.0.0.99 .*no interface has this address' \
	in_n "$rsipd" -f -c "$conf"
write_conf 's/"wan0"/"wan7"/; s/"lan0"/"lan7"/'
check "a missing public device is named" refuses 'there is no device public-interface=wan7' in_n "$rsipd" -f -c "$conf"
check "a missing private device is named too" refuses 'there is no device private-interface=lan7' in_n "$rsipd" -f -c "$conf"
write_conf 's/127\.0\.0\.1:9455/10.0.0.77:9455/'
check "a metrics address that no interface has" refuses 'cannot serve metrics address=10.0.0.77' in_n "$rsipd" -f -c "$conf"
write_conf ''
in_n rm -rf /var/lib/rsip
in_n mkdir -m 700 /var/lib/rsip
check "a state directory that is not the user's" refuses 'cannot write in the state directory; .* chown _rsip /var/lib/rsip' \
	in_n "$rsipd" -f -c "$conf"
write_conf 's,/var/lib/rsip/,/var/lib/rsip/deep/,'
check "a path that the user cannot pass" refuses 'cannot pass /var/lib/rsip on the way' in_n "$rsipd" -f -c "$conf"
in_n rm -rf /var/lib/rsip
in_n ip addr add 203.0.113.9/32 dev lan0
write_conf ''
before=$(snapshot)
check "a pool address on a device that is not the public one" refuses 'address=203.0.113.9 pool=shared device=lan0' \
	in_n "$rsipd" -f -c "$conf"
in_n ip addr del 203.0.113.9/32 dev lan0
in_n rm -rf /var/lib/rsip
before=$(snapshot)
write_conf 's/wan0/wan7/'
check "refused in the background: the launcher says why and fails" refuses 'there is no device' in_n "$rsipd" -c "$conf"

# --- start --------------------------------------------------------------------------------------------------------------

write_conf ''
in_n ethtool -K lan-x1 gro on
before=$(snapshot)
up "starts with the example config as it stands"
control=$(worker control) relay=$(worker relay)

# status_line PID FIELD VALUE
status_line() { grep -E "^$2:" "/proc/$1/status" | tee /dev/stderr | grep -qE "^$2:[[:space:]]*$3[[:space:]]*$"; }

for name in control relay; do
	pid=$(worker "$name")
	uid=$(id -u _rsip)
	check "$name runs as _rsip" status_line "$pid" Uid "(${uid}[[:space:]]*){4}"
	check "$name has no supplementary groups" status_line "$pid" Groups ''
	check "$name has no capabilities" status_line "$pid" CapEff 0000000000000000
	check "$name can get no capabilities" status_line "$pid" CapBnd 0000000000000000
	check "$name can get no privileges by executing" status_line "$pid" NoNewPrivs 1
	if said 'sandbox: left out in a build with sanitizers'; then
		skip "$name is limited in its system calls" "built with sanitizers"
	else
		check "$name is limited in its system calls" status_line "$pid" Seccomp 2
	fi
done

# holds PID PATTERN: a descriptor that leads there.
# In a chroot /proc names files from the real root, so only the end of the name is looked at.
holds() { find "/proc/$1/fd" -lname "*$2" | grep -q .; }
check "the relay holds the TUN" holds "$relay" /dev/net/tun
refute "control does not" holds "$control" /dev/net/tun
check "control holds the database" holds "$control" '/var/lib/rsip/rsipd.db*'
refute "the relay does not" holds "$relay" '/var/lib/rsip/*'
# How many listening TCP sockets the process holds.
listeners() { in_n ss -lntp | grep -c "pid=$1,"; }
check "control holds the listeners" test "$(listeners "$control")" -eq 2
check "the relay holds no listener" test "$(listeners "$relay")" -eq 0
check "the control socket is for root and the group" \
	test "$(in_n stat -c '%a %U %G' $ctl_sock)" = "660 root _rsip"
check "the state directory is root's and the user's group's" test "$(in_n stat -c '%a %U %G' /var/lib/rsip)" = "770 root _rsip"
check "a second rsipd is refused, and told of the first" fails_with 1 "another rsipd serves .* pid=$(monitor_pid)" \
	in_n "$rsipd" -f -c "$conf"
check "the first one goes on" test "$(worker control)" = "$control"

# --- network state ------------------------------------------------------------------------------------------------------

check "pools are routed to the TUN" test "$(in_n ip -o route show proto 155 dev rsipd0 | wc -l)" -eq 6
check "the TUN takes packets of any length" grep -q 'mtu 65535' <(in_n ip link show rsipd0)
check "35 addresses on the public subnet are answered for" test "$(in_n ip neigh show proxy | wc -l)" -eq 35
on y ip neigh flush all
check "ARP for a shared address is answered at once" on y arping -q -c 1 -w 4 -I eth0 203.0.113.20
check "ARP for a whole address is answered" on y arping -q -c 1 -w 4 -I eth0 203.0.113.70
refute "ARP for an address of no pool is not" on y arping -q -c 1 -w 1 -I eth0 203.0.113.40
check "the public interface's own address still works" on y ping -q -c 1 -W 4 203.0.113.1
gro() { in_n ethtool -k lan-x1 | grep '^generic-receive-offload:'; }
check "the port of the private bridge merges no packets" grep -q ': off' <(gro)

tun_counts() { # packets that the kernel has routed into the TUN
	on y ping -R -q -c 1 -W 1 203.0.113.20 >/dev/null # with options, which no packet ring takes
	[ "$(in_n cat /sys/class/net/rsipd0/statistics/tx_packets)" -gt 0 ]
}

# --- supervision --------------------------------------------------------------------------------------------------------

kill -9 "$relay"
check "a killed relay is started anew" wait_for 3 renewed relay "$relay"
check "control did not notice more than that" test "$(worker control)" = "$control"
relay=$(worker relay)
kill -9 "$control"
check "a killed control process is started anew" wait_for 3 renewed control "$control"
check "the relay went on" test "$(worker relay)" = "$relay"
check "the log says how they ended" test "$(grep -c 'signal=9' "$log")" -eq 2
control=$(worker control)
kill -9 "$control" "$relay"
check "both killed at once: both are back" \
	wait_for 5 eval "renewed control $control && renewed relay $relay"
check "ports and routes were there all the while" test "$(in_n ip neigh show proxy | wc -l)" -eq 35

relay=$(worker relay)
routes=$(in_n ip -o route show proto 155 | sort)
in_n ip link del rsipd0
check "the TUN removed by hand: a relay with a new one" wait_for 10 eval "renewed relay $relay && in_n ip link show rsipd0"
same_routes() { [ "$(in_n ip -o route show proto 155 | sort)" = "$routes" ]; }
check "and its routes are back" wait_for 5 same_routes
check "and it is up, for packets of any length" grep -q 'UP.*mtu 65535' <(in_n ip link show rsipd0)
check "and packets to the pool come into it" wait_for 5 tun_counts

# --- reload -------------------------------------------------------------------------------------------------------------

reload() { : >"$log"; kill -HUP "$(monitor_pid)"; wait_for 5 said "$1"; }

write_conf 's/"203\.0\.113\.64\/28"/"203.0.113.64\/28", "203.0.113.96\/31"/'
check "a good file is taken" reload 'config: reloaded'
check "a new pool address is answered for" on y arping -q -c 1 -w 4 -I eth0 203.0.113.97
check "and routed" grep -q 203.0.113.96/31 <(in_n ip route show proto 155)
write_conf 's/"203\.0\.113\.64\/28"/"203.0.113.64\/99"/'
check "a bad file is refused" reload 'reload refused, the old config stays'
check "with its line" said "refused: $(fault 64/99)addresses"
check "and changes nothing" on y arping -q -c 1 -w 4 -I eth0 203.0.113.97
write_conf 's/"lan0" /"lan-x1" /'
check "what cannot change while it runs is refused" reload 'reload refused, the old config stays'
rm "$conf"
check "a file that is gone is refused" reload 'reload refused, the old config stays'
write_conf ''
check "and a good one is taken again" reload 'config: reloaded'
check "the same processes all the while" test -n "$(worker control)" -a -n "$(worker relay)"

# --- end ----------------------------------------------------------------------------------------------------------------

down "SIGTERM ends it with status 0"
check "a clean stop leaves nothing behind" same_as_before

# kill -9 of the monitor: its workers go with it, the next start cleans up.
up "starts again"
control=$(worker control) relay=$(worker relay)
kill -9 "$(monitor_pid)"
check "workers do not outlive their monitor" wait_for 3 gone "$control" "$relay"
{ wait "$rsipd_pid"; } 2>/dev/null
check "what a killed rsipd changed is there still" test "$(in_n ip neigh show proxy | wc -l)" -eq 35
write_conf 's/"203\.0\.113\.64\/28"/"203.0.113.64"/'
up "a new one starts in its place"
check "and has put back what its config does not ask for" test "$(in_n ip neigh show proxy | wc -l)" -eq 20
down "SIGINT ends it too" INT
check "and all is as before the one that was killed" same_as_before

# --- background, service manager ----------------------------------------------------------------------------------------

write_conf ''
background() { in_n "$rsipd" -c "$conf" </dev/null; }
check "in the background: the command returns when it serves" background
pid=$(monitor_pid)
check "with its number in the pid file" kill -0 "$pid"
check "serving" in_n sh -c 'ss -lnt | grep -q 10.0.0.1:4555'
check "detached from the terminal" test "/proc/$pid/fd/2" -ef /dev/null
kill "$pid"
check "and ends" wait_for 5 gone "$pid"
check "leaving nothing" same_as_before

notified=$LAB_TMP/notified
socat -u "UNIX-RECVFROM:$LAB_TMP/notify,fork" "SYSTEM:cat; echo" >"$notified" 2>/dev/null &
socat_pid=$!
wait_for 5 test -S "$LAB_TMP/notify"
: >"$log"
NOTIFY_SOCKET=$LAB_TMP/notify WATCHDOG_USEC=400000 start n rsipd "$rsipd" -f -c "$conf"
check "the service manager hears READY" wait_for 10 grep -q READY=1 "$notified"
check "and the watchdog" wait_for 3 grep -q WATCHDOG=1 "$notified"
kill -HUP "$(monitor_pid)"
check "and of a reload" wait_for 3 grep -q RELOADING=1 "$notified"
down "it ends, watched"
check "and of the end" wait_for 3 grep -q STOPPING=1 "$notified"
kill $socat_pid

# --- own-address mode ---------------------------------------------------------------------------------------------------

write_conf 's/"203\.0\.113\.8\/29", //; s/"203\.0\.113\.20-203\.0\.113\.30"/"203.0.113.1"/; s/1024-65535/40000-50000/'
in_n sysctl -qw net.ipv4.conf.all.rp_filter=1
before=$(snapshot)
start n service socat TCP-LISTEN:22,bind=203.0.113.1,fork,reuseaddr SYSTEM:'echo SSH-2.0-gateway'
wait_for 5 in_n sh -c 'ss -lnt | grep -q 203.0.113.1:22'
up "own address: starts"
check "own address: packets for it are steered past the local table" \
	grep -q '^0:.*to 203.0.113.1 iif wan0 lookup 4555' <(in_n ip rule | head -n 1)
on y ip neigh flush all
check "own address: ARP is answered" on y arping -q -c 1 -w 4 -I eth0 203.0.113.1
ssh_greets() { on "$1" timeout 8 nc -w 6 203.0.113.1 22 </dev/null | grep SSH-2.0; }
check "own address: the gateway's own service is reached from the Internet" ssh_greets y
check "own address: and from the private side" ssh_greets x1
check "own address: ping is answered" on y ping -q -c 1 -W 4 203.0.113.1
on y socat -u TCP-LISTEN:7777,reuseaddr CREATE:"$LAB_TMP/got" &
wait_for 5 on y sh -c 'ss -lnt | grep -q :7777'
echo out | in_n timeout 3 nc -N -w 2 203.0.113.200 7777
check "own address: the gateway's own connections work" wait_for 2 grep -q out "$LAB_TMP/got"
check "own address: and keep clear of the pool's ports" \
	test "$(in_n sysctl -n net.ipv4.ip_local_reserved_ports)" = 40000-50000
check "own address: a reverse path filter stays in force elsewhere" \
	test "$(in_n sysctl -n net.ipv4.conf.lan0.rp_filter)" = 1
kill -9 "$(monitor_pid)"
{ wait "$rsipd_pid"; } 2>/dev/null
check "own address: killed, the service is reached still" wait_for 3 ssh_greets y
up "own address: and a new one starts"
check "own address: the service is reached" ssh_greets y
check "own address: one rule, not two" test "$(in_n ip rule | grep -c 4555)" -eq 1
down "own address: ends"
check "own address: a clean stop leaves nothing behind" same_as_before
check "own address: the service is reached after it" ssh_greets y
stop service

# A pool as wide as the subnet must not take the place of the route to the subnet.
write_conf -e 's/"203\.0\.113\.8\/29", //; s/"203\.0\.113\.20-203\.0\.113\.30"/"203.0.113.2-203.0.113.199", "203.0.113.201-203.0.113.254"/' \
	-e '/^pool "whole"/,/^}/d; s/"whole", //'
up "the whole subnet as pool: starts"
check "the whole subnet as pool: the peer is reached" on y ping -q -c 1 -W 4 203.0.113.1
check "the whole subnet as pool: all of it is answered for" on y arping -q -c 1 -w 4 -I eth0 203.0.113.250
down "the whole subnet as pool: ends"
check "the whole subnet as pool: a clean stop leaves nothing behind" same_as_before
verdict_exit
