"""The gateway's word against its deeds: what clients were told, what rsipctl says, what the database has, what packets
do.

Every host rests meanwhile, with no request under way. A list of complaints in words comes back; none is good.
"""
import contextlib
import sqlite3
import time

from rsip_wire import Msg
from torture.host import Lease

ROUNDED_S = 1.1    # the database has whole seconds, rounded up: a lease may be that much longer after a restart
PROBES = 40        # tuples tried by packets in one audit
IN_STEP_S = 20     # a slow machine; packets are sent again until then


class Ends:
    """When a lease ends, as far as it can be told from outside: not before first, not after last."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    def within(self, low, high):
        """Whether it may be in there."""
        return self.last >= low and self.first <= high


class View:
    """What the gateway has, by rsipctl: {address of host: (client ID, {bind ID: (Lease, Ends)})}. It was so at one moment
    between self.before and self.at."""

    def __init__(self, gateway):
        self.before = time.monotonic()
        self.hosts = {h["address"]: (h["client_id"], {}) for h in gateway.ctl("hosts")}
        bindings = gateway.ctl("bindings")
        self.at = time.monotonic()
        for b in bindings:
            lease = Lease(b["bind_id"], b["method"], b["address"], numbers(b["ports"]), numbers(b["spis"]), 0, 0)
            left = b["expires_in_s"]  # rounded up
            self.hosts[b["host"]][1][b["bind_id"]] = (lease, Ends(self.before + left - 1, self.at + left))

    def of(self, source):
        return self.hosts.get(source, (None, {}))


def numbers(ranges):
    """[[first, last]] as the numbers themselves; SPIs are hexadecimal text."""
    whole = [[int(n, 0) if isinstance(n, str) else n for n in one] for one in ranges or ()]
    return [n for first, last in whole for n in range(first, last + 1)]


class Database:
    """The same, read from the file as anybody may read it."""

    def __init__(self, path):
        with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % path, uri=True, timeout=5)) as db:
            db.execute("BEGIN")  # one moment for all of it
            wall = time.time() - time.monotonic()
            self.hosts = {host: (client, {}) for client, host in db.execute("SELECT client_id, host FROM registration")}
            self.clients = {client: host for host, (client, _) in self.hosts.items()}
            self.strays = []
            parts = {}
            for bind, kind, first, last in db.execute("SELECT * FROM binding_tuple"):
                parts.setdefault(bind, {}).setdefault(kind, []).append([first, last])
            for bind, client, method, local, expires in db.execute(
                    "SELECT bind_id, client_id, method, local, expires FROM binding"):
                have = parts.pop(bind, {})
                lease = Lease(bind, method, local, numbers(sorted(have.get("port", ()))),
                              numbers(sorted(have.get("spi", ()))), 0, 0)
                if client in self.clients:
                    self.hosts[self.clients[client]][1][bind] = (
                        lease, Ends(expires - wall - ROUNDED_S, expires - wall + ROUNDED_S - 1))
                else:
                    self.strays.append("%s of client ID %d, who is not registered" % (lease, client))
            self.strays += ["tuples of binding %d, which is not there" % bind for bind in parts]
            self.ever = {host: set(rows) for host, (_, rows) in self.hosts.items()}
            self.ended = set()
            for host, bind in db.execute("SELECT DISTINCT host, bind_id FROM history"):
                self.ever.setdefault(host, set()).add(bind)
                self.ended.add(bind)


class Audit:
    def __init__(self, gateway, database, hosts, ways, rng):
        self.gateway, self.database, self.hosts, self.ways, self.rng = gateway, database, hosts, ways, rng
        self.tried, self.compared, self.probed = set(), 0, 0

    def run(self):
        view = View(self.gateway)
        wrong = []
        for host in self.hosts:
            if host.doubt:
                wrong += settle(host, view)
            host.forget_expired()
            wrong += compare(host, view)
        database = Database(self.database)
        wrong += agree(view, database)
        wrong += exactly_once(self.hosts, database)
        wrong += alone(view)
        self.compared += sum(len(host.leases) for host in self.hosts)
        return wrong or self.packets() or self.check()

    def check(self):
        """What the gateway thinks of itself; after the packets, which have waited for the data plane."""
        done = self.gateway.run(self.gateway.rsipctl, "-s", "/run/rsip/rsipd.sock", "check")
        said = (done.stdout + done.stderr).splitlines()
        return ["rsipctl check: " + line for line in said] if done.returncode else []

    # --- what it forwards ---

    def packets(self):
        now = time.monotonic()
        owned = {}
        for host in self.hosts:
            for lease in host.leases.values():
                if lease.low > now + 2:
                    owned.update((one, (host.source, lease.low)) for one in probes_of(lease))
        leased = set().union(*(lease.tuples() for host in self.hosts for lease in host.leases.values()))
        tried = {one for host in self.hosts for lease in host.leases.values() for one in probes_of(lease)}
        whole = {lease.address for host in self.hosts for lease in host.leases.values() if lease.method == "rsa-ip"}
        gone = sorted(one for one in self.tried - leased if one[0] not in whole)
        wanted = [((*one, host), low) for one, (host, low) in sorted(owned.items())]
        wanted = dict(self.rng.sample(wanted, min(PROBES, len(wanted))))
        gone = self.rng.sample(gone, min(PROBES, len(gone)))
        self.tried |= tried
        self.probed += len(wanted) + len(gone)
        return self.ways.probe(wanted, gone, IN_STEP_S)


def probes_of(lease):
    """The tuples of a lease that a packet can ask for: its first and last number, or any port of a whole address."""
    if lease.method == "rsa-ip":
        return {(lease.address, "port", 4711)}
    both = [("port", n) for n in (lease.ports[:1] + lease.ports[-1:])]
    both += [("spi", n) for n in (lease.spis[:1] + lease.spis[-1:])]
    return {(lease.address, kind, n) for kind, n in both}


# --- requests in doubt ---------------------------------------------------------------------------------------------

def settle(host, view):
    """Over TCP an unanswered request has been carried out wholly or not at all: the host takes up which."""
    doubt, host.doubt = host.doubt, None
    client, leases = view.of(host.source)
    now = view.at
    if doubt.kind == Msg.REGISTER_REQUEST:
        host.client_id = client
    elif doubt.kind == Msg.DE_REGISTER_REQUEST and client is None:
        host.client_id, host.leases = None, {}
    elif doubt.kind == Msg.FREE_REQUEST and doubt.lease.bind_id not in leases:
        host.leases.pop(doubt.lease.bind_id, None)
    elif doubt.kind == Msg.EXTEND_REQUEST:
        settle_extension(host, doubt, leases, now)
    elif doubt.shape:
        return settle_grant(host, doubt, leases, now)
    return []


def settle_extension(host, doubt, leases, now):
    lease, low, high = doubt.lease, doubt.sent + doubt.seconds, now + doubt.seconds
    if lease.bind_id not in leases:  # it ran out: by the old time, or by the new one
        if min(low, lease.low) <= now:
            host.leases.pop(lease.bind_id, None)
        return
    ends = leases[lease.bind_id][1]
    may = [(one, other) for one, other in ((lease.low, lease.high), (low, high)) if ends.within(one, other + ROUNDED_S)]
    if may:  # with neither, the comparison complains
        lease.low, lease.high = min(one for one, _ in may), max(other for _, other in may)


def settle_grant(host, doubt, leases, now):
    new = [lease for bind, (lease, _) in leases.items() if bind not in host.leases]
    if len(new) > 1:
        return ["%s: one request, several grants: %s" % (host.source, ", ".join(map(str, new)))]
    if new and new[0].shape() != doubt.shape:
        return ["%s: asked for %s, half done: %s" % (host.source, doubt.shape, new[0])]
    for lease in new:
        lease.low, lease.high = doubt.sent + doubt.seconds, now + doubt.seconds
        host.leases[lease.bind_id] = lease
        host.ever.add(lease.bind_id)
    return []


# --- comparisons ---------------------------------------------------------------------------------------------------

def compare(host, view):
    """What the host was told against what the gateway has."""
    client, leases = view.of(host.source)
    wrong = []
    if client != host.client_id:
        wrong.append("%s was told client ID %s, the gateway has %s" % (host.source, host.client_id, client))
    for bind, lease in host.leases.items():
        if bind not in leases:
            if view.at < lease.low:
                wrong.append("%s: lost: %s, good for %.1f s more" % (host.source, lease, lease.low - view.at))
            continue
        have, ends = leases[bind]
        if (have.address, have.shape(), have.tuples()) != (lease.address, lease.shape(), lease.tuples()):
            wrong.append("%s: was told %s, the gateway has %s" % (host.source, lease, have))
        if not ends.within(lease.low, lease.high + ROUNDED_S):
            wrong.append("%s: %s was to end in %.1f to %.1f s, and ends in %.1f to %.1f" % (
                host.source, lease, lease.low - view.at, lease.high - view.at, ends.first - view.at, ends.last - view.at))
    for bind, (lease, ends) in leases.items():
        if bind not in host.leases and ends.first > view.at + ROUNDED_S:
            wrong.append("%s: never told of, or freed: %s" % (host.source, lease))
    return wrong


def agree(view, database):
    """rsipctl against the file. The file is read a moment later: what ends in that moment may be gone."""
    wrong = list(database.strays)
    for source in view.hosts.keys() | database.hosts.keys():
        client, leases = view.of(source)
        known, rows = database.hosts.get(source, (None, {}))
        if client != known:
            wrong.append("%s: client ID %s in memory, %s on disk" % (source, client, known))
        for bind in leases.keys() | rows.keys():
            if bind in leases and bind in rows:
                (have, ends), (row, row_ends) = leases[bind], rows[bind]
                if have.tuples() != row.tuples() or not ends.within(row_ends.first, row_ends.last):
                    wrong.append("%s: %s until %.1f in memory, %s until %.1f on disk" % (
                        source, have, ends.first - view.at, row, row_ends.last - view.at))
            elif (leases.get(bind) or rows.get(bind))[1].first > time.monotonic():
                wrong.append("%s: binding %d only %s" % (source, bind, "in memory" if bind in leases else "on disk"))
            if bind in rows and bind in database.ended:
                wrong.append("%s: binding %d is live, but ended in the history" % (source, bind))
    return wrong


def exactly_once(hosts, database):
    """Over UDP every grant ever made was told, and every one told was made."""
    wrong = []
    for host in hosts:
        ever = database.ever.get(host.source, set())
        if host.transport == "udp" and host.ever != ever:
            wrong.append("%s: was told of bindings %s, the history has %s besides, and not %s" % (
                host.source, len(host.ever), sorted(ever - host.ever), sorted(host.ever - ever)))
    return wrong


def alone(view):
    """No tuple twice, and nothing beside an address leased whole."""
    wrong, owner = [], {}
    whole = {}
    for source, (_, leases) in view.hosts.items():
        for lease, _ in leases.values():
            if lease.method == "rsa-ip":
                whole.setdefault(lease.address, []).append((source, lease))
            for one in lease.tuples():
                if one in owner:
                    wrong.append("%s is leased twice: to %s and to %s" % (one, owner[one], source))
                owner[one] = source
    for one, source in owner.items():
        if len(one) > 1 and one[0] in whole:
            wrong.append("%s of %s is on an address leased whole" % (one, source))
    return wrong

