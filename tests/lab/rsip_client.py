"""An RSIP host over TCP or UDP, for the tests: sends what it is told, well formed or not, and reads what comes back.

A Host is a source address in a network namespace; its sockets are made in there. A session (Tcp, Udp) is one socket
with its message counter. Every answer is parsed strictly and must carry the counter of its request.
"""
import contextlib
import ctypes
import os
import socket
import struct
import time

from rsip_wire import (Msg, PORT, WireError, address, bind_id, client_id, counter, lease_time, message, no_ports, parse,
                       ports, spi)

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def namespace(name):
    """Everything opened inside belongs to the network namespace `name`. (os.setns came with Python 3.12.)"""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + name, os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns " + name)
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


class Silence(Exception):
    """No answer in time."""


class Host:
    """Requests of one host are paced to stay under the `rate` of its policy."""

    def __init__(self, netns, source, gateway="10.0.0.1", rate=40):
        self.netns, self.source, self.gateway = netns, source, gateway
        self.interval, self.next_at = 1 / rate, 0
        self.sessions = []

    def pace(self):
        now = time.monotonic()
        time.sleep(max(0, self.next_at - now))
        self.next_at = max(now, self.next_at) + self.interval

    def socket(self, kind, proto=0):
        with namespace(self.netns):
            sock = socket.socket(socket.AF_INET, kind, proto)
        if kind != socket.SOCK_RAW:
            sock.bind((self.source, 0))
        return sock

    def tcp(self):
        self.sessions.append(Tcp(self))
        return self.sessions[-1]

    def udp(self, first=1):
        self.sessions.append(Udp(self, first))
        return self.sessions[-1]

    def close(self):
        """De-registers what a session still knows to be registered, and closes all."""
        for session in self.sessions:
            with contextlib.suppress(OSError, Silence, WireError):
                if session.client_id:
                    session.de_register()
        for session in self.sessions:
            session.close()
        self.sessions = []


class Session:
    """What TCP and UDP have in common. client_id is what REGISTER_RESPONSE said, until de-registered."""
    default_timeout = 10.0  # for what must come: a machine may be slow

    def __init__(self, host):
        self.host, self.client_id, self.flow, self.registered = host, None, None, None

    def register(self, *params):
        answer = self.ask(Msg.REGISTER_REQUEST, *params)
        if answer.kind == Msg.REGISTER_RESPONSE:
            self.client_id, self.flow = answer.client_id, answer.flow
        return answer

    def de_register(self, number=None, *params):
        answer = self.ask(Msg.DE_REGISTER_REQUEST, client_id(self.client_id if number is None else number), *params)
        if answer.kind == Msg.DE_REGISTER_RESPONSE:
            self.client_id = None
        return answer

    def own(self, kind, *params):
        """A request that begins with this session's client ID."""
        return self.ask(kind, client_id(self.client_id), *params)

    def rsa(self, local=None, remote=None, remote_ports=ports(), *rest):
        return self.own(Msg.ASSIGN_REQUEST_RSA_IP, address(local), address(remote), remote_ports, *rest)

    def rsap(self, local=None, local_ports=ports(4), remote=None, remote_ports=ports(), *rest):
        return self.own(Msg.ASSIGN_REQUEST_RSAP_IP, address(local), local_ports, address(remote), remote_ports, *rest)

    def listen(self, local=None, local_ports=ports(), remote=None, remote_ports=ports(), *rest):
        return self.own(Msg.LISTEN_REQUEST, address(local), local_ports, address(remote), remote_ports, *rest)

    def rsipsec(self, local=None, local_ports=no_ports(), remote=None, remote_ports=no_ports(), spis=spi(1), *rest):
        return self.own(Msg.ASSIGN_REQUEST_RSIPSEC, address(local), local_ports, address(remote), remote_ports, spis,
                        *rest)

    def extend(self, binding, seconds=None):
        return self.own(Msg.EXTEND_REQUEST, bind_id(binding), *([lease_time(seconds)] if seconds is not None else []))

    def free(self, binding):
        return self.own(Msg.FREE_REQUEST, bind_id(binding))

    def query(self, *params):
        return self.own(Msg.QUERY_REQUEST, *params)

    def close(self):
        self.sock.close()


class Tcp(Session):
    """Messages back to back on one connection; a counter only where the caller gives one."""

    def __init__(self, host):
        super().__init__(host)
        self.sock = host.socket(socket.SOCK_STREAM)
        self.sock.settimeout(self.default_timeout)
        self.sock.connect((host.gateway, PORT))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, raw):
        self.sock.sendall(raw)

    def take(self, size, deadline):
        data = b""
        while len(data) < size:
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                more = self.sock.recv(size - len(data))
            except TimeoutError:
                raise Silence("%d of %d bytes on TCP" % (len(data), size)) from None
            if not more:
                raise EOFError("the gateway closed the connection")
            data += more
        return data

    def receive(self, timeout=None):
        """The next message on the connection."""
        deadline = time.monotonic() + (self.default_timeout if timeout is None else timeout)
        head = self.take(4, deadline)
        return parse(head + self.take(struct.unpack("!H", head[2:])[0] - 4, deadline))

    def ask_raw(self, raw, timeout=None):
        self.host.pace()
        self.send(raw)
        return self.receive(timeout)

    def ask(self, kind, *params):
        return self.ask_raw(message(kind, *params))


class Udp(Session):
    """Retransmits after a second, doubled: much later than RFC 3103 5 recommends, as a request that is sent again while a
    busy gateway is at it has two answers, and the second would be taken for that to something else. Asynchronous messages
    (counter 0) that arrive meanwhile wait in `told`."""

    def __init__(self, host, first=1):
        super().__init__(host)
        self.sock = host.socket(socket.SOCK_DGRAM)
        self.sock.connect((host.gateway, PORT))
        self.next, self.last, self.told = first, None, []

    def send(self, raw):
        self.sock.send(raw)

    def receive(self, timeout=None):
        """The next datagram, whatever it is."""
        self.sock.settimeout(self.default_timeout if timeout is None else timeout)
        try:
            return parse(self.sock.recv(65535))
        except TimeoutError:
            raise Silence("no datagram") from None

    def answer_to(self, number, timeout):
        deadline = time.monotonic() + timeout
        while True:
            answer = self.receive(max(0.001, deadline - time.monotonic()))
            if answer.counter == 0 and number:
                self.told.append(answer)
            elif answer.counter == number:
                return answer

    def ask_raw(self, raw, timeout=None):
        """Sends once and gives the next datagram."""
        self.host.pace()
        self.send(raw)
        return self.receive(timeout)

    def ask(self, kind, *params):
        number = self.next
        self.next = 1 if number == 0xffffffff else number + 1  # RFC 3103 10.1: wraps to 1, not 0
        self.host.pace()
        self.last = message(kind, *params, counter(number))
        for wait in (1, 2, 4, self.default_timeout):
            self.send(self.last)
            with contextlib.suppress(Silence):
                return self.answer_to(number, wait)
        raise Silence("no answer to message counter %d after four attempts" % number)
