#!/usr/bin/env python3
"""Compares runs of `ipcraft bench` on a quiet machine with runs beside busy neighbours.

    cargo build --release
    benches/noise.py                          # five quiet and five busy runs of --quick, alternating
    benches/noise.py --runs 2 --neighbours 4 -- --quick --only pipe,channel
    benches/noise.py --neighbour 'stress-ng --cpu 1'
    benches/noise.py --read FOLDER            # compares the files of an earlier comparison

What it prints:

order           the first three of each workload, size and placement, in every run. Two runs
                contradict each other if one ranks A before B, the other B before A, and the
                intervals of the two are disjoint in both runs.
recommendation  the mechanisms that each run recommends.
ratios          how often the interval of a ratio to libc that a busy run printed contains the median
                of the quiet runs' ratios, and how wide these intervals are.

Exits with 1 if a recommendation or an order is contradicted, or if fewer than nine of ten ratios
lie in their intervals.
"""

import argparse
import itertools
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

SPIN = [sys.executable, "-c", "while True: pass"]
# Lines such as `latency 64 B: channel 246 ns (= channel_mpmc); gives up: nothing`.
RECOMMENDATION = re.compile(r"^ *(latency|bulk|one core|bulk on one core) ([^:]*): (\w+)", re.MULTILINE)
MIN_SHARE = 0.9


def main():
    options = arguments()
    folder = options.read or pathlib.Path(tempfile.mkdtemp(prefix="ipcraft-noise."))
    if not options.read:
        measure(options, folder)
    runs = {state: read(folder, state) for state in ("quiet", "busy")}
    if not all(runs.values()):
        sys.exit(f"{folder}: needs quiet-*.json and busy-*.json")
    print(f"{len(runs['quiet'])} quiet and {len(runs['busy'])} busy runs in {folder}\n")
    results = [orders(runs), recommendations(runs), ratios(runs)]
    sys.exit(0 if all(results) else 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--command", default="target/release/ipcraft", help="the command to run")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind")
    parser.add_argument("--neighbours", type=int, default=2, help="busy processes")
    parser.add_argument("--neighbour", help="the command of one busy process [default: a loop]")
    parser.add_argument("--read", type=pathlib.Path, help="only compare the files in this folder")
    parser.add_argument("bench", nargs="*", default=[], help="options of `ipcraft bench`, after --")
    return parser.parse_args()


def measure(options, folder):
    """Quiet and busy runs alternate, so that a drift of the machine meets both alike."""
    command = options.neighbour.split() if options.neighbour else SPIN
    for run in range(1, options.runs + 1):
        for state, count in (("quiet", 0), ("busy", options.neighbours)):
            print(f"run {run} of {options.runs}, {state}", file=sys.stderr)
            neighbours = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(count)]
            try:
                bench(options, folder / f"{state}-{run}")
            finally:
                for neighbour in neighbours:
                    neighbour.kill()
                    neighbour.wait()


def bench(options, name):
    arguments = options.bench or ["--quick"]
    command = [options.command, "bench", *arguments, "--json", f"{name}.json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}")
    pathlib.Path(f"{name}.txt").write_text(done.stdout)


def read(folder, state):
    """Returns pairs of the results and the printed text."""
    files = sorted(folder.glob(f"{state}-*.json"))
    return [(json.loads(file.read_text()), file.with_suffix(".txt").read_text()) for file in files]


def orders(runs):
    """Prints the first three of each run and the contradictions between runs."""
    flat = [(state, run) for state in runs for run, _ in runs[state]]
    names = [f"{state} {number}" for state in runs for number in range(1, len(runs[state]) + 1)]
    tables = [table(run) for _, run in flat]
    same = contradicted = 0
    keys = sorted({key for found in tables for key in found})
    for key in keys:
        ranked = [(name, found[key]) for name, found in zip(names, tables) if key in found]
        firsts = {tuple(sorted(found, key=lambda row: found[row][0])[:3]) for _, found in ranked}
        pairs = contradictions(ranked)
        same += len(firsts) == 1
        contradicted += bool(pairs)
        print(f"{' '.join(map(str, key)):40} {len(firsts)} order(s) of the first three")
        for first in sorted(firsts):
            print(f"    {', '.join(first)}")
        for pair in pairs:
            print(f"    CONTRADICTION: {pair}")
    print(f"\norder: {same} of {len(keys)} equal in all runs, {contradicted} contradicted\n")
    return contradicted == 0


def table(run):
    """Returns value and interval by mechanism, for each workload, size, placement and distance."""
    rows = {}
    for row in run["results"]:
        if row["implementation"] != "ipcraft" or row["time_ns"] is None:
            continue
        place = row["placement"] or "one process"
        key = (row["workload"], row["size"], place, row["distance"] or "-")
        time = row["time_ns"]
        rows.setdefault(key, {})[row["mechanism"]] = (time["value"], time["low"], time["high"])
    return {key: found for key, found in rows.items() if len(found) >= 3}


def contradictions(ranked):
    """Only pairs with one mechanism among the first three of a run count."""
    found = set()
    for (one, first), (other, second) in itertools.combinations(ranked, 2):
        top = {name for run in (first, second) for name in sorted(run, key=lambda n: run[n][0])[:3]}
        for a, b in itertools.combinations(sorted(top & first.keys() & second.keys()), 2):
            before, after = before_surely(first, a, b), before_surely(second, a, b)
            if before and after and before != after:
                found.add(f"{a} and {b} in {one} and {other}")
    return sorted(found)


def before_surely(run, a, b):
    """Returns the faster one if the intervals are disjoint."""
    if run[a][2] < run[b][1]:
        return a
    if run[b][2] < run[a][1]:
        return b
    return None


def recommendations(runs):
    found = {}
    for state in runs:
        for number, (_, text) in enumerate(runs[state], 1):
            recommended = "; ".join(" ".join(pair) for pair in RECOMMENDATION.findall(text))
            found.setdefault(recommended, []).append(f"{state} {number}")
    for recommended, names in found.items():
        print(f"recommendation: {recommended or 'none'}\n    {', '.join(names)}")
    print()
    return len(found) == 1


def ratios(runs):
    """The quiet runs know the ratio best; each busy run claims an interval for it."""
    quiet = {}
    for run, _ in runs["quiet"]:
        for key, ratio in ratio_rows(run).items():
            quiet.setdefault(key, []).append(ratio["value"])
    held = total = 0
    widths, missed = [], {}
    for run, _ in runs["busy"]:
        for key, interval in ratio_rows(run).items():
            if key not in quiet:
                continue
            total += 1
            widths.append(interval["high"] / interval["low"])
            if interval["low"] <= statistics.median(quiet[key]) <= interval["high"]:
                held += 1
            else:
                missed[key] = missed.get(key, 0) + 1
    for key, count in sorted(missed.items(), key=lambda item: -item[1])[:10]:
        print(f"    missed {count} times: {' '.join(map(str, key))}")
    if not total:
        print("ratios: no row is in a quiet and in a busy run")
        return False
    print(
        f"ratios: {held} of {total} intervals of busy runs ({100 * held / total:.1f} %) contain the "
        f"quiet ratio; high/low: median {statistics.median(widths):.2f}"
    )
    return held >= MIN_SHARE * total


def ratio_rows(run):
    """Only rows that are not noisy claim anything."""
    names = ("mechanism", "workload", "size", "placement", "distance")
    return {
        tuple(row[name] for name in names): row["ratio_to_baseline"]
        for row in run["results"]
        if row["ratio_to_baseline"] and not row["noisy"]
    }


if __name__ == "__main__":
    main()
