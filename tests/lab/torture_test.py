"""Kills rsipd at random instants under load, and compares what hosts were told with what is left. Run by torture.sh.

Options: --kills N, --seed N (what a failed run printed repeats its choices, though not the kernel's), --hosts N,
--seconds N: no further kill after so long; --plane NAME: what must forward. Each round kills, in turn and in random
order, the control process, the relay, or the monitor with all of them; lets hosts go on while it comes back; then holds
them and audits.
"""
import argparse
import contextlib
import os
import random
import signal
import sys
import time

from protocol.harness import Broken, Gateway, mac
from torture.audit import Audit
from torture.gate import Gate
from torture.host import TorturedHost
from torture.journal import Journal
from torture.ways import Ways

TARGETS = ("control", "relay", "monitor")
LOAD_S = 0.25    # a kill comes within so long after hosts began to act
COME_BACK_S = 60 # on a slow machine; it takes a fraction of a second


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--hosts", type=int, default=24)
    parser.add_argument("--plane", default="relay", help="what is to forward, as rsipctl status calls it")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    return parser.parse_args()


class Torture:
    def __init__(self, opt):
        lab, tmp = os.environ["LAB"], os.environ["LAB_TMP"]
        self.opt, self.rng = opt, random.Random(opt.seed)
        self.gateway = Gateway(os.environ["RSIP_BOX_n"], os.environ["BUILDDIR"], os.path.join(tmp, "rsipd.log"))
        self.gateway.start(os.environ["TORTURE_CONF"])
        self.journal, self.gate = Journal(os.path.join(tmp, "journal")), Gate()
        self.hosts = [TorturedHost(lab + "-x1", "10.0.1.%d" % (i + 1), "tcp" if i % 3 == 0 else "udp",
                                   "%d/%d" % (opt.seed, i), self.journal, self.gate) for i in range(opt.hosts)]
        ways = Ways(lab + "-x1", lab + "-y", mac(lab + "-y", "eth0"), mac(lab + "-n", "wan0"))
        self.audit = Audit(self.gateway, os.path.join(tmp, "state/rsipd.db"), self.hosts, ways, self.rng)
        self.killed, self.fast = dict.fromkeys(TARGETS, 0), 0

    def run(self):
        began, turn = time.monotonic(), []
        for host in self.hosts:
            host.start()
        while sum(self.killed.values()) < self.opt.kills and time.monotonic() - began < self.opt.seconds:
            if not turn:
                turn = self.rng.sample(TARGETS, len(TARGETS))
            wrong = self.round(turn.pop())
            if wrong:
                return wrong
        self.gate.end()
        return ["the XDP programs have forwarded nothing"] if self.opt.plane == "xdp" and not self.fast else []

    def round(self, target):
        self.gate.start()
        time.sleep(self.rng.random() * LOAD_S)
        self.kill(target)
        time.sleep(self.rng.random() * LOAD_S)
        rested = self.gate.stop(COME_BACK_S)
        self.journal.sync()
        faults = [host.fault for host in self.hosts if host.fault]
        if faults:
            return faults
        if not rested:
            return ["hosts still wait for an answer after %d s: %s" % (
                COME_BACK_S, ", ".join(h.source for h in self.hosts if h not in self.gate.waiting))]
        self.answers()
        wrong = self.forwards() or self.audit.run()
        self.fast += self.opt.plane == "xdp" and self.gateway.ctl("stats")["data"]["xdp"]["in_packets"]
        return wrong

    def kill(self, target):
        self.journal.note("torture", "kill", target=target)
        self.killed[target] += 1
        children = self.gateway.children()
        if target == "monitor":
            if self.rng.random() < 0.5:  # the workers see their monitor go, or go with it
                self.gateway.kill()
            else:
                self.gateway.stop(signal.SIGKILL)
            self.gateway.start()
            return
        pid = next((pid for title, pid in children.items() if title == "rsipd: " + target), None)
        with contextlib.suppress(ProcessLookupError):
            if pid is not None:
                os.kill(pid, signal.SIGKILL)

    def forwards(self):
        """Waits until rsipd forwards by what it is to forward by. The XDP programs, without a relay, go on with what
        they have been told: what was freed since is let through until the next relay is in step."""
        deadline = time.monotonic() + COME_BACK_S
        while (plane := self.gateway.ctl("status")["data_plane"]) != self.opt.plane or \
                (plane == "xdp" and any("the relay is away" in line for line in self.audit.check())):
            if time.monotonic() > deadline:
                return ["the data plane is still %s, and not in step, after %d s" % (plane, COME_BACK_S)]
            time.sleep(0.05)
        return []

    def answers(self):
        """Waits until the control process answers rsipctl."""
        deadline = time.monotonic() + COME_BACK_S
        while time.monotonic() < deadline:
            with contextlib.suppress(Broken, ValueError):
                self.gateway.ctl("status")
                return
            time.sleep(0.05)
        raise Broken("rsipd does not answer rsipctl after %d s" % COME_BACK_S)


def main():
    opt = options()
    torture = Torture(opt)
    began = time.monotonic()
    try:
        wrong = torture.run()
    except (Broken, OSError) as why:
        wrong = ["%s: %s" % (type(why).__name__, why)]
    title = "torture: %s: %d kills (%s) under %d hosts, %d answers, %d leases compared, %d tuples tried, %d s" % (
        opt.plane, sum(torture.killed.values()), ", ".join("%d %s" % (n, t) for t, n in torture.killed.items()), opt.hosts,
        sum(host.answers for host in torture.hosts), torture.audit.compared, torture.audit.probed,
        time.monotonic() - began)
    if not wrong:
        print("PASS: " + title)
        return torture.gateway.stop() != 0
    print("FAIL: %s - seed %d: %s" % (title, opt.seed, wrong[0]))
    for line in wrong[1:20]:
        print("    | " + line)
    return 1


if __name__ == "__main__":
    sys.exit(main())
