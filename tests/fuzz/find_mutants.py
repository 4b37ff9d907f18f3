#!/usr/bin/env python3
"""Every mutant is found from an empty corpus, by each engine and seed; every finding replays.

    find_mutants.py FLUSHTRACE DRIVER [--engines libfuzzer,afl] [--seeds 1,2,3] [--seconds 60] [--mutants M,...]

For each finding: `replay` on the mutant gives the stored verdict, event and hash (exit 0), and `replay --follow` on the sound core is
clean. Prints a table of seconds, and the plain closing line of a test run.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile


def flushtrace(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        answer = json.loads(done.stdout) if done.stdout.strip() else {}
    except json.JSONDecodeError:
        answer = {}
    return done.returncode, answer, done.stderr


def campaign(arguments, mutant, engine, seed, folder):
    """Seconds to the first finding, or the reason why there is none."""
    status, answer, errors = flushtrace(
        arguments.flushtrace, "fuzz", arguments.driver, "--mutant", mutant, "--engine", engine, "--seed", str(seed),
        "--time", str(arguments.seconds), "--out", folder, "--stop-at-finding", "--json")
    findings = [f for f in answer.get("findings", []) if f["new"]]
    if status != 1 or not findings:
        return None, f"not found (exit {status}) {errors.strip()[-200:]}"
    finding = findings[0]
    status, again, errors = flushtrace(arguments.flushtrace, "replay", finding["trace"], "--json")
    if status != 0:
        return None, f"does not replay: exit {status} {again.get('verdict')} {errors.strip()[-200:]}"
    status, sound, errors = flushtrace(
        arguments.flushtrace, "replay", finding["trace"], "--follow", "--mutant", "none", "--json")
    if sound.get("verdict") != "clean":
        return None, f"the sound core is not clean: {sound.get('verdict')} {sound.get('rule')} {errors.strip()[-200:]}"
    return finding, None


def mutants_of(arguments):
    _, answer, _ = flushtrace(arguments.flushtrace, "drivers", "--json")
    for driver in answer["drivers"]:
        if driver["driver"] == arguments.driver:
            return [m if isinstance(m, str) else m.get("mutant", m.get("name")) for m in driver["mutants"]]
    sys.exit(f"no driver {arguments.driver}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("flushtrace")
    parser.add_argument("driver")
    parser.add_argument("--engines", default="libfuzzer")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--mutants")
    arguments = parser.parse_args()
    wanted = arguments.mutants.split(",") if arguments.mutants else mutants_of(arguments)
    passed = failed = 0
    for mutant in wanted:
        for engine in arguments.engines.split(","):
            for seed in arguments.seeds.split(","):
                with tempfile.TemporaryDirectory() as folder:
                    finding, reason = campaign(arguments, mutant, engine, seed, os.path.join(folder, "out"))
                if finding:
                    passed += 1
                    print(f"{mutant:28} {engine:10} seed {seed}  {finding['seconds']:6.1f} s  {finding['rule']}", flush=True)
                else:
                    failed += 1
                    print(f"{mutant:28} {engine:10} seed {seed}  FAILED: {reason}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
