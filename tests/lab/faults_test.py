"""What becomes of leases when the disk, the database file or the clock fails. Run by faults.sh; words as arguments run
only the checks that have one of them in the title.

The database is on a file system of its own, which can be filled and broken.
"""
import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import ip_packet as p
from protocol import harness
from protocol.harness import check, expect, expect_equal, expect_error, expect_kind
from rsip_wire import Err, Msg, lease_time, ports
from torture.session import PatientUdp

HOSTS = {"x1": ("x1", "10.0.0.11"), "x2": ("x2", "10.0.0.12")}
PEERS = {"peer": "203.0.113.201"}
DIR, IMAGE = "/var/lib/rsip", os.path.join(os.environ.get("LAB_TMP", ""), "disk")
DB = DIR + "/rsipd.db"
A = "203.0.113.9"


# --- the disk and the file -----------------------------------------------------------------------------------------

def shell(lab, script):
    done = lab.gateway.run("sh", "-c", script)
    expect(done.returncode == 0, "%s: %s" % (script, done.stderr.strip()))
    return done.stdout


def wait_for(what, test, seconds=40):
    deadline = time.monotonic() + seconds
    while not test():
        expect(time.monotonic() < deadline, "%s: not within %d s" % (what, seconds))
        time.sleep(0.1)


def log_has(lab, pattern, since=0):
    with open(lab.gateway.log, encoding="utf-8", errors="replace") as log:
        log.seek(since)
        return re.search(pattern, log.read())


def log_end(lab):
    return os.path.getsize(lab.gateway.log)


def begin(lab):
    """The gateway runs, with an empty database."""
    if lab.gateway.process and lab.gateway.process.poll() is None:
        lab.gateway.kill()
    shell(lab, "rm -rf %s/* && chown _rsip %s && chmod 750 %s" % (DIR, DIR, DIR))
    lab.gateway.start(os.environ["FAULTS_CONF"])


def restart(lab):
    lab.gateway.kill()
    lab.gateway.start()


# --- what hosts hold -----------------------------------------------------------------------------------------------

class Holder:
    """A host over UDP that remembers what it was granted: {bind ID: ports}."""

    def __init__(self, lab, host):
        self.lab, self.host, self.session = lab, host, PatientUdp(host)
        expect_kind(self.session.register(), Msg.REGISTER_RESPONSE)
        self.tunnel, self.leases = lab.tunnel(host), {}

    def ask(self, seconds=3600):
        answer = self.session.rsap(None, ports(4), None, ports(), lease_time(seconds))
        if answer.kind == Msg.ASSIGN_RESPONSE_RSAP_IP:
            self.leases[answer.bind_id] = answer.port_lists[0]
        return answer

    def take(self, seconds=3600):
        expect_kind(self.ask(seconds), Msg.ASSIGN_RESPONSE_RSAP_IP)

    def flows(self):
        """Packets by the first lease, both ways."""
        port, peer = next(iter(self.leases.values()))[0], self.lab.peer
        out, back = p.udp(A, port, peer.address, 9, b"out"), p.udp(peer.address, 9, A, port, b"back")
        for _ in range(20):  # a gateway that has just started
            self.tunnel.send(out)
            if peer.expect(p.forwarded(out)) is None:
                break
        else:
            raise harness.Broken("packets do not leave")
        peer.send(back)
        wrong = self.tunnel.expect(p.forwarded(back))
        expect(wrong is None, "back: %s" % wrong)

    def has_what_it_was_told(self):
        have = {b["bind_id"]: [n for first, last in b["ports"] for n in range(first, last + 1)]
                for b in self.lab.gateway.bindings(self.host.source)}
        expect_equal("bindings", have, self.leases)

    def ends_in(self):
        return [b["expires_in_s"] for b in self.lab.gateway.bindings(self.host.source)]


def holder(lab, leases=3):
    begin(lab)
    one = Holder(lab, lab.x1)
    for _ in range(leases):
        one.take()
    return one


def until_refused(one):
    """Asks until the disk takes no more; the answer that says so."""
    for _ in range(500):
        answer = one.ask()
        if answer.kind == Msg.ERROR_RESPONSE:
            return expect_error(answer, Err.INTERNAL_SERVER_ERROR)
        expect_kind(one.session.free(answer.bind_id), Msg.FREE_RESPONSE)
        del one.leases[answer.bind_id]
    raise harness.Broken("500 grants and frees on a disk without room")


# --- disks ---------------------------------------------------------------------------------------------------------

@check("full disk: nothing is granted (INTERNAL_SERVER_ERROR), what was granted flows, the log says what to do; it goes on")
def full_disk(lab):
    one, since = holder(lab), log_end(lab)
    shell(lab, "dd if=/dev/zero of=%s/filler bs=4096 2>/dev/null || true; sync" % DIR)
    until_refused(one)
    expect(log_has(lab, r"cannot write the lease database .*%s.*what_to_do=\"the disk is full: make room" % DB, since),
           "the log does not say what to do")
    expect_error(one.session.extend(next(iter(one.leases)), 7200), Err.INTERNAL_SERVER_ERROR)
    expect_kind(one.session.query(), Msg.QUERY_RESPONSE)
    one.flows()
    one.has_what_it_was_told()
    shell(lab, "rm %s/filler" % DIR)
    wait_for("grants again", lambda: one.ask().kind == Msg.ASSIGN_RESPONSE_RSAP_IP)
    one.has_what_it_was_told()
    restart(lab)
    one.has_what_it_was_told()
    one.flows()


@check("full disk: rsipd is killed meanwhile: at the next start with room every lease is there, and no other")
def full_disk_and_kill(lab):
    one = holder(lab)
    shell(lab, "dd if=/dev/zero of=%s/filler bs=4096 2>/dev/null || true; sync" % DIR)
    until_refused(one)
    lab.gateway.kill()
    refuses(lab, r"cannot (write|use|read) the lease database %s .*the disk is full: make room" % DB)
    shell(lab, "rm %s/filler" % DIR)
    lab.gateway.start()
    one.has_what_it_was_told()
    one.take()
    one.flows()


@check("a disk that turns read-only: nothing is granted, what was granted flows; it is there when the disk is mended")
def read_only_meanwhile(lab):
    one, since = holder(lab), log_end(lab)
    shell(lab, "mount -o remount,abort %s" % DIR)
    try:
        until_refused(one)
        expect(log_has(lab, r"cannot write the lease database .*what_to_do=\"the (disk fails|file or its file system is)", since),
               "the log does not say what to do")
        one.flows()
        lab.gateway.kill()
        refuses(lab, r"%s.*Read-only file system|read-only" % DB)
    finally:
        if lab.gateway.process.poll() is None:
            lab.gateway.kill()
        shell(lab, "umount %s && mount -o loop %s %s" % (DIR, IMAGE, DIR))
    lab.gateway.start()
    one.has_what_it_was_told()
    one.take()
    one.flows()


@check("a read-only disk: no start, and the message says so")
def read_only_start(lab):
    begin(lab)
    lab.gateway.stop()
    shell(lab, "mount -o remount,ro %s" % DIR)
    try:
        refuses(lab, r"Read-only file system|read-only")
    finally:
        shell(lab, "mount -o remount,rw %s" % DIR)
    lab.gateway.start()


# --- files ---------------------------------------------------------------------------------------------------------

def digest(lab):
    names = shell(lab, "ls %s" % DIR).split()
    return {name: hashlib.sha256(subprocess.run(lab.gateway.enter + ["cat", DIR + "/" + name],
                                                capture_output=True).stdout).hexdigest()
            for name in names if not name.endswith("-shm")}


def refuses(lab, pattern):
    """rsipd ends with status 1, says that, and has not touched what it could not use."""
    before = digest(lab)
    done = subprocess.run(lab.gateway.enter + [lab.gateway.rsipd, "-f", "-c", lab.gateway.conf], capture_output=True,
                          text=True, timeout=60)
    expect_equal("exit status", done.returncode, 1)
    expect(re.search(pattern, done.stderr), "said: %s" % done.stderr[-600:])
    expect_equal("files", digest(lab), before)


DAMAGES = [  # title, what is done to a database as kill -9 left it, what rsipd says
    ("is empty", "truncate -s 0 {db}; rm -f {db}-wal {db}-shm", r"the lease database {db} is empty"),
    ("is empty, beside its log", "truncate -s 0 {db}", r"the lease database {db} is empty"),
    ("is gone, its log is there", "rm {db}", r"the lease database {db} is gone, and its write-ahead log"),
    ("is a link to what is not there", "rm -f {db}*; ln -s /run/elsewhere {db}", r"the lease database {db} is a symbolic link"),
    ("is cut in the middle", "{fold}; truncate -s 20480 {db}", r"the lease database {db} is damaged"),
    ("has a page of garbage", "{fold}; dd if=/dev/urandom of={db} bs=4096 seek=2 count=1 conv=notrunc 2>/dev/null",
     r"the lease database {db} is damaged"),
    ("has a header of garbage", "{fold}; dd if=/dev/urandom of={db} bs=100 count=1 conv=notrunc 2>/dev/null",
     r"cannot (use|read) the lease database {db} .*damaged|not a database"),
    ("is a text", "{fold}; echo 'These are no leases, but a text, and a long one at that.' >{db}",
     r"{db}.*(not a database|damaged)"),
    ("is another program's", "{fold}; rm {db}; sqlite3 {db} 'CREATE TABLE t (a)'; chown _rsip {db}",
     r"{db} is a database, but not one of rsipd"),
    ("is of a newer version", "{fold}; sqlite3 {db} 'PRAGMA user_version = 99'",
     r"has schema version 99, this rsipd knows \d+"),
    ("has a log with a header of garbage", "dd if=/dev/urandom of={db}-wal bs=32 count=1 conv=notrunc 2>/dev/null",
     r"the write-ahead log {db}-wal, .* is damaged: its header"),
    ("has a log with garbage in it", "dd if=/dev/urandom of={db}-wal bs=100 seek=2 count=1 conv=notrunc 2>/dev/null",
     r"the write-ahead log {db}-wal, .* is damaged behind byte \d+, with \d+ commits behind that"),
    ("cannot be read", "chown root {db} {db}-wal; chmod 600 {db} {db}-wal",
     r"cannot write the state; let it: chown _rsip {db}"),
]


def damage_check(title, script, pattern):
    @check("the database %s: no start, the message names it and says what to do, the files stay" % title)
    def damaged(lab):
        one = holder(lab)
        lab.gateway.kill()
        shell(lab, "mkdir -p {dir}/copy && cp -p {db}* {dir}/copy".format(db=DB, dir=DIR))
        fold = "sqlite3 {db} 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null; rm -f {db}-wal {db}-shm".format(db=DB)
        shell(lab, script.format(db=DB, fold=fold) + "; chown _rsip %s 2>/dev/null; true" % DIR)
        shell(lab, "mv %s/copy %s" % (DIR, "/run/copy"))
        try:
            refuses(lab, pattern.format(db=DB) + ".*|see RECOVERY in rsipd")
        finally:
            shell(lab, "rm -f {db}*; mv /run/copy/* {dir}/; rmdir /run/copy".format(db=DB, dir=DIR))
        lab.gateway.start()  # with the copy
        one.has_what_it_was_told()


for row in DAMAGES:
    damage_check(*row)


@check("a copy made by sqlite3 .backup while rsipd serves, and restored as the manual says, has every lease of then")
def backup(lab):
    one = holder(lab)
    shell(lab, "sqlite3 %s '.backup /run/copy.db'" % DB)
    then = dict(one.leases)
    one.take()
    lab.gateway.stop()
    shell(lab, "cd %s && mkdir damaged && mv rsipd.db* damaged && install -o _rsip -m 640 /run/copy.db rsipd.db" % DIR)
    lab.gateway.start()
    one.leases = then
    one.has_what_it_was_told()
    shell(lab, "rm -r %s/damaged /run/copy.db" % DIR)


# --- the order of things -------------------------------------------------------------------------------------------

WRITES = re.compile(r"^\S*\s*(?:\[pid +\d+\] )?(pwrite64|fdatasync|fsync|sendmmsg|sendto|sendmsg)\((\d+)<([^>]*)>")


@check("no answer leaves before what it says is on the disk: strace sees a sync between each write and each answer")
def synced(lab):
    one = holder(lab, leases=1)
    pid = lab.gateway.children()["rsipd: control"]
    trace = os.path.join(os.environ["LAB_TMP"], "strace")
    calls = "trace=pwrite64,fdatasync,fsync,sendmmsg,sendto,sendmsg"
    tracer = subprocess.Popen(["strace", "-f", "-y", "-e", calls, "-s", "0", "-o", trace, "-p", str(pid)],
                              stderr=subprocess.PIPE, text=True)
    said = tracer.stderr.readline()
    if "attached" not in said:  # not everywhere may root trace
        tracer.wait(5)
        print("SKIP: strace - it cannot attach: %s" % said.strip())
        return
    for _ in range(20):
        one.take()
    tracer.terminate()
    tracer.wait(10)
    answers, syncs, unsynced = 0, 0, False
    with open(trace, encoding="utf-8") as lines:
        for line in lines:
            match = WRITES.match(line)
            if not match:
                continue
            call, what = match.group(1), match.group(3)
            if call == "pwrite64" and what.endswith("-wal"):
                unsynced = True
            elif call in ("fdatasync", "fsync") and what.endswith("-wal"):
                unsynced, syncs = False, syncs + 1
            elif call.startswith("send") and ("UDP" in what or "socket" in what):
                answers += 1
                expect(not unsynced, "an answer before the sync: %s" % line)
    expect(answers >= 20 and syncs >= 20, "%d answers, %d syncs" % (answers, syncs))


# --- the clock -----------------------------------------------------------------------------------------------------

def near(what, have, want, elapsed=0):
    """elapsed: for so long the lease may have run on, or not."""
    expect(want - 1 - elapsed <= have <= want + 4, "%s: ends in %s s, expected about %s" % (what, have, want))


@check("the wall clock is set while rsipd is down and the machine runs: leases have as long to go as they had")
def clock_set(lab):
    for jump in (7200, -7200, 365 * 86400, -365 * 86400):
        one = holder(lab, leases=1)
        began = time.monotonic()
        lab.gateway.stop()
        # As if all that was written had been written when the clock was that much behind or ahead.
        shell(lab, "sqlite3 {db} 'UPDATE run SET zero_ms = zero_ms - {jump} * 1000, seen = seen - {jump}; "
                   "UPDATE binding SET expires = expires - {jump}; "
                   "UPDATE registration SET expires = expires - {jump}'".format(db=DB, jump=jump))
        lab.gateway.start()
        one.has_what_it_was_told()
        near("a jump of %d s" % jump, one.ends_in()[0], 3600 - int(time.monotonic() - began))
        wall = int(shell(lab, "sqlite3 %s 'SELECT expires FROM binding'" % DB)) - time.time()
        near("the database, after a jump of %d s" % jump, wall, 3600 - int(time.monotonic() - began))


@check("the machine starts anew with a clock that is behind: no lease ends early, none is prolonged for years")
def clock_behind(lab):
    began = time.monotonic()
    one = holder(lab, leases=1)
    lab.gateway.stop()
    shell(lab, "sqlite3 {db} \"UPDATE run SET boot = 'another', seen = seen + 1000000; "
               "UPDATE binding SET expires = expires + 1000000; "
               "UPDATE registration SET expires = expires + 1000000\"".format(db=DB))
    lab.gateway.start()
    one.has_what_it_was_told()
    near("a clock that is behind", one.ends_in()[0], 3600, time.monotonic() - began)


@check("the machine starts anew with a clock that is ahead: leases end, their tuples are their hosts' for the hold-down")
def clock_ahead(lab):
    one = holder(lab, leases=1)
    (bind, taken), = one.leases.items()
    lab.gateway.stop()
    shell(lab, "sqlite3 {db} \"UPDATE run SET boot = 'another', seen = seen - 1000000; "
               "UPDATE binding SET expires = expires - 1000000; "
               "UPDATE registration SET expires = expires - 1000000\"".format(db=DB))
    lab.gateway.start()
    wait_for("the lease ends", lambda: not lab.gateway.bindings())
    other, again = Holder(lab, lab.x2), Holder(lab, lab.x1)
    expect_error(other.session.rsap(A, ports(4, taken[0])), Err.LOCAL_ADDRPORT_INUSE)
    answer = expect_kind(again.session.rsap(A, ports(4, taken[0])), Msg.ASSIGN_RESPONSE_RSAP_IP)
    expect_equal("ports", answer.port_lists[0], taken)
    expect(answer.bind_id != bind, "the same bind ID again")


# --- a pool that is gone from the config -----------------------------------------------------------------------------

@contextlib.contextmanager
def without_pool(lab):
    """The config that the gateway is started with has another address in place of A."""
    good, other = os.environ["FAULTS_CONF"], os.environ["FAULTS_CONF"] + ".other"
    with open(good, encoding="utf-8") as conf, open(other, "w", encoding="utf-8") as changed:
        changed.write(conf.read().replace('"%s"' % A, '"203.0.113.10"'))
    lab.gateway.conf = other
    try:
        yield
    finally:
        lab.gateway.conf = good


def kill_control(lab):
    def control():
        return next((pid for name, pid in lab.gateway.children().items() if "control" in name), None)

    old = control()
    os.kill(old, signal.SIGKILL)
    wait_for("another control process", lambda: control() not in (None, old))
    wait_for("it answers", lambda: lab.gateway.run(lab.gateway.rsipctl, "-s", "/run/rsip/rsipd.sock", "status").returncode == 0)


@check("rsipd is killed and its pool gone from the config: what is leased flows on, and is not extended")
def pool_is_gone(lab):
    one = holder(lab)
    lab.gateway.kill()
    with without_pool(lab):
        lab.gateway.start()
        one.has_what_it_was_told()
        one.flows()
        expect_equal("addresses without a pool", [a["address"] for a in lab.gateway.ctl("pools") if a["name"] is None], [A])
        lab.gateway.ctl("check")
        kill_control(lab)
        one.flows()
        restart(lab)
        one.flows()
        last = list(one.leases)[-1]
        expect_kind(one.session.extend(last), Msg.FREE_RESPONSE)
        del one.leases[last]
        one.has_what_it_was_told()
        lab.gateway.kill()
    lab.gateway.start()
    one.flows()


@check("the pool is gone from the config and its address the machine's own: its leases end")
def pool_is_own(lab):
    holder(lab)
    lab.gateway.kill()
    shell(lab, "ip addr add %s/32 dev lo" % A)
    try:
        with without_pool(lab):
            lab.gateway.start()
            wait_for("the leases end", lambda: not lab.gateway.bindings())
            expect_equal("how", shell(lab, "sqlite3 %s 'SELECT DISTINCT how FROM history'" % DB).split(), ["withdrawn"])
            lab.gateway.ctl("check")
            lab.gateway.kill()
    finally:
        shell(lab, "ip addr del %s/32 dev lo" % A)
    lab.gateway.start()


def main(*words):
    gateway = harness.Gateway(os.environ["RSIP_BOX_n"], os.environ["BUILDDIR"],
                              os.path.join(os.environ["LAB_TMP"], "rsipd.log"))
    gateway.start(os.environ["FAULTS_CONF"])
    failed = harness.run(harness.Lab(os.environ["LAB"], HOSTS, PEERS, gateway), words)
    with contextlib.suppress(OSError):
        gateway.stop()
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
