"""A host that registers, leases, extends, frees and leaves at random, and remembers exactly what it was told.

What it may rely on at a time t: of each lease the interval [low, high] in which it ends. low is the moment when the
request was first sent, plus the granted time; high the moment of the answer, plus that time. Before low the gateway
must have the lease, after high it must not; between them either is right.
"""
import random
import threading
import time

from rsip_client import Host
from rsip_wire import Err, Msg, lease_time, no_ports, ports, spi
from torture.session import Lost, connect

MAX_LEASES = 6
LINGERS_S = 4  # a gateway that has restarted ends a lease a second later at most, and then is slow
LEASE_TIMES = (6, 12, 60, 600, 600, 600)  # some run out while the gateway is away
LAWFUL = {  # what a gateway may say to a host that does nothing wrong
    Msg.ASSIGN_REQUEST_RSAP_IP: (Err.LOCAL_ADDRPORT_UNAVAILABLE, Err.LOCAL_ADDR_UNAVAILABLE),
    Msg.ASSIGN_REQUEST_RSA_IP: (Err.LOCAL_ADDR_UNAVAILABLE,),
    Msg.ASSIGN_REQUEST_RSIPSEC: (Err.IPSEC_SPI_UNAVAILABLE,),
}


class Lease:
    """What one binding was said to be."""

    def __init__(self, bind_id, method, address, port_list, spis, low, high):
        self.bind_id, self.method, self.address = bind_id, method, address
        self.ports, self.spis = tuple(port_list or ()), tuple(spis or ())
        self.low, self.high = low, high

    def shape(self):
        return self.method, len(self.ports), len(self.spis)

    def tuples(self):
        """All that is this host's alone."""
        if self.method == "rsa-ip":
            return {(self.address,)}
        return {(self.address, "port", n) for n in self.ports} | {(self.address, "spi", n) for n in self.spis}

    def __str__(self):
        return "binding %d %s %s ports %s SPIs %s" % (self.bind_id, self.method, self.address, list(self.ports),
                                                     ["%#x" % n for n in self.spis])


class Wrong(Exception):
    """The gateway broke its word."""


class Doubt:
    """A request over TCP whose answer never came: what the gateway may have done."""

    def __init__(self, kind, lease, seconds, sent, shape=None):
        self.kind, self.lease, self.seconds, self.sent, self.shape = kind, lease, seconds, sent, shape


class TorturedHost(threading.Thread):
    def __init__(self, netns, source, transport, seed, journal, gate):
        super().__init__(daemon=True, name=source)
        self.rng = random.Random(seed)
        self.transport, self.journal, self.gate = transport, journal, gate
        self.host = Host(netns, source, rate=100000)
        self.source, self.session, self.client_id = source, None, None
        self.leases, self.doubt, self.fault = {}, None, None
        self.ever, self.answers = set(), 0  # bind IDs, of all that it was ever granted

    # --- the thread ---

    def run(self):
        try:
            while self.gate.enter(self):
                self.step()
        except Exception as why:
            self.fault = "%s: %s: %s" % (self.source, type(why).__name__, why)
            self.journal.note(self.source, "fault", why=self.fault)
        finally:
            self.gate.leave(self)

    def step(self):
        if self.doubt:  # the audit settles it
            self.gate.wait_for_audit(self)
            return
        try:
            if self.session is None:
                self.session = connect(self.host, self.transport, self.client_id)
            self.act()
        except Lost as why:
            self.journal.note(self.source, "lost", why=str(why))
            self.session.close()
            self.session = None

    def act(self):
        self.heard()
        self.forget_expired()
        if self.client_id is None:
            return self.register()
        choice = self.rng.random()
        if choice < 0.02:
            return self.de_register()
        if choice < 0.55 and len(self.leases) < MAX_LEASES or not self.leases:
            return self.assign()
        lease = self.leases[self.rng.choice(sorted(self.leases))]
        return self.extend(lease) if choice < 0.8 else self.free(lease)

    # --- requests ---

    def ask(self, doubt, call, *args):
        """The answer, and when the request was first sent. Over TCP a lost one stays in doubt."""
        sent = time.monotonic()
        if self.transport == "tcp":
            doubt.sent, self.doubt = sent, doubt
        self.journal.note(self.source, "ask", kind=doubt.kind.name,
                          bind_id=doubt.lease.bind_id if doubt.lease else None, seconds=doubt.seconds)
        answer = call(*args)
        self.doubt = None
        self.answers += 1
        self.journal.note(self.source, "told", kind=answer.kind.name, error=answer.error, client_id=answer.client_id,
                          bind_id=answer.bind_id, lease=answer.lease)
        return answer, sent

    def register(self):
        answer, _ = self.ask(Doubt(Msg.REGISTER_REQUEST, None, None, 0), self.session.register)
        if answer.kind == Msg.REGISTER_RESPONSE:
            self.client_id = self.session.client_id = answer.client_id
        else:
            raise Wrong("not registered: %s" % answer)

    def de_register(self):
        answer, _ = self.ask(Doubt(Msg.DE_REGISTER_REQUEST, None, None, 0), self.session.de_register, self.client_id)
        # A gateway that was killed before it could answer does not remember whom it let go.
        if answer.kind != Msg.DE_REGISTER_RESPONSE and answer.error != Err.REGISTER_FIRST:
            raise Wrong("de-registration: %s" % answer)
        self.client_id, self.leases = None, {}

    def assign(self):
        seconds = self.rng.choice(LEASE_TIMES)
        kind = self.rng.choice(("rsap-ip", "rsap-ip", "rsipsec", "rsa-ip"))
        count = self.rng.choice((1, 2, 4, 16))
        extra = lease_time(seconds)
        if kind == "rsap-ip":
            doubt = Doubt(Msg.ASSIGN_REQUEST_RSAP_IP, None, seconds, 0, (kind, count, 0))
            args = (self.session.rsap, None, ports(count), None, ports(), extra)
        elif kind == "rsipsec":
            doubt = Doubt(Msg.ASSIGN_REQUEST_RSIPSEC, None, seconds, 0, (kind, 0, count))
            args = (self.session.rsipsec, None, no_ports(), None, no_ports(), spi(count), extra)
        else:
            doubt = Doubt(Msg.ASSIGN_REQUEST_RSA_IP, None, seconds, 0, (kind, 0, 0))
            args = (self.session.rsa, None, None, ports(), extra)
        answer, sent = self.ask(doubt, *args)
        if answer.kind == Msg.ERROR_RESPONSE:
            if answer.error not in LAWFUL[doubt.kind]:
                raise Wrong("%s refused: %s" % (doubt.kind.name, answer))
            return
        self.granted(kind, answer, sent, doubt)

    def granted(self, kind, answer, sent, doubt):
        lease = Lease(answer.bind_id, kind, answer.addresses[0], answer.port_lists[0] if kind == "rsap-ip" else (),
                      answer.spis if kind == "rsipsec" else (), sent + answer.lease, time.monotonic() + answer.lease)
        if lease.shape() != doubt.shape or answer.lease != doubt.seconds:
            raise Wrong("asked for %s of %d s, got %s of %s s" % (doubt.shape, doubt.seconds, lease, answer.lease))
        if lease.bind_id in self.leases:
            raise Wrong("bind ID %d a second time" % lease.bind_id)
        self.leases[lease.bind_id] = lease
        self.ever.add(lease.bind_id)

    def heard(self):
        """What came unasked: only leases whose time is over may be taken."""
        while self.session and self.session.told:
            news = self.session.told.pop(0)
            lease = self.leases.get(news.bind_id)
            if news.kind != Msg.FREE_RESPONSE or (lease and time.monotonic() < lease.low):
                raise Wrong("unasked, with %s: %s" % (lease or "no such lease", news))

    def over(self, lease, answer):
        """Whether the gateway says that a lease is gone, and may."""
        if answer.kind != Msg.ERROR_RESPONSE:
            return False
        if answer.error != Err.BAD_BIND_ID or time.monotonic() < lease.low:
            raise Wrong("%s, good for %.1f s more, is denied: %s" % (lease, lease.low - time.monotonic(), answer))
        self.leases.pop(lease.bind_id, None)
        return True

    def extend(self, lease):
        seconds = self.rng.choice(LEASE_TIMES)
        answer, sent = self.ask(Doubt(Msg.EXTEND_REQUEST, lease, seconds, 0), self.session.extend, lease.bind_id,
                                seconds)
        if self.over(lease, answer):
            return
        lease.low, lease.high = sent + answer.lease, time.monotonic() + answer.lease

    def free(self, lease):
        answer, _ = self.ask(Doubt(Msg.FREE_REQUEST, lease, None, 0), self.session.free, lease.bind_id)
        if not self.over(lease, answer):
            del self.leases[lease.bind_id]

    def forget_expired(self):
        """Those that may have run out are let go of; the audit knows that they may still be there."""
        now = time.monotonic()
        for lease in [lease for lease in self.leases.values() if lease.high + LINGERS_S < now]:
            del self.leases[lease.bind_id]
