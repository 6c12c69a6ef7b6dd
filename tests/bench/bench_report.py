"""bench_report.py RESULTS DIRECTORY: medians, ratios to kernel forwarding and a chart of what bench.sh has measured, as
results.md and performance-LENGTH.svg in the directory."""
import collections
import datetime
import os
import platform
import statistics
import sys

KERNEL = "kernel forwarding"
BARE = "bare XDP encapsulation"
BAR, GAP, LEFT, WIDTH = 18, 6, 330, 560


def read(path):
    """Two of {(length, name, n, direction): {round: number}}: values, and ns of CPU time a packet."""
    values, times = collections.OrderedDict(), {}
    with open(path) as file:
        next(file)
        for line in file:
            turn, length, name, n, direction, value, cpu = line.rstrip("\n").split("\t")
            key = (int(length), name, int(n), direction)
            values.setdefault(key, {})[int(turn)] = float(value)
            if cpu not in ("-", "0"):
                times.setdefault(key, {})[int(turn)] = float(cpu)
    return values, times


def ratios(values, key):
    """Of each round: the rate over kernel forwarding's in the same round, same length, same direction."""
    length, _, _, direction = key
    kernel = values[(length, KERNEL, 1000, direction)]
    return [value / kernel[turn] for turn, value in values[key].items() if kernel.get(turn, 0) > 0]


def cpu_ratios(times, key):
    """The same by CPU time, which other work on the core does not take from."""
    length, _, _, direction = key
    kernel = times.get((length, KERNEL, 1000, direction), {})
    return [kernel[turn] / time for turn, time in times.get(key, {}).items() if turn in kernel]


def of_bare(values, key):
    """Of each round: the rate over that of bare encapsulation for as many bindings in the same round."""
    length, name, n, _ = key
    bare = values.get((length, BARE, n, "in"), {}) if name.startswith("XDP") else {}
    return [value / bare[turn] for turn, value in values[key].items() if bare.get(turn, 0) > 0]


def cpu_of_bare(times, key):
    """The same by CPU time."""
    length, name, n, _ = key
    bare = times.get((length, BARE, n, "in"), {}) if name.startswith("XDP") else {}
    return [bare[turn] / time for turn, time in times.get(key, {}).items() if turn in bare]


def spread(numbers, form):
    return "%s (%s to %s)" % tuple(form % x for x in (statistics.median(numbers), min(numbers), max(numbers)))


def title(key):
    _, name, n, direction = key
    count = "" if name.startswith(("bare XDP redirect", "bare XDP strip", "relay", KERNEL)) else ", %s" % human(n)
    return "%s%s, %s" % (name, count, {"in": "inbound", "out": "outbound"}[direction])


def human(n):
    return "%dM" % (n // 1000000) if n >= 1000000 else "%dk" % (n // 1000) if n >= 1000 else str(n)


def rate_keys(values, length):
    return [key for key in values if key[0] == length and key[3] in ("in", "out")]


def color(name):
    if name.startswith("XDP"):
        return "#2b6cb0"
    if name.startswith("bare"):
        return "#a0aec0"
    return "#c05621" if name.startswith("relay") else "#718096"


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def bar(y, text, numbers, most):
    middle, low, high = (x / most * WIDTH for x in (statistics.median(numbers), min(numbers), max(numbers)))
    half = y + BAR / 2
    return ['<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 8, half + 4, escape(text[0])),
            '<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>' % (LEFT, y, middle, BAR, text[1]),
            '<path d="M%.1f %.1fH%.1f" stroke="#1a202c"/>' % (LEFT + low, half, LEFT + high),
            '<text x="%.1f" y="%.1f">%.2f</text>' % (LEFT + max(middle, high) + 6, half + 4,
                                                     statistics.median(numbers))]


def chart(values, times, length):
    keys = rate_keys(values, length)
    rows = [(key, cpu_ratios(times, key)) for key in keys]
    rows = [row for row in rows if row[1]]
    most = max(max(numbers) for _, numbers in rows)
    height = 50 + len(rows) * (BAR + GAP)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">'
           % (LEFT + WIDTH + 60, height),
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="10" y="20" font-size="15">Packets a second of CPU time, frames of %d bytes, kernel forwarding = 1; '
           'the line is the spread of the rounds</text>' % length]
    for i, (key, numbers) in enumerate(rows):
        out += bar(36 + i * (BAR + GAP), (title(key), color(key[1])), numbers, most)
    x = LEFT + WIDTH / most
    out.append('<path d="M%.1f 32V%d" stroke="#e53e3e" stroke-dasharray="4 3"/>' % (x, height - 10))
    return "\n".join(out + ["</svg>", ""])


def or_dash(numbers):
    return spread(numbers, "%.2f") if numbers else "-"


def table(values, times, length):
    lines = ["| what, frames of %d bytes | packets a second, median (min to max) | of kernel forwarding | by CPU time "
             "| of bare encapsulation | by CPU time |" % length, "|---|---|---|---|---|---|"]
    for key in rate_keys(values, length):
        lines.append("| %s | %s | %s |" % (title(key), spread(list(values[key].values()), "%d"), " | ".join(
            or_dash(numbers) for numbers in (ratios(values, key), cpu_ratios(times, key), of_bare(values, key),
                                             cpu_of_bare(times, key)))))
    return "\n".join(lines) + "\n"


def small_table(values, prefix, unit):
    keys = [key for key in values if key[1].startswith(prefix)]
    lines = ["| %s | bindings | %s |" % (prefix, unit), "|---|---|---|"]
    for key in keys:
        numbers = list(values[key].values())
        text = spread(numbers, "%g") if len(numbers) > 1 else "%g" % numbers[0]
        lines.append("| %s | %s | %s |" % (key[1][len(prefix) + 2:], human(key[2]), text))
    return "\n".join(lines) + "\n"


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return "%d x %s" % (len(names), names[0]) if names else platform.machine()


def main():
    path, directory = sys.argv[1:]
    values, times = read(path)
    lengths = sorted({key[0] for key in values if key[3] in ("in", "out")})
    rounds = max(turn for by_round in values.values() for turn in by_round)
    text = ["%s, Linux %s, %s; %d rounds; load average at the end %s.\n" % (
        datetime.date.today().isoformat(), platform.release(), processor(), rounds,
        " ".join("%.1f" % x for x in os.getloadavg()))]
    for length in lengths:
        name = "performance-%d.svg" % length
        with open(os.path.join(directory, name), "w") as file:
            file.write(chart(values, times, length))
        text += ["![Frames of %d bytes](%s)\n" % (length, name), table(values, times, length)]
    text += [small_table(values, "test run", "ns a packet (BPF_PROG_TEST_RUN)"), small_table(values, "tables", "value")]
    with open(os.path.join(directory, "results.md"), "w") as file:
        file.write("\n".join(text))
    print("\n".join(text))


main()
