#!/usr/bin/env python3
"""Fuzzes our parsers: each target `flushtrace-parse-NAME` with the seeds and the options that a contract build gives it.

    run_parsers.py PROGRAMS [--runs N | --seconds S] [NAME...]      (default: as many runs as a test may take)

The same number of runs is the same inputs. What a target finds is kept in the folder that is printed.
"""
import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile

PARSERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../harness/fuzz/parsers")
# Runs of a second or two, by the target.
RUNS = {"baseline": 4000, "catalogue": 200, "corpus": 3000, "corpus-parts": 3000, "event-text": 40000, "judged": 300,
        "scenario-bytes": 8000, "scenario-text": 15000, "sections": 3000, "trace": 12000}


def options():
    parser = configparser.ConfigParser()
    with open(os.path.join(PARSERS, "parsers.options"), encoding="utf-8") as file:
        parser.read_file(file)
    asan = ":".join(f"{name}={value}" for name, value in parser["asan"].items())
    return [f"-{name}={value}" for name, value in parser["libfuzzer"].items()], asan


def fuzz(programs, name, limit, folder):
    flags, asan = options()
    corpus = os.path.join(folder, name)
    os.makedirs(corpus)
    command = [os.path.join(programs, f"flushtrace-parse-{name}"), corpus, os.path.join(PARSERS, "seeds", name), "-seed=1",
               f"-artifact_prefix={corpus}/", *flags, *limit]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env={**os.environ, "ASAN_OPTIONS": asan}, check=False)
    start = re.search(r"INITED cov: (\d+)", done.stdout)
    end = re.findall(r"DONE\s+cov: (\d+)", done.stdout)
    runs = re.search(r"Done (\d+) runs in (\d+) second", done.stdout)
    print(f"{name:15} edges {start.group(1) if start else '?'} -> {end[-1] if end else '?'}  "
          f"{runs.group(1) if runs else '?'} runs in {runs.group(2) if runs else '?'} s", flush=True)
    if done.returncode == 0 and end:
        return True
    print(done.stdout[-6000:])
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seconds", type=int)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="flushtrace-parsers.")
    failed = []
    for name in arguments.names or sorted(RUNS):
        limit = [f"-max_total_time={arguments.seconds}"] if arguments.seconds else [f"-runs={arguments.runs or RUNS[name]}"]
        if not fuzz(arguments.programs, name, limit, folder):
            failed.append(name)
    if failed:
        sys.exit(f"failed: {' '.join(failed)}; inputs are in {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
