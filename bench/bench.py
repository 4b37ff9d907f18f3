#!/usr/bin/env python3
"""Runs per second: in one process, under libFuzzer, under AFL++; each against an empty target.

usage: bench.py BIN [CORE] [--seconds N]     BIN: the folder with the programs of the release build

Prints `name value unit` lines. Engine figures are steady state: the time of a long run minus that of
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


def libfuzzer_seconds(path, runs):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as corpus:
        command = [path, f"-runs={runs}", "-seed=1", "-max_len=512", "-reduce_inputs=0",
                   "-verbosity=0", "-detect_leaks=0", "-rss_limit_mb=0",
                   f"-artifact_prefix={corpus}/", corpus]
        start = time.monotonic()
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            fail(f"{' '.join(command)}: exit status {result.returncode}\n{result.stderr[-2000:]}")
        return time.monotonic() - start


def libfuzzer_rate(path, seconds):
    runs = 2000
    while True:
        short = libfuzzer_seconds(path, runs)
        if short > seconds / 4:
            break
        runs *= 4
    long = libfuzzer_seconds(path, runs * 3)
    return 2 * runs / (long - short)


def afl_rate(path, seconds):
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        seeds = os.path.join(folder, "seeds")
        os.mkdir(seeds)
        with open(os.path.join(seeds, "seed"), "wb") as file:
            file.write(b"seed")
        command = ["afl-fuzz", "-V", str(seconds), "-s", "1", "-t", "5000", "-i", seeds, "-o",
                   os.path.join(folder, "out"), "--", path]
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
    empty = rate(program(folder, f"flushtrace-{engine}-empty"), seconds)
    target = rate(program(folder, f"flushtrace-{engine}-{core}"), seconds)
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
