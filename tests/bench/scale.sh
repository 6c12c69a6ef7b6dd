#!/bin/bash
# A gateway with up to a million bindings of 100,000 hosts on 1,024 addresses: what they weigh, how long one operation
# takes, how long a start takes, and what a host notices when 100,000 leases expire in the same second. Needs root for the
# last two (rsipd in a namespace); BUILDDIR is where the suite was built, without --enable-debug. Arguments: the parts to run
# (measure restart check expiry), all by default; SCALE_N is how many bindings, SCALE_DB a database of them, SCALE_DIR where the database lies: on a disk.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lab/verdict.sh"
. "$here/../lab/topology.sh"
. "$here/../lab/daemons.sh"
export PYTHONDONTWRITEBYTECODE=1
scale=$BUILDDIR/tests/bench/scale n=${SCALE_N:-1000000} many=${SCALE_EXPIRE:-100000}
dir=$(mktemp -d "${SCALE_DIR:-/var/tmp}/scale-XXXXXX")
chmod 755 "$dir"

[ -z "${SCALE_DB-}" ] || cp "$SCALE_DB" "$dir/site.db" # one that "scale fill" has made

over() { lab_down; rm -rf "$dir"; }

# The gateway of the database, with its state where rsipd's own user may write.
site_up() {
	chown -R _rsip "$dir" 2>/dev/null || chown -R nobody "$dir"
	"$scale" conf "$1" /run/rsip/rsipd.sock >"$dir/rsipd.conf"
	start n rsipd "$BUILDDIR/rsipd/rsipd" -f -c "$dir/rsipd.conf"
}

told() { grep -q "told everything" "$LAB_TMP/rsipd.log"; }

part_measure() { "$scale" measure "$dir/site.db" "$n"; }

# Stopped and started again: until a host has a durable lease, and until the relay has been told all.
part_restart() {
	local began
	[ -e "$dir/site.db" ] || "$scale" fill "$dir/site.db" "$n"
	began=$(date +%s%N)
	site_up "$dir/site.db"
	echo "restart bindings=$n: first lease after $(python3 "$here/scale_probe.py" "$LAB-x1" serve 60) s"
	wait_for 60 told
	echo "restart bindings=$n: data plane told after $((($(date +%s%N) - began) / 1000000)) ms"
	for pid in "$rsipd_pid" $(pgrep -P "$rsipd_pid"); do
		awk -v n="$n" '/^Name/ { name = $2 } /^RssAnon/ { own = $2 } /^RssShmem/ { shared = $2 }
			END { printf "restart process=%s bytes a binding: own %.0f, shared %.0f\n", name, own * 1024 / n, shared * 1024 / n }' \
			"/proc/$pid/status"
	done
	stop rsipd
}

# rsipctl check of all that, and what a host notices of it.
part_check() {
	local began
	[ -e "$dir/site.db" ] || "$scale" fill "$dir/site.db" "$n"
	site_up "$dir/site.db"
	wait_for 60 told
	python3 "$here/scale_probe.py" "$LAB-x1" stall 15 >"$dir/stall" &
	probe=$!
	sleep 1
	began=$(date +%s%N)
	gateway_ctl check
	echo "check: took $((($(date +%s%N) - began) / 1000000)) ms"
	wait "$probe"
	echo "meanwhile: $(cat "$dir/stall")"
	stop rsipd
}

# 100,000 leases beside as many that stay end in the same second.
part_expiry() {
	"$scale" fill "$dir/expiry.db" "$many" "$many" "${SCALE_EXPIRE_S:-100}"
	: >"$LAB_TMP/rsipd.log"
	site_up "$dir/expiry.db"
	wait_for 60 told
	echo "before: $(python3 "$here/scale_probe.py" "$LAB-x1" stall 5)"
	echo "bindings: $(gateway_ctl -j status | jq .bindings); waiting for half of them to expire"
	wait_for 120 grep -q "how=expired" "$LAB_TMP/rsipd.log"
	python3 "$here/scale_probe.py" "$LAB-x1" stall 10 >"$dir/stall" &
	probe=$!
	began=$(date +%s%N)
	wait_for 60 gone
	echo "expiry: $many leases ended in $((($(date +%s%N) - began) / 1000000)) ms"
	wait "$probe"
	echo "meanwhile: $(cat "$dir/stall")"
	stop rsipd
}

gone() { [ "$(grep -c "how=expired" "$LAB_TMP/rsipd.log")" -ge "$many" ]; }

lab_up
trap over EXIT
box n || exit 1
for part in ${*:-measure restart check expiry}; do
	"part_$part"
done
