"""EXTEND, FREE, QUERY and LISTEN with the example configuration: RFC 3103 9.10 to 9.17."""
from protocol.harness import check, expect, expect_equal, expect_error, expect_kind, expect_raw
from rsip_wire import (Err, GRE, IP_IP, L2TP, Msg, address, address6, bind_id, client_id, fqdn, indicator, lease_time,
                       message, netmask, ports, query_tuples, tunnel_type)


def registered(host):
    session = host.tcp()
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


def bound(session, *args):
    return expect_kind(session.rsap(*args), Msg.ASSIGN_RESPONSE_RSAP_IP).bind_id


@check("EXTEND: the lease asked for, at most the policy's maximum, its own idea without one; the exact response")
def extend(lab):
    session = registered(lab.x1)
    binding = bound(session)
    for asked, want in ((7000, 7000), (None, 3600), (90000, 28800), (30, 30)):
        expect_raw(session.extend(binding, asked), message(Msg.EXTEND_RESPONSE, client_id(session.client_id),
                                                           bind_id(binding), lease_time(want)))
        left = lab.gateway.bindings("10.0.0.11")[0]["expires_in_s"]
        expect(want - 5 <= left <= want, "rsipctl says %d s of %d" % (left, want))


@check("EXTEND and FREE: a bind ID that is not the host's, unknown or another's, is BAD_BIND_ID with both IDs")
def bad_bind_id(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    bound(mine)
    theirs = bound(other)
    for number in (theirs, 0, 0xffffffff):
        expect_error(mine.extend(number), Err.BAD_BIND_ID, client_id=mine.client_id, bind_id=number)
        expect_error(mine.free(number), Err.BAD_BIND_ID, client_id=mine.client_id, bind_id=number)
    expect_equal("bindings of x2", len(lab.gateway.bindings("10.0.0.12")), 1)


@check("FREE: the exact response; then the bind ID is BAD_BIND_ID and the binding gone, the others stay")
def free(lab):
    session = registered(lab.x1)
    binding, stays = bound(session), bound(session)
    expect_raw(session.free(binding), message(Msg.FREE_RESPONSE, client_id(session.client_id), bind_id(binding)))
    expect_error(session.free(binding), Err.BAD_BIND_ID, client_id=session.client_id, bind_id=binding)
    expect_equal("bindings", [b["bind_id"] for b in lab.gateway.bindings("10.0.0.11")], [stays])


@check("FREE: freed ports, SPIs and addresses are on hold-down for others (RFC 3102 6.1)")
def hold_down(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    mine.free(bound(mine, "203.0.113.21", ports(4, 21000)))
    expect_error(other.rsap("203.0.113.21", ports(1, 21003)), Err.LOCAL_ADDRPORT_INUSE, client_id=other.client_id)
    held = sum(pool["ports_held"] for pool in lab.gateway.ctl("pools"))
    expect(held >= 4, "%d ports held" % held)


def asked(session, *params):
    return query_tuples(expect_kind(session.query(*params), Msg.QUERY_RESPONSE))


@check("QUERY: an address inside of local-networks is local, one outside remote or unknown")
def query_address(lab):
    session = registered(lab.x1)
    for text in ("10.0.0.0", "10.1.2.3", "10.255.255.255"):
        expect((1, text) in asked(session, indicator(1), address(text)), "%s is not local" % text)
    for text in ("8.8.8.8", "9.255.255.255", "11.0.0.0"):
        answer = asked(session, indicator(1), address(text))
        expect(set(answer) <= {(3, text)}, "%s: %s" % (text, answer))


@check("QUERY: a network inside of local-networks is local; one that only overlaps it is not called local")
def query_network(lab):
    session = registered(lab.x1)

    def network(text, mask):
        return asked(session, indicator(2), address(text), netmask(mask))
    for text, mask in (("10.20.60.0", "255.255.255.0"), ("10.0.0.0", "255.0.0.0"), ("10.9.9.9", "255.255.255.255")):
        expect((2, text, mask) in network(text, mask), "%s/%s is not local" % (text, mask))
    for text, mask in (("8.0.0.0", "252.0.0.0"), ("0.0.0.0", "0.0.0.0")):
        expect((2, text, mask) not in network(text, mask), "%s/%s is called local" % (text, mask))
    answer = network("192.0.2.0", "255.255.255.0")
    expect(set(answer) <= {(4, "192.0.2.0", "255.255.255.0")}, "192.0.2.0/24: %s" % answer)


@check("QUERY: several tuples are answered in one response")
def query_many(lab):
    session = registered(lab.x1)
    answer = asked(session, indicator(1), address("10.3.3.3"), indicator(2), address("10.4.0.0"),
                   netmask("255.255.0.0"), indicator(1), address("203.0.113.200"), indicator(1), address("10.5.5.5"))
    expect({(1, "10.3.3.3"), (2, "10.4.0.0", "255.255.0.0"), (1, "10.5.5.5")} <= set(answer), "tuples %s" % answer)
    expect((1, "203.0.113.200") not in answer, "203.0.113.200 is called local")


@check("QUERY: without tuples, all that the gateway is willing to tell: its local networks")
def query_all(lab):
    expect_equal("tuples", asked(registered(lab.x1)), [(2, "10.0.0.0", "255.0.0.0")])


@check("QUERY: what it cannot know has no tuple in the response: names, IPv6")
def query_unknown(lab):
    session = registered(lab.x1)
    for what in (fqdn("www.example.com"), address6("2001:db8::1")):
        answer = asked(session, indicator(1), what)
        expect(not any(one[0] in (1, 2) for one in answer), "tuples %s" % answer)


@check("QUERY: response to two hundred tuples is whole")
def query_long(lab):
    session = registered(lab.x1)
    texts = ["10.7.%d.1" % number for number in range(200)]
    answer = asked(session, *(indicator(1) + address(text) for text in texts))
    expect_equal("local addresses", sorted(one[1] for one in answer if one[0] == 1), sorted(texts))


@check("LISTEN: don't care address and port: one port of the shared address; the exact response")
def listen(lab):
    session = registered(lab.x1)
    answer = expect_kind(session.listen(), Msg.LISTEN_RESPONSE)
    expect_raw(answer, message(Msg.LISTEN_RESPONSE, client_id(session.client_id), bind_id(answer.bind_id),
                               address(answer.addresses[0]), ports(1, answer.port_lists[0][0]), address(), ports(),
                               tunnel_type(IP_IP), lease_time(3600)))


@check("LISTEN: a particular address and port as asked, with the lease asked for")
def listen_named(lab):
    session = registered(lab.x1)
    answer = session.listen("203.0.113.22", ports(1, 8080), None, ports(), lease_time(100))
    expect_kind(answer, Msg.LISTEN_RESPONSE)
    expect_equal("granted", (answer.addresses[0], answer.port_lists[0], answer.lease), ("203.0.113.22", [8080], 100))


@check("LISTEN: errors as for RSAP-IP: in use, not allowed, wrong address, no such tunnel")
def listen_errors(lab):
    mine, other = registered(lab.x1), registered(lab.x2)
    expect_kind(mine.listen("203.0.113.22", ports(1, 8081)), Msg.LISTEN_RESPONSE)
    expect_error(other.listen("203.0.113.22", ports(1, 8081)), Err.LOCAL_ADDRPORT_INUSE, client_id=other.client_id)
    expect_error(other.rsap("203.0.113.22", ports(1, 8081)), Err.LOCAL_ADDRPORT_INUSE, client_id=other.client_id)
    expect_error(other.listen("203.0.113.22", ports(1, 80)), Err.LOCAL_ADDRPORT_UNALLOWED, client_id=other.client_id)
    expect_error(other.listen("203.0.113.99"), Err.LOCAL_ADDR_UNALLOWED, client_id=other.client_id)
    expect_error(other.listen(None, ports(), None, ports(), tunnel_type(L2TP)), Err.BAD_TUNNEL_TYPE,
                 client_id=other.client_id)


@check("LISTEN: of several tunnel types offered the gateway takes one that it has")
def listen_tunnels(lab):
    session = registered(lab.x1)
    for offered in ((L2TP, GRE), (GRE, L2TP), (IP_IP, GRE), (GRE,)):
        answer = session.listen(None, ports(), None, ports(), *map(tunnel_type, offered))
        expect_kind(answer, Msg.LISTEN_RESPONSE)
        expect(answer.tunnel in offered and answer.tunnel != L2TP, "tunnel %d of %s" % (answer.tunnel, offered))


def has(document, members):
    missing = set(members.split()) - set(document)
    expect(not missing, "%s not in %s" % (sorted(missing), document))


@check("rsipctl -j: every member of the contract, values of the leases")
def contract(lab):
    session = registered(lab.x1)
    answer = expect_kind(session.rsap(None, ports(4)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    got = answer.port_lists[0]
    status = lab.gateway.ctl("status")
    has(status, "version uptime_s data_plane hosts bindings pools")
    host = next(h for h in lab.gateway.ctl("hosts") if h["address"] == "10.0.0.11")
    has(host, "client_id address name transport policy expires_in_s bindings")
    expect_equal("host", (host["transport"], host["policy"], host["bindings"]), ("tcp", "default", 1))
    binding = lab.gateway.bindings("10.0.0.11")[0]
    has(binding, "bind_id client_id host method address ports spis cookie remote tunnel expires_in_s")
    want = {"bind_id": answer.bind_id, "host": "10.0.0.11", "method": "rsap-ip", "address": answer.addresses[0],
            "ports": [[got[0], got[-1]]], "spis": [], "cookie": None, "remote": None, "tunnel": "ip-ip"}
    expect_equal("binding", {key: binding[key] for key in want}, want)
    pool = next(p for p in lab.gateway.ctl("pools") if p["name"] == "shared" and p["address"] == answer.addresses[0])
    has(pool, "name address ports_total ports_leased ports_held spis_leased cookies_leased hosts")
    expect_equal("ports leased", pool["ports_leased"], 4)
    stats = lab.gateway.ctl("stats")
    has(stats, "control data")
    has(stats["data"], "in_packets in_bytes out_packets out_bytes drops xdp relay")
