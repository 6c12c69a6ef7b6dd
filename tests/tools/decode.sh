#!/bin/sh
# rsip-decode reads out of a capture what rsip-vectors wrote into it, over UDP and over TCP in segments of any size.
set -eu
srcdir=${srcdir:-.}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for transport in udp tcp; do
	tools/rsip-vectors $transport "$srcdir/vectors" 200 "$dir/$transport.pcap" >"$dir/sent"
	tools/rsip-decode "$dir/$transport.pcap" >"$dir/lines"
	grep -c " $transport " "$dir/lines"
	sed "s/^.* $transport //" "$dir/lines" >"$dir/received"
	diff -u "$dir/sent" "$dir/received" >"$dir/diff" || {
		head -n 20 "$dir/diff"
		echo "rsip-decode does not read over $transport what was sent"
		exit 1
	}
done
