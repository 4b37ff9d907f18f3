#!/usr/bin/env python3
"""Runs per second: in one process, under libFuzzer, under AFL++; each against an empty target.

usage: bench.py BIN [CORE] [--seconds N]     BIN: the folder with the programs of the release build

Every run is the same scenario (--ft-fixed), so the figures tell what a run costs, not what the
engine happens to choose. Prints `name value unit` lines. Engine figures are steady state: the time of a long run minus that of
a short one, so that start-up and the first growth of the corpus do not count. The machine's noise
is in every figure: compare ratios taken in one go.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None
# The same as in bench.c: one small read from the warm point, and the end of the run.
SCENARIO = "platform coherent\na: read length=1024\n"
AFL_ENVIRONMENT = {
    "AFL_SKIP_CPUFREQ": "1",
    "AFL_NO_AFFINITY": "1",
    "AFL_NO_UI": "1",
    "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1",
}


def fail(message):
    sys.exit(f"bench: {message}")


def show(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)


def program(folder, name):
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        fail(f"{path} is not built")
    return path


def libfuzzer_seconds(path, runs, arguments):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as corpus:
        command = [path, *arguments, f"-runs={runs}", "-seed=1", "-max_len=512", "-reduce_inputs=0",
                   "-verbosity=0", "-detect_leaks=0", "-rss_limit_mb=0",
                   f"-artifact_prefix={corpus}/", corpus]
        start = time.monotonic()
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            fail(f"{' '.join(command)}: exit status {result.returncode}\n{result.stderr[-2000:]}")
        return time.monotonic() - start


def libfuzzer_rate(path, seconds, arguments):
    runs = 20000
    while libfuzzer_seconds(path, runs, arguments) < seconds / 6:
        runs *= 2
    rates = []
    for _ in range(3):
        short = libfuzzer_seconds(path, runs, arguments)
        long = libfuzzer_seconds(path, runs * 3, arguments)
        rates.append(2 * runs / (long - short))
    return sorted(rates)[1]


def afl_rate(path, seconds, arguments):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        seeds = os.path.join(folder, "seeds")
        os.mkdir(seeds)
        with open(os.path.join(seeds, "seed"), "wb") as file:
            file.write(b"seed")
        command = ["afl-fuzz", "-V", str(seconds), "-s", "1", "-t", "5000", "-i", seeds, "-o",
                   os.path.join(folder, "out"), "--", path, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                env={**os.environ, **AFL_ENVIRONMENT})
        stats = os.path.join(folder, "out", "default", "fuzzer_stats")
        if not os.path.exists(stats):
            fail(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout[-2000:]}")
        with open(stats, encoding="utf-8") as file:
            return float(re.search(r"execs_per_sec\s*:\s*([\d.]+)", file.read()).group(1))


def bench_in_process(folder, core):
    for suffix in ("", "-asan"):
        path = program(folder, f"ft-bench{suffix}")
        result = subprocess.run([path, core], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            fail(f"{path}: exit status {result.returncode}\n{result.stderr}")
        for line in result.stdout.splitlines():
            if line.startswith("#"):
                print(line)
                continue
            print(f"{'asan' if suffix else 'plain'}-{line}", flush=True)


def bench_engine(folder, core, engine, rate, seconds):
    with tempfile.NamedTemporaryFile("w", suffix=".fts") as scenario:
        scenario.write(SCENARIO)
        scenario.flush()
        empty = rate(program(folder, f"flushtrace-{engine}-empty"), seconds, [])
        target = rate(program(folder, f"flushtrace-{engine}-{core}"), seconds,
                      [f"--ft-fixed={scenario.name}"])
    show(f"{engine}-empty", empty, "runs/s")
    show(f"{engine}-{core}", target, "runs/s")
    show(f"{engine}-ratio", target / empty, "of the empty target")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin")
    parser.add_argument("core", nargs="?", default="wdm-packet")
    parser.add_argument("--seconds", type=int, default=8)
    arguments = parser.parse_args()
    bench_in_process(arguments.bin, arguments.core)
    bench_engine(arguments.bin, arguments.core, "fuzz", libfuzzer_rate, arguments.seconds)
    bench_engine(arguments.bin, arguments.core, "afl", afl_rate, arguments.seconds)


if __name__ == "__main__":
    main()
