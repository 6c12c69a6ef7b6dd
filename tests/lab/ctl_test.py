"""rsipctl as a person and as a program sees it, the control socket as a stranger does, and the metrics. Run by ctl.sh."""
import json
import os
import re
import sys
import time

from protocol import harness
from protocol.harness import check, expect, expect_equal, expect_kind
from rsip_wire import GRE, HOSTNAME, Msg, cookie_block, lease_time, no_ports, ports, spi, tunnel_type, vendor

HOSTS = {"x1": ("x1", "10.0.0.11"), "office": ("x2", "10.0.0.77")}
SOCKET = "/run/rsip/rsipd.sock"

# What users' programs rely on, from the contract of rsipctl -j: each member and its type.
STATUS = {"version": str, "uptime_s": int, "data_plane": str, "data_plane_detail": str, "hosts": int, "bindings": int, "pools": list}
HOST = {"client_id": int, "address": str, "name": (str, None), "transport": str, "policy": str, "expires_in_s": int,
        "bindings": int, "identity": (str, None), "moved_from": (str, None), "moved": (int, None)}
BINDING = {"bind_id": int, "client_id": int, "host": str, "method": str, "address": str, "ports": list, "spis": list,
           "cookie": (dict, None), "remote": (dict, None), "tunnel": str, "expires_in_s": int}
POOL = {"name": str, "address": str, "ports_total": int, "ports_leased": int, "ports_held": int, "spis_leased": int,
        "cookies_leased": int, "hosts": int}
STATS = {"control": dict, "data": dict}
DATA = {"in_packets": int, "in_bytes": int, "out_packets": int, "out_bytes": int, "drops": dict, "xdp": dict,
        "relay": dict}


def expect_members(document, members):
    for name, kind in members.items():
        expect(name in document, "no member %s in %s" % (name, document))
        kinds = kind if isinstance(kind, tuple) else (kind,)
        value = document[name]
        expect(any(value is None if k is None else type(value) is k for k in kinds),
               "%s is %r, expected %s" % (name, value, kinds))


def text(lab, *words):
    """What rsipctl prints for people."""
    done = lab.gateway.run(lab.gateway.rsipctl, *words)
    expect(done.returncode == 0 and not done.stderr, "rsipctl %s: exit %d: %s" % (words, done.returncode, done.stderr))
    return done.stdout


def exit_status(lab, status, stderr, *words):
    done = lab.gateway.run(lab.gateway.rsipctl, *words)
    expect(done.returncode == status and re.search(stderr, done.stderr),
           "rsipctl %s: exit %d, expected %d with /%s/: %s" % (words, done.returncode, status, stderr, done.stderr))


def register(host, *params):
    session = host.tcp()
    expect_kind(session.register(*params), Msg.REGISTER_RESPONSE)
    return session


@check("rsipctl: a gateway without hosts has empty lists, and says so in words")
def empty(lab):
    expect_equal("hosts", lab.gateway.ctl("hosts"), [])
    expect_equal("bindings", lab.gateway.ctl("bindings"), [])
    expect_equal("hosts for people", text(lab, "hosts"), "No host is registered.\n")
    expect_equal("bindings for people", text(lab, "bindings"), "There is no binding.\n")


@check("rsipctl status: each member, and counts that follow")
def status(lab):
    before = lab.gateway.ctl("status")
    expect_members(before, STATUS)
    expect_equal("pools", [p["name"] for p in before["pools"]], ["shared", "whole"])
    session = register(lab.x1)
    session.rsap()
    after = lab.gateway.ctl("status")
    expect_equal("hosts, bindings", (after["hosts"], after["bindings"]), (1, 1))
    expect(0 <= after["uptime_s"] < 600, "uptime %d" % after["uptime_s"])
    expect(re.search(r"^hosts +1$", text(lab, "status"), re.M), "no line for hosts: " + text(lab, "status"))


@check("rsipctl hosts: each member; the host's own name; TCP and UDP")
def hosts(lab):
    x1 = register(lab.x1, vendor(HOSTNAME, b"kitchen"))
    office = lab.office.udp()
    expect_kind(office.register(), Msg.REGISTER_RESPONSE)
    listed = {h["address"]: h for h in lab.gateway.ctl("hosts")}
    expect_equal("addresses", sorted(listed), ["10.0.0.11", "10.0.0.77"])
    for host in listed.values():
        expect_members(host, HOST)
    first, second = listed["10.0.0.11"], listed["10.0.0.77"]
    expect_equal("client ID", first["client_id"], x1.client_id)
    expect_equal("name", (first["name"], second["name"]), ("kitchen", None))
    expect_equal("transport", (first["transport"], second["transport"]), ("tcp", "udp"))
    expect_equal("policy", (first["policy"], second["policy"]), ("default", "office"))
    expect(7190 <= first["expires_in_s"] <= 7200, "expires in %d" % first["expires_in_s"])
    expect_equal("of an address", [h["address"] for h in lab.gateway.ctl("hosts", "10.0.0.77")], ["10.0.0.77"])
    expect_equal("of a client ID", [h["address"] for h in lab.gateway.ctl("hosts", str(x1.client_id))], ["10.0.0.11"])
    expect("kitchen" in text(lab, "hosts"), "the name is missing")


@check("rsipctl bindings: each member, of all three methods")
def bindings(lab):
    x1, office = register(lab.x1), register(lab.office)
    rsap = x1.rsap(None, ports(64), None, ports(), lease_time(600), tunnel_type(GRE))
    ipsec = x1.rsipsec(None, no_ports(), None, no_ports(), spi(16), cookie_block(0, 0xffff << 48))
    rsa = office.rsa()
    listed = {b["bind_id"]: b for b in lab.gateway.ctl("bindings")}
    expect_equal("bind IDs", sorted(listed), sorted([rsap.bind_id, ipsec.bind_id, rsa.bind_id]))
    for binding in listed.values():
        expect_members(binding, BINDING)
    first, second, third = listed[rsap.bind_id], listed[ipsec.bind_id], listed[rsa.bind_id]
    got = rsap.port_lists[0]
    expect_equal("ports", first["ports"], [[got[0], got[-1]]])
    expect_equal("method, tunnel", (first["method"], first["tunnel"]), ("rsap-ip", "gre"))
    expect(590 <= first["expires_in_s"] <= 600, "expires in %d" % first["expires_in_s"])
    expect_equal("host", (first["host"], third["host"]), ("10.0.0.11", "10.0.0.77"))
    expect_equal("nothing else", (first["spis"], first["cookie"], first["remote"]), ([], None, None))
    low, high = second["spis"][0]
    expect(re.fullmatch("0x[0-9a-f]{8}", low) and int(high, 16) == int(low, 16) + 15, "SPIs %s" % second["spis"])
    expect(re.fullmatch("0x[0-9a-f]{4}0{12}", second["cookie"]["value"]), "cookie %s" % second["cookie"])
    expect_equal("mask", second["cookie"]["mask"], "0xffff000000000000")
    expect_equal("whole address", (third["method"], third["ports"], third["address"]), ("rsa-ip", [], rsa.addresses[0]))
    of_host = lab.gateway.ctl("bindings", "10.0.0.11")
    expect_equal("of a host", sorted(b["bind_id"] for b in of_host), sorted([rsap.bind_id, ipsec.bind_id]))
    of_address = lab.gateway.ctl("bindings", rsa.addresses[0])
    expect_equal("of a public address", [b["bind_id"] for b in of_address], [rsa.bind_id])
    table = text(lab, "bindings")
    expect(len(table.splitlines()) == 4 and low in table and "%d-%d" % (got[0], got[-1]) in table, table)


@check("rsipctl pools: each member; what is leased, and what is held after it was freed")
def pools(lab):
    session = register(lab.x1)
    binding = session.rsap("203.0.113.25", ports(100))
    listed = lab.gateway.ctl("pools")
    expect_equal("addresses", len(listed), 8 + 11 + 16)
    for pool in listed:
        expect_members(pool, POOL)

    def of(address):
        return next(p for p in lab.gateway.ctl("pools") if p["address"] == address)
    entry = of("203.0.113.25")
    expect_equal("name", entry["name"], "shared")
    expect_equal("leased, hosts", (entry["ports_leased"], entry["hosts"]), (100, 1))
    expect_equal("total", entry["ports_total"], 65535 - 1024 + 1 - 1)  # 4500 is an IKE port
    session.free(binding.bind_id)
    entry = of("203.0.113.25")
    expect_equal("leased, held, hosts", (entry["ports_leased"], entry["ports_held"], entry["hosts"]), (0, 100, 0))
    expect("203.0.113.25" in text(lab, "pools"), text(lab, "pools"))


@check("rsipctl stats and drops: each member; requests and errors are counted by name")
def stats(lab):
    before = lab.gateway.ctl("stats")
    session = register(lab.x1)
    session.rsap()
    session.free(4000000000)
    after = lab.gateway.ctl("stats")
    expect_members(after, STATS)
    expect_members(after["data"], DATA)
    expect(after["data"]["drops"] and all(type(n) is int for n in after["data"]["drops"].values()), "drops")
    for group, name in (("requests", "REGISTER_REQUEST"), ("requests", "ASSIGN_REQUEST_RSAP-IP"),
                        ("responses", "ASSIGN_RESPONSE_RSAP-IP"), ("errors", "BAD_BIND_ID")):
        expect_equal(name, after["control"][group][name] - before["control"][group][name], 1)
    expect_equal("drops", lab.gateway.ctl("drops"), after["data"]["drops"])
    expect("BAD_BIND_ID" in text(lab, "stats"), text(lab, "stats"))
    text(lab, "drops")


@check("rsipctl free: the binding ends and its host is told")
def free(lab):
    session = register(lab.x1)
    binding = session.rsap()
    expect_equal("done", text(lab, "free", str(binding.bind_id)), "done\n")
    told = expect_kind(session.receive(), Msg.FREE_RESPONSE)
    expect_equal("bind ID", told.bind_id, binding.bind_id)
    expect_equal("bindings", lab.gateway.ctl("bindings"), [])
    exit_status(lab, 1, "no binding has this ID", "free", str(binding.bind_id))


@check("rsipctl deregister: the registration ends with all bindings and its host is told")
def deregister(lab):
    session = register(lab.x1)
    session.rsap()
    expect_equal("done", text(lab, "deregister", "0x%x" % session.client_id), "done\n")
    told = expect_kind(session.receive(), Msg.DE_REGISTER_RESPONSE)
    expect_equal("client ID", told.client_id, session.client_id)
    expect_equal("hosts", lab.gateway.ctl("hosts"), [])
    expect_equal("bindings", lab.gateway.ctl("bindings"), [])
    exit_status(lab, 1, "no host has this client ID", "deregister", str(session.client_id))
    expect_kind(session.register(), Msg.REGISTER_RESPONSE)


@check("rsipctl who: the holder of a port, an SPI, a cookie and a whole address, then and now")
def who(lab):
    x1, office = register(lab.x1), register(lab.office)
    # At an address of which no other check leases: what was held there before, in the same second, is told as well.
    rsap = x1.rsap("203.0.113.26")
    ipsec = x1.rsipsec(None, no_ports(), None, no_ports(), spi(16), cookie_block(0, 0xffff << 48))
    rsa = office.rsa()
    address, port = rsap.addresses[0], str(rsap.port_lists[0][0])
    listed = {b["bind_id"]: b for b in lab.gateway.ctl("bindings")}
    spi_text, cookie = listed[ipsec.bind_id]["spis"][0][1], int(listed[ipsec.bind_id]["cookie"]["value"], 16) + 0x1234
    for what, holder in (((address, port), rsap), ((address, spi_text), ipsec), ((address, "0x%016x" % cookie), ipsec),
                         ((rsa.addresses[0], "80"), rsa)):
        got = lab.gateway.ctl("who", *what)
        expect_equal("holder of %s %s" % what, [h["bind_id"] for h in got], [holder.bind_id])
        expect_members(got[0], {"host": str, "name": (str, None), "client_id": int, "from": int, "to": None})
    began = lab.gateway.ctl("who", address, port)[0]["from"]
    time.sleep(1.1)
    x1.free(rsap.bind_id)
    exit_status(lab, 1, "^$", "who", address, port)
    then = lab.gateway.ctl("who", address, port, "--at=@%d" % began)
    expect_equal("holder then", [(h["bind_id"], h["host"]) for h in then], [(rsap.bind_id, "10.0.0.11")])
    expect(then[0]["to"] > began, then)
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began))
    table = text(lab, "who", address, port, "--at", iso)
    expect("10.0.0.11" in table and iso in table, table)
    exit_status(lab, 1, "^$", "who", address, port, "--at=2001-01-01 00:00")
    exit_status(lab, 2, "no port", "who", address, "http")
    exit_status(lab, 2, "no IPv4 address", "who", "here", "80")
    exit_status(lab, 2, "is not a time", "who", address, port, "--at=yesterday")


def rows(lab, statement):
    """Another hand at the database of the gateway in service."""
    done = lab.gateway.run("sqlite3", "-cmd", ".timeout 5000", "/var/lib/rsip/rsipd.db", statement)
    expect(done.returncode == 0, done.stderr)


@check("rsipctl check: all is well; a row that another hand took or put there is named, with what to do")
def check_leases(lab):
    session, office = register(lab.x1), register(lab.office)
    first, second = session.rsap(), session.rsap()
    session.rsipsec(None, no_ports(), None, no_ports(), spi(16), cookie_block(0, 0xffff << 48))
    office.rsa()
    session.free(second.bind_id)
    well = lab.gateway.ctl("check")
    expect_members(well, {"ok": bool, "checked": dict, "findings": list, "more": int})
    expect_equal("well", (well["ok"], well["findings"], well["more"]), (True, [], 0))
    expect_equal("looked at", [well["checked"][n] for n in ("hosts", "bindings", "data_plane_bindings")], [2, 3, 3])
    expect("All is well: looked at 2 hosts, 3 bindings" in text(lab, "check"), text(lab, "check"))
    rows(lab, "UPDATE binding SET expires = expires + 500 WHERE bind_id = %d" % first.bind_id)
    rows(lab, "INSERT INTO binding_tuple VALUES (4000000000, 'port', 1, 2)")
    rows(lab, "DELETE FROM quarantine")
    done = lab.gateway.run(lab.gateway.rsipctl, "check")
    expect_equal("exit status", done.returncode, 1)
    for said in ("invariant 4: binding %d ends 50[0-2] seconds later by the database" % first.bind_id,
                 "table binding_tuple has bind ID 4000000000", "is not in the database: a restart would lose it",
                 "what to do: ", "Not all is well"):
        expect(re.search(said, done.stdout), "no \"%s\" in %s" % (said, done.stdout))
    rows(lab, "DELETE FROM binding_tuple WHERE bind_id = 4000000000")


@check("rsipctl: exit status 1 with the daemon's reason, 2 for usage, 3 without a daemon")
def exits(lab):
    exit_status(lab, 0, "^$", "-h")
    exit_status(lab, 0, "^$", "-V")
    exit_status(lab, 1, "neither an IPv4 address nor an ID", "hosts", "nobody")
    exit_status(lab, 2, "usage:")
    exit_status(lab, 2, 'no command "reboot"', "reboot")
    exit_status(lab, 2, "usage:", "status", "now")
    exit_status(lab, 2, "usage:", "free")
    exit_status(lab, 2, "is no BIND_ID", "free", "0")
    exit_status(lab, 2, "usage:", "-x")
    exit_status(lab, 3, "no daemon at /nonexistent", "-s", "/nonexistent", "status")
    exit_status(lab, 3, "no daemon at " + "/run/rsip/rsipc.sock", "-s", "/run/rsip/rsipc.sock", "status")


@check("control socket: only root and the gateway's own user may connect or administer")
def permissions(lab):
    done = lab.gateway.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--",
                           lab.gateway.rsipctl, "free", "1")
    expect(done.returncode in (1, 3) and re.search("ermission denied|for root only", done.stderr),
           "exit %d: %s" % (done.returncode, done.stderr))


@check("control socket: garbage is answered with errors, and the daemon serves on")
def garbage(lab):
    script = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect('%s');"
              "s.sendall(b'hello\\n{}\\n{\"cmd\":\"status\"\\n[]\\n{\"cmd\":\"who\"}\\n'); s.shutdown(1);"
              "sys.stdout.write(b''.join(iter(lambda: s.recv(4096), b'')).decode())" % SOCKET)
    answers = lab.gateway.run(sys.executable, "-c", script).stdout.splitlines()
    expect(len(answers) == 5 and all(json.loads(a)["ok"] is False and json.loads(a)["error"] for a in answers), answers)
    lab.gateway.ctl("status")


@check("metrics: a scrape over HTTP, as strict readers want it")
def metrics(lab):
    session = register(lab.x1)
    session.rsap(None, ports(64))
    done = lab.gateway.run("curl", "-sS", "-m", "5", "-D", "/dev/stderr", "http://127.0.0.1:9455/metrics")
    expect(done.returncode == 0 and "HTTP/1.1 200" in done.stderr, done.stderr)
    expect("Content-Type: text/plain; version=0.0.4" in done.stderr, done.stderr)
    samples = {}
    for line in done.stdout.splitlines():
        if not line.startswith("# "):
            sample = re.fullmatch(r'(rsipd_[a-z_]+(?:\{[a-z]+="[^"]*"\})?) (\d+)', line)
            expect(sample, "no sample: " + line)
            samples[sample[1]] = int(sample[2])
    for name, value in (("rsipd_hosts", 1), ("rsipd_bindings", 1), ('rsipd_pool_ports_leased{pool="shared"}', 64)):
        expect_equal(name, samples.get(name), value)
    expect(samples['rsipd_requests_total{type="REGISTER_REQUEST"}'] >= 1, "requests")
    drops = lab.gateway.ctl("drops")
    expect_equal("drop reasons", sum(name.startswith("rsipd_dropped_packets_total{") for name in samples), len(drops))
    missing = lab.gateway.run("curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:9455/")
    expect_equal("elsewhere", missing.stdout, "404")


def promtool(lab):
    """Where it is installed, Prometheus's own checker has the last word."""
    done = lab.gateway.run("sh", "-c", "curl -s http://127.0.0.1:9455/metrics | promtool check metrics")
    expect(done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr)


def main():
    gateway = harness.Gateway(os.environ["RSIP_BOX_n"], os.environ["BUILDDIR"],
                              os.path.join(os.environ["LAB_TMP"], "rsipd.log"))
    lab = harness.Lab(os.environ["LAB"], HOSTS, {}, gateway)
    if gateway.run("sh", "-c", "command -v promtool").returncode == 0:
        check("metrics: promtool check metrics has no complaint")(promtool)
    else:
        print("SKIP: metrics: promtool check metrics - promtool is not installed (Debian package prometheus)")
    gateway.start(os.environ["RSIP_CONF_EXAMPLE"])
    failed = harness.run(lab, sys.argv[1:])
    if gateway.stop() != 0:
        print("FAIL: rsipd ends well on SIGTERM - exit status %d" % gateway.process.returncode)
        failed += 1
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
