#!/bin/bash
# A gateway that is asked for more than it can serve, by hosts that do not listen, do not finish, do nothing at all, or flood:
# those that behave are served, in time, and what is not served is counted. Needs root; BUILDDIR is where the programs were
# built.
#
#    ┌── x1 ───────────────────────────────┐     ┌── n ─────────────┐
#    │ 10.0.0.11 behaves, 10.0.1.1 floods, ├─────┤ rsipd 10.0.0.1   │
#    │ 10.64.0.0/12 is the crowd           │     └──────────────────┘
#    └─────────────────────────────────────┘
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11"
. "$here/topology.sh"
. "$here/daemons.sh"
chmod 755 "$LAB_TMP"
mkdir "$LAB_TMP/state" && chown _rsip "$LAB_TMP/state" # on a disk, where a commit takes its time
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB

# Two ends of 10,000 connections, and some.
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 20000 ] || ulimit -Hn 20000 || {
	skip "overload" "no process may have 20,000 descriptors here"
	verdict_exit
}

lab_up
trap daemons_down EXIT
on x1 ip addr add 10.0.1.1/24 dev eth0
on x1 ip route add local 10.64.0.0/12 dev lo
on n ip addr add 10.0.1.254/24 dev lan0
on n ip route add 10.64.0.0/12 via 10.0.0.11
box n || exit 1

cat >"$LAB_TMP/rsipd.conf" <<-END
	gateway {
	    private-interface = "lan0"
	    public-interface  = "wan0"
	    listen            = { "10.0.0.1" }
	    data-plane        = "relay"
	    state             = "$LAB_TMP/state/rsipd.db"
	}
	pool "shared" { addresses = { "203.0.113.8/29" }  methods = { "rsap-ip" } }
	policy "one"   { pools = { "shared" }  rate = 100 }
	policy "crowd" { pools = { "shared" }  rate = 100000 }
	host "10.0.0.0/16"   { policy = "one" }
	host "10.64.0.0/12"  { policy = "crowd" }
	log { to = "stderr"  level = "warn" }
END

# overload ARG...: overload_test.py, which prints the lines of the checks.
overload() {
	python3 "$here/overload_test.py" "$@" <<<"" || verdict_failed=1
}

control_pid() { pgrep -P "$rsipd_pid" -f 'rsipd: control' | head -n 1; }

gateway_start "$LAB_TMP/rsipd.conf" || exit 1
overload "$(control_pid)" ${OVERLOAD:-requests flood idle half slow connects}
gateway_stop

# With few descriptors the connections that nobody uses make room for new ones.
gateway_start_small() {
	start n rsipd sh -c 'ulimit -n 576; exec "$@"' sh "$BUILDDIR/rsipd/rsipd" -f -c "$(plane_conf "$LAB_TMP/rsipd.conf")"
	wait_for 10 gateway_ctl status
}
gateway_start_small || { fail "a gateway with few descriptors" "rsipd does not answer"; verdict_exit; }
overload "$(control_pid)" room
gateway_stop
verdict_exit
