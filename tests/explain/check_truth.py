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
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

NEAR = 1
SHARE = 0.9
FIRST = 25  # of the first readings, without what was overlooked
RUNS = 40000  # continuations that one answer may take: a few seconds


def ask(flushtrace, verb, path):
    """Its answer, None when it has none."""
    begin = time.monotonic()
    run = subprocess.run([flushtrace, verb, path, "--json"], capture_output=True, text=True)
    answer = json.loads(run.stdout)
    if run.returncode != 0:
        print(f"{verb} {path}: exit status {run.returncode}: {answer.get('error')}")
        return None, 0
    return answer, time.monotonic() - begin


def function_of(event):
    parts = (event.get("function") or "").split(":")
    return parts[1] if len(parts) > 1 and parts[1] else "-"


def number_of(anchor, events, path):
    """The event that an anchor of the truth names; 0: the start, None: there is none."""
    if anchor == "start":
        return 0
    name, function, occurrence, *behind = anchor.split()
    ops = [e["event"] for e in events if e["name"] in ("op:fired", "op:late")]
    first = ops[int(behind[0].lstrip("@")) - 1] if behind else 0
    found = [e["event"] for e in events
             if e["event"] >= first and e["name"] == name and function_of(e) == function]
    if len(found) < int(occurrence):
        print(f"{path}: there is no {anchor}")
        return None
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


def judge(flushtrace, traces, folder, trace, first, anchor):
    """Of the scenario as it runs today: a stored trace may be older than the machine."""
    path = f"{folder}/{trace.replace('/', '+')}"
    subprocess.run([flushtrace, "replay", f"{traces}/{trace}", "--follow", "-o", path],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shown, _ = ask(flushtrace, "show", path)
    truth = number_of(anchor, shown["lines"], path)
    before = number_of(first, shown["lines"], path)
    answer, seconds = ask(flushtrace, "explain", path)
    point = answer["no_return"] if answer else {"event": None, "rule_event": 0, "runs": 0, "line": None}
    return {
        "trace": trace, "anchor": anchor, "truth": truth, "first": before, "found": point["event"],
        "rule_event": point["rule_event"], "seconds": seconds, "runs": point["runs"],
        "line": (point["line"] or {}).get("name", "-"),
    }


def is_near(found, truth):
    return found is not None and truth is not None and abs(found - truth) <= NEAR


def main():
    flushtrace, traces, truth = sys.argv[1:4]
    rows = read_truth(truth)
    with ThreadPoolExecutor(2) as pool, tempfile.TemporaryDirectory() as folder:
        results = list(pool.map(lambda row: judge(flushtrace, traces, folder, *row), rows))
    near = first = 0
    for result in results:
        found = result["found"]
        close = is_near(found, result["truth"])
        near += close
        first += is_near(found, result["first"])
        if not close or "--table" in sys.argv:
            print(f"{'near' if close else 'MISS'}  truth {result['truth'] if result['truth'] is not None else '-':>5}  found "
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
