"""What two ends of a stream (tests/tools/stream.c) say of the moves of the host.

stream_report.py [--each] ROUND_TRIP_MS HOST-FILE SERVER-FILE MOVES-FILE

MOVES-FILE: what tests/tools/renumber.c printed, a line a move. Prints one line, NAME=VALUE: for each direction (up: from
the host, down: to it) what was sent and what was lost of it, and the longest time in which nothing arrived, in ms. If the
host moved meanwhile, also of its last move:

  up_after    lost of what was sent since the host had the new address and its route
  down_after  lost of what was sent to it since half a round trip after that: before, nobody can have told the sender
  down_early  lost of what was sent to it in that half round trip
  recovery    ms from the new address to the first arrival after which the next 100 all came: the later direction

--each: one line for all moves, each looked at from half a second before it to half a second before the next: of each of
the above the median, the least and the most (MEDIAN:LEAST:MOST), and

  moves       how many there were
  bare        ms that the kernel took for the change itself
  trip        ms of a round trip through the tunnel in the half second before the move, in the median
  whole       ms from the new address to the first arrival after the last loss: the later direction
"""
import statistics
import sys

BEFORE = 500_000
FULL_RUN = 100


def read_end(path):
    end = {"sent": {}, "got": {}}
    for line in open(path, encoding="ascii"):
        word, *rest = line.split()
        if word == "got":
            end["got"].setdefault(int(rest[0]), int(rest[1]))
        else: # sent, or refused by its own kernel
            end["sent"][int(rest[0])] = int(rest[1])
    return end


def direction(sender, receiver, start):
    """All that one end sent since `start` as (sent at, arrived at or None), in order; the warm-up is not looked at."""
    return [(at, receiver["got"].get(number)) for number, at in sorted(sender["sent"].items(), key=lambda item: item[1])
            if at >= start]


def between(packets, start, end):
    return [packet for packet in packets if start <= packet[0] < end]


def lost(packets, since=0, until=float("inf")):
    return sum(arrived is None for sent, arrived in packets if since <= sent < until)


def longest_gap(packets):
    arrivals = sorted(arrived for _, arrived in packets if arrived is not None)
    return max((later - one for one, later in zip(arrivals, arrivals[1:])), default=0) / 1000


def back_to_normal(packets, up_at):
    """The arrival, since up_at, from which on so many packets in a row came."""
    run = 0
    first = None
    for sent, arrived in packets:
        if sent < up_at or arrived is None:
            run, first = 0, None
            continue
        first = first if run else arrived
        run += 1
        if run == FULL_RUN:
            return (first - up_at) / 1000
    return float("nan")


def whole_again(packets, up_at):
    """The first arrival after the last loss; at once, where the loss was before the move or there was none."""
    last = max((sent for sent, arrived in packets if arrived is None), default=0)
    return max(min((arrived for sent, arrived in packets if sent > max(last, up_at)), default=float("nan")) - up_at, 0) / 1000


def transit(packets, move):
    return statistics.median([arrived - sent for sent, arrived in packets if sent < move and arrived is not None] or [0])


def of_stream(up, down):
    values = {}
    for name, packets in (("up", up), ("down", down)):
        values[f"{name}_sent"] = len(packets)
        values[f"{name}_lost"] = lost(packets)
        values[f"{name}_gap"] = longest_gap(packets)
    return values


def of_move(up, down, at, half_trip):
    return {
        "up_after": lost(up, at),
        "down_early": lost(down, at, at + half_trip),
        "down_after": lost(down, at + half_trip),
        "recovery": max(back_to_normal(up, at), back_to_normal(down, at)),
    }


def each_move(up, down, moves, half_trip):
    ends = [began - BEFORE for began, _ in moves[1:]] + [float("inf")]
    for (began, done), end in zip(moves, ends):
        ups, downs = (between(packets, began - BEFORE, end) for packets in (up, down))
        yield of_stream(ups, downs) | of_move(ups, downs, done, half_trip) | {
            "bare": (done - began) / 1000,
            "trip": (transit(ups, began) + transit(downs, began)) / 1000,
            "whole": max(whole_again(ups, done), whole_again(downs, done)),
        }


def shown(value):
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def spread(values):
    return ":".join(shown(of(values)) for of in (statistics.median, min, max))


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--each"]
    half_trip = float(arguments[0]) * 500
    host, server = read_end(arguments[1]), read_end(arguments[2])
    if not host["got"] or not server["got"]:
        sys.exit("nothing has arrived at " + ("the host" if not host["got"] else "the server"))
    start = max(min(host["got"].values()), min(server["got"].values()))
    end = max(max(host["sent"].values()), max(server["sent"].values()))
    up, down = direction(host, server, start), direction(server, host, start)
    moves = [tuple(map(int, line.split())) for line in open(arguments[3], encoding="ascii")]
    moves = [move for move in moves if start < move[0] < end]
    if "--each" in sys.argv:
        seen = list(each_move(up, down, moves, half_trip))
        values = {"moves": len(seen)} | {name: spread([one[name] for one in seen]) for name in seen[0]}
    else:
        values = of_stream(up, down) | (of_move(up, down, moves[-1][1], half_trip) if moves else {})
    print(" ".join(f"{name}={shown(value)}" for name, value in values.items()))


main()
