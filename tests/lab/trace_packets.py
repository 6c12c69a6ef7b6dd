"""Sends one packet of each kind that a trace has a sentence for, both ways.

    trace_packets.py LAB PEER BINDINGS    BINDINGS: what "rsipctl -j bindings" prints; x1 (10.0.0.11) holds three

Prints NAME=VALUE lines: the numbers in the packets that the checks look for.
"""
import json
import sys

import ip_packet
from inject import into, mac
from tunnel import Peer

NEWS = 0x7e57_0000_0000_0001  # a cookie of no block


def held(bindings, test):
    return next(b for b in bindings if b["host"] == "10.0.0.11" and test(b))


def main(lab, peer, text):
    bindings = json.loads(text)
    apps = held(bindings, lambda b: b["ports"] and b["ports"][0][0] != b["ports"][0][1])
    vpn = held(bindings, lambda b: b["spis"])
    other = next(b for b in bindings if b["host"] == "10.0.0.12" and b["ports"] and b["ports"][0][0] != b["ports"][0][1])
    public, port = apps["address"], apps["ports"][0][0]
    spi, cookie = int(vpn["spis"][0][0], 16), int(vpn["cookie"]["value"], 16) | 1
    theirs = other["ports"][0][0]
    ours = ip_packet.udp(public, port, peer, 9, b"mine")
    esp_out = ip_packet.esp(public, peer, 0x5e5e5e5e)

    def ike_out(initiator):
        return ip_packet.udp(public, 500, peer, 500, ip_packet.ike(initiator, 0))

    def ike_in(initiator, sender=peer):
        return ip_packet.udp(sender, 500, public, 500, ip_packet.ike(initiator, 0xbeef))

    into(lab + "-x1", "rsip0", [
        ours, ip_packet.udp(public, theirs, peer, 9, b"not mine"), ip_packet.udp("198.51.100.99", 79, peer, 9),
        esp_out, ike_out(cookie), ike_out(NEWS), ip_packet.echo(public, peer, 4711),
    ] + ip_packet.fragments(ip_packet.udp(public, port, peer, 9, b"f" * 2000, ident=77), 1200))
    end = Peer(lab + "-y", peer, mac(lab + "-y", "eth0"), mac(lab + "-n", "wan0"))
    for packet in [
            ip_packet.udp(peer, 9, public, port, b"yours"), ip_packet.udp(peer, 9, public, 999, b"nobody's"),
            ip_packet.esp(peer, public, spi), ip_packet.esp(peer, public, 0x77), ike_in(cookie), ike_in(NEWS),
            ike_in(0x9999, "198.51.100.7"), ip_packet.echo(peer, public, 4711, request=False),
            ip_packet.echo(peer, public, 4712), ip_packet.unreachable("192.0.2.33", public, ours),
            ip_packet.unreachable("192.0.2.33", public, esp_out), ip_packet.ip(peer, public, 89, b"\0" * 24),
    ] + ip_packet.fragments(ip_packet.udp(peer, 9, public, port, b"g" * 2000, ident=78), 1200):
        end.send(packet)
    print("public=%s\nport=%d\nspi=0x%08x\ncookie=0x%016x\nnews=0x%016x\ntheirs=%d\napps=%d\nvpn=%d\nother=%d" % (
        public, port, spi, cookie, NEWS, theirs, apps["bind_id"], vpn["bind_id"], other["bind_id"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
