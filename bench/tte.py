#!/usr/bin/env python3
"""Time to exposure: how many runs, and how many seconds, until a planted defect is found.

usage: ./dev bench tte [--quick] [--strategy structured,bytes,random] [--seeds 5,3,3] [--mutants CORE+MUTANT,...]
                       [--count 24] [--seconds 60] [--factor 50] [--jobs 2] [--json FILE] [--write-docs] [--report]

Mutants are chosen by name: the lowest SHA-256 of "CORE+MUTANT". Each is looked for from an empty corpus, on one processor, with one
target and three ways of choosing inputs: `structured` mutates whole ops and learns from the states it reaches, `bytes` is libFuzzer's
own mutation, `random` draws a fresh structured scenario each time and learns nothing.

Executions are the figure to compare: exact, the same on every machine, with runs that only warm up or compare left out. Seconds are
those of the processor (user and system time of the target, start-up included), for a shared machine stretches the others.

A run that finds nothing within its limit is *censored*: it counts as its limit, which is then a lower bound, marked `>`. Limits are
--seconds of processor time, and for bytes and random also --factor times the structured median of the mutant (at least FLOOR).

Every result is appended to build/bench/tte.jsonl as it comes, with the build it belongs to: an interrupted measurement goes on where
it stopped, and results of another build are left out. --report only prints what is there.
"""
import argparse
import collections
import hashlib
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import findings  # noqa: E402
import patches  # noqa: E402
import tte_report  # noqa: E402

SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None
RESULTS = os.path.join(ROOT, "build", "bench", "tte.jsonl")
STRATEGIES = ("structured", "bytes", "random")
FLOOR = 30_000  # executions: below that a limit says nothing
MOST = 20_000_000
# What a campaign gives libFuzzer (harness/fuzz/campaign/engines.c). Bytes grow slowly there; whole ops do best without such a limit.
ENGINE = ["-max_len=1024", "-reduce_inputs=0", "-rss_limit_mb=0", "-timeout=60", "-verbosity=0", "-detect_leaks=0",
          "-print_funcs=0"]
LEN_CONTROL = {"structured": 0, "bytes": 20, "random": 0}

Cell = collections.namedtuple("Cell", "core mutant strategy seed")


class Failure(Exception):
    """Our own failure: a target that ended in a way that says nothing about the mutant."""


def chosen(count):
    """The mutants of the measurement, the same in every checkout that has the same mutants."""
    every = patches.mutants(ROOT)
    every.sort(key=lambda m: hashlib.sha256(f"{m.core}+{m.name}".encode()).digest())
    return sorted(every[:count], key=lambda m: (m.core, m.name))


def build_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


class Results:
    """The file of results, and those of this build by cell."""

    def __init__(self, path, builds):
        self.path, self.builds, self.by_cell, self.others = path, builds, {}, 0
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    result = json.loads(line)
                    cell = Cell(*(result[field] for field in Cell._fields))
                except (json.JSONDecodeError, KeyError):
                    continue  # cut off by a kill in mid-line
                if result["build"] == builds.get(cell.core):
                    self.by_cell[cell] = result
                else:
                    self.others += 1

    def has(self, cell, executions, seconds):
        """A censored result stands as long as nobody asks for more."""
        result = self.by_cell.get(cell)
        return result is not None and (
            result["found"] or result["executions"] >= executions or result["cpu_seconds"] > seconds - 1)

    def add(self, result):
        self.by_cell[Cell(*(result[field] for field in Cell._fields))] = result
        with open(self.path, "ab+") as file:
            whole = file.seek(0, os.SEEK_END) == 0 or self.ends_a_line(file)
            file.write((b"" if whole else b"\n") + json.dumps(result).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    @staticmethod
    def ends_a_line(file):
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"

    def executions(self, core, mutant, strategy):
        return [r["executions"] for c, r in self.by_cell.items() if c[:3] == (core, mutant, strategy)]


class Run:
    """One target process on one processor."""

    def __init__(self, binaries, cell, executions, seconds, cpu):
        self.cell, self.executions_limit, self.seconds_limit, self.cpu = cell, executions, seconds, cpu
        self.folder = tempfile.TemporaryDirectory(prefix="flushtrace-tte.", dir=SCRATCH)
        corpus, self.pending = os.path.join(self.folder.name, "corpus"), os.path.join(self.folder.name, "pending")
        os.mkdir(corpus)
        os.mkdir(self.pending)
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8", errors="replace")
        self.command = [
            os.path.join(binaries, f"flushtrace-fuzz-{cell.core}"), "--ft-stop", f"--ft-mutant={cell.mutant}",
            f"--ft-mutation={cell.strategy}", f"--ft-findings={self.pending}",
            f"--ft-counter={os.path.join(self.folder.name, 'runs')}", f"-seed={cell.seed}", f"-runs={executions}",
            f"-len_control={LEN_CONTROL[cell.strategy]}", f"-artifact_prefix={self.folder.name}/", *ENGINE, corpus]
        self.start = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        cwd=self.folder.name, preexec_fn=self.confine, start_new_session=True)

    def confine(self):
        os.sched_setaffinity(0, {self.cpu})
        resource.setrlimit(resource.RLIMIT_CPU, (self.seconds_limit, self.seconds_limit + 5))

    def ended(self, status, usage):
        """The result; Failure when the target did not end because of a finding or a limit."""
        self.process.returncode = os.waitstatus_to_exitcode(status)
        found = [name for name in os.listdir(self.pending) if name.endswith(".bytes")]
        cpu_seconds = usage.ru_utime + usage.ru_stime
        at_limit = self.process.returncode in (0, -signal.SIGXCPU)
        if bool(found) != (self.process.returncode == 1) or not (found or at_limit):
            self.log.seek(0)
            raise Failure(f"{' '.join(self.command)}: ended with {self.process.returncode}\n{self.log.read()[-1500:]}")
        with open(os.path.join(self.folder.name, "runs"), "rb") as file:
            executions = int.from_bytes(file.read(8), "little")
        return {**self.cell._asdict(), "found": bool(found), "executions": executions,
                "cpu_seconds": round(cpu_seconds, 3), "seconds": round(time.monotonic() - self.start, 3),
                "executions_limit": self.executions_limit, "seconds_limit": self.seconds_limit}

    def finding(self, flushtrace):
        """What becomes of the finding, as a user would see it."""
        scenario = os.path.join(self.pending, [n for n in os.listdir(self.pending) if n.endswith(".bytes")][0])
        trace, small = os.path.join(self.folder.name, "full.ftr"), os.path.join(self.folder.name, "small.ftr")
        answer = {"reproduces": False, "why": ""}
        try:
            recorded = flushtrace.record(self.cell.core, self.cell.mutant, scenario, trace)
            answer.update(rule=recorded["rule"] or recorded["verdict"], function=recorded["function"],
                          ops=recorded["ops"])
            flushtrace.check(trace)
            answer["reproduces"] = True
            if self.cell.strategy == "structured":
                shrunk = flushtrace.shrink(trace, small)
                answer.update(shrunk_ops=shrunk["ops"], shrink_runs=shrunk["runs"])
                flushtrace.check(small)
        except findings.Refused as reason:
            answer["why"] = str(reason)
        return answer

    def close(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()


class Measurement:
    """Runs cells on the processors it may use, one on each, until none is left."""

    def __init__(self, arguments, mutants, results):
        self.arguments, self.mutants, self.results = arguments, mutants, results
        self.flushtrace = findings.Flushtrace(os.path.join(arguments.bin, "flushtrace"))
        self.cpus = sorted(os.sched_getaffinity(0))[:arguments.jobs]
        self.running, self.done, self.failures = {}, 0, []

    def limit(self, cell):
        if cell.strategy == "structured":
            return MOST
        structured = self.results.executions(cell.core, cell.mutant, "structured")
        return int(max(FLOOR, self.arguments.factor * statistics.median(structured))) if structured else MOST

    def cells(self):
        """structured first, for the others' limits come from it; then seed by seed, so that a part is a table, too."""
        seeds = dict(zip(STRATEGIES, self.arguments.seeds))
        for group in (("structured",), ("bytes", "random")):
            for seed in range(1, max(self.arguments.seeds) + 1):
                for mutant in self.mutants:
                    for strategy in group:
                        if strategy in self.arguments.strategy and seed <= seeds[strategy]:
                            yield Cell(mutant.core, mutant.name, strategy, seed)

    def run(self):
        left = [cell for cell in self.cells()
                if not self.results.has(cell, self.limit(cell), self.arguments.seconds)]
        total = len(left)
        try:
            while left or self.running:
                while left and self.cpus:
                    cell = left.pop(0)
                    run = Run(self.arguments.bin, cell, self.limit(cell), self.arguments.seconds, self.cpus.pop(0))
                    self.running[run.process.pid] = run
                pid, status, usage = os.wait4(-1, 0)
                if pid in self.running:
                    self.take(self.running.pop(pid), status, usage, total)
        finally:
            for run in self.running.values():
                run.close()

    def take(self, run, status, usage, total):
        self.cpus.append(run.cpu)
        self.done += 1
        name = f"{run.cell.core}+{run.cell.mutant}"
        try:
            result = run.ended(status, usage)
            if result["found"]:
                result.update(run.finding(self.flushtrace))
            self.results.add({"build": self.results.builds[run.cell.core], **result})
            said = f"{'' if result['found'] else '>'}{result['executions']} runs, {result['cpu_seconds']:.1f} s" \
                   f"  {result.get('rule', 'not found')}  {result.get('why', '')}"
        except Failure as failure:
            self.failures.append(str(failure))
            said = "FAILED"
        finally:
            run.close()
        print(f"[{self.done}/{total}] {name:40} {run.cell.strategy:10} seed {run.cell.seed}  {said}", file=sys.stderr,
              flush=True)


def numbers(text):
    values = [int(value) for value in text.split(",")]
    return (values + values[-1:] * len(STRATEGIES))[:len(STRATEGIES)]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", help="the folder with the programs of the release build")
    parser.add_argument("--quick", action="store_true", help="one seed each, 10 s")
    parser.add_argument("--strategy", default=",".join(STRATEGIES))
    parser.add_argument("--seeds", default="5,3,3", help="how many, for each strategy")
    parser.add_argument("--mutants", help="these instead of the chosen ones: CORE+MUTANT,...; all")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--factor", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--results", default=RESULTS)
    parser.add_argument("--report", action="store_true", help="measure nothing, print what is there")
    parser.add_argument("--json", help="also write the table as JSON to this file")
    parser.add_argument("--write-docs", action="store_true", help="write docs/TTE.md and bench/tte.json")
    arguments = parser.parse_args()
    arguments.bin = os.path.abspath(arguments.bin)
    arguments.strategy = arguments.strategy.split(",")
    if unknown := set(arguments.strategy) - set(STRATEGIES):
        parser.error(f"no strategy {', '.join(unknown)}")
    arguments.seeds = [1, 1, 1] if arguments.quick else numbers(arguments.seeds)
    arguments.seconds = min(arguments.seconds, 10) if arguments.quick else arguments.seconds
    return arguments


def wanted(arguments):
    if not arguments.mutants:
        return chosen(arguments.count)
    every = patches.mutants(ROOT)
    if arguments.mutants == "all":
        return every
    named = {f"{mutant.core}+{mutant.name}": mutant for mutant in every}
    try:
        return [named[name] for name in arguments.mutants.split(",")]
    except KeyError as unknown:
        sys.exit(f"tte: no mutant {unknown}")


def main():
    arguments = parse()
    mutants = wanted(arguments)
    builds = {core: build_of(os.path.join(arguments.bin, f"flushtrace-fuzz-{core}"))
              for core in {mutant.core for mutant in mutants}}
    results = Results(arguments.results, builds)
    measurement = Measurement(arguments, mutants, results)
    interrupted = False
    for number in (signal.SIGINT, signal.SIGTERM):  # also for a measurement in the background
        signal.signal(number, signal.default_int_handler)
    if not arguments.report:
        try:
            measurement.run()
        except KeyboardInterrupt:
            interrupted = True
    table = tte_report.Table(mutants, results.by_cell.values())
    print(table.text())
    if results.others:
        print(f"{results.others} results of other builds in {os.path.relpath(results.path, ROOT)} left out")
    if arguments.json:
        table.write_json(arguments.json)
    if arguments.write_docs:
        table.write_docs(ROOT)
    for failure in measurement.failures:
        print(failure, file=sys.stderr)
    if interrupted:
        print("interrupted; the same command goes on", file=sys.stderr)
    sys.exit(130 if interrupted else 5 if measurement.failures else 0)


if __name__ == "__main__":
    main()
