"""The two ends of a packet's way through the gateway: a host's tunnel, and a peer on the public wire.

Both see and send packets as they are. The peer is an address that no kernel owns, so that nobody answers for it.
"""
import socket
import struct
import time

import ip_packet
from rsip_client import namespace

ETH_P_IP, PACKET_OUTGOING = 0x0800, 4
PATIENCE_S = 10.0  # for what must come: a machine may be slow


class End:
    """Receives packets; what a check did not wait for stays out of its way."""

    def expect(self, packet, seconds=PATIENCE_S):
        """Waits for this very packet. Returns None, or what came in its place."""
        deadline, others = time.monotonic() + seconds, []
        while time.monotonic() < deadline:
            got = self.receive(deadline - time.monotonic())
            if got == packet:
                return None
            if got:
                others.append(got)
        seen = ", ".join(one.hex(" ") for one in others) or "nothing"
        return "expected %s, got %s" % (packet.hex(" "), seen)

    def find(self, test, seconds=PATIENCE_S):
        """The first packet that passes the test, or None."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            got = self.receive(deadline - time.monotonic())
            if got and test(got):
                return got
        return None

    def wait(self, seconds):
        self.sock.settimeout(max(0.001, seconds))
        try:
            return self.sock.recvfrom(65535)
        except TimeoutError:
            return None, None

    def close(self):
        self.sock.close()


class Tunnel(End):
    """A host's IP-IP (4) or GRE (47) tunnel to the gateway, by a raw socket. outer: the last outer header received."""

    def __init__(self, host, proto=ip_packet.IPIP):
        self.proto, self.outer = proto, None
        self.sock = host.socket(socket.SOCK_RAW, proto)
        self.sock.bind((host.source, 0))
        self.gateway = host.gateway

    def send(self, inner, tos=0):
        """GRE: the four-byte header of RFC 2784."""
        self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        head = struct.pack("!HH", 0, ETH_P_IP) if self.proto == ip_packet.GRE else b""
        self.sock.sendto(head + inner, (self.gateway, 0))

    def receive(self, seconds):
        packet, sender = self.wait(seconds)
        if packet is None or sender[0] != self.gateway:
            return None
        size = ip_packet.header_length(packet)
        self.outer, inner = packet[:size], packet[size:]
        if self.proto == ip_packet.GRE:
            if inner[:4] != struct.pack("!HH", 0, ETH_P_IP):
                return b"not GRE: " + inner
            inner = inner[4:]
        return inner


class Peer(End):
    """An address on the public wire: Ethernet frames in and out of y's eth0."""

    def __init__(self, netns, address, own_mac, gateway_mac, device="eth0"):
        self.address, self.own, self.gateway = address, own_mac, gateway_mac
        with namespace(netns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
            self.sock.bind((device, ETH_P_IP))

    def send(self, packet):
        self.sock.send(self.gateway + self.own + struct.pack("!H", ETH_P_IP) + packet)

    def receive(self, seconds):
        frame, sender = self.wait(seconds)
        if frame is None or sender[2] == PACKET_OUTGOING:
            return None
        packet = frame[14:]
        packet = packet[:struct.unpack("!H", packet[2:4])[0]]
        return packet if ip_packet.destination(packet) == self.address else None
