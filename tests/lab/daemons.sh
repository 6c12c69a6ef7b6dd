# Runs the suite's programs inside the lab of topology.sh. Source after topology.sh.
#
# A box is a node with /run, /var/lib and /etc/strongswan.d of its own (tmpfs, gone with the lab), so that configuration
# files with the paths of a real system work as they stand and touch nothing of this one. What a box holds outlives the
# daemons started in it: a restarted daemon finds its state.

BUILDDIR=${BUILDDIR:-$(pwd)}
[ -x "$BUILDDIR/rsipd/rsipd" ] || { echo "no rsipd in $BUILDDIR: set BUILDDIR to where the suite was built" >&2; exit 1; }
LAB_TMP=${LAB_TMP:-$(mktemp -d "${TMPDIR:-/tmp}/$LAB-XXXXXX")}

# box NODE...: gives the nodes a mount namespace each, held by a sleeper.
box() {
	local node
	for node in "$@"; do
		ip netns exec "$LAB-$node" unshare -m --propagation private sh -c '
			mount -t tmpfs -o mode=755 run /run
			mount -t tmpfs -o mode=755 lib /var/lib
			if [ -d /etc/strongswan.d ]; then mount -t tmpfs -o mode=755 etc /etc/strongswan.d; fi
			: >/run/ready
			exec sleep infinity' &
		eval "box_$node=$!"
		export "RSIP_BOX_$node=$!"
		wait_for 5 in_box "$node" test -e /run/ready || { echo "box $node did not come up" >&2; return 1; }
	done
}

box_pid() { local name=box_$1; echo "${!name}"; }

# in_box NODE COMMAND [ARG...]. -r and -w: a new mount namespace begins at the real root, which is not ours in a chroot.
in_box() {
	local pid=box_$1
	shift
	nsenter -t "${!pid}" -m -n -r -w -- "$@"
}

# start NODE NAME COMMAND [ARG...]: runs a daemon in a box, its output in $LAB_TMP/NAME.log and its pid in $NAME_pid.
start() {
	local node=$1 name=$2
	shift 2
	nsenter -t "$(box_pid "$node")" -m -n -r -w -- "$@" >>"$LAB_TMP/$name.log" 2>&1 </dev/null &
	eval "${name}_pid=$!"
}

# lab_names: the name server of rsipd-policies.conf, on y.
lab_names() {
	background y python3 "$(dirname "${BASH_SOURCE[0]}")/name_server.py" 203.0.113.200 5300 peer.example=203.0.113.201 \
		both.example=203.0.113.201,203.0.113.202 inside.example=10.0.0.12 silent.example=
}

# background NODE COMMAND...: until the end of the lab.
background() {
	local node=$1
	shift
	ip netns exec "$LAB-$node" "$@" >>"$LAB_TMP/services.log" 2>&1 </dev/null &
}

# stop NAME [SIGNAL]: ends it and waits for its end, 10 seconds at the most.
stop() {
	local name=${1}_pid
	[ -n "${!name-}" ] || return 0
	{
		kill -"${2:-TERM}" "${!name}"
		wait_for 10 refused kill -0 "${!name}" || kill -9 "${!name}"
		wait "${!name}"
	} 2>/dev/null
	eval "$name="
}

refused() { ! "$@"; }

# plane_conf CONF: the path of the config with LAB_DATA_PLANE in it, beside it; the same path where that is empty.
plane_conf() {
	local plane=relay ports='"lan0"' name
	[ -n "$LAB_DATA_PLANE" ] || { echo "$1"; return; }
	case $LAB_DATA_PLANE in native | generic) plane=auto ;; esac
	if [ "$LAB_DATA_PLANE" = native ] || [ "$LAB_DATA_PLANE" = relay_on_ports ]; then
		ports=
		for name in $LAB_HOSTS; do ports="$ports${ports:+, }\"lan-${name%%:*}\""; done
		ports="{ $ports }"
	fi
	sed -E "s/^( *)data-plane *= *\"[a-z]*\"//; s/^( *)private-interface *= *\"lan0\"/\\1data-plane = \"$plane\"\\n\\1private-interface = $ports/" \
		"$1" >"$1.$LAB_DATA_PLANE"
	echo "$1.$LAB_DATA_PLANE"
}

# gateway_start CONF: rsipd on n; returns when it answers rsipctl.
gateway_start() {
	start n rsipd "$BUILDDIR/rsipd/rsipd" -f -c "$(plane_conf "$1")"
	wait_for 10 gateway_ctl status && return 0
	echo "rsipd does not answer:" >&2
	tail -n 20 "$LAB_TMP/rsipd.log" >&2
	return 1
}

gateway_stop() { stop rsipd "${1:-TERM}"; }

# gateway_ctl ARG...: rsipctl on n.
gateway_ctl() { in_box n "$BUILDDIR/rsipctl/rsipctl" -s /run/rsip/rsipd.sock "$@"; }

# host_start NODE CONF: rsipc on x1 or x2; returns when its state file shows a lease, see host_ctl.
host_start() { start "$1" "rsipc_$1" "$BUILDDIR/rsipc/rsipc" -f -c "$2"; }

host_stop() { stop "rsipc_$1" "${2:-TERM}"; }

host_ctl() { local node=$1; shift; in_box "$node" "$BUILDDIR/rsipctl/rsipctl" -s /run/rsip/rsipc.sock "$@"; }

# Also removes what the lab wrote, unless RSIP_KEEP is set or something failed.
daemons_down() {
	lab_down
	if [ -n "${RSIP_KEEP-}" ] || [ "${verdict_failed-0}" != 0 ]; then
		echo "logs of this run: $LAB_TMP"
	else
		rm -rf "$LAB_TMP"
	fi
}
