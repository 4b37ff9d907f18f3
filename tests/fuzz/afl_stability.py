#!/usr/bin/env python3
"""The same input always takes the same way through a driver core: AFL++ finds 100 % of its coverage map stable, for core and corpus.

    afl_stability.py FLUSHTRACE CORE... [--seconds 15]

A world that carries anything from one run into the next shows here first. Reads `stability` and the executions from AFL++'s own
fuzzer_stats after a campaign of `flushtrace fuzz`.
"""
import argparse
import glob
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import findings  # noqa: E402


def stats(folder):
    """What AFL++ says of each instance below that folder, as dictionaries."""
    for path in glob.glob(os.path.join(folder, "**", "fuzzer_stats"), recursive=True):
        with open(path, encoding="utf-8") as file:
            yield dict(re.split(r"\s*:\s*", line.strip(), maxsplit=1) for line in file if ":" in line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("flushtrace")
    parser.add_argument("cores", nargs="+")
    parser.add_argument("--seconds", type=int, default=15)
    arguments = parser.parse_args()
    flushtrace = findings.Flushtrace(arguments.flushtrace)
    passed = failed = 0
    for core in arguments.cores:
        with tempfile.TemporaryDirectory() as folder:
            status, _, errors = flushtrace("fuzz", core, "--engine", "afl", "--time", str(arguments.seconds), "--out", folder)
            seen = list(stats(folder))
        stable = bool(seen) and all(s["stability"] == "100.00%" and int(s["corpus_count"]) > 1 for s in seen)
        said = ", ".join(f"stability {s['stability']}, {s['execs_done']} runs, {s['corpus_count']} inputs" for s in seen)
        good = status == 0 and stable
        passed += good
        failed += not good
        print(f"{core:12} {'' if good else f'FAILED (exit {status}) {errors} '}{said or 'no fuzzer_stats'}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
