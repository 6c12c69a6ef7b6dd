#!/usr/bin/env bash
# An outsider reads what our encoder writes: tshark's RSIP dissector, on a capture of every message and parameter form that our
# encoder writes (the accepted vectors) and of random messages. Every field it shows must be the one we encoded, and
# nothing may be Malformed, but for the dissector's own errors:
#
#  1. Vendor-specific: it looks for the value two bytes too far. A packet that ends with one that has no value (our
#     "move") is Malformed; of all others the value is shown empty.
#  2. SPI: it reads the first SPI whether or not there is one. A packet that ends with a don't care is Malformed, any
#     other is shown with an SPI made of the bytes that follow. Of several SPIs it shows the first alone.
#  3. Ports: a range is shown as "port - port + number", one too long. The fields below the line are right.
#  4. Names: method 3 (RSIPSEC) is unknown to it, and it has RFC 3104's errors one too low: 400 to 402, not 401 to 403.
#
# They were found in tshark 4.0.17; where it and the RFCs differ, the RFCs decide. tshark_view.c predicts its output, with
# 1 and 2 as fields where anything may stand. What the daemons send on a wire is lab/dissector.sh's.
set -euo pipefail
srcdir=${srcdir:-.}
. "$srcdir/lab/verdict.sh"

vectors=$srcdir/vectors
random=1000
export LC_ALL=C

command -v tshark >/dev/null || { skip tshark "it is not installed"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Compares field by field, ";" between them; "*" in the expected line is anything.
same_fields='
BEGIN { FS = ";" }
NR == FNR { expected[FNR] = $0; n = FNR; next }
{
	m = FNR
	k = split(expected[FNR], want, ";")
	for (i = 1; i <= k || i <= NF; i++)
		if (want[i] != "*" && want[i] != $i) {
			printf "packet %d, field %d: tshark shows \"%s\", we sent \"%s\"\n", FNR, i, $i, want[i]
			wrong = 1
		}
}
END { if (m != n) { printf "tshark shows %d packets, we sent %d\n", m, n; wrong = 1 } exit wrong }'

reads_fields() {
	tools/rsip-vectors udp "$vectors" "$random" "$dir/all.pcap" >"$dir/sent"
	tools/rsip-vectors tshark "$vectors" "$random" >"$dir/expected"
	# shellcheck disable=SC2046 # the arguments are words
	tshark -r "$dir/all.pcap" $(tools/rsip-vectors tshark-arguments) >"$dir/shown" 2>"$dir/errors"
	awk "$same_fields" "$dir/expected" "$dir/shown"
}

all_types() {
	[ "$(cut -d' ' -f1 "$dir/sent" | sort -u | wc -l)" -eq 19 ]
}

# The packets that tshark -V calls Malformed are among those that errors 1 and 2 explain.
explained_malformed() {
	tshark -V -r "$dir/all.pcap" 2>"$dir/errors" >"$dir/text"
	awk '/^Frame [0-9]+:/ { frame = $2 + 0 } /Malformed Packet: RSIP/ { print frame }' "$dir/text" | sort -u >"$dir/malformed"
	awk -F';' '$NF == "*" { print FNR }' "$dir/expected" | sort -u >"$dir/explained"
	comm -23 "$dir/malformed" "$dir/explained" >"$dir/unexplained"
	[ -s "$dir/malformed" ] && echo "Malformed, as errors 1 and 2 have it: $(wc -l <"$dir/malformed") packets"
	[ ! -s "$dir/unexplained" ] || { echo "Malformed: packets" $(cat "$dir/unexplained"); return 1; }
}

# Of the vectors alone: what tshark has no name for is error 4, or a number that no RFC has assigned.
no_unknown_names() {
	tools/rsip-vectors udp "$vectors" 0 "$dir/vectors.pcap" >/dev/null
	tshark -V -r "$dir/vectors.pcap" 2>"$dir/errors" >"$dir/text"
	! grep -E 'Unknown|Undefined|Unspecified' "$dir/text" |
		grep -vE 'RSIP Method: Unknown RSIP Method \(3\)|Method: Unknown \(3\)|Error: (Unknown|Undefined Error) \(403\)' |
		grep -vE '(Method|Method: Unknown RSIP Method|Unknown) \(255\)|Tunnel Type \(255\)|Unknown \(4\)|Tunnel Type \(4\)' |
		grep -vE 'Error: (Unknown|Undefined Error) \(65535\)'
}

check "tshark reads every field of every message as we sent it" reads_fields
check "all 19 messages were among them" all_types
check "tshark finds nothing malformed but by its own errors" explained_malformed
check "tshark knows every type, method, tunnel and error by name but by its own errors" no_unknown_names
verdict_exit
