"""ASSIGN_REQUEST_RSIPSEC with the example configuration: RFC 3104 6.2, and our vendor extensions (design 5)."""
import struct

from protocol.harness import aligned_block, check, expect, expect_equal, expect_error, expect_kind, expect_raw
from rsip_wire import (COOKIE_BLOCK, Err, IKE_LISTENER, IP_IP, Msg, address, bind_id, client_id, cookie_block,
                       lease_time, message, no_ports, ports, spi, tunnel_type, vendor)

LOW, HIGH = 0x10000000, 0xdfffffff  # spis of the pool


def granted(answer):
    return expect_kind(answer, Msg.ASSIGN_RESPONSE_RSIPSEC)


def registered(host):
    session = host.tcp()
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


@check("RSIPSEC: sixteen SPIs, ports don't need: the exact response, an aligned block inside the pool's range")
def sixteen(lab):
    session = registered(lab.x1)
    answer = granted(session.rsipsec(spis=spi(16)))
    expect(aligned_block(answer.spis) and LOW <= answer.spis[0] and answer.spis[-1] <= HIGH,
           "SPIs from %#x" % answer.spis[0])
    expect_raw(answer, message(Msg.ASSIGN_RESPONSE_RSIPSEC, client_id(session.client_id), bind_id(answer.bind_id),
                               address(answer.addresses[0]), no_ports(), address(), no_ports(),
                               spi(16, answer.spis[0]), lease_time(3600), tunnel_type(IP_IP)))


@check("RSIPSEC: with ports don't care the host gets ports too, in an aligned block")
def with_ports(lab):
    session = registered(lab.x1)
    answer = granted(session.rsipsec(None, ports(8), None, ports(), spi(4)))
    expect(len(answer.port_lists[0]) == 8 and aligned_block(answer.port_lists[0]), "ports %s" % answer.port_lists[0])
    expect_equal("remote ports", answer.port_lists[1], 1)


@check("RSIPSEC: don't need is repeated where it was asked, on either side alone too")
def dont_need(lab):
    session = registered(lab.x1)
    answer = granted(session.rsipsec(None, ports(2), None, no_ports()))
    expect_equal("ports", (len(answer.port_lists[0]), answer.port_lists[1]), (2, None))
    answer = granted(session.rsipsec(None, no_ports(), None, ports()))
    expect_equal("ports", answer.port_lists, [None, 1])


@check("RSIPSEC: named ports are granted as asked; in use by another: LOCAL_ADDRPORT_INUSE")
def named_ports(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    answer = granted(mine.rsipsec("203.0.113.28", ports(4, 31000), None, ports(), spi(1)))
    expect_equal("ports", answer.port_lists[0], [31000, 31001, 31002, 31003])
    expect_error(other.rsipsec("203.0.113.28", ports(1, 31002), None, ports(), spi(1)), Err.LOCAL_ADDRPORT_INUSE,
                 client_id=other.client_id)
    expect_error(other.rsap("203.0.113.28", ports(1, 31002)), Err.LOCAL_ADDRPORT_INUSE, client_id=other.client_id)
    expect_error(other.rsipsec("203.0.113.28", ports(1, 500), None, ports(), spi(1)), Err.LOCAL_ADDRPORT_UNALLOWED)


@check("RSIPSEC: a particular free SPI is granted as asked, a range and a list too")
def named_spis(lab):
    session = registered(lab.x1)
    for wanted, want in ((spi(1, 0x12345678), [0x12345678]), (spi(4, 0x20000000), list(range(0x20000000, 0x20000004))),
                         (spi(2, 0x30000001, 0x30000007), [0x30000001, 0x30000007]), (spi(1, LOW), [LOW]),
                         (spi(1, HIGH), [HIGH])):
        expect_equal("SPIs", granted(session.rsipsec("203.0.113.29", spis=wanted)).spis, want)


@check("RSIPSEC: an SPI in use at that address: IPSEC_SPI_INUSE; at another address it is free")
def spi_in_use(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    granted(mine.rsipsec("203.0.113.29", spis=spi(16, 0x40000000)))
    for session in (other, mine):
        for wanted in (spi(1, 0x40000005), spi(16, 0x3ffffff1), spi(2, 0x41000000, 0x4000000f)):
            expect_error(session.rsipsec("203.0.113.29", spis=wanted), Err.IPSEC_SPI_INUSE, client_id=session.client_id)
    granted(other.rsipsec("203.0.113.30", spis=spi(16, 0x40000000)))


@check("RSIPSEC: SPIs outside of the pool's range or below 256 are never assigned")
def spi_range(lab):
    session = registered(lab.x1)
    for wanted in (spi(1, 0), spi(1, 255), spi(1, LOW - 1), spi(1, HIGH + 1), spi(2, HIGH), spi(1, 0xffffffff)):
        expect_error(session.rsipsec("203.0.113.29", spis=wanted), Err.IPSEC_SPI_UNAVAILABLE,
                     client_id=session.client_id)
    answer = session.rsipsec("203.0.113.29", spis=spi(2, 0xffffffff))
    expect_error(answer, Err.IPSEC_SPI_UNAVAILABLE, Err.BAD_PARAM)


@check("RSIPSEC: more SPIs than the quota of 256: IPSEC_SPI_UNAVAILABLE")
def spi_quota(lab):
    session = registered(lab.x1)
    for count in (257, 1024, 65535):
        expect_error(session.rsipsec(spis=spi(count)), Err.IPSEC_SPI_UNAVAILABLE, client_id=session.client_id)
    answer = granted(session.rsipsec(spis=spi(256)))
    expect(aligned_block(answer.spis), "SPIs from %#x" % answer.spis[0])
    expect_error(session.rsipsec(spis=spi(1)), Err.IPSEC_SPI_UNAVAILABLE, client_id=session.client_id)
    session.free(answer.bind_id)
    granted(session.rsipsec(spis=spi(1)))


@check("RSIPSEC: SPIs are drawn at random (RFC 3104 8)")
def random_spis(lab):
    session = registered(lab.x1)
    got = [granted(session.rsipsec()).spis[0] for _ in range(12)]
    expect(got != sorted(got) and max(got) - min(got) > 1 << 28, "SPIs %s" % [hex(one) for one in got])


@check("RSIPSEC: both hosts share one address, each with SPIs of its own")
def shared(lab):
    first = granted(registered(lab.x1).rsipsec(spis=spi(16)))
    second = granted(registered(lab.x2).rsipsec(first.addresses[0], spis=spi(16)))
    answers = [first, second]  # by name: a host that comes back is served where something is held for it
    expect_equal("addresses", second.addresses[0], first.addresses[0])
    expect(not set(answers[0].spis) & set(answers[1].spis), "SPIs leased twice")


@check("RSIPSEC: wrong address, tunnel type: errors as for RSAP-IP")
def as_rsap(lab):
    session = registered(lab.x1)
    expect_error(session.rsipsec("203.0.113.64"), Err.LOCAL_ADDR_UNALLOWED, client_id=session.client_id)
    expect_error(session.own(Msg.ASSIGN_REQUEST_RSIPSEC, address(), no_ports(), address(), no_ports(), spi(),
                             tunnel_type(3)), Err.BAD_TUNNEL_TYPE, client_id=session.client_id)


def block(answer):
    value = answer.vendor(COOKIE_BLOCK)
    expect(value is not None and len(value) == 16, "no cookie block in %s" % answer)
    return struct.unpack("!QQ", value)


@check("cookie block: granted with the response; blocks of two hosts on one address do not overlap")
def cookie(lab):
    blocks = []
    for host in (lab.x1, lab.x2):
        session = registered(host)
        answer = granted(session.own(Msg.ASSIGN_REQUEST_RSIPSEC, address(), no_ports(), address(), no_ports(), spi(16),
                                     cookie_block(0, 0xffffffff00000000)))
        value, mask = block(answer)
        expect(mask and not value & ~mask & 0xffffffffffffffff, "block %#x/%#x" % (value, mask))
        blocks.append((value, mask))
    (v1, m1), (v2, m2) = blocks
    expect((v1 ^ v2) & m1 & m2, "blocks %#x/%#x and %#x/%#x overlap" % (v1, m1, v2, m2))
    listed = [b["cookie"] for b in lab.gateway.bindings()]
    expect_equal("rsipctl bindings", sorted(c["value"] for c in listed), sorted("0x%016x" % v for v, _ in blocks))


@check("hold-down: freed SPIs and cookie blocks are not another host's for a while")
def hold_down(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    wanted = (spi(2, 0x50000000), cookie_block(0x1234567800000000, 0xffffffff00000000))

    def ask(session, *params):
        return session.own(Msg.ASSIGN_REQUEST_RSIPSEC, address("203.0.113.27"), no_ports(), address(), no_ports(),
                           *params)
    answer = granted(ask(mine, *wanted))
    expect_equal("block", block(answer), (0x1234567800000000, 0xffffffff00000000))
    for _ in range(2):  # while it is leased, and then on hold-down
        expect_error(ask(other, wanted[0]), Err.IPSEC_SPI_INUSE, client_id=other.client_id)
        answer2 = ask(other, spi(1), wanted[1])
        expect(answer2.kind == Msg.ERROR_RESPONSE, "the same cookie block: %s" % answer2)
        mine.free(answer.bind_id)


@check("cookie block: no block without the parameter; learning needs none")
def no_cookie(lab):
    answer = granted(registered(lab.x1).rsipsec())
    expect_equal("cookie block", answer.vendor(COOKIE_BLOCK), None)
    expect_equal("rsipctl bindings", lab.gateway.bindings("10.0.0.11")[0]["cookie"], None)


@check("IKE listener: one host per address and peer; the response repeats the peer")
def ike_listener(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    peer = vendor(IKE_LISTENER, bytes([203, 0, 113, 200]))

    def ask(session, local):
        return session.own(Msg.ASSIGN_REQUEST_RSIPSEC, address(local), no_ports(), address(), no_ports(), spi(), peer)
    answer = granted(ask(mine, "203.0.113.29"))
    expect_equal("listener", answer.vendor(IKE_LISTENER), bytes([203, 0, 113, 200]))
    answer = ask(other, "203.0.113.29")
    expect(answer.kind == Msg.ERROR_RESPONSE, "the same peer twice on one address: %s" % answer)
    granted(ask(other, "203.0.113.30"))
