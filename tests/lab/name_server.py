"""A name server for labs: A records of the few names of its command line, over UDP.

    name_server.py ADDRESS PORT NAME=ADDRESS[,ADDRESS...][/TTL]...

A name without addresses is never answered; one that is not there does not exist. With "then" between lists of addresses
each further answer is the next list: moving.example=192.0.2.1then192.0.2.2/1.
"""
import socket
import struct
import sys

A, NO_ERROR, NO_SUCH_NAME = 1, 0, 3


def table(words):
    names = {}
    for word in words:
        name, _, rest = word.partition("=")
        lists, _, ttl = rest.partition("/")
        names[name] = ([[one for one in part.split(",") if one] for part in lists.split("then")], int(ttl or 60))
    return names


def question(query):
    """(name, type, the question's bytes)"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", query, at + 1)[0], query[12:at + 5]


def answer(query, names):
    name, kind, asked = question(query)
    lists, ttl = names.get(name, ([], 0))
    addresses = lists.pop(0) if len(lists) > 1 else lists[0] if lists else []
    if name in names and not addresses:
        return None
    records = [struct.pack("!HHHIH", 0xc00c, A, 1, ttl, 4) + socket.inet_aton(one) for one in addresses if kind == A]
    rcode = NO_ERROR if name in names else NO_SUCH_NAME
    return query[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(records), 0, 0) + asked + b"".join(records)


def main(address, port, *words):
    names, server = table(words), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))
    while True:
        query, client = server.recvfrom(512)
        try:
            reply = answer(query, names)
        except (IndexError, struct.error):
            continue
        if reply:
            server.sendto(reply, client)


main(*sys.argv[1:])
