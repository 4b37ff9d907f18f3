#!/usr/bin/env python3
"""The engines are told state cells, and not with --ft-no-state.

    check_feedback.py TARGET...

A libFuzzer target runs the same few thousand inputs' worth twice; the features that it counts must be many more with cells, and
the driver's edges alone no fewer. An AFL++ target is asked through afl-showmap for the ids that one input reaches.
"""
import os
import re
import subprocess
import sys
import tempfile

RUNS = 3000
FEWEST_CELLS = 100


def fail(text):
    sys.exit(f"check_feedback: {text}")


def libfuzzer_features(target, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([target, *arguments, f"-runs={RUNS}", "-seed=1", "-max_len=512", "-len_control=0", folder],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    seen = re.findall(r"cov: (\d+) ft: (\d+)", done.stdout)
    if done.returncode != 0 or not seen:
        fail(f"{target} {arguments}: exit {done.returncode}\n{done.stdout[-1500:]}")
    return int(seen[-1][0]), int(seen[-1][1])


def afl_ids(target, *arguments):
    with tempfile.TemporaryDirectory() as folder:
        given, found = os.path.join(folder, "input"), os.path.join(folder, "map")
        with open(given, "wb") as file:
            file.write(b"\0\xff\x10\x01\0\0\0\0\0\x10\x10")  # a read of 4096 bytes on the platform coherent
        environment = {**os.environ, "AFL_QUIET": "1"}
        done = subprocess.run(["afl-showmap", "-q", "-o", found, "--", target, *arguments, given], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
        if done.returncode != 0:
            fail(f"afl-showmap {target} {arguments}: exit {done.returncode}\n{done.stdout[-1500:]}")
        with open(found, encoding="ascii") as file:
            return {line.split(":")[0] for line in file}


def main():
    for target in sys.argv[1:]:
        if "-afl-" in os.path.basename(target):
            with_cells, without = afl_ids(target), afl_ids(target, "--ft-no-state")
            print(f"{target}: {len(without)} ids, {len(with_cells)} with state cells")
            if not without < with_cells or len(with_cells) < len(without) + 10:
                fail("AFL++ does not see the state cells of one read")
            continue
        (edges, features), (edges_alone, features_alone) = (libfuzzer_features(target),
                                                            libfuzzer_features(target, "--ft-no-state"))
        print(f"{target}: {features_alone} features of {edges_alone} edges, with cells {features} of {edges}")
        if features < features_alone + FEWEST_CELLS:
            fail("libFuzzer does not see the state cells")


if __name__ == "__main__":
    main()
