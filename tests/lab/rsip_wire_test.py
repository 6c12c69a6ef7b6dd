"""The test client's own test: RFC 3103 Appendix C, written out as bytes by hand, against builders and parser."""
import unittest

import rsip_wire as w
from rsip_wire import Err, Msg, Par, WireError


def octets(text):
    """Bytes from hex; '|' and line ends only separate the parameters for the reader."""
    return bytes.fromhex(text.replace("|", " "))


class Requests(unittest.TestCase):
    def built(self, text, *message):
        self.assertEqual(octets(text).hex(" "), w.message(*message).hex(" "))

    def test_register(self):
        self.built("01 02 0004", Msg.REGISTER_REQUEST)
        self.built("01 02 000b | 0b 0004 00000001", Msg.REGISTER_REQUEST, w.counter(1))

    def test_assign_rsap_ip_any(self):
        # 16.1: Client ID = 1, Address (local) = 0, Ports (local) = 4-0, Address (remote) = 0, Ports (remote) = 0,
        # Lease Time = 3600
        self.built("01 08 0022 | 04 0004 00000001 | 01 0001 01 | 02 0001 04 | 01 0001 01 | 02 0001 01"
                   "| 03 0004 00000e10",
                   Msg.ASSIGN_REQUEST_RSAP_IP, w.client_id(1), w.address(), w.ports(4), w.address(), w.ports(),
                   w.lease_time(3600))

    def test_assign_rsap_ip_named(self):
        # 16.1: Address (local) = 149.112.240.156, Ports (local) = 8-1238
        self.built("01 08 0028 | 04 0004 00000001 | 01 0005 01 95 70 f0 9c | 02 0003 08 04d6 | 01 0001 01 | 02 0001 01"
                   "| 03 0004 00000708",
                   Msg.ASSIGN_REQUEST_RSAP_IP, w.client_id(1), w.address("149.112.240.156"), w.ports(8, 1238),
                   w.address(), w.ports(), w.lease_time(1800))

    def test_query(self):
        # 16.1: Indicator = network, 10.20.60.0, 255.255.255.0
        self.built("01 0e 0020 | 04 0004 00000001 | 0a 0002 0002 | 01 0005 01 0a 14 3c 00 | 01 0005 02 ff ff ff 00",
                   Msg.QUERY_REQUEST, w.client_id(1), w.indicator(2), w.address("10.20.60.0"),
                   w.netmask("255.255.255.0"))

    def test_assign_micro(self):
        # 16.2: Address (remote) = 38.196.73.6, Ports (remote) = 21, Tunnel Type = IP-IP
        self.built("01 08 002c | 04 0004 00000005 | 01 0001 01 | 02 0001 01 | 01 0005 01 26 c4 49 06 | 02 0003 01 0015"
                   "| 03 0004 00000258 | 06 0001 01",
                   Msg.ASSIGN_REQUEST_RSAP_IP, w.client_id(5), w.address(), w.ports(), w.address("38.196.73.6"),
                   w.ports(1, 21), w.lease_time(600), w.tunnel_type(w.IP_IP))

    def test_assign_rsa_ip_fqdn(self):
        # 16.3: Address (remote) = www.foo.com, no terminator
        self.built("01 06 002d | 04 0004 00000003 | 01 0001 01 | 01 000c 04 77 77 77 2e 66 6f 6f 2e 63 6f 6d"
                   "| 02 0001 01 | 03 0004 00000e10 | 06 0001 01",
                   Msg.ASSIGN_REQUEST_RSA_IP, w.client_id(3), w.address(), w.fqdn("www.foo.com"), w.ports(),
                   w.lease_time(3600), w.tunnel_type(w.IP_IP))

    def test_extend_free_de_register(self):
        self.built("01 0a 0019 | 04 0004 00000001 | 05 0004 00000002 | 03 0004 00000708", Msg.EXTEND_REQUEST,
                   w.client_id(1), w.bind_id(2), w.lease_time(1800))
        self.built("01 0c 0012 | 04 0004 00000001 | 05 0004 00000001", Msg.FREE_REQUEST, w.client_id(1), w.bind_id(1))
        self.built("01 04 000b | 04 0004 00000001", Msg.DE_REGISTER_REQUEST, w.client_id(1))

    def test_rsipsec(self):
        # RFC 3104 6.2: ports "don't need" have length 0, SPIs "don't care" length 2
        self.built("01 16 001e | 04 0004 00000001 | 01 0001 01 | 02 0000 | 01 0001 01 | 02 0000 | 16 0002 0010",
                   Msg.ASSIGN_REQUEST_RSIPSEC, w.client_id(1), w.address(), w.no_ports(), w.address(), w.no_ports(),
                   w.spi(16))
        self.assertEqual(octets("16 0006 0010 12345600"), w.spi(16, 0x12345600))
        self.assertEqual(octets("16 000a 0002 12345678 9abcdef0"), w.spi(2, 0x12345678, 0x9abcdef0))
        self.assertEqual(octets("0c 0014 7ed9 0001 1122334455667700 ffffffffffffff00"),
                         w.cookie_block(0x1122334455667700, 0xffffffffffffff00))


class Responses(unittest.TestCase):
    def test_register(self):
        # 16.1: Client ID = 1, macro, none, Lease Time = 600
        answer = w.parse(octets("01 03 0017 | 04 0004 00000001 | 03 0004 00000258 | 09 0002 01 03"))
        self.assertEqual((answer.client_id, answer.lease, answer.flow), (1, 600, (w.MACRO, w.NONE)))
        self.assertEqual((answer.methods, answer.tunnels), ([], []))

    def test_assign(self):
        # 16.1: 149.112.240.156, 4-1234, Lease Time = 1800, Tunnel Type = IP-IP
        answer = w.parse(octets("01 09 0033 | 04 0004 00000001 | 05 0004 00000001 | 01 0005 01 95 70 f0 9c"
                                "| 02 0003 04 04d2 | 01 0001 01 | 02 0001 01 | 03 0004 00000708 | 06 0001 01"))
        self.assertEqual(answer.addresses, ["149.112.240.156", None])
        self.assertEqual(answer.port_lists, [[1234, 1235, 1236, 1237], 1])
        self.assertEqual((answer.lease, answer.tunnel), (1800, w.IP_IP))

    def test_listen_order(self):
        # 9.17.2 prints the tunnel type before the lease time, unlike the other assignments
        rest = "04 0004 00000005 | 05 0004 00000002 | 01 0005 01 95 70 f0 9c | 02 0003 01 0802" \
               "| 01 0005 01 26 c4 49 06 | 02 0003 01 0014"
        self.assertEqual(w.parse(octets("01 11 0039" + rest + "06 0001 01 | 03 0004 00000258")).lease, 600)
        with self.assertRaises(WireError):
            w.parse(octets("01 11 0039" + rest + "03 0004 00000258 | 06 0001 01"))

    def test_query(self):
        answer = w.parse(octets("01 0f 0020 | 04 0004 00000001 | 0a 0002 0002 | 01 0005 01 0a 14 3c 00"
                                "| 01 0005 02 ff ff ff 00"))
        self.assertEqual(w.query_tuples(answer), [(2, "10.20.60.0", "255.255.255.0")])

    def test_error(self):
        answer = w.parse(octets("01 01 0010 | 08 0002 013a | 04 0004 00000003"))
        self.assertEqual((answer.error, answer.client_id), (Err.REMOTE_ADDR_UNALLOWED, 3))

    def test_rsipsec(self):
        answer = w.parse(octets("01 17 0038 | 04 0004 00000001 | 05 0004 00000001 | 01 0005 01 95 70 f0 9c | 02 0000"
                                "| 01 0001 01 | 02 0000 | 16 0006 0010 12345600 | 03 0004 00000708 | 06 0001 01"))
        self.assertEqual(answer.port_lists, [None, None])
        self.assertEqual(answer.spis, list(range(0x12345600, 0x12345610)))


class Strictness(unittest.TestCase):
    def test_what_a_gateway_may_not_send(self):
        for why, text in (
                ("a request", "01 02 0004"),
                ("version 2", "02 05 000b 04 0004 00000001"),
                ("length too long", "01 05 000c 04 0004 00000001"),
                ("length too short", "01 05 000a 04 0004 00000001"),
                ("missing parameter", "01 0d 000b 04 0004 00000001"),
                ("wrong order", "01 0d 0012 05 0004 00000001 04 0004 00000001"),
                ("two counters", "01 05 0019 04 0004 00000001 0b 0004 00000001 0b 0004 00000001"),
                ("client ID of 3 bytes", "01 05 000a 04 0003 000001"),
                ("left over byte", "01 05 000c 04 0004 00000001 00"),
                ("past the end", "01 05 000b 04 0005 00000001")):
            with self.subTest(why), self.assertRaises(WireError):
                w.parse(octets(text))

    def test_numbers(self):
        self.assertEqual(w.read_numbers(octets("02 1000 2000"), 1, 2), [0x1000, 0x2000])
        for bad in ("00", "00 1000", "03 1000 2000", "01 10"):
            with self.subTest(bad), self.assertRaises(WireError):
                w.read_numbers(octets(bad), 1, 2)
        self.assertEqual(Par.SPI, 22)


if __name__ == "__main__":
    unittest.main()
