"""What no well-behaved host sends: RFC 3103 appendix A's errors 1xx and 2xx, and garbage."""
import random

from protocol.harness import check, expect, expect_equal, expect_error, expect_kind
from rsip_client import Silence
from rsip_wire import (Err, Msg, Par, address, bind_id, client_id, cookie_block, counter, error, fqdn, indicator,
                       lease_time, message, netmask, no_ports, param, ports, rsip_method, spi, tunnel_type, vendor)


def registered(host, kind="tcp"):
    session = getattr(host, kind)()
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


def rsap(session, *params, local=address(), local_ports=ports(), remote=address(), remote_ports=ports()):
    return message(Msg.ASSIGN_REQUEST_RSAP_IP, client_id(session.client_id), local, local_ports, remote, remote_ports,
                   *params)


def rsipsec(session, spis, *params):
    return message(Msg.ASSIGN_REQUEST_RSIPSEC, client_id(session.client_id), address(), no_ports(), address(),
                   no_ports(), spis, *params)


def query(session, *params):
    return message(Msg.QUERY_REQUEST, client_id(session.client_id), *params)


# (what is wrong, the message as a function of the session, the errors that say so)
FAULTS = [
    ("version 0", lambda s: message(2, version=0), (Err.UNSUPPORTED_RSIP_VERSION,)),
    ("version 2", lambda s: message(2, version=2), (Err.UNSUPPORTED_RSIP_VERSION,)),
    ("version 255", lambda s: message(200, version=255), (Err.UNSUPPORTED_RSIP_VERSION,)),
    *(("message type %d" % kind, lambda s, kind=kind: message(kind), (Err.ILLEGAL_MESSAGE,))
      for kind in (0, 18, 21, 24, 255)),
    *(("a gateway's message, type %d" % kind, lambda s, kind=kind: message(kind, client_id(s.client_id)),
       (Err.ILLEGAL_MESSAGE, Err.UNSUPPORTED_MESSAGE)) for kind in (Msg.DE_REGISTER_RESPONSE,)),
    ("ERROR_RESPONSE from a host", lambda s: message(Msg.ERROR_RESPONSE, error(101)),
     (Err.ILLEGAL_MESSAGE, Err.UNSUPPORTED_MESSAGE)),
    # required parameters
    ("DE-REGISTER without client ID", lambda s: message(Msg.DE_REGISTER_REQUEST), (Err.MISSING_PARAM,)),
    ("RSAP-IP without remote ports", lambda s: message(Msg.ASSIGN_REQUEST_RSAP_IP, client_id(s.client_id), address(),
                                                       ports(), address()), (Err.MISSING_PARAM,)),
    ("RSAP-IP with nothing but the client ID", lambda s: message(Msg.ASSIGN_REQUEST_RSAP_IP, client_id(s.client_id)),
     (Err.MISSING_PARAM,)),
    ("RSA-IP without ports", lambda s: message(Msg.ASSIGN_REQUEST_RSA_IP, client_id(s.client_id), address(), address()),
     (Err.MISSING_PARAM,)),
    ("RSIPSEC without SPI", lambda s: message(Msg.ASSIGN_REQUEST_RSIPSEC, client_id(s.client_id), address(), no_ports(),
                                              address(), no_ports()), (Err.MISSING_PARAM,)),
    ("EXTEND without bind ID", lambda s: message(Msg.EXTEND_REQUEST, client_id(s.client_id), lease_time(9)),
     (Err.MISSING_PARAM,)),
    ("FREE without bind ID", lambda s: message(Msg.FREE_REQUEST, client_id(s.client_id)), (Err.MISSING_PARAM,)),
    ("FREE with its parameters in the wrong order",
     lambda s: message(Msg.FREE_REQUEST, bind_id(1), client_id(s.client_id)), (Err.MISSING_PARAM, Err.BAD_MESSAGE)),
    ("an optional parameter between required ones",
     lambda s: message(Msg.FREE_REQUEST, client_id(s.client_id), counter(9), bind_id(1)),
     (Err.MISSING_PARAM, Err.BAD_MESSAGE)),
    # too many, unfitting or unknown ones
    ("two client IDs", lambda s: message(Msg.DE_REGISTER_REQUEST, client_id(s.client_id), client_id(s.client_id)),
     (Err.DUPLICATE_PARAM,)),
    ("two counters", lambda s: message(Msg.DE_REGISTER_REQUEST, client_id(s.client_id), counter(8), counter(9)),
     (Err.DUPLICATE_PARAM,)),
    ("two lease times", lambda s: rsap(s, lease_time(9), lease_time(9)), (Err.DUPLICATE_PARAM,)),
    ("two tunnel types in RSAP-IP", lambda s: rsap(s, tunnel_type(1), tunnel_type(2)), (Err.DUPLICATE_PARAM,)),
    ("two bind IDs", lambda s: message(Msg.FREE_REQUEST, client_id(s.client_id), bind_id(1), bind_id(1)),
     (Err.DUPLICATE_PARAM,)),
    ("a third address in RSAP-IP", lambda s: rsap(s, address()), (Err.DUPLICATE_PARAM, Err.EXTRA_PARAM)),
    ("method in RSAP-IP", lambda s: rsap(s, rsip_method(2)), (Err.EXTRA_PARAM,)),
    ("error in RSAP-IP", lambda s: rsap(s, error(101)), (Err.EXTRA_PARAM,)),
    ("SPI in RSAP-IP", lambda s: rsap(s, spi(1)), (Err.EXTRA_PARAM,)),
    ("lease time in FREE", lambda s: message(Msg.FREE_REQUEST, client_id(s.client_id), bind_id(1), lease_time(1)),
     (Err.EXTRA_PARAM,)),
    ("client ID in REGISTER", lambda s: message(Msg.REGISTER_REQUEST, client_id(1)), (Err.EXTRA_PARAM,)),
    *(("parameter type %d" % kind, lambda s, kind=kind: rsap(s, param(kind, b"\x00")), (Err.ILLEGAL_PARAM,))
      for kind in (0, 13, 21, 23, 240, 241, 255)),
    # values
    ("lease time of 3 bytes", lambda s: rsap(s, param(Par.LEASE_TIME, b"\0\0\1")), (Err.BAD_PARAM,)),
    ("lease time of 5 bytes", lambda s: rsap(s, param(Par.LEASE_TIME, b"\0\0\0\0\1")), (Err.BAD_PARAM,)),
    ("client ID of 0 bytes", lambda s: message(Msg.DE_REGISTER_REQUEST, param(Par.CLIENT_ID)), (Err.BAD_PARAM,)),
    ("tunnel type of 2 bytes", lambda s: rsap(s, param(Par.TUNNEL_TYPE, b"\0\1")), (Err.BAD_PARAM,)),
    ("tunnel type of 0 bytes", lambda s: rsap(s, param(Par.TUNNEL_TYPE)), (Err.BAD_PARAM,)),
    ("counter of 2 bytes", lambda s: query(s, param(Par.MESSAGE_COUNTER, b"\0\1")), (Err.BAD_PARAM,)),
    ("address of 0 bytes", lambda s: rsap(s, local=param(Par.ADDRESS)), (Err.BAD_PARAM,)),
    ("address of type 0", lambda s: rsap(s, local=param(Par.ADDRESS, b"\0")), (Err.BAD_PARAM,)),
    ("address of type 5", lambda s: rsap(s, local=param(Par.ADDRESS, b"\5\1\2\3\4")), (Err.BAD_PARAM,)),
    ("IPv4 address of 3 bytes", lambda s: rsap(s, local=param(Par.ADDRESS, b"\1\1\2\3")), (Err.BAD_PARAM,)),
    ("IPv4 address of 5 bytes", lambda s: rsap(s, remote=param(Par.ADDRESS, b"\1\1\2\3\4\5")), (Err.BAD_PARAM,)),
    ("IPv6 address of 15 bytes", lambda s: rsap(s, remote=param(Par.ADDRESS, b"\3" + b"\1" * 15)), (Err.BAD_PARAM,)),
    ("0 ports", lambda s: rsap(s, local_ports=param(Par.PORTS, b"\0")), (Err.BAD_PARAM,)),
    ("2 bytes of ports", lambda s: rsap(s, local_ports=param(Par.PORTS, b"\1\4")), (Err.BAD_PARAM,)),
    ("3 ports in 2 fields", lambda s: rsap(s, local_ports=ports(3, 2000, 2001)), (Err.BAD_PARAM,)),
    ("1 port in 2 fields", lambda s: rsap(s, local_ports=ports(1, 2000, 2001)), (Err.BAD_PARAM,)),
    ("a range of ports past 65535", lambda s: rsap(s, local_ports=ports(2, 65535)), (Err.BAD_PARAM,)),
    ("ports don't need in RSAP-IP", lambda s: rsap(s, local_ports=no_ports()), (Err.BAD_PARAM,)),
    ("0 SPIs", lambda s: rsipsec(s, param(Par.SPI, b"\0\0")), (Err.BAD_PARAM,)),
    ("SPI parameter of 0 bytes", lambda s: rsipsec(s, param(Par.SPI)), (Err.BAD_PARAM,)),
    ("SPI parameter of 5 bytes", lambda s: rsipsec(s, param(Par.SPI, b"\0\1\0\0\1")), (Err.BAD_PARAM,)),
    ("3 SPIs in 2 fields", lambda s: rsipsec(s, spi(3, 0x20000000, 0x20000001)), (Err.BAD_PARAM,)),
    ("cookie block of 15 bytes", lambda s: rsipsec(s, spi(1), vendor(1, b"\0" * 15)), (Err.BAD_PARAM,)),
    ("query for a network without netmask", lambda s: query(s, indicator(2), address("10.0.0.0")),
     (Err.MISSING_PARAM, Err.BAD_PARAM)),
    ("query with indicator 3", lambda s: query(s, indicator(3), address("10.0.0.0")), (Err.BAD_PARAM,)),
    ("query with indicator 0", lambda s: query(s, indicator(0), address("10.0.0.0")), (Err.BAD_PARAM,)),
    ("query with an indicator of one byte", lambda s: query(s, param(Par.INDICATOR, b"\1"), address("10.0.0.0")),
     (Err.BAD_PARAM,)),
    ("query for an address without indicator", lambda s: query(s, address("10.0.0.0")),
     (Err.EXTRA_PARAM, Err.MISSING_PARAM, Err.BAD_MESSAGE)),
    ("query with an indicator alone", lambda s: query(s, indicator(1)), (Err.MISSING_PARAM, Err.BAD_PARAM)),
    ("query for a network by name", lambda s: query(s, indicator(2), fqdn("x.example"), netmask("255.0.0.0")),
     (Err.BAD_PARAM,)),
    ("query with an address for a netmask", lambda s: query(s, indicator(2), address("10.0.0.0"), address("255.0.0.0")),
     (Err.BAD_PARAM,)),
    # lengths that do not hold together
    ("a parameter that runs past the message", lambda s: message(Msg.DE_REGISTER_REQUEST,
                                                                 param(Par.CLIENT_ID, b"\0\0\0\1", length=5)),
     (Err.BAD_MESSAGE,)),
    ("a parameter of length 65535", lambda s: message(Msg.DE_REGISTER_REQUEST, param(Par.CLIENT_ID, b"", length=65535)),
     (Err.BAD_MESSAGE,)),
    ("one byte left over", lambda s: message(Msg.DE_REGISTER_REQUEST, client_id(s.client_id), b"\x0b"),
     (Err.BAD_MESSAGE,)),
    ("two bytes left over", lambda s: message(Msg.REGISTER_REQUEST, b"\x0b\0"), (Err.BAD_MESSAGE,)),
]


@check("malformed: each fault has its error, over TCP; the connection stays in step and the host registered")
def over_tcp(lab):
    session = registered(lab.x1)
    wrong = []
    for name, build, errors in FAULTS:
        answer = session.ask_raw(build(session))
        if answer.kind != Msg.ERROR_RESPONSE or answer.error not in errors:
            wrong.append("%s: %s" % (name, answer))
    expect_kind(session.query(), Msg.QUERY_RESPONSE)
    expect_equal("bindings", lab.gateway.bindings("10.0.0.11"), [])
    expect(not wrong, "; ".join(wrong))


@check("malformed: each fault has its error, over UDP, one message a datagram")
def over_udp(lab):
    session = registered(lab.x1, "udp")
    wrong = []
    for name, build, errors in FAULTS:
        raw = build(session)
        if "counter" in name or name.startswith("an optional"):
            continue
        # The counter goes last; what is left over at the end then stands before it.
        if "left over" not in name and "runs past" not in name and "65535" not in name:
            number = session.next
            session.next += 1
            body = raw[4:] + counter(number)
            raw = raw[:2] + (4 + len(body)).to_bytes(2, "big") + body
        answer = session.ask_raw(raw)
        if answer.kind != Msg.ERROR_RESPONSE or answer.error not in errors:
            wrong.append("%s: %s" % (name, answer))
    expect(not wrong, "; ".join(wrong))
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("malformed: errors about a request carry its client ID, bind ID and counter where they could be read (9.1.1)")
def identified(lab):
    session = registered(lab.x1)
    mine = session.client_id
    answer = session.ask_raw(message(Msg.FREE_REQUEST, client_id(mine), bind_id(5), counter(9), lease_time(1)))
    expect_error(answer, Err.EXTRA_PARAM, client_id=mine, bind_id=5)
    expect_equal("counter", answer.counter, 9)


@check("UDP: a request without message counter is MESSAGE_COUNTER_REQUIRED and is not executed")
def no_counter(lab):
    session = lab.x1.udp()
    expect_error(session.ask_raw(message(Msg.REGISTER_REQUEST)), Err.MESSAGE_COUNTER_REQUIRED)
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    expect_error(session.ask_raw(rsap(session)), Err.MESSAGE_COUNTER_REQUIRED)
    expect_equal("bindings", lab.gateway.bindings("10.0.0.11"), [])


@check("UDP: an Overall Length longer than the datagram, a datagram of 0 to 3 bytes: BAD_MESSAGE or silence")
def short_datagrams(lab):
    session = registered(lab.x1, "udp")
    for raw in (message(Msg.QUERY_REQUEST, client_id(session.client_id), counter(50), length=1000), b"", b"\1",
                b"\1\2\0", message(Msg.REGISTER_REQUEST, counter(51))[:-1],
                message(Msg.REGISTER_REQUEST, length=3)):
        try:
            expect_error(session.ask_raw(raw, timeout=0.2), Err.BAD_MESSAGE)
        except Silence:
            pass
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("UDP: bytes behind the Overall Length are ignored")
def behind(lab):
    session = lab.x1.udp()
    answer = session.ask_raw(message(Msg.REGISTER_REQUEST, counter(1)) + b"\xff" * 100)
    session.next, session.client_id = 2, expect_kind(answer, Msg.REGISTER_RESPONSE).client_id
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


def survives(lab, session):
    """The daemon and the other hosts go on."""
    expect_kind(session.query(), Msg.QUERY_RESPONSE)
    expect_kind(registered(lab.office).query(), Msg.QUERY_RESPONSE)


@check("TCP: an Overall Length below 4 cannot be followed: BAD_MESSAGE or nothing, then the end of the connection")
def bad_framing(lab):
    other = registered(lab.x2)
    for length in (0, 1, 3):
        session = lab.x1.tcp()
        session.send(message(Msg.REGISTER_REQUEST, length=length) + message(Msg.REGISTER_REQUEST))
        try:
            answer = session.receive()
            expect_error(answer, Err.BAD_MESSAGE)
            session.receive()
            expect(False, "the stream goes on")
        except (EOFError, ConnectionResetError):
            pass
    survives(lab, other)


@check("TCP: random garbage of many lengths, then closed: no other host notices")
def garbage(lab):
    other = registered(lab.x2)
    chance = random.Random(4555)
    for size in (1, 3, 4, 5, 64, 1500, 70000):
        for _ in range(3):
            session = lab.x1.tcp()
            try:
                session.send(chance.randbytes(size))
            except OSError:
                pass  # the gateway has hung up already, as it may
            session.close()
    session = lab.x1.tcp()
    session.send(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")
    session.close()
    survives(lab, other)


@check("UDP: three hundred random or bit-flipped datagrams: no other host notices, every answer is well formed")
def udp_garbage(lab):
    other, session = registered(lab.x2), lab.x1.udp()
    chance = random.Random(4555)
    good = [message(Msg.REGISTER_REQUEST, counter(1)), rsap(other, lease_time(60), counter(3)),
            message(Msg.ASSIGN_REQUEST_RSIPSEC, client_id(1), address(), ports(4), address(), ports(), spi(2),
                    counter(2), cookie_block(0, 0))]
    for number in range(300):
        raw = bytearray(chance.choice(good))
        if number % 4 == 0:
            raw = bytearray(chance.randbytes(chance.randrange(1, 1400)))
        else:
            for _ in range(chance.randrange(1, 4)):
                raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        session.send(bytes(raw))
    try:
        while True:
            session.receive(0.2)
    except (Silence, ConnectionRefusedError):
        pass
    survives(lab, other)


@check("TCP: a connection that sends half a message holds up nobody; a hundred idle ones neither")
def idle(lab):
    other = registered(lab.x2)
    for _ in range(100):
        lab.x1.tcp().send(b"\x01")
    survives(lab, other)
