#!/usr/bin/env python3
"""How long it takes to go to any event of a long run in the debugger.

usage: ./dev bench debug [--events 250000,1000000,1800000] [--targets 20] [--seed 1] [--limit 1] [--core] [--keep FOLDER]

A driver that empties a FIFO by programmed I/O (tests/drivers/pio.c) makes one trace of at least so many events each, in a single step
of the machine; --core takes a real core and no test driver: kmdf-sg on two map registers. The traces are replayed, and gdb goes to
random events of them, back and forth. Figures are `name value unit` lines; times are those that a user of gdb waits. Exit status: 0;
1 when one way takes longer than the limit (seconds) or does not end at its event; 5 our own failure.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

DRAIN_EVENTS = 1 << 18
MEASURE = """
import random, time
random.seed({seed})
last = number("(unsigned long)ft_travel_count()")

def go(name, command, target):
    begin = time.monotonic()
    gdb.execute(command, to_string=True)
    print("@@ %s %d %d %.4f" % (name, target, event(), time.monotonic() - begin))

for _ in range({targets}):
    target = random.randint(1, last)
    go("random", "ft event %d" % target, target)
go("first", "ft event 1", 1)
go("last", "ft event %d" % last, last)
go("prev", "ft prev", last - 1)
go("next", "ft next", last)
go("back", "ft event %d" % (last // 2), last // 2)
point = "'save.c'::slot[%d].used"
print("@@ saved %d %d" % (number("sizeof travel.slot / sizeof travel.slot[0]"),
                          sum(number(point % i) for i in range(16))))
gdb.execute("delete")
gdb.execute("set var ft_debugger.stop_at = 0")
resume()
hash = "(unsigned long)((struct ft_machine *)0x10000000)->hash"
print("@@ end %d %016x" % (is_over(), number(hash)))
with open("/proc/%d/status" % gdb.selected_inferior().pid) as file:
    print("@@ memory", file.read().split("VmHWM:")[1].split()[0])
"""


class Failure(Exception):
    """Our own failure."""


def show(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)


class Bench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.program = os.path.join(arguments.binaries, "flushtrace")
        self.driver = os.path.join(arguments.binaries, "..", "modules", "pio.so")
        self.folder = arguments.keep or folder
        self.wrong = []

    def run(self, *words, text=None, expect=(0,)):
        begin = time.monotonic()
        done = subprocess.run([self.program, *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        if done.returncode not in expect:
            raise Failure(f"{' '.join(words)}: exit status {done.returncode}\n{done.stdout[-2000:]}")
        return done.stdout, time.monotonic() - begin

    def record(self, events):
        """The trace, the words that say which driver, and what `run` told."""
        scenario, trace = (os.path.join(self.folder, f"{events}.{end}") for end in ("fts", "ftr"))
        if self.arguments.core:
            ops, driver = ["write-pages pages=256 skip=4000"] * 64, "kmdf-sg"
            platform = "platform bounce registers=2 pool=0 longer=9"
        else:
            ops, driver = ["ioctl code=0 length=16"] * -(-events // DRAIN_EVENTS) + ["ioctl code=1 length=16"], self.driver
            platform = "platform coherent longer=9"
        with open(scenario, "w", encoding="ascii") as file:
            file.write("\n".join([platform, *ops, ""]))
        out, seconds = self.run("run", driver, "--scenario", scenario, "-o", trace, "--json", expect=(0, 1))
        return trace, [] if self.arguments.core else ["--driver", driver], json.loads(out), seconds

    def travel(self, trace, driver):
        script = os.path.join(self.folder, "measure.py")
        with open(script, "w", encoding="ascii") as file:
            file.write(MEASURE.format(seed=self.arguments.seed, targets=self.arguments.targets))
        out, seconds = self.run("replay", trace, *driver, "--gdb", text=f"source {script}\n")
        found = [line.split()[1:] for line in out.splitlines() if line.startswith("@@ ")]
        if not found or found[-1][0] != "memory":
            raise Failure(f"gdb: {out[-2000:]}")
        return found, seconds

    def measure(self, events):
        trace, driver, told, seconds = self.record(events)
        name = f"{told['events']}-events"
        show(f"{name} run", seconds, "s")
        show(f"{name} replay", self.run("replay", trace, *driver)[1], "s")
        found, seconds = self.travel(trace, driver)
        ways = [(one[0], int(one[1]), int(one[2]), float(one[3])) for one in found if len(one) == 4]
        self.wrong += [f"{name}: to {way[1]}, came to {way[2]}" for way in ways if way[1] != way[2]]
        self.wrong += [f"{name}: {way[3]:.2f} s to {way[1]}" for way in ways if way[3] > self.arguments.limit]
        times = sorted(way[3] for way in ways if way[0] == "random")
        show(f"{name} gdb-session", seconds, "s")
        show(f"{name} random-event-median", times[len(times) // 2], "s")
        show(f"{name} random-event-worst", times[-1], "s")
        for kind, _, _, seconds in ways:
            if kind != "random":
                show(f"{name} {kind}", seconds, "s")
        rest = {one[0]: one[1:] for one in found if len(one) != 4}
        show(f"{name} save-points", int(rest["saved"][1]) / 1024, "KiB")
        show(f"{name} process", int(rest["memory"][0]) / 1024, "MiB")
        if rest["end"] != ["1", told["hash"]]:
            self.wrong.append(f"{name}: the run in gdb ends with {rest['end']}, recorded is {told['hash']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries", metavar="BIN")
    parser.add_argument("--events", default="250000,1000000,1800000")
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1.0)
    parser.add_argument("--core", action="store_true")
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        try:
            for events in [int(word) for word in arguments.events.split(",")][:1 if arguments.core else None]:
                bench.measure(events)
        except (Failure, OSError, ValueError, KeyError) as error:
            print(f"bench debug: {error}", file=sys.stderr)
            return 5
    for what in bench.wrong:
        print(f"FAILED {what}")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
