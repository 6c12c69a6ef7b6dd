"""What the checks stand on: the list of them, the hosts and the gateway of the lab, and the assertions they share."""
import contextlib
import ipaddress
import json
import os
import signal
import subprocess
import time

from ip_packet import IPIP
from rsip_client import Host
from rsip_wire import ERROR_TEXT, Err, Msg, WireError
from tunnel import Peer, Tunnel

PATIENCE_S = 40  # a slow machine; all of it takes a fraction of a second
CHECKS = []  # (title, function), in the order of definition


def check(title):
    """Registers a check: a function of the Lab that raises when the gateway does not do what the title says."""
    def register(function):
        CHECKS.append((title, function))
        return function
    return register


class Broken(AssertionError):
    """What was seen instead."""


def expect(truth, why):
    if not truth:
        raise Broken(why)


def expect_kind(answer, kind):
    expect(answer.kind == kind, "expected %s, got %s" % (kind.name, answer))
    return answer


def expect_error(answer, *errors, client_id=None, bind_id=None):
    """An ERROR_RESPONSE with one of the errors, with the client and bind ID it is about (RFC 3103 9.1.1), and with a
    reason for a person (our extension 6)."""
    expect(answer.kind == Msg.ERROR_RESPONSE and answer.error in errors,
           "expected error %s, got %s" % (" or ".join("%d %s" % (e, Err(e).name) for e in errors), answer))
    expect(answer.vendor(ERROR_TEXT), "the error has no text: %s" % answer)
    if client_id is not None:
        expect(answer.client_id == client_id, "the error is not about client ID %#x: %s" % (client_id, answer))
    if bind_id is not None:
        expect(answer.bind_id == bind_id, "the error is not about bind ID %d: %s" % (bind_id, answer))
    return answer


def expect_raw(answer, raw):
    expect(answer.raw == raw, "expected %s, got %s" % (raw.hex(" "), answer))
    return answer


def expect_equal(what, have, want):
    expect(have == want, "%s: expected %r, got %r" % (what, want, have))


def within(address, first, last):
    low, high, at = (int(ipaddress.IPv4Address(text)) for text in (first, last, address))
    return low <= at <= high


def aligned_block(numbers):
    """A contiguous block at a multiple of its size: what an IPsec mask can describe."""
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] % len(numbers) == 0


class Gateway:
    """rsipd and rsipctl in the mount and network namespaces of box n (daemons.sh)."""

    def __init__(self, box, builddir, log):
        self.enter = ["nsenter", "-t", box, "-m", "-n", "-r", "-w", "--"]
        self.rsipd, self.rsipctl = (os.path.join(builddir, name, name) for name in ("rsipd", "rsipctl"))
        self.log, self.process, self.conf = log, None, None

    def run(self, *command):
        return subprocess.run(self.enter + list(command), capture_output=True, text=True, timeout=PATIENCE_S)

    def start(self, conf=None):
        self.conf = conf or self.conf
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.enter + [self.rsipd, "-f", "-c", self.conf], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE_S
        while self.run(self.rsipctl, "-s", "/run/rsip/rsipd.sock", "status").returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Broken("rsipd does not come up; see " + self.log)
            time.sleep(0.05)

    def children(self):
        """{name of the process: pid} of what the monitor runs."""
        lines = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True,
                               text=True).stdout.splitlines()
        return {line.split(None, 1)[1]: int(line.split(None, 1)[0]) for line in lines}

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE_S)

    def kill(self):
        """Everything at one instant: stopped first, as a worker that sees its monitor go would end in good order."""
        pids = [self.process.pid, *self.children().values()]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.process.wait(PATIENCE_S)

    def forget(self):
        self.run("sh", "-c", "rm -rf /var/lib/rsip")

    def ctl(self, *words):
        """rsipctl -j WORDS, as a value."""
        done = self.run(self.rsipctl, "-s", "/run/rsip/rsipd.sock", "-j", *words)
        expect(done.returncode == 0, "rsipctl %s: exit %d: %s" % (words, done.returncode, done.stderr))
        return json.loads(done.stdout)

    def bindings(self, host=None):
        return [b for b in self.ctl("bindings") if host is None or b["host"] == host]


def mac(netns, device):
    """The hardware address of a device, as six bytes."""
    text = subprocess.run(["ip", "-n", netns, "-j", "link", "show", device], capture_output=True, text=True, check=True)
    return bytes.fromhex(json.loads(text.stdout)[0]["address"].replace(":", ""))


class Lab:
    """hosts: {name: (node, address)}, peers: {name: address}. Each check sees fresh Host objects as attributes; a
    Peer is made when a check first asks for it, a tunnel by lab.tunnel(host)."""

    def __init__(self, prefix, hosts, peers, gateway):
        self.prefix, self.gateway, self.peers, self.ends = prefix, gateway, peers, []
        self.hosts = {name: (prefix + "-" + node, source) for name, (node, source) in hosts.items()}

    def __enter__(self):
        for name, (netns, source) in self.hosts.items():
            setattr(self, name, Host(netns, source))
        return self

    def __getattr__(self, name):
        if name not in self.__dict__.get("peers", {}):
            raise AttributeError(name)
        public = self.prefix + "-y"
        end = Peer(public, self.peers[name], mac(public, "eth0"), mac(self.prefix + "-n", "wan0"))
        setattr(self, name, end)
        self.ends.append(end)
        return end

    def tunnel(self, host, proto=IPIP):
        self.ends.append(Tunnel(host, proto))
        return self.ends[-1]

    def leave(self):
        """Every host leaves, also those that a check lost track of."""
        for name in self.hosts:
            getattr(self, name).close()
        known = {host.source: host for host in (getattr(self, name) for name in self.hosts)}
        with contextlib.suppress(Broken, OSError, EOFError):
            for left in self.gateway.ctl("hosts"):
                host = known[left["address"]]
                session = host.tcp() if left["transport"] == "tcp" else host.udp()
                session.de_register(int(str(left["client_id"]), 0))
                host.close()

    def __exit__(self, *_):
        self.leave()
        for end in self.ends:
            end.close()
        for name in self.peers:
            self.__dict__.pop(name, None)
        self.ends = []


def run(lab, chosen):
    """Runs the checks registered so far; prints a verdict line each. Returns how many failed, and empties the list."""
    failed = 0
    for title, function in CHECKS:
        if chosen and not any(word in title for word in chosen):
            continue
        try:
            with lab:
                function(lab)
            print("PASS: " + title, flush=True)
        except (Broken, WireError, OSError, EOFError, KeyError, IndexError, TypeError) as why:
            failed += 1
            print("FAIL: %s - %s" % (title, " ".join(str(why).split()) or type(why).__name__), flush=True)
        except Exception as why:
            failed += 1
            print("FAIL: %s - %s: %s" % (title, type(why).__name__, why), flush=True)
    CHECKS.clear()
    return failed
