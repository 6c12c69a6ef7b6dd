"""IPv4 packets for the tests: built by hand, so that every byte is the test's own; and what a router makes of them."""
import ipaddress
import struct

ICMP, IPIP, TCP, UDP, DCCP, GRE, ESP, AH, SCTP, UDPLITE = 1, 4, 6, 17, 33, 47, 50, 51, 132, 136


def packed(text):
    return ipaddress.IPv4Address(text).packed


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ip(src, dst, proto, payload, ttl=64, ident=0, df=False, mf=False, offset=0, tos=0, options=b""):
    """offset in bytes. The checksum is right."""
    flags = df << 14 | mf << 13 | offset // 8
    header = struct.pack("!BBHHHBBH4s4s", 0x40 | 5 + len(options) // 4, tos, 20 + len(options) + len(payload), ident,
                         flags, ttl, proto, 0, packed(src), packed(dst)) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def _transport(src, dst, proto, head, at, data):
    """Fills in the checksum at byte `at` of head, over the pseudo header."""
    pseudo = packed(src) + packed(dst) + struct.pack("!BBH", 0, proto, len(head) + len(data))
    return head[:at] + struct.pack("!H", checksum(pseudo + head + data) or 0xffff) + head[at + 2:] + data


def udp(src, sport, dst, dport, data=b"", check=None, **fields):
    """check: None = right, or a number, such as 0 for none."""
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), check or 0)
    body = head + data if check is not None else _transport(src, dst, UDP, head, 6, data)
    return ip(src, dst, UDP, body, **fields)


def tcp(src, sport, dst, dport, data=b"", flags=0x02, seq=1, ack=0, options=b"", **fields):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 + len(options) // 4 << 4, flags, 8192, 0, 0) + options
    return ip(src, dst, TCP, _transport(src, dst, TCP, head, 16, data), **fields)


def ported(proto, src, sport, dst, dport, data=b"\0" * 12, **fields):
    """SCTP, DCCP, UDP-Lite: all begin with the two ports; the rest is nobody's business on the way."""
    return ip(src, dst, proto, struct.pack("!HH", sport, dport) + data, **fields)


def esp(src, dst, spi, data=b"ciphertext" * 4, **fields):
    return ip(src, dst, ESP, struct.pack("!II", spi, 1) + data, **fields)


def ah(src, dst, spi, data=b"\0" * 32, **fields):
    return ip(src, dst, AH, struct.pack("!BBHII", UDP, 4, 0, spi, 1) + b"\x55" * 12 + data, **fields)


def ike(initiator, responder, data=b"\x21\x20\x22\x08" + b"\0" * 16):
    """An IKE header's cookies (SPIs) and something behind (RFC 7296 3.1)."""
    return struct.pack("!QQ", initiator, responder) + data


def icmp(src, dst, kind, code, rest=0, data=b"", **fields):
    head = struct.pack("!BBHI", kind, code, 0, rest)
    return ip(src, dst, ICMP, head[:2] + struct.pack("!H", checksum(head + data)) + head[4:] + data, **fields)


def echo(src, dst, ident, request=True, seq=1, data=b"echo data", **fields):
    return icmp(src, dst, 8 if request else 0, 0, ident << 16 | seq, data, **fields)


def unreachable(src, dst, about, code=3, **fields):
    """An ICMP error about a packet as the peer saw it: its header and 28 bytes more."""
    return icmp(src, dst, 3, code, 0, about[:(about[0] & 15) * 4 + 28], **fields)


def forwarded(packet, hops=1):
    """The packet after so many routers: TTL and header checksum, nothing else (RFC 1812 5.3.1)."""
    size = (packet[0] & 15) * 4
    header = packet[:8] + bytes([packet[8] - hops]) + packet[9:10] + b"\0\0" + packet[12:size]
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + packet[size:]


def fragments(packet, size):
    """The packet cut into fragments of so many payload bytes, a multiple of 8."""
    head, body = packet[:20], packet[20:]
    pieces = []
    for at in range(0, len(body), size):
        more = at + size < len(body)
        piece = head[:2] + struct.pack("!H", 20 + len(body[at:at + size])) + head[4:6]
        piece += struct.pack("!H", more << 13 | at // 8) + head[8:10] + b"\0\0" + head[12:]
        pieces.append(piece[:10] + struct.pack("!H", checksum(piece)) + piece[12:] + body[at:at + size])
    return pieces


def source(packet):
    return str(ipaddress.IPv4Address(packet[12:16]))


def destination(packet):
    return str(ipaddress.IPv4Address(packet[16:20]))


def header_length(packet):
    return (packet[0] & 15) * 4


def payload(packet):
    return packet[header_length(packet):]
