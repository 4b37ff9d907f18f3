#!/usr/bin/env python3
"""What surrounds the process reaches no event: address space, environment, fresh memory, a debugger.

usage: surroundings.py FLUSHTRACE CORE...

Each core's default scenario and two random ones are run as usual, then once in each of the surroundings; the hashes must be the same.
"""
import os
import re
import resource
import subprocess
import sys

FLUSHTRACE, CORES = sys.argv[1], sys.argv[2:]
GDB = ["gdb", "-q", "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex"]
SCENARIOS = ([], ["--seed", "3"], ["--seed", "8"])


def other_layout():
    """Maps grow upwards, from the middle of the address space."""
    resource.setrlimit(resource.RLIMIT_STACK, (resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2)


# name, words in front, environment, in the child; whether for the default scenario alone
SURROUNDINGS = (
    ("no randomization", ["setarch", "-R"], {}, None, False),
    ("another layout", [], {}, other_layout, False),
    ("dirty memory", [], {"MALLOC_PERTURB_": "165", "MALLOC_ARENA_MAX": "1"}, None, False),
    ("a large environment", [], {"LINES": "24", "COLUMNS": "80", "FILLER": "x" * 70000}, None, False),
    ("gdb, watching the program", [*GDB, "run", "--args"], {}, None, True),
    ("gdb, watching the worker", [*GDB, "set follow-fork-mode child", "-ex", "set disable-randomization off", "-ex", "run", "--args"],
     {}, None, True),
)


def run(core, scenario, front=(), environment=None, prepare=None):
    """Hash and number of events."""
    done = subprocess.run([*front, FLUSHTRACE, "run", core, *scenario, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, env={**os.environ, **(environment or {})},
                          preexec_fn=prepare)
    # What gdb says stands before, behind and within the answer.
    found = re.search(r'"events": (\d+),\s+"hash": "([0-9a-f]{16})"', done.stdout)
    if not found:
        sys.exit(f"FAILED: {core} {' '.join(scenario)}: no answer\n{done.stdout[-2000:]}")
    return found.group(2), int(found.group(1))


def main():
    runs, failed = 0, 0
    for core in CORES:
        for scenario in SCENARIOS:
            usual = run(core, scenario)
            for name, front, environment, prepare, once in SURROUNDINGS:
                if once and scenario:
                    continue
                runs += 1
                found = run(core, scenario, front, environment, prepare)
                if found != usual:
                    failed += 1
                    print(f"FAILED: {core} {' '.join(scenario)}, {name}: {found}, usually {usual}")
    print(f"{runs} runs, {failed} differ")
    return 1 if failed or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
