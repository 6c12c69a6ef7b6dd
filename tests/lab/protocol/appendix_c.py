"""RFC 3103 appendix C, transaction by transaction. The addresses are those of the lab: 203.0.113.9 stands for
149.112.240.156, 203.0.113.200 for 38.196.73.6, and the names of 16.3 for peers that the policy knows nothing of."""
from protocol.harness import check, expect, expect_equal, expect_error, expect_kind, expect_raw
from rsip_wire import (Err, IP_IP, MACRO, MICRO, Msg, NONE, address, bind_id, client_id, fqdn, indicator, lease_time,
                       message, netmask, ports, query_tuples, tunnel_type)

IKE_PORT = 4500  # shared, of the others in the pool's range none is
HELD = set()     # ports that a check has given back, which are another host's only after the hold-down


@check("appendix C 16.1: RSAP-IP, local macro, no remote policy")
def rsap_macro(lab):
    host = lab.x1.tcp()
    expect_equal("flow policy", host.register().flow, (MACRO, NONE))
    first = expect_kind(host.rsap(None, ports(4), None, ports(), lease_time(1800)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    local, got = first.addresses[0], first.port_lists[0]
    answer = expect_kind(host.query(indicator(2), address("10.20.60.0"), netmask("255.255.255.0")), Msg.QUERY_RESPONSE)
    expect((2, "10.20.60.0", "255.255.255.0") in query_tuples(answer), "not local")
    # "The host requests eight more particular ports for use with RSAP-IP with the same address."
    more = (got[0] + 4096 - 1024) % 60000 // 8 * 8 + 1032
    more += 8 if IKE_PORT in range(more, more + 8) else 0
    HELD.update(got, range(more, more + 8))
    second = expect_kind(host.rsap(local, ports(8, more), None, ports(), lease_time(1800)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_raw(second, message(Msg.ASSIGN_RESPONSE_RSAP_IP, client_id(host.client_id), bind_id(second.bind_id),
                               address(local), ports(8, more), address(), ports(), lease_time(1800),
                               tunnel_type(IP_IP)))
    expect_kind(host.free(first.bind_id), Msg.FREE_RESPONSE)
    expect_equal("lease", expect_kind(host.extend(second.bind_id, 1800), Msg.EXTEND_RESPONSE).lease, 1800)
    # "The gateway forces the host to free the resources of bind ID 2" is what expiry does: leases.py.
    expect_kind(host.de_register(), Msg.DE_REGISTER_RESPONSE)
    expect_equal("bindings", lab.gateway.bindings("10.0.0.11"), [])


@check("appendix C 16.2: RSAP-IP, local micro, remote micro, then LISTEN for FTP data")
def rsap_micro(lab):
    host = lab.micro.tcp()
    expect_equal("flow policy", host.register().flow, (MICRO, MICRO))
    first = expect_kind(host.rsap(None, ports(), "203.0.113.200", ports(1, 21), lease_time(600), tunnel_type(IP_IP)),
                        Msg.ASSIGN_RESPONSE_RSAP_IP)
    local, got = first.addresses, first.port_lists[0]
    expect_raw(first, message(Msg.ASSIGN_RESPONSE_RSAP_IP, client_id(host.client_id), bind_id(first.bind_id),
                              address(local[0]), ports(1, got[0]), address("203.0.113.200"), ports(1, 21),
                              lease_time(600), tunnel_type(IP_IP)))
    near = [*range(got[0] + 1, 65536), *range(got[0] - 1, 1023, -1)]
    data = next(port for port in near if port not in HELD and port != IKE_PORT)
    second = expect_kind(host.listen(local[0], ports(1, data), "203.0.113.200", ports(1, 20)), Msg.LISTEN_RESPONSE)
    expect_equal("granted", (second.addresses, second.port_lists), ([local[0], "203.0.113.200"], [[data], [20]]))
    expect_kind(host.de_register(), Msg.DE_REGISTER_RESPONSE)
    expect_equal("bindings", lab.gateway.bindings(host.host.source), [])


@check("appendix C 16.3: RSA-IP, local macro, remote macro; a peer that is not allowed, one that is")
def rsa_macro(lab):
    host = lab.macro.tcp()
    expect_equal("flow policy", host.register().flow, (MACRO, MACRO))
    answer = host.own(Msg.ASSIGN_REQUEST_RSA_IP, address(), fqdn("www.foo.com"), ports(), lease_time(3600),
                      tunnel_type(IP_IP))
    expect_error(answer, Err.REMOTE_ADDR_UNALLOWED, client_id=host.client_id)
    answer = expect_kind(host.rsa(None, "203.0.113.200", ports(), lease_time(3600), tunnel_type(IP_IP)),
                         Msg.ASSIGN_RESPONSE_RSA_IP)
    expect_raw(answer, message(Msg.ASSIGN_RESPONSE_RSA_IP, client_id(host.client_id), bind_id(answer.bind_id),
                               address(answer.addresses[0]), address("203.0.113.200"), ports(), lease_time(3600),
                               tunnel_type(IP_IP)))
    expect_kind(host.de_register(), Msg.DE_REGISTER_RESPONSE)
