"""Flow policies, scarce pools and quotas: what the example configuration does not have, with rsipd-policies.conf."""
import time

from protocol.harness import check, expect, expect_equal, expect_error, expect_kind
from rsip_wire import Err, Msg, RSAP_IP, address, address6, client_id, fqdn, message, no_ports, ports, spi

PEER = "203.0.113.200"


def registered(host):
    session = host.tcp()
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


@check("local micro policy: exactly one port a binding; more is FLOW_POLICY_VIOLATION or not available")
def local_micro(lab):
    session = registered(lab.micro)
    answer = expect_kind(session.rsap(None, ports(), PEER, ports(1, 80)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_equal("ports", len(answer.port_lists[0]), 1)
    answer = session.rsap(None, ports(4), PEER, ports(1, 80))
    expect_error(answer, Err.FLOW_POLICY_VIOLATION, Err.LOCAL_ADDRPORT_UNAVAILABLE, client_id=session.client_id)


@check("remote micro policy: without address or port FLOW_POLICY_VIOLATION; the response repeats both")
def remote_micro(lab):
    session = registered(lab.micro)
    for remote, remote_ports in ((None, ports()), (PEER, ports()), (None, ports(1, 80)), (PEER, ports(1, 0)),
                                 ("0.0.0.0", ports(1, 80))):
        for ask in (session.rsap, session.listen):
            answer = ask(None, ports(), remote, remote_ports)
            expect_error(answer, Err.FLOW_POLICY_VIOLATION, client_id=session.client_id)
    answer = expect_kind(session.rsap(None, ports(), PEER, ports(1, 443)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_equal("remote", (answer.addresses[1], answer.port_lists[1]), (PEER, [443]))
    listed = lab.gateway.bindings(lab.micro.source)[0]["remote"]
    expect_equal("rsipctl", listed, {"address": PEER, "ports": [[443, 443]]})


@check("remote macro policy: without address FLOW_POLICY_VIOLATION; the response has the address and don't care ports")
def remote_macro(lab):
    session = registered(lab.macro)
    for ask in (session.rsap, session.listen):
        expect_error(ask(None, ports(2)), Err.FLOW_POLICY_VIOLATION, client_id=session.client_id)
    for asked in (ports(), ports(1, 80)):
        answer = expect_kind(session.rsap(None, ports(2), PEER, asked), Msg.ASSIGN_RESPONSE_RSAP_IP)
        expect_equal("remote", (answer.addresses[1], answer.port_lists[1]), (PEER, 1))


@check("remote macro policy: RSIPSEC needs the address too")
def remote_macro_ipsec(lab):
    session = registered(lab.macro)
    expect_error(session.rsipsec(), Err.FLOW_POLICY_VIOLATION, client_id=session.client_id)
    answer = expect_kind(session.rsipsec(None, no_ports(), PEER, no_ports()), Msg.ASSIGN_RESPONSE_RSIPSEC)
    expect_equal("remote", answer.addresses[1], PEER)


@check("remote macro policy: a name is looked up; the response repeats it as it was asked; rsipctl shows its addresses")
def remote_name(lab):
    session = registered(lab.macro)
    answer = session.own(Msg.ASSIGN_REQUEST_RSAP_IP, address(), ports(), fqdn("Both.example"), ports(1, 80))
    expect_kind(answer, Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_equal("remote", (answer.addresses[1], answer.port_lists[1]), ("Both.example", 1))
    listed = lab.gateway.bindings(lab.macro.source)[0]["remote"]
    expect_equal("listed", (listed["name"], sorted(listed["addresses"])),
                 ("both.example", ["203.0.113.201", "203.0.113.202"]))


@check("remote policy: a name server that is silent holds up nobody; in the end the request is refused")
def silent_names(lab):
    one, two = registered(lab.macro), registered(lab.macro2)
    begun = time.monotonic()
    one.send(message(Msg.ASSIGN_REQUEST_RSAP_IP, client_id(one.client_id), address(), ports(), fqdn("silent.example"),
                     ports()))
    for _ in range(5):
        expect_kind(two.rsap(None, ports(), PEER), Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_error(one.receive(40), Err.REMOTE_ADDR_UNALLOWED, client_id=one.client_id)
    expect(time.monotonic() - begun > 0.9, "refused before the name server could have answered")


@check("remote macro policy: no such name, a name of local addresses, an IPv6 peer: REMOTE_ADDR_UNALLOWED")
def remote_no_name(lab):
    session = registered(lab.macro)
    for remote in (fqdn("www.foo.com"), fqdn("inside.example"), address6("2001:db8::1")):
        answer = session.own(Msg.ASSIGN_REQUEST_RSAP_IP, address(), ports(), remote, ports())
        expect_error(answer, Err.REMOTE_ADDR_UNALLOWED, client_id=session.client_id)


@check("remote micro policy: a peer that cannot be allowed: REMOTE_ADDRPORT_UNALLOWED")
def remote_name_micro(lab):
    session = registered(lab.micro)
    answer = session.own(Msg.ASSIGN_REQUEST_RSAP_IP, address(), ports(), fqdn("www.foo.com"), ports(1, 80))
    expect_error(answer, Err.REMOTE_ADDRPORT_UNALLOWED, Err.REMOTE_ADDR_UNALLOWED, client_id=session.client_id)


@check("a policy without RSIPSEC: IPSEC_UNALLOWED, and the method is not offered")
def no_ipsec(lab):
    session = lab.plain.tcp()
    expect_equal("methods", session.register().methods, [RSAP_IP])
    expect_error(session.rsipsec(), Err.IPSEC_UNALLOWED, client_id=session.client_id)


@check("a small policy: quotas of 3 bindings, 8 ports and 16 SPIs hold, and FREE gives back")
def quotas(lab):
    session = registered(lab.small)
    first = expect_kind(session.rsap(None, ports(8)), Msg.ASSIGN_RESPONSE_RSAP_IP).bind_id
    expect_error(session.rsap(None, ports(1)), Err.LOCAL_ADDRPORT_UNAVAILABLE)
    expect_error(session.listen(), Err.LOCAL_ADDRPORT_UNAVAILABLE)
    expect_kind(session.rsipsec(spis=spi(16)), Msg.ASSIGN_RESPONSE_RSIPSEC)
    expect_error(session.rsipsec(spis=spi(1)), Err.IPSEC_SPI_UNAVAILABLE)
    session.free(first)
    for _ in range(2):
        expect_kind(session.rsap(None, ports(1)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    answer = session.rsap(None, ports(1))
    expect(answer.kind == Msg.ERROR_RESPONSE, "a fourth binding: %s" % answer)


@check("a full pool: LOCAL_ADDRPORT_UNAVAILABLE for ports, IPSEC_SPI_UNAVAILABLE for SPIs; all of it again after FREE")
def full(lab):
    one, two = registered(lab.tiny1), registered(lab.tiny2)
    for session in (one, two):
        expect_kind(session.rsap(None, ports(4)), Msg.ASSIGN_RESPONSE_RSAP_IP)
        expect_kind(session.rsipsec(spis=spi(4)), Msg.ASSIGN_RESPONSE_RSIPSEC)
    for session in (one, two):
        expect_error(session.rsap(None, ports(1)), Err.LOCAL_ADDRPORT_UNAVAILABLE, Err.LOCAL_ADDR_UNAVAILABLE)
        expect_error(session.rsipsec(spis=spi(1)), Err.IPSEC_SPI_UNAVAILABLE)
    one.de_register()
    two.de_register()
    one.register()
    expect_kind(one.rsap(None, ports(4)), Msg.ASSIGN_RESPONSE_RSAP_IP)


@check("no whole address left: LOCAL_ADDR_UNAVAILABLE; the one of another host by name: LOCAL_ADDR_INUSE")
def no_address(lab):
    one, two = registered(lab.macro), registered(lab.macro2)
    answer = expect_kind(one.rsa(None, PEER), Msg.ASSIGN_RESPONSE_RSA_IP)
    expect_error(two.rsa(answer.addresses[0], PEER), Err.LOCAL_ADDR_INUSE, client_id=two.client_id)
    expect_kind(two.rsa(None, PEER), Msg.ASSIGN_RESPONSE_RSA_IP)
    expect_error(one.rsa(None, PEER), Err.LOCAL_ADDR_UNAVAILABLE, client_id=one.client_id)
    expect_error(one.rsa(answer.addresses[0], PEER), Err.LOCAL_ADDR_UNAVAILABLE, Err.LOCAL_ADDR_INUSE)
