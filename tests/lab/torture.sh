#!/bin/bash
# rsipd is killed at random instants under load, hundreds of times, and each time what hosts were told is compared with
# what the gateway knows, what its database has, and what it forwards. Needs root; BUILDDIR is where the programs were
# built. Options: those of torture_test.py, --kills N foremost. LAB_DATA_PLANE=native: on the XDP data plane (topology.sh).
#
#    x1: hosts 10.0.1.1, .2, ... over UDP, each third over TCP      n: rsipd      y: the peer 203.0.113.201
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
LAB_HOSTS="x1:10.0.0.11"
. "$here/topology.sh"
. "$here/daemons.sh"
chmod 755 "$LAB_TMP"
mkdir "$LAB_TMP/state" && chown _rsip "$LAB_TMP/state" # on a disk, where a commit takes its time
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP TORTURE_CONF=$LAB_TMP/rsipd.conf

plane=relay
if [ "$LAB_DATA_PLANE" = native ]; then
	lab_can_native "torture: on the XDP data plane" || { rm -rf "$LAB_TMP"; verdict_exit; }
	plane=xdp
fi
lab_up
trap daemons_down EXIT
on x1 ip route replace default via 10.0.0.1 src 10.0.0.11
if [ $plane = xdp ]; then
	on n ip route add 10.0.1.0/24 dev lan-x1 src 10.0.0.1
else
	on n ip addr add 10.0.1.254/24 dev lan0
fi
for last in $(seq 1 64); do on x1 ip addr add "10.0.1.$last/32" dev eth0; done
on n ip neigh add 203.0.113.201 lladdr "$(on y cat /sys/class/net/eth0/address)" dev wan0 nud permanent
box n || exit 1

# Few addresses, ports and SPIs: what one host frees, another gets soon.
cat >"$TORTURE_CONF" <<-END
	gateway {
	    private-interface = "lan0"
	    public-interface  = "wan0"
	    listen            = { "10.0.0.1" }
	    data-plane        = "relay"
	    state             = "$LAB_TMP/state/rsipd.db"
	}
	pool "shared" {
	    addresses = { "203.0.113.9" }
	    methods   = { "rsap-ip", "rsipsec" }
	    ports     = "2000-2399"
	    spis      = "0x10000000-0x100000ff"
	}
	pool "whole" { addresses = { "203.0.113.16/29" }  methods = { "rsa-ip" } }
	policy "default" {
	    pools     = { "shared", "whole" }
	    hold-down = "2s"
	    rate      = 100000
	}
	host "10.0.1.0/24" { policy = "default" }
	log { to = "stderr"  level = "info" }
END
TORTURE_CONF=$(plane_conf "$TORTURE_CONF") python3 "$here/torture_test.py" --plane $plane "$@" || verdict_failed=1
verdict_exit
