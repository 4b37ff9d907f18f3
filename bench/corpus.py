#!/usr/bin/env python3
"""How long `regress` takes over a corpus of many traces of every core, plain and under ASan, and what it needs of memory.

usage: ./dev bench corpus [--traces N] [--jobs N] [--rounds N] [--keep FILE.ftc]

ft-corpus-seeds runs random scenarios of fixed seeds on every core and some mutants (10,000 traces, no two with one event hash); `corpus
pack` makes one file of them, the same bytes each time for one build. Then `regress FILE.ftc --junit F --sarif F`, some rounds for each
flavour that is built; the figures are of the fastest round, since whatever else the machine does only adds. Memory is what all its
processes have together (PSS, sampled in a round that is not timed). Prints `name value unit` lines. Exit status: 0; 1 a trace did not
pass; 5 our own failure.
"""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") else None
TRACES = 10000


class Failure(Exception):
    """Our own failure."""


def command(*words):
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"{' '.join(words)}: exit status {result.returncode}\n{result.stderr[-500:]}")
    return result.stdout


def make_corpus(folder, count, path):
    """Packs the traces; returns what `corpus stats` says of them."""
    work = tempfile.mkdtemp(dir=SCRATCH)
    try:
        command(os.path.join(folder, "ft-corpus-seeds"), str(count), os.path.join(work, "corpus"))
        # Names are paths as typed: they must not tell where it was made.
        program = os.path.abspath(os.path.join(folder, "flushtrace"))
        subprocess.run([program, "corpus", "pack", "corpus", "-o", os.path.abspath(path)], cwd=work, check=True,
                       stdout=subprocess.DEVNULL)
        return json.loads(command(program, "corpus", "stats", path, "--json"))
    finally:
        shutil.rmtree(work)


def regress_words(folder, corpus, flavour, jobs, reports):
    words = [os.path.join(folder, "flushtrace"), "regress", corpus, "--jobs", str(jobs), "--junit", f"{reports}.xml",
             "--sarif", f"{reports}.sarif"]
    return words + (["--flavour", flavour] if flavour else [])


def timed(words):
    """(seconds, of processors) of a run in which every trace passes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode in (1, 2, 4):
        print(result.stdout[-2000:])
        sys.exit(1)
    if result.returncode != 0:
        raise Failure(f"{' '.join(words)}: exit status {result.returncode}\n{result.stderr[-500:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tree_kib(root):
    """PSS of a process and of all below it; pages that they share count once."""
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        try:
            with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as file:
                    waiting += file.read().split()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile
    return total


def peak_mib(words):
    most = 0
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, tree_kib(process.pid))
            time.sleep(0.02)
    return most / 1024


def show(name, value, unit):
    print(f"{name} {value:.4g} {unit}", flush=True)


def measure(arguments, corpus, flavour, reports):
    words = regress_words(arguments.bin, corpus, flavour, arguments.jobs, reports)
    rounds = sorted(timed(words) for _ in range(arguments.rounds))
    name = f"regress-{flavour or 'plain'}"
    show(f"{name}-seconds", rounds[0][0], f"s, {arguments.jobs} jobs")
    show(f"{name}-processors", rounds[0][1], "s of processors together")
    show(f"{name}-memory", peak_mib(words), "MiB, all processes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("--traces", type=int, default=TRACES)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", metavar="FILE.ftc", help="leave the corpus there, and take it if it is there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        corpus = arguments.keep or os.path.join(folder, "corpus.ftc")
        if not os.path.exists(corpus):
            start = time.monotonic()
            facts = make_corpus(arguments.bin, arguments.traces, corpus)
            show("make", time.monotonic() - start, "s")
        else:
            facts = json.loads(command(os.path.join(arguments.bin, "flushtrace"), "corpus", "stats", corpus, "--json"))
        show("traces", facts["traces"], "traces")
        print(f"distinct {facts['distinct']} event hashes")
        print(f"events {facts['events']} events")
        show("corpus", os.path.getsize(corpus) / 2**20, "MiB")
        for flavour in (None, "asan"):
            if flavour is None or os.path.exists(os.path.join(arguments.bin, f"flushtrace-{flavour}")):
                measure(arguments, corpus, flavour, os.path.join(folder, "report"))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"corpus.py: {failure}", file=sys.stderr)
        sys.exit(5)
