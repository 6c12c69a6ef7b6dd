"""What the gateway forwards, asked of it with packets: one to each tuple, and where does it come out?"""
import select
import socket
import struct
import time

import ip_packet as p
from rsip_client import namespace

GATEWAY, PEER = "10.0.0.1", "203.0.113.201"
MARK = struct.Struct("!Q")
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; Python has no name for it


class Ways:
    """The peer's end on y's eth0, and all hosts' tunnel ends on x1, by raw sockets."""

    def __init__(self, hosts_netns, peer_netns, peer_mac, gateway_mac):
        self.frame = gateway_mac + peer_mac + struct.pack("!H", 0x0800)
        with namespace(peer_netns):
            self.peer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            self.peer.bind(("eth0", 0x0800))
        with namespace(hosts_netns):
            self.tunnel = socket.socket(socket.AF_INET, socket.SOCK_RAW, p.IPIP)
            self.out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for sock in (self.peer, self.tunnel):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.mark = int(time.monotonic()) << 32

    def next_mark(self):
        self.mark += 1
        return MARK.pack(self.mark)

    def to(self, address, kind, number, mark):
        """A packet from the peer to that tuple."""
        if kind == "spi":
            return p.esp(PEER, address, number, data=mark)
        return p.udp(PEER, 9, address, number, data=mark)

    def from_(self, address, kind, number, mark):
        if kind == "spi":
            return p.esp(address, PEER, number, data=mark)
        return p.udp(address, number, PEER, 9, data=mark)

    def take(self, seen):
        """What has come: {mark: (way, address of the host)}."""
        for sock in select.select([self.tunnel, self.peer], [], [], 0.02)[0]:
            while True:
                try:
                    packet, sender = sock.recvfrom(65535)
                except BlockingIOError:
                    break
                if sock is self.tunnel:
                    seen.setdefault(packet[-MARK.size:], set()).add(("in", p.destination(packet)))
                elif sender[2] != 4:
                    packet = packet[14:]
                    packet = packet[:struct.unpack("!H", packet[2:4])[0]]
                    seen.setdefault(packet[-MARK.size:], set()).add(("out", p.source(packet)))

    def probe(self, wanted, nobodys, seconds):
        """wanted: {(address, kind, number, host): until when}, each must be reached and may send. nobodys: [(address, kind,
        number)], which must reach nobody. Sends again what is missing, until seconds are over. Returns what is wrong,
        in words."""
        left, seen, deadline = dict.fromkeys(wanted), {}, time.monotonic() + seconds
        strays = {self.next_mark(): one for one in nobodys}
        for mark, one in strays.items():
            self.peer.send(self.frame + self.to(*one, mark))
        while left and time.monotonic() < deadline:
            marks = {}
            for one in left:
                address, kind, number, host = one
                there, back = self.next_mark(), self.next_mark()
                marks[there], marks[back] = (one, ("in", host)), (one, ("out", address))
                self.peer.send(self.frame + self.to(address, kind, number, there))
                self.out.sendto(p.ip(host, GATEWAY, p.IPIP, self.from_(address, kind, number, back)), (GATEWAY, 0))
            left = [one for one in self.missing(marks, seen) if wanted[one] > time.monotonic()]
        wrong = ["%s %s %s does not lead to %s and back" % one for one in left]
        for mark, one in strays.items():
            if mark in seen:
                wrong.append("%s %s %s is nobody's, but came out at %s" % (*one, seen[mark]))
        return wrong

    def missing(self, marks, seen):
        """Waits half a second at most for what was sent; {what did not come}."""
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            self.take(seen)
            if all(mark in seen for mark in marks):
                break
        return dict.fromkeys(one for mark, (one, where) in marks.items() if seen.get(mark) != {where})

    def close(self):
        for sock in (self.peer, self.tunnel, self.out):
            sock.close()
