"""Packets through the gateway, row by row of design.md section 2, from hosts that are nothing but a raw socket.

x1 and x2 share 203.0.113.9; the peers 203.0.113.201 and .202 are nobody's but the test's. Every packet must arrive byte
for byte as it was sent, but for TTL and header checksum.
"""
import contextlib
import socket
import struct
import subprocess
import time

import ip_packet as p
from protocol.harness import check, expect, expect_equal, expect_kind
from rsip_client import Silence, namespace
from rsip_wire import (Err, GRE, IKE_LISTENER, Msg, PORT, address, cookie_block, fqdn, lease_time, no_ports, parse,
                       ports, spi, tunnel_type, vendor)
from tunnel import PATIENCE_S

A = "203.0.113.9"
NEVER = 0.15  # seconds to wait for what must not come


class Bound:
    """A registered host with its tunnel."""

    def __init__(self, lab, host, proto=p.IPIP):
        self.session = host.tcp()
        expect_kind(self.session.register(), Msg.REGISTER_RESPONSE)
        self.tunnel = lab.tunnel(host, proto)

    def rsap(self, count=4, *args):
        answer = expect_kind(self.session.rsap(None, ports(count), *args), Msg.ASSIGN_RESPONSE_RSAP_IP)
        return answer.port_lists[0]

    def ipsec(self, *extra):
        answer = self.session.own(Msg.ASSIGN_REQUEST_RSIPSEC, address(), no_ports(), address(), no_ports(), spi(4),
                                  *extra)
        return expect_kind(answer, Msg.ASSIGN_RESPONSE_RSIPSEC)


def arrives(end, packet, what, hops=1):
    wrong = end.expect(p.forwarded(packet, hops))
    expect(wrong is None, "%s: %s" % (what, wrong))


def stays_away(end, packet, what):
    body = p.payload(packet)
    got = end.find(lambda one: p.payload(one) == body, NEVER)
    expect(got is None, "%s got through" % what)


def nobodys(port):
    """A port far from this one, which is of a host that holds few; and not one of those that are looked at by cookie."""
    return port ^ (0x4000 if port ^ 0x4000 not in (0, 500, 4500) else 0x2000)


def drops(lab):
    return lab.gateway.ctl("stats")["data"]["drops"]


def both_ways(host, peer, out, back, what):
    host.tunnel.send(out)
    arrives(peer, out, what + " out")
    peer.send(back)
    arrives(host.tunnel, back, what + " back")


@check("data: UDP of both hosts of one address to one peer, both ways, byte for byte; outer header the gateway's")
def udp_both(lab):
    one, two = Bound(lab, lab.x1), Bound(lab, lab.x2)
    peer = lab.peer
    for host, other in ((one, two), (two, one)):
        port = host.rsap()[1]
        question, answer = p.udp(A, port, peer.address, 53, b"question"), p.udp(peer.address, 53, A, port, b"answer")
        both_ways(host, peer, question, answer, "UDP")
        outer = host.tunnel.outer
        expect_equal("outer header", (p.source(outer), p.destination(outer), outer[9], len(outer)),
                     ("10.0.0.1", host.session.host.source, 4, 20))
        stays_away(other.tunnel, answer, "the other host's packet")


@check("data: TCP, SCTP, DCCP and UDP-Lite by the same port lease")
def all_ported(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    both_ways(host, peer, p.tcp(A, port, peer.address, 80), p.tcp(peer.address, 80, A, port, flags=0x12), "TCP")
    for proto in (p.SCTP, p.DCCP, p.UDPLITE):
        both_ways(host, peer, p.ported(proto, A, port, peer.address, 80), p.ported(proto, peer.address, 80, A, port),
                  "protocol %d" % proto)


@check("data: IP ID 0 and others, DF or not, TOS, options, UDP checksum absent or wrong: nothing is touched")
def untouched(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    forms = [dict(ident=ident, df=df, tos=tos)
             for ident in (0, 1, 0xffff) for df in (False, True) for tos in (0, 0xb8, 0x1e)]
    forms += [dict(options=b"\x01\x01\x01\x01"), dict(options=b"\x94\x04\0\0"),  # no operation; router alert
              dict(options=b"\x9e\x04\0\0" + b"\x01" * 36), dict(check=0), dict(check=0x1234),
              dict(ttl=2), dict(ttl=255), dict(data=b""), dict(data=b"x" * 1400)]
    for form in forms:
        out, back = p.udp(A, port, peer.address, 9, **form), p.udp(peer.address, 9, A, port, **form)
        both_ways(host, peer, out, back, str(form))


@check("data: ESP and AH by SPI, of both hosts, both ways")
def ipsec(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    for host, other in ((one, two), (two, one)):
        mine = host.ipsec().spis
        for build in (p.esp, p.ah):
            both_ways(host, peer, build(A, peer.address, 0x11223344), build(peer.address, A, mine[3]), build.__name__)
            stays_away(other.tunnel, build(peer.address, A, mine[3]), "the other host's SPI")


def ike_packet(peer, initiator, responder, out=True, port=500, marker=b"", peer_port=None):
    data = marker + p.ike(initiator, responder)
    if out:
        return p.udp(A, port, peer.address, peer_port or port, data)
    return p.udp(peer.address, peer_port or port, A, port, data)


@check("data: IKE of both hosts from port 500 to one peer by cookie: one leased in a block, one learned")
def ike_cookies(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    value, mask = struct.unpack("!QQ", one.ipsec(cookie_block(0, 0xffff000000000000)).vendor(1))
    two.ipsec()
    mine, learned = value | 0x123456, (value ^ 0x7000000000000000) | 0x777
    both_ways(one, peer, ike_packet(peer, mine, 0), ike_packet(peer, mine, 5, out=False), "IKE of x1")
    both_ways(two, peer, ike_packet(peer, learned, 0), ike_packet(peer, learned, 6, out=False), "IKE of x2")
    both_ways(one, peer, ike_packet(peer, mine, 5), ike_packet(peer, mine, 5, out=False), "IKE of x1")
    # An IKE SA that the peer began has the host's own value in the responder field (design 2.1).
    peer.send(ike_packet(peer, 0xabc, mine + 1, out=False))
    arrives(one.tunnel, ike_packet(peer, 0xabc, mine + 1, out=False), "x1's value as responder")
    # A cookie of x1's block, or one that x1 holds, is not x2's to use.
    before = drops(lab)["cookie_collision"]
    for stolen in (mine, mine + 99):
        two.tunnel.send(ike_packet(peer, stolen, 0))
        stays_away(peer, ike_packet(peer, stolen, 0), "a cookie of the other host")
    expect_equal("drops", drops(lab)["cookie_collision"] - before, 2)
    # An unknown cookie from a peer with sessions of two hosts goes to none (design 2.1).
    unknown = ike_packet(peer, 0xdeadbeef, 0, out=False)
    peer.send(unknown)
    stays_away(one.tunnel, unknown, "an unknown cookie")
    stays_away(two.tunnel, unknown, "an unknown cookie")


@check("data: IKE of an unknown cookie from a peer that exactly one host talks to goes to that host (RFC 3104 app. E)")
def ike_rekey(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    one.ipsec()
    two.ipsec()
    both_ways(one, peer, ike_packet(peer, 0x1111, 0), ike_packet(peer, 0x1111, 2, out=False), "IKE of x1")
    rekey = ike_packet(peer, 0x99887766, 0, out=False)
    peer.send(rekey)
    arrives(one.tunnel, rekey, "the peer's new phase 1")
    one.tunnel.send(ike_packet(peer, 0x99887766, 0x4242))
    arrives(peer, ike_packet(peer, 0x99887766, 0x4242), "the answer to it")


@check("data: port 4500: IKE behind the non-ESP marker by cookie, ESP in UDP by SPI")
def nat_t(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    marker = b"\0\0\0\0"
    for host, cookie in ((one, 0xa1), (two, 0xb2)):
        mine = host.ipsec().spis[0]
        both_ways(host, peer, ike_packet(peer, cookie, 0, port=4500, marker=marker),
                  ike_packet(peer, cookie, 3, out=False, port=4500, marker=marker), "IKE on 4500")
        both_ways(host, peer, p.udp(A, 4500, peer.address, 4500, struct.pack("!II", 0x5150, 1) + b"c" * 40),
                  p.udp(peer.address, 4500, A, 4500, struct.pack("!II", mine, 1) + b"d" * 40), "ESP in UDP")


@check("data: a peer's IKE goes to the host that listens for it, and to it alone (RFC 3104 app. G)")
def ike_listener(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    one.ipsec()
    two.ipsec(vendor(IKE_LISTENER, p.packed(peer.address)))
    first = ike_packet(peer, 0x5151, 0, out=False)
    peer.send(first)
    arrives(two.tunnel, first, "IKE of the peer")
    stays_away(one.tunnel, first, "IKE for x2")
    lab.peer2.send(ike_packet(lab.peer2, 0x6161, 0, out=False))
    stays_away(two.tunnel, ike_packet(lab.peer2, 0x6161, 0, out=False), "IKE of another peer")


@check("data: ICMP errors reach the host whose packet they quote: UDP by port, ESP by its outbound SPI")
def icmp_errors(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    port = one.rsap()[0]
    two.ipsec()
    for host, other, about in ((one, two, p.udp(A, port, peer.address, 7, b"to nobody" * 4)),
                               (two, one, p.esp(A, peer.address, 0x99))):
        host.tunnel.send(about)
        arrives(peer, about, "the packet")
        error = p.unreachable(peer.address, A, p.forwarded(about))
        peer.send(error)
        arrives(host.tunnel, error, "the error about it")
        stays_away(other.tunnel, error, "the other host's error")
    before = drops(lab)["icmp_unrelated"]
    stray = p.unreachable(peer.address, A, p.udp(A, nobodys(port), peer.address, 7, b"not sent" * 4))
    peer.send(stray)
    stays_away(one.tunnel, stray, "an error about nobody's packet")
    expect_equal("drops", drops(lab)["icmp_unrelated"] - before, 1)


@check("data: ping of both hosts, told apart by identifier; a ping of the shared address is answered by the gateway")
def ping(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    one.rsap()
    two.rsap()
    for host, ident in ((one, 100), (two, 200)):
        both_ways(host, peer, p.echo(A, peer.address, ident), p.echo(peer.address, A, ident, request=False), "echo")
    peer.send(p.echo(peer.address, A, 7))
    got = peer.find(lambda one: one[9] == p.ICMP)
    expect(got and p.source(got) == A and p.payload(got) == p.payload(p.echo(peer.address, A, 7, request=False)),
           "the gateway does not answer: %s" % (got and got.hex(" ")))
    for host in (one, two):
        stays_away(host.tunnel, p.echo(peer.address, A, 7), "a ping of the shared address")
    stray = p.echo(peer.address, A, 300, request=False)
    peer.send(stray)
    stays_away(one.tunnel, stray, "an echo reply that nobody asked for")


@check("data: RSA-IP: the whole address, any protocol, pings and fragments too")
def whole(lab):
    host, peer = Bound(lab, lab.office), lab.peer
    mine = expect_kind(host.session.rsa(), Msg.ASSIGN_RESPONSE_RSA_IP).addresses[0]
    for proto in (p.UDP, p.TCP, 200, 2, p.ESP):
        out, back = p.ip(mine, peer.address, proto, b"abcd" * 8), p.ip(peer.address, mine, proto, b"efgh" * 8)
        both_ways(host, peer, out, back, "protocol %d" % proto)
    pong, ping_it = p.echo(mine, peer.address, 9, request=False), p.echo(peer.address, mine, 9)
    both_ways(host, peer, pong, ping_it, "a ping to the host")
    piece = p.fragments(p.udp(peer.address, 53, mine, 53, b"f" * 64, ident=77), 32)[1]
    peer.send(piece)
    arrives(host.tunnel, piece, "a fragment without its first")


@check("data: fragments follow their first both ways; without it they are dropped")
def fragments(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    out = p.fragments(p.udp(A, port, peer.address, 9, bytes(range(256)) * 4, ident=0x1234), 512)
    back = p.fragments(p.udp(peer.address, 9, A, port, bytes(range(256)) * 4, ident=0x4321), 512)
    expect_equal("pieces", len(out), 3)
    for near, far, pieces in ((host.tunnel, peer, out), (peer, host.tunnel, back)):
        for piece in pieces:
            near.send(piece)
            arrives(far, piece, "a fragment")
    lost = p.ip(peer.address, A, p.UDP, b"z" * 64, ident=0x7777, offset=512)
    peer.send(lost)
    stays_away(host.tunnel, lost, "a fragment without its first")


@check("data: fragments that come before their first wait for it, both ways; in vain they are counted")
def fragments_reversed(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    out = p.fragments(p.udp(A, port, peer.address, 9, bytes(range(256)) * 4, ident=0x2345), 512)
    back = p.fragments(p.udp(peer.address, 9, A, port, bytes(range(256)) * 4, ident=0x5432), 512)
    for near, far, pieces in ((host.tunnel, peer, out), (peer, host.tunnel, back)):
        for piece in reversed(pieces):
            near.send(piece)
        for piece in pieces[:1] + pieces[:0:-1]:
            arrives(far, piece, "a fragment")
    before = drops(lab)["fragment"]
    for ident in range(3):
        peer.send(p.ip(peer.address, A, p.UDP, b"z" * 64, ident=ident, offset=512))
    for _ in range(100):
        if drops(lab)["fragment"] >= before + 3:
            break
        time.sleep(0.1)
    expect(drops(lab)["fragment"] >= before + 3, "what waited in vain is not counted")
    first, late = p.fragments(p.udp(peer.address, 9, A, port, b"o" * 512, ident=0x7654), 256)[:2]
    over = p.ip(peer.address, A, p.UDP, b"over" * 8, ident=0x7654, offset=8)
    before = drops(lab)["fragment_overlap"]
    for piece in (over, late, first):
        peer.send(piece)
    arrives(host.tunnel, first, "the first fragment")
    arrives(host.tunnel, late, "what waited")
    stays_away(host.tunnel, over, "what would overwrite the first")
    expect_equal("drops", drops(lab)["fragment_overlap"] - before, 1)


@check("data: an ICMP error about the tunnel itself is told to the peer as RFC 2003 4 says, and only to whom it concerns")
def tunnel_errors(lab):
    host, other, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    port = host.rsap()[0]
    other.rsap()
    packet = p.udp(peer.address, 9, A, port, b"into the tunnel" * 4)
    peer.send(packet)
    arrives(host.tunnel, packet, "the packet")
    outer = host.tunnel.outer + p.forwarded(packet)
    gateway = host.tunnel.gateway
    by_host = lab.x1.socket(socket.SOCK_RAW, socket.IPPROTO_RAW)
    about = p.forwarded(packet)[:20] + packet[20:28]
    for kind, code, mtu, told in ((3, 1, 0, (3, 1, 0)), (3, 0, 0, (3, 1, 0)), (3, 2, 0, (3, 1, 0)), (11, 0, 0, (3, 1, 0)),
                                  (3, 4, 1300, (3, 4, 1280)), (3, 3, 0, None), (3, 5, 0, None), (11, 1, 0, None),
                                  (4, 0, 0, None)):
        by_host.sendto(p.icmp(lab.x1.source, gateway, kind, code, mtu, outer), (gateway, 0))
        got = peer.find(lambda one: one[9] == p.ICMP, PATIENCE_S if told else NEVER)
        if told is None:
            expect(got is None, "type %d code %d is told to the peer" % (kind, code))
            continue
        expect(got, "type %d code %d is not told to the peer" % (kind, code))
        kind, code, _, _, mtu = struct.unpack("!BBHHH", p.payload(got)[:8])
        expect_equal("told", (kind, code, mtu), told)
        expect_equal("quoted", p.payload(got)[8:36], about)
    # Not about a packet to a port of another host, nor by another gateway's tunnel, nor with a wrong checksum.
    strange = p.udp(peer.address, 9, A, nobodys(port), b"not ours" * 4)
    error = p.icmp(lab.x1.source, gateway, 3, 1, 0, outer)
    for wrong in (p.icmp(lab.x1.source, gateway, 3, 1, 0, host.tunnel.outer + strange),
                  p.icmp(lab.x1.source, gateway, 3, 1, 0, p.ip("10.0.0.99", lab.x1.source, p.IPIP, p.forwarded(packet))),
                  error[:23] + bytes([error[23] ^ 1]) + error[24:]):
        by_host.sendto(wrong, (gateway, 0))
        expect(peer.find(lambda one: one[9] == p.ICMP, NEVER) is None, "an error that is not ours is told to the peer")
    by_host.close()
    # The gateway's kernel believes that the way to x1 takes 1300 bytes.
    subprocess.run(["ip", "-n", lab.prefix + "-n", "route", "flush", "cache"], check=True)


@check("data: nobody's port, SPI or protocol: dropped and counted as such")
def nobody(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    host.ipsec()
    for packet, reason in ((p.udp(peer.address, 9, A, nobodys(port)), "no_lease"),
                           (p.tcp(peer.address, 9, A, 80), "no_lease"),
                           (p.esp(peer.address, A, 0xf0000001), "no_lease"), (p.ah(peer.address, A, 300), "no_lease"),
                           (ike_packet(peer, 0x31415926, 0, out=False), "unknown_cookie"),
                           (p.ip(peer.address, A, 200, b"what" * 8), "protocol")):
        before = drops(lab)[reason]
        peer.send(packet)
        stays_away(host.tunnel, packet, "protocol %d" % packet[9])
        expect_equal("drops as %s" % reason, drops(lab)[reason] - before, 1)


def violation(lab, host, packet, reason, *errors):
    """The packet is dropped, counted, and answered on the host's RSIP connection (RFC 3103 10.4). The answers are
    limited to a few a second, so it may take some packets; each of them is counted."""
    before = drops(lab)[reason]
    for sent in range(1, 9):
        host.tunnel.send(packet)
        stays_away(lab.peer, packet, "a packet against %s" % reason)
        try:
            answer = host.session.receive(2)
            break
        except Silence:
            continue
    else:
        expect(False, "no ERROR_RESPONSE about %s" % reason)
    expect_equal("drops as %s" % reason, drops(lab)[reason] - before, sent)
    expect(answer.kind == Msg.ERROR_RESPONSE and answer.error in errors, "about %s: %s" % (reason, answer))
    expect_equal("counter and client ID", (answer.counter, answer.client_id), (0, host.session.client_id))


@check("data: a host that uses a port, an address or an SPI that is not its own is dropped, counted and told (10.4)")
def not_its_own(lab):
    one, two, peer = Bound(lab, lab.x1), Bound(lab, lab.x2), lab.peer
    mine, theirs = one.rsap(), two.rsap()
    for port in (theirs[0], 80, mine[0] - 1):
        violation(lab, one, p.udp(A, port, peer.address, 9), "local_port_unallowed", Err.LOCAL_ADDRPORT_UNALLOWED)
    for local in ("10.0.0.11", "203.0.113.64", "8.8.8.8"):
        violation(lab, one, p.udp(local, mine[0], peer.address, 9), "local_addr_unallowed", Err.LOCAL_ADDR_UNALLOWED)
    for build in (p.esp, p.ah):
        violation(lab, one, build(A, peer.address, 77), "local_spi_unallowed", Err.LOCAL_ADDR_UNALLOWED,
                  Err.LOCAL_ADDRPORT_UNALLOWED, Err.IPSEC_UNALLOWED)
    violation(lab, one, ike_packet(peer, 1, 0), "local_port_unallowed", Err.LOCAL_ADDRPORT_UNALLOWED)


@check("data: GRE where GRE was leased, both ways; another tunnel than the binding's is BAD_TUNNEL_TYPE (10.4)")
def tunnels(lab):
    gre, peer = Bound(lab, lab.x1, p.GRE), lab.peer
    port = gre.rsap(4, None, ports(), tunnel_type(GRE))[0]
    out, back = p.udp(A, port, peer.address, 53, b"by GRE"), p.udp(peer.address, 53, A, port, b"and back")
    both_ways(gre, peer, out, back, "GRE")
    gre.tunnel = lab.tunnel(lab.x1, p.IPIP)
    violation(lab, gre, p.udp(A, port, peer.address, 53, b"by IP-IP"), "bad_tunnel_type", Err.BAD_TUNNEL_TYPE)


@check("data: remote policy: other peers are dropped both ways, counted and told (10.4)")
def remote_policy(lab):
    host, peer = Bound(lab, lab.macro), lab.peer
    answer = expect_kind(host.session.rsap(None, ports(), peer.address), Msg.ASSIGN_RESPONSE_RSAP_IP)
    port = answer.port_lists[0][0]
    for far in (80, 443):
        both_ways(host, peer, p.udp(A, port, peer.address, far), p.udp(peer.address, far, A, port), "macro")
    violation(lab, host, p.udp(A, port, lab.peer2.address, 80), "remote_policy_out", Err.REMOTE_ADDR_UNALLOWED)
    before = drops(lab)["remote_policy_in"]
    stray = p.udp(lab.peer2.address, 80, A, port, b"stray")
    lab.peer2.send(stray)
    stays_away(host.tunnel, stray, "another peer's packet")
    expect_equal("drops", drops(lab)["remote_policy_in"] - before, 1)
    host = Bound(lab, lab.micro)
    answer = expect_kind(host.session.rsap(None, ports(), peer.address, ports(1, 80)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    port = answer.port_lists[0][0]
    both_ways(host, peer, p.udp(A, port, peer.address, 80), p.udp(peer.address, 80, A, port), "micro")
    violation(lab, host, p.udp(A, port, peer.address, 81), "remote_policy_out", Err.REMOTE_ADDRPORT_UNALLOWED)


@check("data: remote policy for a name: its addresses pass both ways, others do not")
def remote_name(lab):
    host, peer = Bound(lab, lab.macro), lab.peer
    answer = expect_kind(host.session.own(Msg.ASSIGN_REQUEST_RSAP_IP, address(), ports(), fqdn("peer.example"), ports()),
                         Msg.ASSIGN_RESPONSE_RSAP_IP)
    port = answer.port_lists[0][0]
    both_ways(host, peer, p.udp(A, port, peer.address, 80), p.udp(peer.address, 80, A, port), "name")
    violation(lab, host, p.udp(A, port, lab.peer2.address, 80), "remote_policy_out", Err.REMOTE_ADDR_UNALLOWED)
    stray = p.udp(lab.peer2.address, 80, A, port, b"stray")
    lab.peer2.send(stray)
    stays_away(host.tunnel, stray, "another peer's packet")


@check("data: a host without registration: dropped, counted, told by REGISTER_FIRST at port 4555, once a second (10.2.2)")
def unregistered(lab):
    tunnel, before = lab.tunnel(lab.x2), drops(lab)["not_registered"]
    packet = p.udp(A, 5000, lab.peer.address, 9)
    with namespace(lab.x2.netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
        bell.bind((lab.x2.source, PORT))
        bell.connect((lab.x2.gateway, PORT))
        for _ in range(10):
            tunnel.send(packet)
        stays_away(lab.peer, packet, "the packet of an unregistered host")
        bell.settimeout(5)
        told = expect_kind(parse(bell.recv(65535)), Msg.ERROR_RESPONSE)
        expect_equal("what it is told", (told.error, told.counter, told.client_id), (Err.REGISTER_FIRST, 0, None))
        bell.settimeout(NEVER)
        expect(silent(bell), "it is told more than once a second")
    expect_equal("drops", drops(lab)["not_registered"] - before, 10)


def silent(sock):
    with contextlib.suppress(TimeoutError):
        return not sock.recv(65535)
    return True


@check("data: host to host by the public address (hairpin, RFC 4787 REQ-9)")
def hairpin(lab):
    one, two = Bound(lab, lab.x1), Bound(lab, lab.x2)
    near, far = one.rsap()[0], two.rsap()[0]
    there, back = p.udp(A, near, A, far, b"hello neighbour"), p.udp(A, far, A, near, b"hello yourself")
    one.tunnel.send(there)
    arrives(two.tunnel, there, "hairpin")
    two.tunnel.send(back)
    arrives(one.tunnel, back, "hairpin back")


@check("data: host to host by one address, IPsec: ESP, AH, IKE begun, answered and gone on with")
def hairpin_ipsec(lab):
    one, two = Bound(lab, lab.x1), Bound(lab, lab.x2)
    value, _ = struct.unpack("!QQ", one.ipsec(cookie_block(0, 0xffff000000000000)).vendor(1))
    far = two.ipsec(vendor(IKE_LISTENER, p.packed(A))).spis[0]
    for packet in (p.esp(A, A, far), p.ah(A, A, far)):
        one.tunnel.send(packet)
        arrives(two.tunnel, packet, "IPsec")
    mine, theirs, answer = value | 0x77, 0x4242424242424242, b"\x21\x20\x22\x20" + b"\0" * 16
    for near, to, ike in ((one, two, p.ike(mine, 0)), (two, one, p.ike(mine, theirs, answer)), (one, two, p.ike(mine, theirs)),
                          (two, one, p.ike(theirs ^ 1, 0))):
        packet = p.udp(A, 500, A, 500, ike)
        near.tunnel.send(packet)
        arrives(to.tunnel, packet, "IKE")
        stays_away(near.tunnel, packet, "its own IKE")


@check("data: too big for the tunnel: with DF the peer is told the tunnel's MTU, without it arrives whole")
def too_big(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    big = p.udp(peer.address, 9, A, port, b"b" * 1472, df=True, ident=5)
    peer.send(big)
    told = peer.find(lambda one: one[9] == p.ICMP)
    expect(told, "the peer is told nothing")
    kind, code, _, _, mtu = struct.unpack("!BBHHH", p.payload(told)[:8])
    expect_equal("ICMP", (kind, code, mtu), (3, 4, 1480))
    about = p.payload(told)[8:]
    expect_equal("quoted", (p.source(about), p.destination(about), about[20:28]), (peer.address, A, big[20:28]))
    stays_away(host.tunnel, big, "a packet too big")
    fits = p.udp(peer.address, 9, A, port, b"c" * (1480 - 28), df=True)
    peer.send(fits)
    arrives(host.tunnel, fits, "a packet that just fits")
    expect(host.tunnel.outer[6] & 0x40, "DF is not copied to the outer header")
    big = p.udp(peer.address, 9, A, port, b"d" * 1472, ident=6)
    peer.send(big)
    arrives(host.tunnel, big, "a packet too big without DF")


@check("data: TTL: the gateway is one hop; at its end the sender is told, host and peer alike")
def ttl(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    for near, packet in ((host.tunnel, p.udp(A, port, peer.address, 33434, b"t" * 16, ttl=1)),
                         (peer, p.udp(peer.address, 9, A, port, b"t" * 16, ttl=1))):
        near.send(packet)
        told = near.find(lambda one: one[9] == p.ICMP and p.payload(one)[:2] == b"\x0b\0")
        expect(told, "no time exceeded for TTL 1")
        about = p.payload(told)[8:]
        expect_equal("quoted", (about[12:20], about[20:28]), (packet[12:20], packet[20:28]))


@check("data: DSCP and ECN in the outer header follow RFC 2983 and RFC 6040, both ways")
def tos(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    for value in (0x00, 0xb8, 0x02, 0x01, 0x03):
        packet = p.udp(peer.address, 9, A, port, tos=value)
        peer.send(packet)
        arrives(host.tunnel, packet, "TOS %#x" % value)
        expect_equal("outer TOS", host.tunnel.outer[1], value)
    # RFC 6040 4.2: the inner ECN field where the outer one says that there was congestion.
    for inner, outer, want in ((2, 3, 3), (1, 3, 3), (2, 0, 2), (0, 0, 0), (3, 0, 3), (3, 3, 3)):
        packet = p.udp(A, port, peer.address, 9, tos=inner)
        host.tunnel.send(packet, tos=outer)
        arrives(peer, p.udp(A, port, peer.address, 9, tos=want), "inner ECN %d, outer %d" % (inner, outer))
    packet = p.udp(A, port, peer.address, 9, b"lost", tos=0)
    host.tunnel.send(packet, tos=3)
    stays_away(peer, packet, "a packet without ECN that met congestion")


@check("data: garbage in the tunnel and on the wire is counted, and nothing else happens")
def garbage(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    port = host.rsap()[0]
    good = p.udp(A, port, peer.address, 9, b"good")
    before = drops(lab)["malformed"]
    bad = [b"", b"\x45", good[:19], good[:27], b"\x65" + good[1:], b"\x44" + good[1:], b"\x4f" + good[1:],
           good[:2] + b"\xff\xff" + good[4:], good[:2] + b"\0\x13" + good[4:], bytes(64), b"\xff" * 64,
           good[:10] + b"\xde\xad" + good[12:]]
    for inner in bad:
        host.tunnel.send(inner)
    time.sleep(0.1)
    host.tunnel.send(good)
    arrives(peer, good, "the good packet after them")
    counted = drops(lab)["malformed"] - before
    expect(len(bad) - 1 <= counted <= len(bad), "%d of %d counted as malformed" % (counted, len(bad)))


@check("data: LISTEN: any peer reaches the port first (9.16.3)")
def listen(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    answer = expect_kind(host.session.listen(), Msg.LISTEN_RESPONSE)
    expect_equal("address", answer.addresses[0], A)
    port = answer.port_lists[0][0]
    for far in (peer, lab.peer2):
        syn = p.tcp(far.address, 40000, A, port)
        far.send(syn)
        arrives(host.tunnel, syn, "SYN")
        host.tunnel.send(p.tcp(A, port, far.address, 40000, flags=0x12))
        arrives(far, p.tcp(A, port, far.address, 40000, flags=0x12), "SYN ACK")


@check("data: FREE and de-registration end the flow both ways within 100 ms (design 4, invariant 5)")
def ends(lab):
    host, peer = Bound(lab, lab.x1), lab.peer
    answer = expect_kind(host.session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
    port, kept = answer.port_lists[0][0], host.rsap()[0]
    host.session.free(answer.bind_id)
    time.sleep(0.1)
    peer.send(p.udp(peer.address, 9, A, port, b"late"))
    stays_away(host.tunnel, p.udp(peer.address, 9, A, port, b"late"), "a packet after FREE")
    host.tunnel.send(p.udp(A, port, peer.address, 9, b"late"))
    stays_away(peer, p.udp(A, port, peer.address, 9, b"late"), "a packet after FREE")
    both_ways(host, peer, p.udp(A, kept, peer.address, 9), p.udp(peer.address, 9, A, kept), "the other binding")
    host.session.de_register()
    time.sleep(0.1)
    peer.send(p.udp(peer.address, 9, A, kept, b"later"))
    stays_away(host.tunnel, p.udp(peer.address, 9, A, kept, b"later"), "a packet after DE-REGISTER")


@check("data: expiry ends the flow both ways within 100 ms (design 4, invariant 5)")
def expires(lab):
    host, peer = Bound(lab, lab.short1), lab.peer
    start = time.monotonic()
    answer = expect_kind(host.session.rsap(None, ports(), None, ports(), lease_time(3)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    port = answer.port_lists[0][0]
    both_ways(host, peer, p.udp(A, port, peer.address, 9), p.udp(peer.address, 9, A, port), "UDP before expiry")
    expect_kind(host.session.receive(), Msg.FREE_RESPONSE)
    expect(time.monotonic() - start >= 2.9, "it ended before its time")
    time.sleep(0.1)
    host.tunnel.send(p.udp(A, port, peer.address, 9, b"late"))
    stays_away(peer, p.udp(A, port, peer.address, 9, b"late"), "a packet after expiry")
    peer.send(p.udp(peer.address, 9, A, port, b"late"))
    stays_away(host.tunnel, p.udp(peer.address, 9, A, port, b"late"), "a packet after expiry")
