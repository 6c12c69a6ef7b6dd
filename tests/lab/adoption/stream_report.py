"""What two ends of a stream (tests/tools/stream.c) say of a move of the host.

stream_report.py ROUND_TRIP_MS HOST-FILE SERVER-FILE [ADDRESS]

Prints one line, NAME=VALUE: for each direction (up: from the host, down: to it) what was sent and what was lost of it,
and the longest time in which nothing arrived, in ms. With ADDRESS, the one that the host moved to, also of what was lost:

  up_after    sent since the host had the new address and its route
  down_after  sent to the host since then, and half a round trip later: before, nobody can have told the sender
  down_early  sent to the host in that first half round trip
  recovery    ms from the new address to the first arrival after which the next 100 all came: the later direction
"""
import bisect
import sys


def read(path):
    end = {"sent": {}, "refused": {}, "got": {}, "address": [], "route": []}
    for line in open(path, encoding="ascii"):
        word, *rest = line.split()
        if word in ("sent", "refused"):
            end[word][int(rest[0])] = int(rest[1])
        elif word == "got":
            end["got"].setdefault(int(rest[0]), int(rest[2]))
        elif word == "address":
            end["address"].append((rest[0], int(rest[1])))
        elif word == "route":
            end["route"].append(int(rest[0]))
    return end


def direction(sender, receiver, start):
    """All that one end sent since `start` as (sent at, arrived at or None), in order; the warm-up is not looked at."""
    sent = dict(sender["sent"])
    sent.update(sender["refused"])
    return [(at, receiver["got"].get(number)) for number, at in sorted(sent.items(), key=lambda item: item[1]) if at >= start]


def longest_gap(packets):
    arrivals = sorted(arrived for _, arrived in packets if arrived is not None)
    return max((later - one for one, later in zip(arrivals, arrivals[1:])), default=0) / 1000


def back_to_normal(packets, up_at):
    """The arrival, since up_at, from which on a hundred packets in a row came."""
    run = 0
    first = None
    for sent, arrived in packets:
        if sent < up_at or arrived is None:
            run, first = 0, None
            continue
        first = first if run else arrived
        run += 1
        if run == 100:
            return (first - up_at) / 1000
    return float("nan")


def moved_at(host, address):
    """When the host had that address and then a default route, the last time."""
    times = [at for name, at in host["address"] if name == address]
    routes = sorted(host["route"])
    if not times:
        sys.exit(f"the host never had {address}")
    place = bisect.bisect_left(routes, times[-1])
    return routes[place] if place < len(routes) else times[-1]


def main():
    half_trip = float(sys.argv[1]) * 500
    host, server = read(sys.argv[2]), read(sys.argv[3])
    if not host["got"] or not server["got"]:
        sys.exit("nothing has arrived at " + ("the host" if not host["got"] else "the server"))
    start = max(min(host["got"].values()), min(server["got"].values()))
    up, down = direction(host, server, start), direction(server, host, start)
    values = {}
    for name, packets in (("up", up), ("down", down)):
        values[f"{name}_sent"] = len(packets)
        values[f"{name}_lost"] = sum(arrived is None for _, arrived in packets)
        values[f"{name}_gap"] = f"{longest_gap(packets):.1f}"
    if len(sys.argv) > 4:
        at = moved_at(host, sys.argv[4])
        values["up_after"] = sum(arrived is None for sent, arrived in up if sent >= at)
        values["down_early"] = sum(arrived is None for sent, arrived in down if at <= sent < at + half_trip)
        values["down_after"] = sum(arrived is None for sent, arrived in down if sent >= at + half_trip)
        values["recovery"] = f"{max(back_to_normal(up, at), back_to_normal(down, at)):.1f}"
    print(" ".join(f"{name}={value}" for name, value in values.items()))


main()
