"""The figures of throughput.sh.

throughput_report.py phase NAME: reads rsipperf's JSON, prints the row of that phase: grants and all exchanges a second,
and the p50 and p99 of an exchange in milliseconds.
throughput_report.py table FILE: prints the medians over the rounds of a throughput.tsv as a table in Markdown.
"""
import json
import statistics
import sys


def phase_row(report, name):
    phase = next(p for p in report["phases"] if p["phase"] == name)
    ops = {op["operation"]: op for op in phase["operations"]}
    every = ops["all"]
    granted = ops["assign"]["granted"] / phase["seconds"]
    return f"{granted:.0f} {every['rate']:.0f} {every['p50_ms']} {every['p99_ms']}"


def number(text):
    return None if text == "-" else float(text)


def medians(rows):
    columns = ([v for v in column if v is not None] for column in zip(*rows))
    return [statistics.median(c) if c else None for c in columns]


def cell(value, digits=0):
    return "-" if value is None else f"{value:.{digits}f}"


def print_table(path):
    runs = {}
    for line in open(path, encoding="ascii"):
        fields = line.rstrip("\n").split("\t")
        runs.setdefault((fields[1], fields[2]), []).append([number(f) for f in fields[3:7]])
    kea = max((medians(rows)[1] for (what, _), rows in runs.items() if what == "Kea"), default=None)
    print("| what | leases granted a second | exchanges a second | of Kea's | p50, ms (Kea: mean) | p99, ms |")
    print("|---|---|---|---|---|---|")
    for (what, name), rows in runs.items():
        grants, exchanges, p50, p99 = medians(rows)
        ratio = exchanges / kea if kea and what == "rsipd" else None
        print(f"| {name} | {cell(grants)} | {cell(exchanges)} | {cell(ratio, 1)} | {cell(p50, 2)} | {cell(p99, 2)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["phase"] and len(sys.argv) == 3:
        print(phase_row(json.load(sys.stdin), sys.argv[2]))
    elif sys.argv[1:2] == ["table"] and len(sys.argv) == 3:
        print_table(sys.argv[2])
    else:
        sys.exit(__doc__)
