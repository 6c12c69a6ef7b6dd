"""RSIP messages as bytes: an independent reading of RFC 3103 and RFC 3104 for the tests.

Nothing here is shared with the C sources, so that two readings of the RFCs have to meet on the wire. Builders take
plain values and give bytes, malformed ones too when asked; parse() is strict: what a gateway may not send is a
WireError.
"""
import enum
import hashlib
import hmac
import ipaddress
import struct

PORT = 4555
VERSION = 1
VENDOR_ID = 32473  # RFC 5612: the default of the vendor extensions


class Msg(enum.IntEnum):
    """Message types: RFC 3103 appendix B, RFC 3104 appendix C."""
    ERROR_RESPONSE = 1
    REGISTER_REQUEST = 2
    REGISTER_RESPONSE = 3
    DE_REGISTER_REQUEST = 4
    DE_REGISTER_RESPONSE = 5
    ASSIGN_REQUEST_RSA_IP = 6
    ASSIGN_RESPONSE_RSA_IP = 7
    ASSIGN_REQUEST_RSAP_IP = 8
    ASSIGN_RESPONSE_RSAP_IP = 9
    EXTEND_REQUEST = 10
    EXTEND_RESPONSE = 11
    FREE_REQUEST = 12
    FREE_RESPONSE = 13
    QUERY_REQUEST = 14
    QUERY_RESPONSE = 15
    LISTEN_REQUEST = 16
    LISTEN_RESPONSE = 17
    ASSIGN_REQUEST_RSIPSEC = 22
    ASSIGN_RESPONSE_RSIPSEC = 23


class Par(enum.IntEnum):
    """Parameter types: RFC 3103 8, RFC 3104 6.2."""
    ADDRESS = 1
    PORTS = 2
    LEASE_TIME = 3
    CLIENT_ID = 4
    BIND_ID = 5
    TUNNEL_TYPE = 6
    RSIP_METHOD = 7
    ERROR = 8
    FLOW_POLICY = 9
    INDICATOR = 10
    MESSAGE_COUNTER = 11
    VENDOR = 12
    SPI = 22


class Err(enum.IntEnum):
    """Errors: RFC 3103 appendix A, RFC 3104 appendix B."""
    UNKNOWN_ERROR = 101
    USE_TCP = 102
    FLOW_POLICY_VIOLATION = 103
    INTERNAL_SERVER_ERROR = 104
    MESSAGE_COUNTER_REQUIRED = 105
    UNSUPPORTED_RSIP_VERSION = 106
    MISSING_PARAM = 201
    DUPLICATE_PARAM = 202
    EXTRA_PARAM = 203
    ILLEGAL_PARAM = 204
    BAD_PARAM = 205
    ILLEGAL_MESSAGE = 206
    BAD_MESSAGE = 207
    UNSUPPORTED_MESSAGE = 208
    REGISTER_FIRST = 301
    ALREADY_REGISTERED = 302
    ALREADY_UNREGISTERED = 303
    REGISTRATION_DENIED = 304
    BAD_CLIENT_ID = 305
    BAD_BIND_ID = 306
    BAD_TUNNEL_TYPE = 307
    LOCAL_ADDR_UNAVAILABLE = 308
    LOCAL_ADDRPORT_UNAVAILABLE = 309
    LOCAL_ADDR_INUSE = 310
    LOCAL_ADDRPORT_INUSE = 311
    LOCAL_ADDR_UNALLOWED = 312
    LOCAL_ADDRPORT_UNALLOWED = 313
    REMOTE_ADDR_UNALLOWED = 314
    REMOTE_ADDRPORT_UNALLOWED = 315
    IPSEC_UNALLOWED = 401
    IPSEC_SPI_UNAVAILABLE = 402
    IPSEC_SPI_INUSE = 403


IP_IP, GRE, L2TP = 1, 2, 3                       # tunnel types, RFC 3103 8.6
RSA_IP, RSAP_IP, RSIPSEC = 1, 2, 3               # methods, RFC 3103 8.7 and 3104 6
MACRO, MICRO, NONE = 1, 2, 3                     # flow policies, RFC 3103 8.9
COOKIE_BLOCK, AUTHENTICATION, HOSTNAME, IKE_LISTENER, MOVE, ERROR_TEXT = range(1, 7)  # vendor subtypes


class WireError(Exception):
    """A gateway sent what the RFCs do not let it send."""


# ---- building -------------------------------------------------------------------------------------------------

def param(kind, value=b"", length=None):
    """One parameter; length lies when given."""
    return struct.pack("!BH", kind, len(value) if length is None else length) + value


def message(kind, *params, version=VERSION, length=None):
    """One message; the overall length counts the four bytes of the header (RFC 3103 9)."""
    body = b"".join(params)
    return struct.pack("!BBH", version, kind, 4 + len(body) if length is None else length) + body


def address(text=None):
    """An IPv4 address; without one, "don't care": length 1 and no address (8.1)."""
    return param(Par.ADDRESS, b"\x01" + (ipaddress.IPv4Address(text).packed if text else b""))


def netmask(text):
    return param(Par.ADDRESS, b"\x02" + ipaddress.IPv4Address(text).packed)


def address6(text):
    return param(Par.ADDRESS, b"\x03" + ipaddress.IPv6Address(text).packed)


def fqdn(name):
    return param(Par.ADDRESS, b"\x04" + name.encode("ascii"))


def ports(number=1, *first):
    """`number` ports: none named is "don't care" (length 1), one named is the first of a range, else each (8.2)."""
    return param(Par.PORTS, struct.pack("!B%dH" % len(first), number, *first))


def no_ports():
    """The "don't need" of RFC 3104 6.2: length 0."""
    return param(Par.PORTS)


def spi(number=1, *first):
    """As ports(), but the number has two bytes (RFC 3104 6.2)."""
    return param(Par.SPI, struct.pack("!H%dI" % len(first), number, *first))


def lease_time(seconds):
    return param(Par.LEASE_TIME, struct.pack("!I", seconds))


def client_id(value):
    return param(Par.CLIENT_ID, struct.pack("!I", value))


def bind_id(value):
    return param(Par.BIND_ID, struct.pack("!I", value))


def tunnel_type(value):
    return param(Par.TUNNEL_TYPE, bytes([value]))


def rsip_method(value):
    return param(Par.RSIP_METHOD, bytes([value]))


def error(value):
    return param(Par.ERROR, struct.pack("!H", value))


def flow_policy(local, remote):
    return param(Par.FLOW_POLICY, bytes([local, remote]))


def indicator(value):
    """Two bytes, the value in the low one (8.10 against 9.14.1)."""
    return param(Par.INDICATOR, struct.pack("!H", value))


def counter(value):
    return param(Par.MESSAGE_COUNTER, struct.pack("!I", value))


def vendor(subtype, value=b"", vendor_id=VENDOR_ID):
    return param(Par.VENDOR, struct.pack("!HH", vendor_id, subtype) + value)


def cookie_block(value, mask):
    return vendor(COOKIE_BLOCK, struct.pack("!QQ", value, mask))


def move():
    return vendor(MOVE)


# ---- authentication: extension 2, as rsipd(8) describes it ------------------------------------------------------

REQUEST, RESPONSE, NOTICE = 1, 2, 3


def mac(key, kind, host, gateway, request_mac, raw):
    """Of a message that ends with its MAC, whatever that is now."""
    scope = (b"RSIP-MAC" + bytes([kind, 0, 0, 0]) + ipaddress.IPv4Address(host).packed
             + ipaddress.IPv4Address(gateway).packed + (request_mac or bytes(16)))
    return hmac.new(key, scope + raw[:-16] + bytes(16), hashlib.sha256).digest()[:16]


def sign(raw, key, identity, number, host, gateway, kind=REQUEST, request_mac=None):
    """The message with the authentication as its last parameter."""
    name = identity.encode("ascii")
    raw += vendor(AUTHENTICATION, bytes([1, len(name)]) + name + struct.pack("!Q", number) + bytes(16))
    raw = raw[:2] + struct.pack("!H", len(raw)) + raw[4:]
    return raw[:-16] + mac(key, kind, host, gateway, request_mac, raw)


def signed_as(answer):
    """(identity, counter) of what a message says to be; None where it is not authenticated."""
    value = answer.vendor(AUTHENTICATION)
    if value is None:
        return None
    if answer.params[-1][0] != Par.VENDOR or value[0] != 1 or len(value) != 26 + value[1]:
        raise WireError("malformed authentication")
    return value[2:2 + value[1]].decode("ascii"), struct.unpack_from("!Q", value, 2 + value[1])[0]


def holds(answer, key, host, gateway, kind=RESPONSE, request_mac=None):
    """Whether the message was made with the key, for this way."""
    return signed_as(answer) is not None and hmac.compare_digest(
        answer.raw[-16:], mac(key, kind, host, gateway, request_mac, answer.raw))


# ---- parsing --------------------------------------------------------------------------------------------------

# What a gateway sends (RFC 3103 9, RFC 3104 6.2): the required parameters in their order, then how often each of the
# optional ones may follow. A vendor parameter may follow anywhere (8.12).
MANY = 1 << 16
P = Par
RESPONSES = {
    Msg.ERROR_RESPONSE: ((P.ERROR,), {P.MESSAGE_COUNTER: 1, P.CLIENT_ID: 1, P.BIND_ID: 1}),
    Msg.REGISTER_RESPONSE: ((P.CLIENT_ID, P.LEASE_TIME, P.FLOW_POLICY),
                            {P.MESSAGE_COUNTER: 1, P.RSIP_METHOD: MANY, P.TUNNEL_TYPE: MANY}),
    Msg.DE_REGISTER_RESPONSE: ((P.CLIENT_ID,), {P.MESSAGE_COUNTER: 1}),
    Msg.ASSIGN_RESPONSE_RSA_IP: ((P.CLIENT_ID, P.BIND_ID, P.ADDRESS, P.ADDRESS, P.PORTS, P.LEASE_TIME, P.TUNNEL_TYPE),
                                 {P.ADDRESS: 1, P.MESSAGE_COUNTER: 1}),
    Msg.ASSIGN_RESPONSE_RSAP_IP: ((P.CLIENT_ID, P.BIND_ID, P.ADDRESS, P.PORTS, P.ADDRESS, P.PORTS, P.LEASE_TIME,
                                   P.TUNNEL_TYPE), {P.ADDRESS: 1, P.MESSAGE_COUNTER: 1}),
    Msg.EXTEND_RESPONSE: ((P.CLIENT_ID, P.BIND_ID, P.LEASE_TIME), {P.MESSAGE_COUNTER: 1}),
    Msg.FREE_RESPONSE: ((P.CLIENT_ID, P.BIND_ID), {P.MESSAGE_COUNTER: 1}),
    Msg.QUERY_RESPONSE: ((P.CLIENT_ID,), {P.MESSAGE_COUNTER: 1, P.INDICATOR: MANY, P.ADDRESS: MANY}),
    Msg.LISTEN_RESPONSE: ((P.CLIENT_ID, P.BIND_ID, P.ADDRESS, P.PORTS, P.ADDRESS, P.PORTS, P.TUNNEL_TYPE,
                           P.LEASE_TIME), {P.ADDRESS: 1, P.MESSAGE_COUNTER: 1}),
    Msg.ASSIGN_RESPONSE_RSIPSEC: ((P.CLIENT_ID, P.BIND_ID, P.ADDRESS, P.PORTS, P.ADDRESS, P.PORTS, P.SPI,
                                   P.LEASE_TIME, P.TUNNEL_TYPE), {P.ADDRESS: 1, P.MESSAGE_COUNTER: 1}),
}


class Message:
    """A parsed response. raw is all of its bytes; params the (type, value) pairs in the order of the wire."""

    def __init__(self, raw, kind, params):
        self.raw, self.kind, self.params = raw, kind, params

    def values(self, kind):
        return [value for have, value in self.params if have == kind]

    def _number(self, kind):
        values = self.values(kind)
        return int.from_bytes(values[0], "big") if values else None

    client_id = property(lambda self: self._number(Par.CLIENT_ID))
    bind_id = property(lambda self: self._number(Par.BIND_ID))
    error = property(lambda self: self._number(Par.ERROR))
    lease = property(lambda self: self._number(Par.LEASE_TIME))
    tunnel = property(lambda self: self._number(Par.TUNNEL_TYPE))
    counter = property(lambda self: self._number(Par.MESSAGE_COUNTER))
    flow = property(lambda self: tuple(self.values(Par.FLOW_POLICY)[0]))
    methods = property(lambda self: [value[0] for value in self.values(Par.RSIP_METHOD)])
    tunnels = property(lambda self: [value[0] for value in self.values(Par.TUNNEL_TYPE)])
    addresses = property(lambda self: [read_address(value) for value in self.values(Par.ADDRESS)])
    port_lists = property(lambda self: [read_numbers(value, 1, 2) for value in self.values(Par.PORTS)])
    spis = property(lambda self: read_numbers(self.values(Par.SPI)[0], 2, 4))

    def vendor(self, subtype):
        """The value of our vendor parameter of this subtype, or None."""
        head = struct.pack("!HH", VENDOR_ID, subtype)
        return next((value[4:] for value in self.values(Par.VENDOR) if value[:4] == head), None)

    def __str__(self):
        what = Msg(self.kind).name
        if self.error is not None:
            name = Err(self.error).name if self.error in list(Err) else "?"
            text = self.vendor(ERROR_TEXT)
            what += " %d %s%s" % (self.error, name, " (%s)" % text.decode() if text else "")
        return "%s [%s]" % (what, self.raw.hex(" "))


def read_address(value):
    """None for "don't care", else the text of the address; FQDNs as they are."""
    kind, rest = value[0], value[1:]
    if not rest:
        return None
    if kind in (1, 2) and len(rest) == 4:
        return str(ipaddress.IPv4Address(rest))
    if kind == 3 and len(rest) == 16:
        return str(ipaddress.IPv6Address(rest))
    if kind == 4:
        return rest.decode("ascii")
    raise WireError("address of type %d with %d bytes" % (kind, len(rest)))


def read_numbers(value, count_size, size):
    """Ports or SPIs: None for "don't need", an int for so many "don't care", else the list of numbers."""
    if not value:
        return None
    count, rest = int.from_bytes(value[:count_size], "big"), value[count_size:]
    if len(value) < count_size or len(rest) % size:
        raise WireError("numbers parameter of %d bytes" % len(value))
    fields = [int.from_bytes(rest[at:at + size], "big") for at in range(0, len(rest), size)]
    if not count:
        raise WireError("number field is 0")
    if not fields:
        return count
    if len(fields) == 1:
        return list(range(fields[0], fields[0] + count))
    if len(fields) != count:
        raise WireError("%d numbers in %d fields" % (count, len(fields)))
    return fields


def split_params(body):
    params, at = [], 0
    while at < len(body):
        if len(body) - at < 3:
            raise WireError("%d bytes left over" % (len(body) - at))
        kind, length = struct.unpack_from("!BH", body, at)
        at += 3
        if length > len(body) - at:
            raise WireError("parameter %d runs past the message" % kind)
        params.append((kind, body[at:at + length]))
        at += length
    return params


SIZES = {P.LEASE_TIME: 4, P.CLIENT_ID: 4, P.BIND_ID: 4, P.TUNNEL_TYPE: 1, P.RSIP_METHOD: 1, P.ERROR: 2,
         P.FLOW_POLICY: 2, P.INDICATOR: 2, P.MESSAGE_COUNTER: 4}


def check_value(kind, value):
    if kind in SIZES and len(value) != SIZES[kind]:
        raise WireError("parameter %s has %d bytes" % (Par(kind).name, len(value)))
    if kind == Par.ADDRESS:
        if not value:
            raise WireError("address without its type")
        read_address(value)
    elif kind == Par.PORTS:
        read_numbers(value, 1, 2)
    elif kind == Par.SPI and read_numbers(value, 2, 4) is None:
        raise WireError("SPI parameter of length 0")
    elif kind == Par.VENDOR and len(value) < 4:
        raise WireError("vendor parameter of %d bytes" % len(value))


def parse(raw):
    """One whole response, checked against the grammar. Raises WireError."""
    if len(raw) < 4:
        raise WireError("%d bytes are no message" % len(raw))
    version, kind, length = struct.unpack_from("!BBH", raw)
    if version != VERSION or length != len(raw) or kind not in RESPONSES:
        raise WireError("version %d, type %d, length %d of %d" % (version, kind, length, len(raw)))
    params = split_params(raw[4:])
    for have, value in params:
        check_value(have, value)
    required, optional = RESPONSES[kind]
    plain = [have for have, _ in params if have != Par.VENDOR]
    if tuple(plain[:len(required)]) != required:
        raise WireError("%s: parameters %s are not the required ones" % (Msg(kind).name, plain))
    for have in plain[len(required):]:
        if plain[len(required):].count(have) > optional.get(have, 0):
            raise WireError("%s: too many parameters %d" % (Msg(kind).name, have))
    return Message(raw, Msg(kind), params)


def query_tuples(answer):
    """The tuples of a QUERY_RESPONSE: [(indicator, address) or (indicator, network, netmask)] (9.15.2)."""
    rest = [(kind, value) for kind, value in answer.params[1:] if kind in (Par.INDICATOR, Par.ADDRESS)]
    tuples = []
    while rest:
        kind, value = rest.pop(0)
        number = int.from_bytes(value, "big")
        if kind != Par.INDICATOR or number not in (1, 2, 3, 4):
            raise WireError("a tuple begins with parameter %d" % kind)
        want = 2 if number in (2, 4) else 1
        have, rest = rest[:want], rest[want:]
        if [kind for kind, _ in have] != [Par.ADDRESS] * want:
            raise WireError("tuple of indicator %d is not whole" % number)
        if want == 2 and (have[0][1][0], have[1][1][0]) not in ((1, 2), (3, 2)):
            raise WireError("a network is an address and a netmask")
        tuples.append((number, *(read_address(value) for _, value in have)))
    return tuples
