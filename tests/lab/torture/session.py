"""Sessions that outlive the gateway's process: how a host of RFC 3103 behaves when its gateway dies.

Over UDP the same bytes are sent until they are answered (10.1: the counter must not move before), so every request has
an answer in the end, and it has been carried out once. Over TCP the connection's end leaves a request in doubt: Lost.
"""
import contextlib
import time

from rsip_client import Silence, Tcp, Udp
from rsip_wire import Msg, counter, message

PATIENCE_S = 60


class Lost(Exception):
    """The request may have been carried out, or not."""


class PatientUdp(Udp):
    def ask(self, kind, *params):
        number, self.next = self.next, 1 if self.next == 0xffffffff else self.next + 1
        self.last = message(kind, *params, counter(number))
        wait, deadline = 0.025, time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                self.send(self.last)
                return self.answer_to(number, wait)
            except Silence:
                pass
            except ConnectionRefusedError:  # no rsipd at all: the kernel says so
                time.sleep(wait)
            wait = min(2 * wait, 0.2)
        raise Silence("%s is not answered for %d s" % (Msg(kind).name, PATIENCE_S))


class PatientTcp(Tcp):
    """Connects when it has something to say."""

    def __init__(self, host):
        self.told, self.number = [], 0  # as in Udp: what came unasked
        super().__init__(host)

    def answer_to(self, number):
        deadline = time.monotonic() + PATIENCE_S / 6
        while True:
            answer = self.receive(max(0.001, deadline - time.monotonic()))
            if answer.counter == number:
                return answer
            self.told.append(answer)

    def ask(self, kind, *params):
        self.number += 1
        try:
            self.send(message(kind, *params, counter(self.number)))
            return self.answer_to(self.number)
        except (OSError, EOFError, Silence) as why:
            raise Lost("%s: %s" % (Msg(kind).name, why)) from None


def connect(host, transport, client_id=None):
    """A session of that transport; waits for a gateway that is away."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError):
            session = PatientUdp(host) if transport == "udp" else PatientTcp(host)
            session.client_id = client_id
            return session
        if time.monotonic() > deadline:
            raise Silence("the gateway takes no connection for %d s" % PATIENCE_S)
        time.sleep(0.05)
