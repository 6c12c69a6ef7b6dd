"""Sockets at one end of a path, and packets that no socket makes. Run in the namespace of the end.

    path_probe.py mtu KIND SOURCE PEER PORT WANTED   send DF packets until the kernel has heard of a path MTU of WANTED
    path_probe.py error SOURCE PEER PORT TYPE CODE   send UDP until an ICMP error of this type and code comes back
    path_probe.py fragments ORDER SOURCE PEER SPORT DPORT SIZE   one UDP packet, in fragments; by tun0, where it is
    path_probe.py receive ADDRESS PORT SIZE          wait for one UDP packet of so many bytes
    path_probe.py flood SOURCE PEER COUNT            that many later fragments without a first, a few thousand a second
    path_probe.py route SOURCE PEER SPORT            UDP with a loose source route

KIND is udp, tcp, esp, ah or ike; ORDER is in-order, reversed, overlapping or first-last.
"""
import os
import random
import socket
import struct
import sys
import time

import ip_packet

IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU, IP_RECVERR = 10, 2, 14, 11
ETH_P_IP = 0x0800
PATIENCE = 20
COOKIE = 0x1111000000000000


def esp():
    return struct.pack("!II", 0xc0de, 1) + b"e" * 1352


def ah():
    return struct.pack("!BBHII", 17, 4, 0, 0xa4, 1) + b"a" * 1348


def connected(kind, source, peer, port):
    proto = {"esp": ip_packet.ESP, "ah": ip_packet.AH}.get(kind)
    if proto:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    local = 500 if kind == "ike" else 0
    sock.bind((source, local))
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    sock.connect((peer, port))
    return sock


def payload(kind):
    body = {"esp": esp, "ah": ah}.get(kind)
    if body:
        return body()
    if kind == "ike":
        return ip_packet.ike(COOKIE, 0, b"\x21\x20\x22\x08" + struct.pack("!II", 0, 1360) + b"i" * 1332)
    return b"u" * 1360


def mtu(kind, source, peer, port, wanted):
    sock = connected(kind, source, peer, int(port))
    end = time.time() + PATIENCE
    have = 0
    while time.time() < end:
        try:
            sock.send(payload(kind))
        except OSError:
            pass  # too long, or the error of an earlier one
        have = sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
        if have == int(wanted):
            return
        time.sleep(0.05)
    sys.exit("path MTU is %d, not %s" % (have, wanted))


def error(source, peer, port, kind, code):
    sock = connected("udp", source, peer, int(port))
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    sock.setblocking(False)
    end = time.time() + PATIENCE
    seen = set()
    while time.time() < end:
        try:
            sock.send(b"anybody there?")
        except OSError:
            pass
        time.sleep(0.1)
        try:
            ancillary = sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)[1]
        except OSError:
            continue
        for _, _, data in ancillary:
            seen.add((data[5], data[6]))  # struct sock_extended_err: ee_type, ee_code
        if (int(kind), int(code)) in seen:
            return
    sys.exit("errors seen: %s" % sorted(seen))


class Raw:
    """Whole packets into the tunnel device, where there is one: by a raw socket the kernel would keep those to the
    address that it shares with others."""

    def __init__(self):
        self.tunnel = os.path.exists("/sys/class/net/tun0")
        if self.tunnel:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        else:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, packet):
        self.sock.sendto(packet, ("tun0", ETH_P_IP) if self.tunnel else (ip_packet.destination(packet), 0))


def fragments(order, source, peer, sport, dport, size):
    packet = ip_packet.udp(source, int(sport), peer, int(dport), b"f" * int(size), ident=random.randrange(1, 65536))
    pieces = ip_packet.fragments(packet, 1200)
    if order == "reversed":
        pieces.reverse()
    elif order == "first-last":
        pieces.append(pieces.pop(0))
    elif order == "overlapping":
        pieces.insert(1, ip_packet.ip(source, peer, ip_packet.UDP, b"o" * 64, ident=struct.unpack("!H", packet[4:6])[0],
                                      offset=8, mf=True))
    out = Raw()
    for piece in pieces:
        out.send(piece)
        time.sleep(0.02)


def receive(address, port, size):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    print("ready", flush=True)
    sock.settimeout(PATIENCE)
    try:
        while sock.recv(65535) != b"f" * int(size):
            pass
    except socket.timeout:
        sys.exit("nothing came")


def flood(source, peer, count):
    out = Raw()
    for ident in range(int(count)):
        out.send(ip_packet.ip(source, peer, ip_packet.UDP, b"x" * 64, ident=ident % 65535 + 1, offset=1480))
        if ident % 50 == 49:
            time.sleep(0.01)  # so that no queue before the relay is full: what is tried is the relay's room


def route(source, peer, sport):
    option = b"\x83\x07\x04" + ip_packet.packed("192.0.2.1") + b"\0"
    Raw().send(ip_packet.udp(source, int(sport), peer, 9, b"by way of", options=option))


if __name__ == "__main__":
    verbs = {"mtu": mtu, "error": error, "fragments": fragments, "receive": receive, "flood": flood, "route": route}
    verbs[sys.argv[1]](*sys.argv[2:])
