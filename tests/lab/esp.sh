#!/bin/bash
# The user-space ESP of rsipc against the Linux kernel's, packet for packet, for each algorithm, with and without ESN,
# in UDP and native; and read by tshark.
#
#   esp.sh [ALGORITHM...]      PASS, FAIL and SKIP lines; without names all algorithms
#
# Needs root, and the programs in $BUILDDIR (a build of this project; build/release when not set). Packages: iproute2
# procps kmod iputils-ping tcpdump iperf3 tshark, and user-mode-linux where the running kernel has no ESP: the lab then
# runs in a kernel of its own (uml.sh). Captures and logs of a run that failed stay in $BUILDDIR/esp-lab.
set -u

here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
BUILDDIR=$(realpath "${BUILDDIR:-$here/../../build/release}")
out=$BUILDDIR/esp-lab
limit=900 # seconds

kernel_has_esp() {
	local ns=rsip-esp-$$ status
	ip netns add $ns || return 1
	ip -n $ns xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 mode tunnel aead 'rfc4106(gcm(aes))' \
		0x000102030405060708090a0b0c0d0e0f10111213 128 2>/dev/null
	status=$?
	ip netns del $ns
	return $status
}

# cbc_sa_of FROM TO SPI CIPHER-KEY HMAC-KEY
cbc_sa_of() {
	printf '"IPv4","%s","%s","%s","AES-CBC [RFC3602]","0x%s","HMAC-SHA-256-128 [RFC4868]","0x%s"\n' "$@"
}

# sa_of NAME KEY FROM TO SPI: what tshark needs to read one direction.
sa_of() {
	local key=$2
	case $1 in
	aes-128-gcm | aes-256-gcm)
		echo "\"IPv4\",\"$3\",\"$4\",\"$5\",\"AES-GCM with 16 octet ICV [RFC4106]\",\"0x$key\",\"NULL\",\"\"" ;;
	aes-128-cbc*)
		cbc_sa_of "${@:3}" "${key:0:32}" "${key:32}" ;;
	aes-256-cbc*)
		cbc_sa_of "${@:3}" "${key:0:64}" "${key:64}" ;;
	*) return 1 ;;
	esac
}

# tshark_reads FILE: all eight packets, inner addresses and lengths, and each ICV that it can check.
tshark_reads() {
	local name esn mine theirs lines
	read -r name esn mine theirs <"${1%.pcap}.keys"
	lines=$(tshark -r "$1" -o esp.enable_encryption_decode:TRUE -o esp.enable_authentication_check:TRUE \
		-o "uat:esp_sa:$(sa_of "$name" "$mine" 192.0.2.1 192.0.2.2 0x00001002)" \
		-o "uat:esp_sa:$(sa_of "$name" "$theirs" 192.0.2.2 192.0.2.1 0x00001001)" \
		-Y 'icmp && !_ws.malformed && !(esp.icv_good == 0) && ip.len == 105' \
		-T fields -e ip.src -e ip.dst -e icmp.type 2>/dev/null)
	printf '%s\n' "$lines"
	[ "$(grep -c '192.0.2.1,10.1.0.1.192.0.2.2,10.2.0.1.8' <<<"$lines")" = 4 ] &&
		[ "$(grep -c '192.0.2.2,10.2.0.1.192.0.2.1,10.1.0.1.0' <<<"$lines")" = 4 ]
}

[ "$(id -u)" = 0 ] || { fail "user-space ESP" "needs root"; verdict_exit; }
[ -x "$BUILDDIR/rsipc/rsipc" ] || { fail "user-space ESP" "$BUILDDIR is not a finished build"; verdict_exit; }
rm -rf "$out"
mkdir -p "$out"

command=("$here/esp/inside.sh" "$out" "$BUILDDIR" "$@")
if kernel_has_esp; then
	timeout -k 10 $limit "${command[@]}"
else
	"$here/uml.sh" -t $limit -w "$out" -- "${command[@]}" 2>"$out/uml.log"
fi
status=$?
case $status in
0) ;;
125) skip "user-space ESP against the kernel's" "no ESP in this kernel, and $(tail -n 1 "$out/uml.log")" && exit 0 ;;
124) fail "user-space ESP" "not done after $limit seconds; see $out" ;;
1) verdict_failed=1 ;;
*) fail "user-space ESP" "the lab ended with status $status; see $out" ;;
esac
if command -v tshark >/dev/null; then
	for capture in "$out"/*.pcap; do
		case $capture in
		*chacha*) skip "tshark reads ${capture##*/}" "tshark 4.0 does not know ChaCha20-Poly1305 in ESP" ;;
		*) check "tshark reads ${capture##*/}" tshark_reads "$capture" ;;
		esac
	done
else
	skip "tshark reads what rsipc sends" "tshark is not installed"
fi
if [ $verdict_failed = 0 ]; then rm -rf "$out"; else echo "captures and logs: $out"; fi
verdict_exit
