#!/usr/bin/env python3
"""Every mutant is found from an empty corpus, by each engine and seed; every finding replays.

    find_mutants.py FLUSHTRACE DRIVER [--engines libfuzzer,afl] [--seeds 1,2,3] [--seconds 60] [--mutants M,...]

For each finding: `replay` on the mutant gives the stored verdict, event and hash (exit 0), and `replay --follow` on the sound core is
clean. Prints a table of seconds and runs, and the plain closing line of a test run.
"""
import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import findings  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("flushtrace")
    parser.add_argument("driver")
    parser.add_argument("--engines", default="libfuzzer")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--mutants")
    arguments = parser.parse_args()
    flushtrace = findings.Flushtrace(arguments.flushtrace)
    wanted = arguments.mutants.split(",") if arguments.mutants else flushtrace.mutants(arguments.driver)
    passed = failed = 0
    for mutant in wanted:
        for engine in arguments.engines.split(","):
            for seed in arguments.seeds.split(","):
                run = f"{mutant:28} {engine:10} seed {seed}"
                with tempfile.TemporaryDirectory() as folder:
                    try:
                        finding = flushtrace.campaign(arguments.driver, mutant, folder, seed, arguments.seconds, engine)
                        flushtrace.check(finding["trace"])
                    except findings.Refused as reason:
                        failed += 1
                        print(f"{run}  FAILED: {reason}", flush=True)
                        continue
                passed += 1
                print(f"{run}  {finding['seconds']:6.1f} s  {finding['executions']:8} runs  {finding['rule']}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
