"""Puts packets that no socket would make onto a wire or into a host's tunnel device.

    inject.py port|address NAMESPACE DEVICE PUBLIC PEER
        one from a port or an address that is not the host's
    inject.py odd LAB NODE DEVICE PUBLIC PORT PEER
        from the host to the peer and back: IP ID 0, DF or not, DSCP, ECN, options, odd UDP checksums, fragments
"""
import json
import socket
import subprocess
import sys

import ip_packet
from rsip_client import namespace
from tunnel import ETH_P_IP, Peer

FORMS = [dict(ident=ident, df=df) for ident in (0, 1, 0xffff) for df in (False, True)]
FORMS += [dict(tos=tos) for tos in (0xb8, 0x02, 0x03)]
FORMS += [dict(check=0), dict(check=0x1234), dict(data=b""), dict(ttl=2), dict(ttl=255)]
FORMS += [dict(options=b"\x01\x01\x01\x01"), dict(options=b"\x9e\x04\0\0" + b"\x01" * 36)]


def into(netns, device, packets):
    with namespace(netns):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        for packet in packets:
            sock.sendto(packet, (device, ETH_P_IP))


def odd(src, sport, dst, dport):
    packets = [ip_packet.udp(src, sport, dst, dport, **form) for form in FORMS]
    return packets + ip_packet.fragments(ip_packet.udp(src, sport, dst, dport, b"f" * 2000, ident=77), 1200)


def mac(netns, device):
    out = subprocess.run(["ip", "-n", netns, "-j", "link", "show", device], capture_output=True, text=True, check=True)
    return bytes.fromhex(json.loads(out.stdout)[0]["address"].replace(":", ""))


def main(what, *rest):
    if what == "odd":
        lab, node, device, public, port, peer = rest
        into(lab + "-" + node, device, odd(public, int(port), peer, 9))
        end = Peer(lab + "-y", peer, mac(lab + "-y", "eth0"), mac(lab + "-n", "wan0"))
        for packet in odd(peer, 9, public, int(port)):
            end.send(packet)
        return
    netns, device, public, peer = rest
    into(netns, device, [ip_packet.udp(public if what == "port" else "198.51.100.99", 79, peer, 9, b"not mine")])


if __name__ == "__main__":
    main(*sys.argv[1:])
