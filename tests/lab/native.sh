#!/bin/bash
# The whole system on this kernel: rsipd on n, rsipc on x1 and x2, which share the one address 203.0.113.9, and a peer y
# that knows nothing of it; then the same traffic through nftables masquerade. Needs root; BUILDDIR is where the
# programs were built. See topology.sh for the picture, traffic.sh for what is tried.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/verdict.sh"
. "$here/topology.sh"
. "$here/daemons.sh"
. "$here/traffic.sh"
export PYTHONDONTWRITEBYTECODE=1 BUILDDIR LAB LAB_TMP

nat_up() {
	on n nft -f - <<-END
		table ip nat {
			chain post { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }
		}
	END
}

nat() {
	PUBLIC=203.0.113.1 PORT_x1=40000 PORT_x2=40000 LISTEN_x1=8080
	LAB=$LAB-nat
	lab_up
	trap daemons_down EXIT
	nat_up
	peer_up || { fail "the peer's services start"; return; }
	server_up
	try nat "web pages, both hosts at once" works try_web
	try nat "downloads of 32 MiB, both hosts at once" works try_download
	try nat "TCP upstream (iperf3)" works try_tcp_up
	try nat "TCP downstream (iperf3 -R)" works try_tcp_down
	try nat "UDP upstream (iperf3 -u)" works try_udp_up
	try nat "UDP downstream (iperf3 -u -R)" works try_udp_down
	try nat "ping, both hosts at once" works try_ping
	try nat "traceroute" works try_traceroute
	try nat "the host's own source port at the peer" fails try_own_port
	try nat "the host knows its public address" fails try_own_address
	try nat "server on a host, reached by anybody" fails try_server
	try nat "host to host by the public address" fails try_hairpin
	try nat "address inside the payload (active FTP)" fails try_ftp_active
	try nat "packets unmodified, byte for byte" fails try_unmodified eth0
	lab_down
	LAB=${LAB%-nat}
}

nat
verdict_exit
