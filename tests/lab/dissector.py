"""What tshark's RSIP dissector, written by others, makes of the messages in captures.

    dissector.py CAPTURE.pcap... [--types N,N,...]

Cuts the TCP streams of port 4555 into messages, puts each message into a datagram of its own, and lets tshark dissect
them: none may be malformed, no parameter unknown, except where the dissector itself is known to be wrong. With --types,
messages of all these types must have been there. Prints PASS and FAIL lines.

What the dissector gets wrong (Wireshark 4.0), so that it proves nothing there and is not asked:
  - TCP: it takes a segment for a message, so two in one segment, or one in two, are lost on it;
  - vendor parameters: it looks for the value two bytes too far, and calls a message malformed that ends in one without;
  - SPI "don't care" (length 2): it reads an SPI that is not there, and calls the message malformed when that
    parameter is the last; of a list of SPIs it shows the first alone;
  - ports: a range of n ports is shown one too long;
  - RSIP method 3 (RSIPSEC) and the errors 401 to 403 of RFC 3104 have no or other names.
(tests/tools/tshark.sh has the same list for what the encoder alone can write.)
"""
import collections
import os
import struct
import subprocess
import sys
import tempfile

import ip_packet
from pcap_compare import packets
from rsip_wire import Msg, Par, PORT, read_address, split_params

# What is compared: the dissector's field, and how our own reading of a parameter of that type is written.
VALUES = {
    "rsip.parameter.client_id": (Par.CLIENT_ID, lambda value: number(value)),
    "rsip.parameter.bind_id": (Par.BIND_ID, lambda value: number(value)),
    "rsip.parameter.lease_time": (Par.LEASE_TIME, lambda value: number(value)),
    "rsip.parameter.tunnel_type": (Par.TUNNEL_TYPE, lambda value: number(value)),
    "rsip.method_param.method": (Par.RSIP_METHOD, lambda value: number(value)),
    "rsip.parameter.error": (Par.ERROR, lambda value: number(value)),
    "rsip.parameter.local_flow_policy": (Par.FLOW_POLICY, lambda value: number(value[:1])),
    "rsip.parameter.remote_flow_policy": (Par.FLOW_POLICY, lambda value: number(value[1:])),
    "rsip.parameter.message_counter": (Par.MESSAGE_COUNTER, lambda value: number(value)),
    "rsip.parameter.address": (Par.ADDRESS, lambda value: read_address(value) if value[0] == 1 and value[1:] else None),
    "rsip.parameter.netmask": (Par.ADDRESS, lambda value: read_address(value) if value[0] == 2 else None),
    "rsip.parameter.ports.number": (Par.PORTS, lambda value: number(value[:1]) if value else None),
    "rsip.parameter.spi_number": (Par.SPI, lambda value: number(value[:2])),
    "rsip.parameter.vendor_specific.subtype": (Par.VENDOR, lambda value: number(value[2:4]) if value[3:] else None),
}
FIELDS = ["frame.number", "rsip.message_type", "_ws.malformed", "rsip.parameter.type", *VALUES]


def number(value):
    return str(int.from_bytes(value, "big"))


class Stream:
    """One direction of a TCP connection, put together by sequence numbers."""

    def __init__(self):
        self.next, self.data, self.ahead = None, b"", {}

    def add(self, seq, flags, data):
        if flags & 2:  # SYN
            self.next, self.data, self.ahead = (seq + 1) & 0xffffffff, b"", {}
        if self.next is None or not data:
            return
        self.ahead[seq] = max(self.ahead.get(seq, b""), data, key=len)
        for seq in sorted(self.ahead, key=lambda one: (one - self.next + (1 << 31)) & 0xffffffff):
            skip = (self.next - seq) & 0xffffffff
            if skip >= 1 << 31:
                break
            self.data += self.ahead[seq][skip:]
            self.next = (self.next + max(0, len(self.ahead.pop(seq)) - skip)) & 0xffffffff

    def messages(self):
        at = 0
        while len(self.data) - at >= 4 and self.data[at] == 1:
            size = struct.unpack_from("!H", self.data, at + 2)[0]
            if size < 4 or at + size > len(self.data):
                break
            yield self.data[at:at + size]
            at += size


def messages(path):
    """All RSIP messages of a capture."""
    streams = collections.defaultdict(list)  # a new one for each SYN of the same ports
    for packet in packets(path):
        body = ip_packet.payload(packet)
        if packet[9] not in (ip_packet.TCP, ip_packet.UDP) or PORT not in struct.unpack("!HH", body[:4]):
            continue
        if packet[9] == ip_packet.UDP:
            yield body[8:]
            continue
        _, _, seq, _, offset, flags = struct.unpack("!HHIIBB", body[:14])
        key = packet[12:20] + body[:4]
        if flags & 2 and not (streams[key] and streams[key][-1].data == b""):
            streams[key].append(Stream())
        if streams[key]:
            streams[key][-1].add(seq, flags, body[offset >> 2:])
    for ends in streams.values():
        for stream in ends:
            yield from stream.messages()


def write(path, bodies):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for number, body in enumerate(bodies):
            packet = ip_packet.udp("10.0.0.11", 40000, "10.0.0.1", PORT, body)
            file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)


def explained(body):
    """The last parameter is an SPI of the don't care form or a vendor's without a value: the dissector's mistakes."""
    kind, value = split_params(body[4:])[-1]
    return kind == Par.SPI and len(value) == 2 or kind == Par.VENDOR and len(value) <= 4


def dissect(path):
    """[{field: text}] of each frame."""
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [dict(zip(FIELDS, line.split("|"))) for line in out.splitlines()]


def differences(body, frame):
    """Where the dissector's reading is not ours."""
    params = split_params(body[4:])
    want = ",".join(str(kind) for kind, _ in params)
    if frame["rsip.parameter.type"] != want:
        yield "types %s, not %s" % (frame["rsip.parameter.type"], want)
    for field, (kind, ours) in VALUES.items():
        want = ",".join(text for have, value in params if have == kind and (text := ours(value)) is not None)
        if frame[field] != want:
            yield "%s %s, not %s" % (field, frame[field], want)


def verdict(name, wrong):
    print("%s: %s%s" % ("FAIL" if wrong else "PASS", name, " - " + "; ".join(wrong[:5]) if wrong else ""))
    return bool(wrong)


def main(arguments):
    types = set()
    if "--types" in arguments:
        at = arguments.index("--types")
        types = {int(word) for word in arguments[at + 1].split(",")}
        del arguments[at:at + 2]
    bodies = [body for path in arguments for body in messages(path)]
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "messages.pcap")
        write(path, bodies)
        frames = dissect(path)
    unread, malformed, differ = [], [], []
    for body, frame in zip(bodies, frames):
        if frame["rsip.message_type"] != str(body[1]):
            unread.append(body.hex(" "))
        elif frame["_ws.malformed"]:
            malformed += [] if explained(body) else [body.hex(" ")]
        else:
            differ += ["%s: %s" % (why, body.hex(" ")) for why in differences(body, frame)]
    seen = {body[1] for body in bodies}
    failed = verdict("tshark dissects all %d messages" % len(bodies),
                     unread + ([] if len(bodies) == len(frames) and bodies else ["%d frames" % len(frames)]))
    failed |= verdict("tshark finds none of them malformed", malformed)
    failed |= verdict("tshark reads the same parameters and values", differ)
    if types:
        failed |= verdict("there were messages of all %d types" % len(types),
                          ["none of type %s" % Msg(kind).name for kind in sorted(types - seen)])
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
