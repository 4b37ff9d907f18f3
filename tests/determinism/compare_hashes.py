#!/usr/bin/env python3
"""One hash per campaign of random scenarios, the same in every build.

usage: compare_hashes.py PROGRAM small|large|all|--refresh

Runs PROGRAM (ft-soak of some build and flavour) for rows of hashes.txt and compares what it prints
with the row: small takes the short campaigns, with and without address space randomisation; large
takes the long ones, once; all takes every row both ways. The rows were recorded once and hold for
clang and gcc, any optimisation, sanitizers or not; --refresh records them again, which is due only
with a new `model` number.
"""

import os
import subprocess
import sys

SMALL = 2000  # scenarios of a short campaign, at most
ROWS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hashes.txt")


def read_rows():
    with open(ROWS, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file]
    comments = [line for line in lines if line.startswith("#")]
    rows = [line.partition(": ")[::2] for line in lines if line and not line.startswith("#")]
    return comments, rows


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {result.returncode}\n{result.stderr}")
    return result.stdout.partition("\n")[0]


def refresh(program):
    comments, rows = read_rows()
    recorded = [f"{key}: {run([program, *key.split()])}" for key, _ in rows]
    with open(ROWS, "w", encoding="utf-8") as file:
        file.write("\n".join(comments + recorded) + "\n")
    print("\n".join(recorded))


def is_small(key):
    return int(key.split()[3]) <= SMALL


def compare(program, which):
    _, rows = read_rows()
    rows = [row for row in rows if which == "all" or is_small(row[0]) == (which == "small")]
    if not rows:
        sys.exit(f"{ROWS}: no rows")
    different = 0
    for key, expected in rows:
        for prefix in ([],) if which == "large" else ([], ["setarch", "-R"]):
            command = [*prefix, program, *key.split()]
            found = run(command)
            if found != expected:
                different += 1
                print(f"{' '.join(command)}\n  expected {expected}\n  found    {found}")
    print(f"{len(rows)} rows, {different} differences")
    return 1 if different else 0


def main():
    if len(sys.argv) == 3 and sys.argv[2] in ("small", "large", "all"):
        return compare(os.path.abspath(sys.argv[1]), sys.argv[2])
    if len(sys.argv) == 3 and sys.argv[2] == "--refresh":
        refresh(os.path.abspath(sys.argv[1]))
        return 0
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
