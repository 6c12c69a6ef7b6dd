"""The table of move.sh, from the RESULT lines of ../lab/adoption/bench.sh on standard input."""
import sys

HEAD = ("moves of the host", "to the", "lost", "after up", "gap ms", "trips", "MOBIKE", "whole again")
ROW = "{:<35} {:<6} {:>15} {:>15} {:>15} {:>5} {:>6} {:>16}"
LEGEND = """
Medians of {moves} moves (least-most). lost: of 1,000 datagrams a second. after up: of these, sent when the host already had
its new address; towards the host also half a round trip later, for nobody can have told the sender before. gap: the
longest time in which nothing came; trips: its median in round trips of {trip:.1f} ms, MOBIKE: in MOBIKE's gaps of this table.
whole again: ms from the new address to the first arrival after the last loss, either way. The host had no address, or no
way by it, for {bare:.1f} ms in the median, {bare_most:.1f} at the most."""


def read(line):
    """A row: its name, and of each value (median, least, most)."""
    name, _, words = line.partition(": ")
    values = (word.split("=") for word in words.split())
    return name, {name: [float(part) for part in value.split(":")] for name, value in values}


def shown(value, digits=0):
    median, least, most = (f"{part:.{digits}f}" for part in value)
    return median if least == most else f"{median} ({least}-{most})"


def rows(results):
    mobike = {}
    for name, values in results:
        for way, end in (("up", "server"), ("down", "host")):
            gap = values[f"{way}_gap"]
            if name.startswith("strongSwan with MOBIKE"):
                mobike[way] = gap[0]
            of_mobike = f"{gap[0] / mobike[way]:.2f}" if way in mobike else "-"
            first = way == "up"
            yield (name if first else "", end, shown(values[f"{way}_lost"]), shown(values[f"{way}_after"]), shown(gap),
                   f"{gap[0] / values['trip'][0]:.1f}", of_mobike, shown(values["whole"]) if first else "")


def main():
    results = [read(line.removeprefix("RESULT: ")) for line in sys.stdin if line.startswith("RESULT: ")]
    if not results:
        sys.exit("no results")
    for row in (HEAD, *rows(results)):
        print(ROW.format(*row).rstrip())
    of = {name: [values[name] for _, values in results] for name in ("moves", "trip", "bare")}
    moves = "-".join(str(int(n)) for n in sorted({value[0] for value in of["moves"]}))
    bare = sorted(value[0] for value in of["bare"])[len(results) // 2]
    print(LEGEND.format(moves=moves, trip=min(value[0] for value in of["trip"]), bare=bare,
                        bare_most=max(value[-1] for value in of["bare"])))


main()
