"""Time and restarts: expiry is told, hold-down ends, leases survive (RFC 3103 6, 9.5.3, 9.13; design 4)."""
import contextlib
import os
import re
import signal
import subprocess
import time

from protocol.harness import check, expect, expect_equal, expect_error, expect_kind
from rsip_client import Silence
from rsip_wire import Err, Msg, address, client_id, lease_time, message, ports, spi


def registered(session):
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)
    return session


def wait_for(condition):
    deadline = time.monotonic() + 40
    while not condition():
        expect(time.monotonic() < deadline, "it does not come about")
        time.sleep(0.05)


def told(session, seconds, until=None):
    """All messages that come on their own within so many seconds, or so many of them: [(kind, bind ID, counter)]."""
    heard, deadline = [], time.monotonic() + seconds
    try:
        while until is None or len(heard) < until:
            answer = session.receive(max(0.01, deadline - time.monotonic()))
            if answer.counter:  # to a request that was sent twice
                continue
            expect_equal("client ID", answer.client_id, session.client_id)
            heard.append((answer.kind, answer.bind_id, answer.counter))
    except Silence:
        pass
    return heard


@check("expiry: FREE_RESPONSE for the binding, DE-REGISTER_RESPONSE for the host, counter 0, on time, over UDP and TCP")
def expiry(lab):
    start = time.monotonic()
    sessions = registered(lab.short1.udp()), registered(lab.short2.tcp())
    binds = [expect_kind(session.rsap(None, ports(), None, ports(), lease_time(1)), Msg.ASSIGN_RESPONSE_RSAP_IP)
             for session in sessions]
    expect_equal("leases", [answer.lease for answer in binds], [1, 1])
    for session, answer in zip(sessions, binds):
        heard = told(session, 20, until=2)
        expect_equal("told", heard, [(Msg.FREE_RESPONSE, answer.bind_id, 0), (Msg.DE_REGISTER_RESPONSE, None, 0)])
        expect(time.monotonic() - start >= 2.9, "the registration ended before its time")
        expect_error(session.query(), Err.REGISTER_FIRST)
        session.client_id = None
    listed = [host["address"] for host in lab.gateway.ctl("hosts")]
    expect(lab.short1.source not in listed and lab.short2.source not in listed, "hosts %s" % listed)


@check("expiry: EXTEND keeps the binding and with it the registration (R = max(R, B))")
def extended(lab):
    session = registered(lab.short1.tcp())
    answer = session.rsap(None, ports(), None, ports(), lease_time(4))
    binding = expect_kind(answer, Msg.ASSIGN_RESPONSE_RSAP_IP).bind_id
    for _ in range(4):
        expect_equal("told", told(session, 1.3), [])
        expect_equal("lease", expect_kind(session.extend(binding, 4), Msg.EXTEND_RESPONSE).lease, 4)
    # Both end at the same instant; DE-REGISTER_RESPONSE alone says it all (9.5.1).
    heard = told(session, 20, until=1)
    if heard and heard[0][0] == Msg.FREE_RESPONSE:
        heard += told(session, 20, until=1)
    heard = [kind for kind, *_ in heard]
    expect(heard in ([Msg.FREE_RESPONSE, Msg.DE_REGISTER_RESPONSE], [Msg.DE_REGISTER_RESPONSE]), "told: %s" % heard)
    session.client_id = None


@check("hold-down: the freed port is another host's after it, not before")
def hold_down(lab):
    mine, other = registered(lab.short1.tcp()), registered(lab.short2.tcp())
    answer = expect_kind(mine.rsap("203.0.113.9", ports(1)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    port = answer.port_lists[0][0]  # one that nobody else has, nor has had of late
    freed = time.monotonic()
    mine.free(answer.bind_id)
    while (answer := other.rsap("203.0.113.9", ports(1, port))).kind == Msg.ERROR_RESPONSE:
        expect_error(answer, Err.LOCAL_ADDRPORT_INUSE)
        expect(time.monotonic() - freed < 20, "it is held for ever")
        time.sleep(0.1)
    expect_kind(answer, Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect(time.monotonic() - freed >= 0.9, "it was not held for its second")


def steady(bindings):
    """What a restart may not change; a lease runs on."""
    return sorted(({key: value for key, value in one.items() if key != "expires_in_s"} for one in bindings),
                  key=lambda one: one["bind_id"])


def restarted(lab, how):
    """Leases of a TCP and a UDP host before and after `how`; both go on with what they know."""
    tcp, udp = registered(lab.x1.tcp()), registered(lab.x2.udp())
    one = expect_kind(tcp.rsap(None, ports(8)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_kind(tcp.rsipsec(spis=spi(16)), Msg.ASSIGN_RESPONSE_RSIPSEC)
    expect_kind(udp.listen(), Msg.LISTEN_RESPONSE)
    last = expect_kind(udp.rsap(None, ports(4), None, ports(), lease_time(1000)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    before = lab.gateway.bindings()
    how()
    after = lab.gateway.bindings()
    expect_equal("bindings", steady(after), steady(before))
    for was, now in zip(sorted(before, key=lambda b: b["bind_id"]), sorted(after, key=lambda b: b["bind_id"])):
        # The database has whole seconds, rounded up: a restart never ends a lease before the time that its host was told.
        expect(was["expires_in_s"] - 60 <= now["expires_in_s"] <= was["expires_in_s"] + 1, "expiry %s, was %s" % (now, was))
    again = lab.x1.tcp()
    again.client_id, tcp.client_id = tcp.client_id, None
    expect_kind(again.extend(one.bind_id, 3000), Msg.EXTEND_RESPONSE)
    expect_error(lab.x1.tcp().ask(Msg.REGISTER_REQUEST), Err.ALREADY_REGISTERED, client_id=again.client_id)
    # The host did not hear the answer and repeats its last request: nothing is granted twice.
    udp.send(udp.last)
    try:
        expect(udp.receive(0.3).raw == last.raw, "the repeated request got another answer")
    except Silence:
        pass
    expect_equal("bindings of x2", len(lab.gateway.bindings("10.0.0.12")), 2)
    expect_kind(udp.extend(last.bind_id, 2000), Msg.EXTEND_RESPONSE)
    expect_error(udp.rsap(one.addresses[0], ports(1, one.port_lists[0][3])), Err.LOCAL_ADDRPORT_INUSE)


@check("restart after SIGTERM: every lease is there, with its expiry, and goes on")
def restart_term(lab):
    def how():
        expect_equal("exit status", lab.gateway.stop(signal.SIGTERM), 0)
        lab.gateway.start()
    restarted(lab, how)


@check("restart after kill -9 of everything: every lease is there, with its expiry, and goes on")
def restart_kill(lab):
    def how():
        lab.gateway.kill()
        lab.gateway.start()
    restarted(lab, how)


@check("kill -9 of the monitor alone: the children end too, a new rsipd starts, leases are there")
def restart_monitor(lab):
    def how():
        children = lab.gateway.children()
        expect(len(children) >= 2, "children %s" % children)
        lab.gateway.process.kill()
        lab.gateway.process.wait(20)
        deadline = time.monotonic() + 20
        while any(os.path.exists("/proc/%d" % pid) for pid in children.values()):
            expect(time.monotonic() < deadline, "children stay behind: %s" % children)
            time.sleep(0.02)
        lab.gateway.start()
    restarted(lab, how)


@check("kill -9 of each child in turn: the monitor starts it anew, the leases are there")
def restart_children(lab):
    def how():
        for name, pid in lab.gateway.children().items():
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + 30
            while pid in lab.gateway.children().values() or len(lab.gateway.children()) < 2:
                expect(time.monotonic() < deadline, "%s is not started anew" % name)
                time.sleep(0.05)
        deadline = time.monotonic() + 20
        while lab.gateway.run(lab.gateway.rsipctl, "-s", "/run/rsip/rsipd.sock", "status").returncode:
            expect(time.monotonic() < deadline, "rsipd does not answer")
            time.sleep(0.05)
    restarted(lab, how)


@check("kill -9 in the midst of grants, five times: all that was granted is there, nothing is granted twice")
def kill_midway(lab):
    for turn in range(5):
        session = registered(lab.x1.tcp())
        request = message(Msg.ASSIGN_REQUEST_RSAP_IP, client_id(session.client_id), address(), ports(), address(),
                          ports())
        session.send(request * 30)
        promised = [session.receive().bind_id for _ in range(4 * turn)]
        lab.gateway.kill()
        try:
            while True:
                promised.append(session.receive(0.1).bind_id)
        except (Silence, EOFError, ConnectionError):
            pass
        lab.gateway.start()
        there = lab.gateway.bindings("10.0.0.11")
        lost = set(promised) - {one["bind_id"] for one in there}
        expect(not lost, "turn %d: %d of %d granted bindings are lost" % (turn, len(lost), len(promised)))
        taken = [first for one in there for first, _ in one["ports"]]
        expect_equal("different ports", len(set(taken)), len(taken))
        again = lab.x1.tcp()
        expect_kind(again.de_register(session.client_id), Msg.DE_REGISTER_RESPONSE)
        session.client_id = None
        time.sleep(1)  # the rate


@check("expiry: a host that came back on another connection is told there")
def told_anew(lab):
    session = registered(lab.short2.tcp())
    answer = expect_kind(session.rsap(None, ports(), None, ports(), lease_time(2)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    session.close()
    again = lab.short2.tcp()
    again.client_id, session.client_id = session.client_id, None
    expect_kind(again.query(), Msg.QUERY_RESPONSE)
    expect_equal("told", told(again, 20, until=1), [(Msg.FREE_RESPONSE, answer.bind_id, 0)])


@check("restart without its state: REGISTER_FIRST to everything but REGISTER (10.2.2)")
def restart_empty(lab):
    session = registered(lab.x1.tcp())
    lab.gateway.stop()
    lab.gateway.forget()
    lab.gateway.start()
    again = lab.x1.tcp()
    again.client_id = session.client_id
    session.client_id = None
    for answer in (again.rsap(), again.query(), again.extend(1), again.de_register()):
        expect_error(answer, Err.REGISTER_FIRST)
    again.client_id = None
    registered(again)


@check("reload (SIGHUP): leases are kept; a bad file is refused whole and the old one goes on")
def reload(lab):
    session = registered(lab.x1.tcp())
    expect_kind(session.rsap(None, ports(8)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    before, conf = lab.gateway.bindings(), lab.gateway.conf
    with open(conf, encoding="utf-8") as file:
        good = file.read()
    try:
        for text, lease in ((good.replace('lease        = "1h" ', 'lease        = "50m"', 1), 3000),
                            (good.replace("rsap-ip", "rsap-pi"), 3000), ("gateway {", 3000), (good, 3600)):
            with open(conf, "w", encoding="utf-8") as file:
                file.write(text)
            before_it = log_size(lab)
            lab.gateway.process.send_signal(signal.SIGHUP)
            wait_for(lambda: re.search("config: (reloaded|reload refused)", log_since(lab, before_it)))
            expect_equal("bindings", steady(lab.gateway.bindings())[:1], steady(before))
            answer = expect_kind(session.rsap(None, ports()), Msg.ASSIGN_RESPONSE_RSAP_IP)
            expect_equal("lease after reload", answer.lease, lease)
    finally:
        with open(conf, "w", encoding="utf-8") as file:
            file.write(good)


def log_size(lab):
    return os.path.getsize(lab.gateway.log)


def log_since(lab, start):
    with open(lab.gateway.log, encoding="utf-8", errors="replace") as log:
        log.seek(start)
        return log.read()


def reconfigure(gateway, text):
    """Another configuration, in one piece: rsipd may look at any time."""
    with open(gateway.conf + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(gateway.conf + ".new", gateway.conf)
    gateway.process.send_signal(signal.SIGHUP)


@contextlib.contextmanager
def changed_conf(lab, old, new):
    """The gateway under a configuration that is another for the time being."""
    with open(lab.gateway.conf, encoding="utf-8") as file:
        good = file.read()
    expect(old in good, "nothing to change")
    reconfigure(lab.gateway, good.replace(old, new, 1))
    try:
        yield
    finally:
        reconfigure(lab.gateway, good)


@check("an address that left the pools: EXTEND is answered by FREE_RESPONSE (9.10.3), and another one is given")
def extension_refused(lab):
    session = registered(lab.plain.udp())
    old = expect_kind(session.rsap(None, ports(8)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    with changed_conf(lab, '"203.0.113.40"', '"203.0.113.42"'):
        wait_for(lambda: any(pool["address"] == "203.0.113.42" for pool in lab.gateway.ctl("pools")))
        answer = expect_kind(session.extend(old.bind_id), Msg.FREE_RESPONSE)
        expect_equal("client and bind ID", (answer.client_id, answer.bind_id), (session.client_id, old.bind_id))
        expect_error(session.extend(old.bind_id), Err.BAD_BIND_ID, client_id=session.client_id, bind_id=old.bind_id)
        new = expect_kind(session.rsap(None, ports(8)), Msg.ASSIGN_RESPONSE_RSAP_IP)
        expect_equal("local address", new.addresses[0], "203.0.113.42")
    wait_for(lambda: all(pool["address"] != "203.0.113.42" or pool["name"] is None for pool in lab.gateway.ctl("pools")))


@check("ports that the pool does not lease any more: EXTEND is answered by FREE_RESPONSE (9.10.3)")
def extension_of_other_ports(lab):
    def ports_total():
        return next(pool["ports_total"] for pool in lab.gateway.ctl("pools") if pool["address"] == "203.0.113.40")

    session, before = registered(lab.plain.udp()), ports_total()
    old = expect_kind(session.rsap(None, ports(8)), Msg.ASSIGN_RESPONSE_RSAP_IP)
    first = old.port_lists[0][0]
    others = "1024-%d" % (first + 6) if first > 30000 else "%d-65535" % (first + 1)
    conf = '"203.0.113.40" }\n    methods   = { "rsap-ip" }\n    ports     = "%s"'
    with changed_conf(lab, conf % "1024-65535", conf % others):
        wait_for(lambda: ports_total() != before)
        answer = expect_kind(session.extend(old.bind_id), Msg.FREE_RESPONSE)
        expect_equal("client and bind ID", (answer.client_id, answer.bind_id), (session.client_id, old.bind_id))
    wait_for(lambda: ports_total() == before)


@check("a host that the configuration does not cover any more is told by DE-REGISTER_RESPONSE (9.5.3)")
def not_covered_any_more(lab):
    sessions = registered(lab.x1.udp()), registered(lab.x2.tcp())
    with changed_conf(lab, 'host "10.0.0.0/24" ', 'host "10.9.0.0/24" '):
        for session in sessions:
            heard = told(session, 10, until=1)
            expect_equal("told", heard, [(Msg.DE_REGISTER_RESPONSE, None, 0)])
            expect_error(session.register(), Err.REGISTRATION_DENIED)
    for session in sessions:
        wait_for(lambda: session.register().kind == Msg.REGISTER_RESPONSE)


@check("the state is readable with the stock sqlite3 while rsipd runs")
def readable(lab):
    expect_kind(registered(lab.x1.tcp()).rsap(), Msg.ASSIGN_RESPONSE_RSAP_IP)
    done = lab.gateway.run("sqlite3", "-readonly", "/var/lib/rsip/rsipd.db", ".tables")
    expect(done.returncode == 0 and done.stdout.strip(), "sqlite3: %s" % done.stderr)


def status_of(pid):
    """/proc/PID/status as {name: text}."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


@check("what reads from the network runs as _rsip under seccomp; capabilities: control none, relay net_raw at most")
def privileges(lab):
    for name, pid in lab.gateway.children().items():
        user = subprocess.run(["ps", "-o", "user=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        expect_equal("user of " + name, user, "_rsip")
        status = status_of(pid)
        expect_equal("seccomp of " + name, status["Seccomp"], "2")
        for which in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            allowed = 1 << 13 if "relay" in name else 0  # CAP_NET_RAW
            expect(not int(status[which], 16) & ~allowed, "%s of %s: %s" % (which, name, status[which]))
