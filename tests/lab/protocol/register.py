"""REGISTER and DE-REGISTER: RFC 3103 9.2 to 9.5."""
from protocol.harness import check, expect, expect_equal, expect_error, expect_kind, expect_raw
from rsip_wire import (Err, GRE, HOSTNAME, IP_IP, MACRO, Msg, NONE, RSA_IP, RSAP_IP, RSIPSEC, address, bind_id,
                       client_id, counter, message, no_ports, param, Par, ports, spi, vendor)


@check("REGISTER: client ID, lease 7200, policy macro/none, methods and tunnels of the policy's pools")
def granted(lab):
    for session in (lab.x1.tcp(), lab.x2.udp()):
        answer = expect_kind(session.register(), Msg.REGISTER_RESPONSE)
        expect(answer.client_id != 0, "client ID 0")
        expect_equal("lease", answer.lease, 7200)
        expect_equal("flow policy", answer.flow, (MACRO, NONE))
        expect_equal("methods", sorted(answer.methods), [RSAP_IP, RSIPSEC])
        expect_equal("tunnels", sorted(answer.tunnels), [IP_IP, GRE])


@check("REGISTER: over TCP no counter without one in the request, else the same one")
def counter_over_tcp(lab):
    session = lab.x1.tcp()
    expect_equal("counter", session.register().counter, None)
    session.de_register()
    answer = session.register(counter(77))
    expect_equal("counter", answer.counter, 77)


@check("REGISTER: the longest prefix wins: 10.0.0.77 may also use RSA-IP")
def office(lab):
    answer = expect_kind(lab.office.tcp().register(), Msg.REGISTER_RESPONSE)
    expect_equal("methods", sorted(answer.methods), [RSA_IP, RSAP_IP, RSIPSEC])


@check("REGISTER: twice is ALREADY_REGISTERED with the client ID, from any connection of the host")
def twice(lab):
    session = lab.x1.tcp()
    session.register()
    for again in (session, lab.x1.tcp()):
        expect_error(again.ask(Msg.REGISTER_REQUEST), Err.ALREADY_REGISTERED, client_id=session.client_id)


@check("REGISTER: twice over UDP with a new counter is ALREADY_REGISTERED with the client ID")
def twice_udp(lab):
    session = lab.x1.udp()
    session.register()
    answer = expect_error(session.ask(Msg.REGISTER_REQUEST), Err.ALREADY_REGISTERED, client_id=session.client_id)
    expect_equal("counter", answer.counter, 2)


@check("REGISTER: a host outside of every host section is REGISTRATION_DENIED, over TCP and UDP")
def stray(lab):
    for session in (lab.stray.tcp(), lab.stray.udp()):
        answer = expect_error(session.register(), Err.REGISTRATION_DENIED)
        expect_equal("client ID", answer.client_id, None)


@check("REGISTER: hosts that are registered at one time have different client IDs")
def different(lab):
    ids = {host.tcp().register().client_id for host in (lab.x1, lab.x2, lab.office)}
    expect_equal("different client IDs", len(ids), 3)


@check("REGISTER: client IDs cannot be guessed: ten in a row are neither ascending nor near each other")
def unguessable(lab):
    session, ids = lab.x1.tcp(), []
    for _ in range(10):
        ids.append(session.register().client_id)
        session.de_register()
    expect(len(set(ids)) == 10 and ids != sorted(ids) and max(ids) - min(ids) > 1 << 24, "client IDs %s" % ids)


@check("REGISTER: the host name of our vendor extension shows in rsipctl hosts")
def hostname(lab):
    lab.x1.tcp().register(vendor(HOSTNAME, "büro-1".encode()))
    names = [host["name"] for host in lab.gateway.ctl("hosts") if host["address"] == "10.0.0.11"]
    expect_equal("name", names, ["büro-1"])


@check("REGISTER: vendor parameters of others, of unknown subtype or of any length are ignored")
def vendors(lab):
    for extra in (vendor(1, b"xyz", vendor_id=9), vendor(4711, b"\0" * 300), param(Par.VENDOR),
                  param(Par.VENDOR, b"\x7e"), vendor(1, b"", vendor_id=9) + vendor(1, b"", vendor_id=9)):
        session = lab.x1.tcp()
        expect_kind(session.register(extra), Msg.REGISTER_RESPONSE)
        session.de_register()


@check("DE-REGISTER: answered with exactly the client ID (and the counter); then unregistered")
def leave(lab):
    session = lab.x1.tcp()
    session.register()
    mine = session.client_id
    expect_raw(session.de_register(), message(Msg.DE_REGISTER_RESPONSE, client_id(mine)))
    expect_error(session.de_register(mine), Err.REGISTER_FIRST)
    session = lab.x1.udp()
    session.register()
    mine = session.client_id
    expect_raw(session.de_register(), message(Msg.DE_REGISTER_RESPONSE, client_id(mine), counter(2)))


@check("DE-REGISTER: a wrong client ID, also another host's, is BAD_CLIENT_ID and changes nothing")
def wrong_id(lab):
    mine, other = lab.x1.tcp(), lab.x2.tcp()
    mine.register()
    other.register()
    for number in (mine.client_id ^ 1, 0, other.client_id):
        expect_error(mine.de_register(number), Err.BAD_CLIENT_ID, client_id=number)
    for session in (mine, other):
        expect_kind(session.query(), Msg.QUERY_RESPONSE)


@check("DE-REGISTER: revokes every binding of the host and of no other")
def revokes(lab):
    mine, other = lab.x1.tcp(), lab.x2.tcp()
    for session in (mine, other):
        session.register()
        expect_kind(session.rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
        expect_kind(session.rsipsec(), Msg.ASSIGN_RESPONSE_RSIPSEC)
    mine.de_register()
    expect_equal("bindings of x1", len(lab.gateway.bindings("10.0.0.11")), 0)
    expect_equal("bindings of x2", len(lab.gateway.bindings("10.0.0.12")), 2)


REQUESTS = [
    (Msg.DE_REGISTER_REQUEST, ()),
    (Msg.ASSIGN_REQUEST_RSA_IP, (address(), address(), ports())),
    (Msg.ASSIGN_REQUEST_RSAP_IP, (address(), ports(), address(), ports())),
    (Msg.EXTEND_REQUEST, (bind_id(1),)),
    (Msg.FREE_REQUEST, (bind_id(1),)),
    (Msg.QUERY_REQUEST, ()),
    (Msg.LISTEN_REQUEST, (address(), ports(), address(), ports())),
    (Msg.ASSIGN_REQUEST_RSIPSEC, (address(), no_ports(), address(), no_ports(), spi())),
]


@check("every request but REGISTER is REGISTER_FIRST while unregistered, over TCP and UDP, for hosts known and unknown")
def register_first(lab):
    for session in (lab.x1.tcp(), lab.x1.udp(), lab.stray.tcp()):
        for kind, rest in REQUESTS:
            expect_error(session.ask(kind, client_id(0x01020304), *rest), Err.REGISTER_FIRST)


@check("every request with a client ID that is not the host's is BAD_CLIENT_ID")
def bad_client_id(lab):
    mine, other = lab.x1.tcp(), lab.x2.tcp()
    mine.register()
    other.register()
    for kind, rest in REQUESTS:
        for number in (mine.client_id ^ 0x80000000, other.client_id):
            expect_error(mine.ask(kind, client_id(number), *rest), Err.BAD_CLIENT_ID, client_id=number)
