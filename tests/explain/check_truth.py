#!/usr/bin/env python3
"""Compares the points of no return that `flushtrace explain` finds with those written down by hand.

usage: check_truth.py FLUSHTRACE TRACES TRUTH [--table]

Passes when at least nine of ten are within one event. Lists every one that is not, with both
events: nothing is left out, and a trace that explain has no answer for is a miss. Two figures are
told: for what was written down first, and for that with what was overlooked put right (a second
line in the file). The second one counts; the first must not get worse than it was.
"""
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

NEAR = 1
SHARE = 0.9
FIRST = 25  # of the first readings, without what was overlooked
RUNS = 40000  # continuations that one answer may take: a few seconds


def ask(flushtrace, verb, path):
    begin = time.monotonic()
    run = subprocess.run([flushtrace, verb, path, "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"{verb} {path}: exit status {run.returncode}\n{run.stderr}")
    return json.loads(run.stdout), time.monotonic() - begin


def function_of(event):
    parts = (event.get("function") or "").split(":")
    return parts[1] if len(parts) > 1 and parts[1] else "-"


def number_of(anchor, events, path):
    """The event that an anchor of the truth names; 0: the start."""
    if anchor == "start":
        return 0
    name, function, occurrence = anchor.split()
    found = [e["event"] for e in events if e["name"] == name and function_of(e) == function]
    if len(found) < int(occurrence):
        sys.exit(f"{path}: there is no {anchor}")
    return found[int(occurrence) - 1]


def read_truth(path):
    """[trace, first reading, reading that counts] of each trace."""
    rows = []
    for line in open(path):
        if not line.strip() or line.startswith("#"):
            continue
        trace, anchor, why = (part.strip() for part in line.split("|"))
        assert why, line
        if trace:
            rows.append([trace, anchor, anchor])
        else:
            rows[-1][2] = anchor
    return rows


def judge(flushtrace, traces, trace, first, anchor):
    path = f"{traces}/{trace}"
    shown, _ = ask(flushtrace, "show", path)
    truth = number_of(anchor, shown["lines"], path)
    before = number_of(first, shown["lines"], path)
    answer, seconds = ask(flushtrace, "explain", path)
    point = answer["no_return"]
    return {
        "trace": trace, "anchor": anchor, "truth": truth, "first": before, "found": point["event"],
        "rule_event": point["rule_event"], "seconds": seconds, "runs": point["runs"],
        "line": (point["line"] or {}).get("name", "-"),
    }


def main():
    flushtrace, traces, truth = sys.argv[1:4]
    rows = read_truth(truth)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda row: judge(flushtrace, traces, *row), rows))
    near = first = 0
    for result in results:
        found = result["found"]
        close = found is not None and abs(found - result["truth"]) <= NEAR
        near += close
        first += found is not None and abs(found - result["first"]) <= NEAR
        if not close or "--table" in sys.argv:
            print(f"{'near' if close else 'MISS'}  truth {result['truth']:5}  found "
                  f"{found if found is not None else '-':>5}  rule {result['rule_event']:5}  "
                  f"{result['seconds']:5.1f} s  {result['trace']} ({result['anchor']}; "
                  f"found {result['line']})")
    slow = [r for r in results if r["runs"] > RUNS]
    for result in slow:
        print(f"{result['trace']}: {result['runs']} continuations")
    print(f"{near} of {len(results)} within {NEAR} event of the truth; {first} of the first readings")
    good = len(results) >= 30 and near >= SHARE * len(results) and first >= FIRST
    return 0 if good and not slow else 1


if __name__ == "__main__":
    sys.exit(main())
