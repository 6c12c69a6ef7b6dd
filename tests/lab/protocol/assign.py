"""ASSIGN_REQUEST_RSAP-IP and ASSIGN_REQUEST_RSA-IP with the example configuration: RFC 3103 9.6 to 9.9, 10.5."""
from protocol.harness import aligned_block, check, expect, expect_equal, expect_error, expect_kind, expect_raw, within
from rsip_wire import (Err, GRE, IP_IP, L2TP, Msg, address, address6, bind_id, client_id, fqdn, lease_time, message,
                       netmask, ports, tunnel_type)

SHARED = ("203.0.113.8", "203.0.113.30")
WHOLE = ("203.0.113.64", "203.0.113.79")


def granted(answer):
    return expect_kind(answer, Msg.ASSIGN_RESPONSE_RSAP_IP)


def registered(host):
    session = host.tcp()
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


@check("RSAP-IP: four ports that nobody cares about: the exact response")
def four(lab):
    session = registered(lab.x1)
    answer = granted(session.rsap())
    local, (got, _) = answer.addresses[0], answer.port_lists
    expect(within(local, *SHARED), "address %s" % local)
    expect(len(got) == 4 and aligned_block(got) and 1024 <= got[0] <= 65532, "ports %s" % got)
    expect_raw(answer, message(Msg.ASSIGN_RESPONSE_RSAP_IP, client_id(session.client_id), bind_id(answer.bind_id),
                               address(local), ports(4, got[0]), address(), ports(), lease_time(3600),
                               tunnel_type(IP_IP)))


@check("RSAP-IP: the gateway's own idea of a lease is 3600 s; less is granted as asked, more up to 28800 s")
def leases(lab):
    session = registered(lab.x1)
    for asked, want in ((60, 60), (28800, 28800), (28801, 28800), (0xffffffff, 28800)):
        answer = granted(session.rsap(None, ports(), None, ports(), lease_time(asked)))
        expect_equal("lease for %d" % asked, answer.lease, want)
    expect_equal("lease for none", granted(session.rsap()).lease, 3600)


@check("RSAP-IP: R = max(R, B): a binding that outlasts the registration prolongs it, a shorter one does not (6)")
def registration_prolonged(lab):
    session = registered(lab.x1)

    def left():
        return next(h["expires_in_s"] for h in lab.gateway.ctl("hosts") if h["address"] == "10.0.0.11")
    session.rsap(None, ports(), None, ports(), lease_time(60))
    expect(7190 <= left() <= 7200, "registration for %d s" % left())
    binding = granted(session.rsap(None, ports(), None, ports(), lease_time(28800))).bind_id
    expect(28790 <= left() <= 28800, "registration for %d s" % left())
    session.free(binding)
    expect(28790 <= left() <= 28800, "registration for %d s after FREE" % left())


@check("RSAP-IP: all-zero address and port values are don't care (9.8.3)")
def zeroes(lab):
    session = registered(lab.x1)
    answer = granted(session.rsap("0.0.0.0", ports(1, 0), "0.0.0.0", ports(1, 0)))
    expect_equal("remote", (answer.addresses[1], answer.port_lists[1]), (None, 1))
    expect(answer.port_lists[0][0] >= 1024, "port %s" % answer.port_lists[0])
    # "4-0 indicates four ports, but the sender doesn't care where they are" (appendix C)
    answer = granted(session.rsap("0.0.0.0", ports(4, 0), "0.0.0.0", ports(1, 0)))
    expect(len(answer.port_lists[0]) == 4 and answer.port_lists[0][0] >= 1024, "ports %s" % answer.port_lists[0])


@check("RSAP-IP: the longest list of named ports, 255 of them, is granted as asked; the same port twice is not")
def long_list(lab):
    session = registered(lab.x1)
    wanted = list(range(40000, 40510, 2))
    expect_equal("ports", granted(session.rsap("203.0.113.28", ports(255, *wanted))).port_lists[0], wanted)
    answer = session.rsap("203.0.113.28", ports(2, 50000, 50000))
    expect_error(answer, Err.BAD_PARAM, Err.LOCAL_ADDRPORT_INUSE, client_id=session.client_id)


@check("RSAP-IP: without remote flow policy the response says don't care whatever remote was named (9.9.3)")
def remote_ignored(lab):
    session = registered(lab.x1)
    for remote in (address("203.0.113.200"), fqdn("www.example.com")):
        answer = granted(session.own(Msg.ASSIGN_REQUEST_RSAP_IP, address(), ports(), remote, ports(1, 80)))
        expect_equal("remote", (answer.addresses[1], answer.port_lists[1]), (None, 1))


@check("RSAP-IP: free ports asked for by name are granted as asked, a range or a list, at the address asked for")
def by_name(lab):
    session = registered(lab.x1)
    answer = granted(session.rsap("203.0.113.23", ports(8, 20000)))
    expect_equal("granted", (answer.addresses[0], answer.port_lists[0]), ("203.0.113.23", list(range(20000, 20008))))
    answer = granted(session.rsap("203.0.113.23", ports(3, 30001, 30005, 40000)))
    expect_equal("granted", (answer.addresses[0], answer.port_lists[0]), ("203.0.113.23", [30001, 30005, 40000]))
    answer = granted(session.rsap(None, ports(1, 5353)))
    expect_equal("ports", answer.port_lists[0], [5353])
    answer = granted(session.rsap("203.0.113.23", ports(2)))
    expect_equal("address", answer.addresses[0], "203.0.113.23")


@check("RSAP-IP: edges of the pool's port range are leased: 1024 and 65535")
def edges(lab):
    session = registered(lab.x1)
    for port in (1024, 65535):
        expect_equal("port", granted(session.rsap("203.0.113.24", ports(1, port))).port_lists[0], [port])


@check("RSAP-IP: hosts share the lowest address; a host keeps the address it has; their ports never overlap")
def shared(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    seen = set()
    for _ in range(4):
        for session in (mine, other):
            answer = granted(session.rsap(None, ports(16)))
            expect_equal("address", answer.addresses[0], SHARED[0])
            expect(not seen & set(answer.port_lists[0]), "ports %s leased twice" % answer.port_lists[0])
            seen |= set(answer.port_lists[0])


@check("RSAP-IP: named ports in use, by another host or the host itself, also in part: LOCAL_ADDRPORT_INUSE")
def in_use(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    granted(mine.rsap("203.0.113.25", ports(8, 20000)))
    for session in (other, mine):
        for wanted in (ports(8, 20000), ports(1, 20007), ports(4, 19997), ports(2, 20100, 20003)):
            expect_error(session.rsap("203.0.113.25", wanted), Err.LOCAL_ADDRPORT_INUSE, client_id=session.client_id)
    granted(other.rsap("203.0.113.25", ports(8, 20008)))
    granted(other.rsap("203.0.113.26", ports(8, 20000)))


@check("RSAP-IP: an address of no pool of the host's policy: LOCAL_ADDR_UNALLOWED")
def unallowed(lab):
    session = registered(lab.x1)
    for local in ("203.0.113.1", "203.0.113.64", "203.0.113.7", "203.0.113.16", "203.0.113.31", "8.8.8.8", "10.0.0.11",
                  "255.255.255.255", "127.0.0.1"):
        expect_error(session.rsap(local), Err.LOCAL_ADDR_UNALLOWED, client_id=session.client_id)
    office = registered(lab.office)
    expect_error(office.rsap("203.0.113.64"), Err.LOCAL_ADDR_UNALLOWED)


@check("RSAP-IP: named ports outside of the pool's range, or shared for IKE: LOCAL_ADDRPORT_UNALLOWED")
def port_unallowed(lab):
    session = registered(lab.x1)
    for wanted in (ports(1, 80), ports(1, 1023), ports(2, 1023), ports(1, 500), ports(1, 4500), ports(8, 4496),
                   ports(2, 5000, 4500)):
        expect_error(session.rsap("203.0.113.27", wanted), Err.LOCAL_ADDRPORT_UNALLOWED, client_id=session.client_id)


@check("RSAP-IP: more don't care ports than the quota of 1024: LOCAL_ADDRPORT_UNAVAILABLE; FREE makes room")
def port_quota(lab):
    session = registered(lab.x1)
    binds = [granted(session.rsap(None, ports(255))).bind_id for _ in range(4)]
    granted(session.rsap(None, ports(4)))
    expect_error(session.rsap(None, ports(1)), Err.LOCAL_ADDRPORT_UNAVAILABLE, client_id=session.client_id)
    session.free(binds[0])
    granted(session.rsap(None, ports(255)))


@check("RSAP-IP: the 65th binding of a host is refused, FREE makes room")
def binding_quota(lab):
    session = registered(lab.x1)
    binds = [granted(session.rsap(None, ports())).bind_id for _ in range(64)]
    expect_equal("different bind IDs", len(set(binds)), 64)
    expect_error(session.rsap(None, ports()), Err.LOCAL_ADDRPORT_UNAVAILABLE, Err.LOCAL_ADDR_UNAVAILABLE)
    session.free(binds[7])
    granted(session.rsap(None, ports()))


@check("RSAP-IP: tunnel types: GRE and IP-IP as asked; L2TP and unknown ones BAD_TUNNEL_TYPE")
def tunnels(lab):
    session = registered(lab.x1)
    for kind in (IP_IP, GRE):
        expect_equal("tunnel", granted(session.rsap(None, ports(), None, ports(), tunnel_type(kind))).tunnel, kind)
    for kind in (L2TP, 4, 255):
        expect_error(session.rsap(None, ports(), None, ports(), tunnel_type(kind)), Err.BAD_TUNNEL_TYPE,
                     client_id=session.client_id)
    # 0 is reserved (8.6): no tunnel type, or a malformed one
    expect_error(session.rsap(None, ports(), None, ports(), tunnel_type(0)), Err.BAD_TUNNEL_TYPE, Err.BAD_PARAM)


@check("RSAP-IP: optional parameters in any order")
def any_order(lab):
    session = registered(lab.x1)
    for extra in ((lease_time(60), tunnel_type(GRE)), (tunnel_type(GRE), lease_time(60))):
        answer = granted(session.rsap(None, ports(), None, ports(), *extra))
        expect_equal("lease and tunnel", (answer.lease, answer.tunnel), (60, GRE))


@check("RSAP-IP: a local address that is an FQDN, a netmask or IPv6 is refused, never granted as something else")
def local_kinds(lab):
    session = registered(lab.x1)
    for local in (fqdn("www.example.com"), netmask("255.255.255.0"), address6("2001:db8::1")):
        answer = session.own(Msg.ASSIGN_REQUEST_RSAP_IP, local, ports(), address(), ports())
        expect_error(answer, Err.BAD_PARAM, Err.LOCAL_ADDR_UNALLOWED, client_id=session.client_id)


@check("RSAP-IP: ports are not predictable: sixteen bindings are neither ascending nor neighbours (RFC 6056)")
def unpredictable(lab):
    session = registered(lab.x1)
    got = [granted(session.rsap(None, ports())).port_lists[0][0] for _ in range(16)]
    expect(got != sorted(got) and max(got) - min(got) > 4096, "ports %s" % got)


@check("RSA-IP: an address of its own: the exact response, the address's pool, the office lease of 28800 s")
def whole(lab):
    session = registered(lab.office)
    answer = expect_kind(session.rsa(), Msg.ASSIGN_RESPONSE_RSA_IP)
    local = answer.addresses[0]
    expect(within(local, *WHOLE), "address %s" % local)
    expect_raw(answer, message(Msg.ASSIGN_RESPONSE_RSA_IP, client_id(session.client_id), bind_id(answer.bind_id),
                               address(local), address(), ports(), lease_time(28800), tunnel_type(IP_IP)))


@check("RSA-IP: a free address asked for by name is granted; again it is LOCAL_ADDR_INUSE")
def whole_by_name(lab):
    session = registered(lab.office)
    answer = expect_kind(session.rsa("203.0.113.70"), Msg.ASSIGN_RESPONSE_RSA_IP)
    expect_equal("address", answer.addresses[0], "203.0.113.70")
    expect_error(session.rsa("203.0.113.70"), Err.LOCAL_ADDR_INUSE, client_id=session.client_id)


@check("RSA-IP: an address outside of the host's RSA-IP pools: LOCAL_ADDR_UNALLOWED")
def whole_unallowed(lab):
    session = registered(lab.office)
    for local in ("203.0.113.9", "203.0.113.200", "203.0.113.80"):
        expect_error(session.rsa(local), Err.LOCAL_ADDR_UNALLOWED, client_id=session.client_id)


@check("RSA-IP: a host whose policy has no pool for it: LOCAL_ADDR_UNAVAILABLE, by name LOCAL_ADDR_UNALLOWED")
def whole_not_for_all(lab):
    session = registered(lab.x1)
    expect_error(session.rsa(), Err.LOCAL_ADDR_UNAVAILABLE, client_id=session.client_id)
    expect_error(session.rsa("203.0.113.64"), Err.LOCAL_ADDR_UNALLOWED, client_id=session.client_id)


@check("RSA-IP: BAD_TUNNEL_TYPE for L2TP")
def whole_tunnel(lab):
    session = registered(lab.office)
    expect_error(session.rsa(None, None, ports(), tunnel_type(L2TP)), Err.BAD_TUNNEL_TYPE, client_id=session.client_id)
