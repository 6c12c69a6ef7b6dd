"""An attacker on the path: what it captured of one tunnel, sent again or changed, from an address of its choice.

    attack.py replay CAPTURE TO FROM:PORT [COUNT]   the last COUNT (5) ESP packets to TO, as they were
    attack.py oldest CAPTURE TO FROM:PORT           the first one alone
    attack.py forge CAPTURE TO FROM:PORT            packets with the SPI of the last, newer sequence numbers and a wrong ICV,
                                                    cut ones, other SPIs, and what else UDP port 4500 gets

CAPTURE: a classic pcap file of the wire. Run it in the network namespace of the attacker, as root.
Prints how many packets it has sent."""
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import ip_packet  # noqa: E402
from pcap_compare import packets  # noqa: E402

PAUSE = 0.02 # seconds: as a stream has them, not a burst


def esp_to(path, to):
    """The UDP payloads of the ESP packets to that address, with their destination port, in order; IKE and keepalives are none."""
    for packet in packets(path):
        head = (packet[0] & 15) * 4
        if packet[9] != ip_packet.UDP or packet[16:20] != ip_packet.packed(to):
            continue
        payload = packet[head + 8:]
        if len(payload) > 16 and payload[:4] != b"\0\0\0\0":
            yield struct.unpack("!H", packet[head + 2:head + 4])[0], payload


def flipped(esp, at):
    return esp[:at] + bytes([esp[at] ^ 0x55]) + esp[at + 1:]


def forgeries(esp):
    """Of a genuine packet: everything that a stranger can make of it without the key."""
    spi, sequence = struct.unpack("!II", esp[:8])
    for ahead in (1, 2, 5, 40, 1000, 1 << 20, 0x7fffffff, 0xfffffffe - sequence):
        yield struct.pack("!II", spi, (sequence + ahead) & 0xffffffff) + esp[8:]
    newer = struct.pack("!II", spi, sequence + 3)
    yield newer + os.urandom(len(esp) - 8)
    for at in (8, 16, len(esp) - 1, len(esp) - 16):
        yield flipped(esp, at)
    for length in (0, 1, 4, 7, 8, 9, 16, 24, 31, len(esp) - 1):
        yield esp[:length]
        yield (newer + esp[8:])[:length]
    yield newer + esp[8:] + b"more"
    yield struct.pack("!II", spi ^ 1, sequence + 1) + esp[8:]
    yield struct.pack("!II", 0, sequence + 1) + esp[8:]
    yield b"\xff"
    yield b"\0\0\0\0" + esp
    yield newer + b"\0" * 1400


def main(what, capture, to, source, count="5"):
    address, port = source.split(":")
    seen = list(esp_to(capture, to))
    if not seen:
        sys.exit(f"{capture} has no ESP to {to}")
    if what == "replay":
        chosen = seen[-int(count):]
    elif what == "oldest":
        chosen = seen[:1]
    else:
        chosen = [(seen[-1][0], esp) for esp in forgeries(seen[-1][1])]
    wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for dport, payload in chosen:
        wire.sendto(ip_packet.udp(address, int(port), to, dport, payload), (to, 0))
        time.sleep(PAUSE)
    print(len(chosen))


if __name__ == "__main__":
    main(*sys.argv[1:])
