#!/usr/bin/env python3
"""What a host that authenticates can do, and what nobody else can in its name: forged, replayed, reordered and redirected
requests against rsipd. The client shares no code with the suite. Arguments: the prefix of the lab's namespaces, the key
in hexadecimal, the command that runs rsipctl, and the one that restarts rsipd by SIGKILL. Prints a verdict for each."""
import json
import subprocess
import sys
import time

import rsip_wire as wire
from rsip_client import Host
from rsip_wire import Err, Msg

LAB, KEY, CTL, RESTART = sys.argv[1], bytes.fromhex(sys.argv[2]), sys.argv[3], sys.argv[4]
GATEWAY, HOME, AWAY, ELSEWHERE, TAKEN = "10.0.0.1", "10.0.0.40", "10.0.0.41", "10.0.0.42", "10.0.0.43"
failed = False


def verdict(name, good, why=""):
    global failed
    failed = failed or not good
    print("PASS: " + name if good else "FAIL: %s - %s" % (name, why), flush=True)


def ctl(what):
    return json.loads(subprocess.run(CTL.split() + ["-j"] + what.split(), check=True, capture_output=True).stdout)


def count(name):
    return ctl("stats")["control"][name]


def place():
    """Where the gateway takes the probe to be, and all of its leases."""
    where = [host["address"] for host in ctl("hosts") if host["identity"] == "probe"]
    leases = [(b["bind_id"], b["ports"]) for b in ctl("bindings") if b["host"] in where]
    return where, leases


class Prover:
    """Signs for any address; the counter rises by itself."""

    def __init__(self, key=KEY, identity="probe"):
        self.key, self.identity, self.number = key, identity, time.time_ns() // 1000

    def sign(self, raw, source, number=None):
        self.number += 1
        return wire.sign(raw, self.key, self.identity, self.number if number is None else number, source, GATEWAY)


def tcp(source):
    return Host(LAB + "-x2", source).tcp()


def ask(raw, source):
    """On a connection of its own."""
    session = tcp(source)
    answer = session.ask_raw(raw)
    session.close()
    return answer


def proves(answer, source, raw):
    return wire.holds(answer, KEY, source, GATEWAY, wire.RESPONSE, raw[-16:])


def expect(name, answer, raw, source, error=None, signed=True):
    """The answer is of that error, or none, and authenticated for that request and address, or not at all."""
    good = answer.error == error and (proves(answer, source, raw) if signed else wire.signed_as(answer) is None)
    verdict(name, good, str(answer))


me = Prover()

raw = me.sign(wire.message(Msg.REGISTER_REQUEST), HOME)
answer = ask(raw, HOME)
expect("a host registers by its identity, and the answer proves the gateway", answer, raw, HOME)
client = wire.client_id(answer.client_id)
number = me.number
verdict("the answer has the request's counter", wire.signed_as(answer) == ("probe", number), str(answer))

assign = wire.message(Msg.ASSIGN_REQUEST_RSAP_IP, client, wire.address(), wire.ports(4), wire.address(), wire.ports())
raw = me.sign(assign, HOME)
answer = ask(raw, HOME)
expect("it leases ports", answer, raw, HOME)
binding = wire.bind_id(answer.bind_id)
taken = raw
before = place()

# --- requests in its name ---

wrong = count("auth_wrong")
for what, changed in (("its counter", taken[:-17] + bytes([taken[-17] ^ 1]) + taken[-16:]),
                      ("the MAC", taken[:-1] + bytes([taken[-1] ^ 1])),
                      ("a parameter", taken[:9] + bytes([taken[9] ^ 1]) + taken[10:])):
    expect("with %s changed it is refused" % what, ask(changed, HOME), changed, HOME, Err.BAD_CLIENT_ID, False)
other = Prover(bytes(32)).sign(assign, HOME)
expect("made with another key it is refused", ask(other, HOME), other, HOME, Err.BAD_CLIENT_ID, False)
verdict("these are counted", count("auth_wrong") == wrong + 4, "from %d to %d" % (wrong, count("auth_wrong")))

replayed = count("auth_replayed")
answer = ask(taken, HOME)
expect("a request that is sent again is refused", answer, taken, HOME, Err.BAD_CLIENT_ID)
verdict("it is told the counter that would do", wire.signed_as(answer) == ("probe", me.number + 1), str(answer))
verdict("that is counted", count("auth_replayed") == replayed + 1)

missing = count("auth_missing")
plain = wire.message(Msg.DE_REGISTER_REQUEST, client)
expect("who proves nothing cannot end the registration", ask(plain, HOME), plain, HOME, Err.BAD_CLIENT_ID, False)
plain = wire.message(Msg.REGISTER_REQUEST)
answer = ask(plain, HOME)
expect("nor register from the address", answer, plain, HOME, Err.REGISTRATION_DENIED, False)
verdict("nor learn the client ID", answer.client_id is None, str(answer))
verdict("these are counted", count("auth_missing") == missing + 2)
unknown = Prover(KEY, "nobody").sign(plain, HOME)
expect("an identity that the config does not have is refused", ask(unknown, HOME), unknown, HOME,
       Err.REGISTRATION_DENIED, False)
reflected = wire.sign(plain, KEY, "probe", me.number + 5, HOME, GATEWAY, wire.NOTICE)
expect("what was signed as the gateway's is no request", ask(reflected, HOME), reflected, HOME, Err.REGISTRATION_DENIED,
       False)
verdict("nothing of this changes anything", place() == before, str(place()))

# --- moves ---

refused = count("moves_refused")
go = wire.message(Msg.EXTEND_REQUEST, client, binding, wire.move())
expect("an unauthenticated move is refused", ask(go, AWAY), go, AWAY, Err.REGISTER_FIRST, False)
stolen = me.sign(go, AWAY)
answer = ask(stolen, ELSEWHERE)
expect("a move that was overheard moves nobody to the eavesdropper", answer, stolen, ELSEWHERE, Err.BAD_CLIENT_ID, False)
bystander = tcp(TAKEN)
bystander.register()
raw = me.sign(go, TAKEN)
answer = ask(raw, TAKEN)
expect("nor one to an address that another host has", answer, raw, TAKEN, Err.REGISTRATION_DENIED)
verdict("it does not learn that host's client ID", answer.client_id != bystander.client_id, str(answer))
verdict("these are counted", count("moves_refused") == refused + 3, "from %d to %d" % (refused, count("moves_refused")))
verdict("and the host stays where it is", place() == before, str(place()))
bystander.de_register()

first = me.sign(go, AWAY)
expect("a move that is its own is obeyed", ask(first, AWAY), first, AWAY)
verdict("the leases come along", place() == ([AWAY], before[1]), str(place()))
raw = me.sign(assign, HOME)
expect("the old address is worth nothing any more", ask(raw, HOME), raw, HOME, Err.REGISTER_FIRST)
later = [me.sign(go, ELSEWHERE), me.sign(go, HOME)]
expect("it moves on", ask(later[1], HOME), later[1], HOME)
expect("an earlier move that comes late is refused", ask(later[0], ELSEWHERE), later[0], ELSEWHERE, Err.BAD_CLIENT_ID)
expect("so is the first one again", ask(first, AWAY), first, AWAY, Err.BAD_CLIENT_ID)
verdict("the host is where its last move went", place() == before, str(place()))
subprocess.run(RESTART, shell=True, check=True)
expect("after a restart of the gateway, too", ask(first, AWAY), first, AWAY, Err.BAD_CLIENT_ID)
expect("and the first request of all", ask(taken, HOME), taken, HOME, Err.BAD_CLIENT_ID)
verdict("it is where it was", place() == before, str(place()))
raw = me.sign(wire.message(Msg.REGISTER_REQUEST), ELSEWHERE)
answer = ask(raw, ELSEWHERE)
expect("a host that has forgotten all is told its client ID, wherever it is", answer, raw, ELSEWHERE,
       Err.ALREADY_REGISTERED)
raw = me.sign(wire.message(Msg.DE_REGISTER_REQUEST, wire.client_id(answer.client_id)), ELSEWHERE)
expect("and can end the registration from there", ask(raw, ELSEWHERE), raw, ELSEWHERE)
verdict("it is gone", place() == ([], []), str(place()))

# --- datagrams, and what the gateway says unasked ---

session = Host(LAB + "-x2", HOME).udp()
raw = me.sign(wire.message(Msg.REGISTER_REQUEST, wire.counter(1)), HOME)
answer = session.ask_raw(raw)
expect("UDP: it registers", answer, raw, HOME)
client = wire.client_id(answer.client_id)
raw = me.sign(wire.message(Msg.ASSIGN_REQUEST_RSAP_IP, client, wire.address(), wire.ports(4), wire.address(), wire.ports(),
                           wire.counter(2)), HOME)
answer = session.ask_raw(raw)
expect("UDP: it leases ports", answer, raw, HOME)
verdict("UDP: the same datagram again gets the same answer, byte for byte", session.ask_raw(raw).raw == answer.raw)
stranger = Host(LAB + "-x2", HOME).udp()
expect("UDP: from another port it is a replay", stranger.ask_raw(raw), raw, HOME, Err.BAD_CLIENT_ID)
verdict("UDP: one lease was given", len(place()[1]) == 1, str(place()))
subprocess.run(CTL.split() + ["free", str(answer.bind_id)], check=True, capture_output=True)
notice = session.receive()
verdict("UDP: a notice of the gateway proves that it is the gateway's",
        notice.kind == Msg.FREE_RESPONSE and wire.holds(notice, KEY, HOME, GATEWAY, wire.NOTICE), str(notice))
raw = me.sign(wire.message(Msg.DE_REGISTER_REQUEST, client, wire.counter(3)), HOME)
expect("UDP: it leaves", session.ask_raw(raw), raw, HOME)
sys.exit(failed)
