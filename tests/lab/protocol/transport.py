"""TCP framing, UDP message counters, and the two of them together: RFC 3103 5, 9 and 10.1."""
import contextlib
import time

from protocol.harness import check, expect, expect_equal, expect_error, expect_kind, expect_raw
from rsip_client import Silence
from rsip_wire import Msg, Err, address, client_id, counter, lease_time, message, ports


def registered(session):
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


def assign(session, *extra):
    return message(Msg.ASSIGN_REQUEST_RSAP_IP, client_id(session.client_id), address(), ports(4), address(), ports(),
                   *extra)


@check("TCP: a message in single bytes is one message")
def bytewise(lab):
    session = registered(lab.x1.tcp())
    for byte in assign(session):
        session.send(bytes([byte]))
        time.sleep(0.001)
    expect_kind(session.receive(), Msg.ASSIGN_RESPONSE_RSAP_IP)


@check("TCP: several messages in one segment are answered each, in their order")
def together(lab):
    session = registered(lab.x1.tcp())
    session.send(b"".join(assign(session, counter(number)) for number in range(1, 9)) +
                 message(Msg.QUERY_REQUEST, client_id(session.client_id), counter(9)))
    answers = [session.receive() for _ in range(9)]
    expect_equal("counters", [answer.counter for answer in answers], list(range(1, 10)))
    expect_equal("bindings", len({answer.bind_id for answer in answers[:8]}), 8)
    expect_kind(answers[8], Msg.QUERY_RESPONSE)


@check("TCP: one and a half message, then the other half")
def halves(lab):
    session = registered(lab.x1.tcp())
    first, second = assign(session, counter(1)), assign(session, counter(2))
    session.send(first + second[:17])
    expect_equal("counter", expect_kind(session.receive(), Msg.ASSIGN_RESPONSE_RSAP_IP).counter, 1)
    with contextlib.suppress(Silence):
        expect(False, "an answer to half a message: %s" % session.receive(0.1))
    session.send(second[17:])
    expect_equal("counter", expect_kind(session.receive(), Msg.ASSIGN_RESPONSE_RSAP_IP).counter, 2)


@check("TCP: the largest message there can be, 65535 bytes of ignored vendor parameters")
def largest(lab):
    session = registered(lab.x1.tcp())
    filler = b"\x0c\xff\x00" + b"\0\x09" + b"\0\1" + b"x" * (0xff00 - 4)
    rest = 65535 - 4 - 7 - len(filler) - 3
    filler += b"\x0c" + rest.to_bytes(2, "big") + b"\0\x09\0\1" + b"y" * (rest - 4)
    raw = message(Msg.QUERY_REQUEST, client_id(session.client_id), filler)
    expect_equal("length", len(raw), 65535)
    expect_kind(session.ask_raw(raw), Msg.QUERY_RESPONSE)


@check("TCP: the end of the connection is not a de-registration; the host goes on over a new one")
def reconnect(lab):
    session = registered(lab.x1.tcp())
    binding = expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP).bind_id
    session.close()
    again = lab.x1.tcp()
    again.client_id, session.client_id = session.client_id, None
    expect_kind(again.extend(binding), Msg.EXTEND_RESPONSE)


@check("TCP: a host that rebooted: ALREADY_REGISTERED, leaves by the old client ID, begins anew (10.2.1)")
def rebooted_tcp(lab):
    session = registered(lab.x1.tcp())
    expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
    session.close()
    fresh = lab.x1.tcp()
    answer = expect_error(fresh.register(), Err.ALREADY_REGISTERED, client_id=session.client_id)
    session.client_id = None
    expect_kind(fresh.de_register(answer.client_id), Msg.DE_REGISTER_RESPONSE)
    registered(fresh)
    expect_equal("bindings", lab.gateway.bindings("10.0.0.11"), [])


@check("TCP: two connections of one host are one host")
def two_connections(lab):
    one, two = registered(lab.x1.tcp()), lab.x1.tcp()
    two.client_id = one.client_id
    binding = expect_kind(one.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP).bind_id
    expect_kind(two.free(binding), Msg.FREE_RESPONSE)
    two.client_id = None


@check("TCP: a host that shuts its sending side down after a request still gets the response")
def half_close(lab):
    session = registered(lab.x1.tcp())
    session.send(message(Msg.DE_REGISTER_REQUEST, client_id(session.client_id)))
    session.sock.shutdown(1)
    expect_kind(session.receive(), Msg.DE_REGISTER_RESPONSE)
    session.client_id = None


@check("other transport during a registration: an error, never service (RFC 3103 5)")
def other_transport(lab):
    for mine, other in ((lab.x1.tcp, lab.x1.udp), (lab.x2.udp, lab.x2.tcp)):
        session, stranger = registered(mine()), other()
        stranger.client_id = session.client_id
        for answer in (stranger.rsap(), stranger.query(), stranger.de_register(), stranger.ask(Msg.REGISTER_REQUEST)):
            expect(answer.kind == Msg.ERROR_RESPONSE, "got %s" % answer)
        stranger.client_id = None
        expect_equal("bindings", lab.gateway.bindings(session.host.source), [])
        expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("after de-registration the other transport may be used")
def change_transport(lab):
    session = registered(lab.x1.tcp())
    session.de_register()
    registered(lab.x1.udp())


@check("UDP: a duplicate gets the same answer byte for byte, and is executed once")
def duplicate(lab):
    session = registered(lab.x1.udp())
    answer = expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
    for _ in range(3):
        expect_raw(session.ask_raw(session.last), answer.raw)
    expect_equal("bindings", len(lab.gateway.bindings("10.0.0.11")), 1)


@check("UDP: a duplicate REGISTER, DE-REGISTER or faulty request also gets the same answer")
def duplicate_others(lab):
    session = lab.x1.udp()
    first = expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    expect_raw(session.ask_raw(session.last), first.raw)
    refused = expect_error(session.free(999), Err.BAD_BIND_ID)
    expect_raw(session.ask_raw(session.last), refused.raw)
    last = expect_kind(session.de_register(), Msg.DE_REGISTER_RESPONSE)
    expect_raw(session.ask_raw(session.last), last.raw)


@check("UDP: a request that differs but repeats a counter gets the old answer, and is not executed")
def reused_counter(lab):
    session = registered(lab.x1.udp())
    answer = expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
    again = session.ask_raw(message(Msg.FREE_REQUEST, client_id(session.client_id),
                                    b"\x05\0\4" + answer.bind_id.to_bytes(4, "big"), counter(2)))
    expect_raw(again, answer.raw)
    expect_equal("bindings", len(lab.gateway.bindings("10.0.0.11")), 1)


@check("UDP: a duplicate of an older request is never executed again")
def old_duplicate(lab):
    session = registered(lab.x1.udp())
    binding = expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP).bind_id
    old = session.last
    expect_kind(session.free(binding), Msg.FREE_RESPONSE)
    expect_kind(session.query(), Msg.QUERY_RESPONSE)
    with contextlib.suppress(Silence):
        answer = session.ask_raw(old, timeout=0.2)
        expect(answer.kind == Msg.ERROR_RESPONSE, "the old request got %s" % answer)
    expect_equal("bindings", lab.gateway.bindings("10.0.0.11"), [])
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("UDP: the counter wraps from 0xffffffff to 1 (10.1)")
def wrap(lab):
    session = lab.x1.udp(first=0xfffffffe)
    registered(session)
    for want in (0xffffffff, 1, 2):
        expect_equal("counter", expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP).counter, want)
    expect_equal("bindings", len(lab.gateway.bindings("10.0.0.11")), 3)


@check("UDP: a counter that skips some numbers is served")
def skip(lab):
    session = registered(lab.x1.udp())
    session.next = 1000
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("UDP: a host that sends each request from another port is one host, as long as it counts on")
def many_ports(lab):
    session = registered(lab.x1.udp())
    for number in (2, 3, 4):
        other = lab.x1.udp(first=number)
        other.client_id = session.client_id
        expect_equal("counter", expect_kind(other.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP).counter, number)
        other.client_id = None
    expect_equal("bindings", len(lab.gateway.bindings("10.0.0.11")), 3)
    session.next = 5
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("UDP: counter 0 is the gateway's own; a request with it is an error or served, and harms nothing")
def counter_zero(lab):
    session = lab.x1.udp(first=1)
    with contextlib.suppress(Silence):
        answer = session.ask_raw(message(Msg.REGISTER_REQUEST, counter(0)), timeout=0.3)
        session.client_id = answer.client_id
    if session.client_id is None:
        registered(session)
    expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("UDP: a host that rebooted (new port, counter 1 again): ALREADY_REGISTERED, then a new session (10.2.1)")
def rebooted(lab):
    session = registered(lab.x1.udp())
    expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
    fresh = lab.x1.udp()
    answer = expect_error(fresh.register(), Err.ALREADY_REGISTERED, client_id=session.client_id)
    expect_equal("counter", answer.counter, 1)
    fresh.client_id = answer.client_id
    session.client_id = None
    expect_kind(fresh.de_register(), Msg.DE_REGISTER_RESPONSE)
    registered(fresh)
    expect_equal("bindings", lab.gateway.bindings("10.0.0.11"), [])


@check("UDP: the answer comes from the address and port that was asked")
def from_where(lab):
    session = lab.x1.udp()
    sock = lab.x1.socket(2)  # not connected, so that it hears anybody
    sock.settimeout(1)
    sock.sendto(message(Msg.REGISTER_REQUEST, counter(1)), ("10.0.0.1", 4555))
    raw, sender = sock.recvfrom(65535)
    expect_equal("sender", sender, ("10.0.0.1", 4555))
    session.client_id = int.from_bytes(raw[7:11], "big")
    sock.close()
    session.next = 2


@check("rate: a host that floods is slowed down, over UDP and TCP; others are served meanwhile, it itself later")
def rate(lab):
    time.sleep(1.1)
    other, flood = registered(lab.x2.tcp()), registered(lab.x1.udp())
    for number in range(2, 400):
        flood.send(message(Msg.QUERY_REQUEST, client_id(flood.client_id), counter(number)))
    expect_kind(other.query(), Msg.QUERY_RESPONSE)
    served = 0
    with contextlib.suppress(Silence):
        while True:
            served += flood.receive(0.2).kind == Msg.QUERY_RESPONSE
    expect(served < 200, "%d of 398 requests at once were served" % served)
    time.sleep(1.1)
    flood.next = 500
    expect_kind(flood.query(), Msg.QUERY_RESPONSE)


@check("the gateway listens on its listen address only, not on the public one")
def public_side(lab):
    session = lab.x1.socket(1)
    session.settimeout(1)
    try:
        session.connect(("203.0.113.1", 4555))
        expect(False, "TCP port 4555 is open at 203.0.113.1")
    except OSError:
        pass
    finally:
        session.close()


@check("lease of 0 seconds is not granted as an endless one")
def zero_lease(lab):
    session = registered(lab.x1.tcp())
    answer = session.rsap(None, ports(), None, ports(), lease_time(0))
    if answer.kind == Msg.ASSIGN_RESPONSE_RSAP_IP:
        expect(0 < answer.lease <= 3600, "lease %d" % answer.lease)
