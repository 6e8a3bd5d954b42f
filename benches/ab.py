#!/usr/bin/env python3
"""Compares two revisions of this repository by their own benchmarks, in turns.

    benches/ab.py HEAD~1 HEAD                          # ipcraft bench --quick, five rounds
    benches/ab.py main . -- --only channel_spin        # `.` is the working tree
    benches/ab.py --peers HEAD~1 HEAD -- stream_64     # benches/peers, scenarios by name
    benches/ab.py --rounds 9 --all v0.1.0 HEAD

Each revision is checked out beside the other and built for release. Each round runs both, and every
other round in reverse, so that a drift of the machine meets both alike. A ratio is the median over
rounds of the time of the second revision to that of the first. Its interval leaves out the lowest
and the highest round, if there are at least five. A row differs if 1 is outside of its interval.
Rows that only one revision has are named.

Leave the machine alone while it measures. Exits with 1 if a row became slower.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

KEY = ("mechanism", "implementation", "workload", "variant", "size", "placement", "distance")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="ipcraft-ab.") as folder:
        folder = pathlib.Path(folder)
        trees = [checkout(revision, folder / name) for revision, name in zip(options.revisions, "ab")]
        try:
            commands = [build(tree, folder / f"target-{name}", options) for tree, name in zip(trees, "ab")]
            rounds = [measure(number, commands, folder, options) for number in range(options.rounds)]
        finally:
            for tree in trees:
                remove(tree)
    sys.exit(report(rounds, options))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("revisions", nargs=2, metavar="REVISION", help="the former and the new one; . is this tree")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action="store_true", help="run benches/peers instead of the command")
    parser.add_argument("--all", action="store_true", help="print all rows, not only those that differ")
    parser.add_argument("bench", nargs="*", default=[], help="options of the benchmark, after --")
    return parser.parse_args()


def checkout(revision, folder):
    """Returns a tree of the revision; the working tree itself for `.`."""
    if revision == ".":
        return ROOT
    run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", folder, revision])
    return folder


def remove(tree):
    if tree != ROOT:
        run(["git", "-C", ROOT, "worktree", "remove", "--force", tree])


def build(tree, target, options):
    """Returns the command of the benchmark."""
    cargo = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target]
    if options.peers:
        run([*cargo, "--manifest-path", tree / "benches/peers/Cargo.toml"])
        return [target / "release/ipcraft-peers"]
    run([*cargo, "--manifest-path", tree / "Cargo.toml"])
    return [target / "release/ipcraft", "bench"]


def measure(number, commands, folder, options):
    """Returns the times of both revisions in this round."""
    times = [None, None]
    for side in (0, 1) if number % 2 == 0 else (1, 0):
        print(f"round {number + 1} of {options.rounds}: {options.revisions[side]}", file=sys.stderr)
        file = folder / f"{number}-{side}.json"
        arguments = options.bench or ([] if options.peers else ["--quick"])
        run([*commands[side], *arguments, "--json", file], stdout=subprocess.DEVNULL)
        times[side] = read(file)
    return times


def read(file):
    rows = json.loads(file.read_text())["results"]
    return {tuple(row.get(name) for name in KEY): value(row) for row in rows if value(row)}


def value(row):
    """Returns the time per message. Older results have a number, newer ones an interval."""
    time = row.get("time_ns")
    return time["value"] if isinstance(time, dict) else time


def report(rounds, options):
    former, new = (set().union(*(times[side] for times in rounds)) for side in (0, 1))
    for name, rows in (("former", former - new), ("new", new - former)):
        for key in sorted(map(label, rows)):
            print(f"only in the {name} revision: {key}")
    slower = 0
    for key in sorted(former & new, key=label):
        pairs = [(a[key], b[key]) for a, b in rounds if key in a and key in b]
        ratios = sorted(b / a for a, b in pairs)
        if not ratios:
            continue
        inner = ratios[1:-1] if len(ratios) >= 5 else ratios
        differs = not inner[0] <= 1 <= inner[-1]
        slower += differs and inner[0] > 1
        if differs or options.all:
            a, b = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
            middle = statistics.median(ratios)
            print(
                f"{label(key):70} {a:11.1f} {b:11.1f} ns  x {middle:.2f} ({inner[0]:.2f} to {inner[-1]:.2f})"
                f"{'' if differs else '  ='}"
            )
    print(f"{len(former & new)} rows in {options.rounds} rounds, {slower} slower")
    return 1 if slower else 0


def label(key):
    return "/".join(str(part) for part in key if part is not None)


def run(command, **options):
    done = subprocess.run([str(part) for part in command], **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}")


if __name__ == "__main__":
    main()
