"""relay_packet.py NAMESPACE GATEWAY OUTER-SOURCE INNER-SOURCE INNER-DESTINATION: sends one ICMP echo request in IP-IP.

With "-" as OUTER-SOURCE the kernel chooses it; any other is forged.
"""
import os
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def ipv4(proto, src, dst, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def main():
    netns, gateway, outer, src, dst = sys.argv[1:]
    libc = __import__("ctypes").CDLL(None, use_errno=True)
    with open(os.path.join("/run/netns", netns)) as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError("setns")
    echo = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
    echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
    inner = ipv4(1, src, dst, echo)
    if outer == "-":
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, 4)
        sock.sendto(inner, (gateway, 0))
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        sock.sendto(ipv4(4, outer, gateway, inner), (gateway, 0))


main()
