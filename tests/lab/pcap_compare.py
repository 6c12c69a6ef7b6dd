"""Compares two captures of the same packets, before and after the gateway, and says whether it changed any.

    pcap_compare.py PUBLIC-ADDRESS PEER.pcap HOST.pcap...

Only TTL and header checksum may differ. Of packets inside an IP-IP or GRE tunnel (RFC 2003, 2784) the inner ones are
compared. Fragments, retransmissions and reordering do not matter: each packet that the
peer got from PUBLIC-ADDRESS must be one that a host sent, and each that a host got one that the peer sent.
Prints how many were equal; exit status 1 when one was not, or when there is nothing to compare.
"""
import collections
import struct
import sys

import ip_packet

ETHERNET, RAW = 1, (12, 101, 228)


def packets(path):
    """The IPv4 packets of a classic pcap file."""
    with open(path, "rb") as file:
        data = file.read()
    order = {0xa1b2c3d4: "<", 0xd4c3b2a1: ">", 0xa1b23c4d: "<", 0x4d3cb2a1: ">"}[struct.unpack("<I", data[:4])[0]]
    link, at = struct.unpack(order + "I", data[20:24])[0] & 0xffff, 24
    while at + 16 <= len(data):
        have, size = struct.unpack(order + "II", data[at + 8:at + 16])
        frame = data[at + 16:at + 16 + have]
        at += 16 + have
        if have < size:
            raise ValueError("%s: a packet was cut: capture with -s 0" % path)
        if link == ETHERNET:
            if frame[12:14] != b"\x08\0":
                continue
            frame = frame[14:]
        elif link not in RAW:
            raise ValueError("%s: link type %d" % (path, link))
        if frame and frame[0] >> 4 == 4:
            yield inner(frame[:struct.unpack("!H", frame[2:4])[0]])


def inner(packet):
    """The packet itself, or the one that it tunnels."""
    start = {4: 0, 47: 4}.get(packet[9])
    return packet if start is None else packet[ip_packet.header_length(packet) + start:]


def same(packet):
    """What no router may change; its TTL and the correctness of its header checksum apart."""
    size = ip_packet.header_length(packet)
    return packet[:8] + packet[9:10] + packet[12:size] + packet[size:]


def compare(sent, received, way):
    """Each received packet against the sent ones. Returns (equal, different)."""
    known = collections.defaultdict(set)
    for packet in sent:
        known[same(packet)].add(packet[8])
    equal, different = 0, []
    for packet in received:
        size = ip_packet.header_length(packet)
        if ip_packet.checksum(packet[:size]):
            different.append((packet, "its header checksum is wrong"))
        elif same(packet) not in known:
            different.append((packet, "nobody sent this"))
        elif packet[8] + 1 not in known[same(packet)]:
            different.append((packet, "its TTL %d is not one less" % packet[8]))
        else:
            equal += 1
    print("%s: %d packets equal, %d not" % (way, equal, len(different)))
    for packet, why in different[:3]:
        print("   %s: %s" % (why, packet[:64].hex(" ")))
    return equal, len(different)


def main(public, peer, *hosts):
    peer, host = list(packets(peer)), [one for path in hosts for one in packets(path)]
    out = compare([one for one in host if ip_packet.source(one) == public],
                  [one for one in peer if ip_packet.source(one) == public], "host to peer")
    back = compare([one for one in peer if ip_packet.destination(one) == public],
                   [one for one in host if ip_packet.destination(one) == public], "peer to host")
    return 0 if out[0] and back[0] and not out[1] and not back[1] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
