#!/usr/bin/env python3
"""Records the regression traces: every scenario of every core, and a shrunk finding of every mutant.

usage: record_traces.py FLUSHTRACE [--cores C,...] [--mutants M,...] [--seconds 60] [--seeds 1,2,3] [--all]

traces/clean/CORE/SCENARIO.ftr is the scenario run on the sound core. traces/violates/RULE/CORE+MUTANT.ftr
is what the first campaign that finds the mutant leaves, shrunk; the others are left as they are, unless
--all, which looks with every seed and reports the seconds. A finding is kept when it replays event for
event, and the sound core is clean under its scenario. Findings with an op that comes late or is skipped
before the patched function is entered are listed: there the moment is not the one that the driver meets.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TRACES = os.path.join(ROOT, "traces")
sys.path.insert(0, HERE)
import patches  # noqa: E402


class Refused(Exception):
    """Why a finding is not kept."""


class Recorder:
    def __init__(self, arguments):
        self.arguments = arguments
        self.listed, self.failed, self.kept = [], 0, 0

    def flushtrace(self, *words):
        done = subprocess.run([self.arguments.flushtrace, *words, "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        answer = json.loads(done.stdout) if done.stdout.strip() else {}
        return done.returncode, answer, done.stderr.strip()[-200:]

    # ---- clean runs ----

    def record_clean(self, core):
        folder = os.path.join(TRACES, "clean", core)
        os.makedirs(folder, exist_ok=True)
        for scenario in sorted(glob.glob(os.path.join(ROOT, "driver-core", core, "scenarios", "*.fts"))):
            name = os.path.basename(scenario)[:-len(".fts")]
            status, answer, errors = self.flushtrace("run", core, "--scenario", scenario, "-o",
                                                     os.path.join(folder, name + ".ftr"))
            if status != 0:
                self.failed += 1
                print(f"{core} {name}: {answer.get('verdict')} {answer.get('rule')} {errors}")

    # ---- findings ----

    def find(self, mutant, seed, folder):
        status, answer, errors = self.flushtrace(
            "fuzz", mutant.core, "--mutant", mutant.name, "--seed", seed, "--time",
            str(self.arguments.seconds), "--out", os.path.join(folder, "out"), "--stop-at-finding")
        found = [finding for finding in answer.get("findings", []) if finding["new"]]
        if status != 1 or not found:
            raise Refused(f"not found in {self.arguments.seconds} s (exit {status}) {errors}")
        return found[0]

    def check(self, mutant, trace):
        status, again, errors = self.flushtrace("replay", trace)
        if status != 0:
            raise Refused(f"does not replay: exit {status} {again.get('verdict')} {errors}")
        status, sound, errors = self.flushtrace("replay", trace, "--follow", "--mutant", "none")
        if sound.get("verdict") != "clean":
            raise Refused(f"the sound core: {sound.get('verdict')} {sound.get('rule')} {errors}")
        return self.misplaced(mutant, trace)

    def misplaced(self, mutant, trace):
        """The first op that came late or was skipped before the patched function was entered."""
        _, shown, _ = self.flushtrace("show", trace)
        functions = mutant.functions()
        for event in shown["lines"]:
            name = (event.get("function") or "").split(":")
            if functions and len(name) > 1 and name[1] in functions:
                return None
            if event["name"] in ("op:late", "op:skipped"):
                return f"{event['name']} at event {event['event']}"
        return None

    def record_mutant(self, mutant):
        old = glob.glob(os.path.join(TRACES, "violates", "*", f"{mutant.core}+{mutant.name}.ftr"))
        for seed in self.arguments.seeds.split(","):
            if old and not self.arguments.all:
                break
            with tempfile.TemporaryDirectory() as folder:
                try:
                    finding = self.find(mutant, seed, folder)
                    small = os.path.join(folder, "small.ftr")
                    status, _, errors = self.flushtrace("shrink", finding["trace"], "-o", small)
                    if status != 0:
                        raise Refused(f"does not shrink: exit {status} {errors}")
                    late = self.check(mutant, small)
                except Refused as reason:
                    self.failed += 1
                    print(f"{mutant.core:12} {mutant.name:28} seed {seed}  FAILED: {reason}", flush=True)
                    continue
                print(f"{mutant.core:12} {mutant.name:28} seed {seed}  {finding['seconds']:6.1f} s  "
                      f"{finding['rule']}{'  ' + late if late else ''}", flush=True)
                if not old:
                    old = [self.keep(mutant, finding["rule"], small, late)]

    def keep(self, mutant, rule, small, late):
        path = os.path.join(TRACES, "violates", rule, f"{mutant.core}+{mutant.name}.ftr")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copyfile(small, path)
        self.kept += 1
        if late:
            self.listed.append(f"{mutant.core}+{mutant.name}: {late}")
        return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("flushtrace")
    parser.add_argument("--cores")
    parser.add_argument("--mutants")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--all", action="store_true")
    recorder = Recorder(parser.parse_args())
    arguments = recorder.arguments
    cores = sorted({mutant.core for mutant in patches.mutants(ROOT)})
    if arguments.cores:
        cores = arguments.cores.split(",")
    for core in cores:
        recorder.record_clean(core)
        for mutant in patches.mutants(ROOT, core):
            if not arguments.mutants or mutant.name in arguments.mutants.split(","):
                recorder.record_mutant(mutant)
    for line in recorder.listed:
        print("an op before the defect:", line)
    print(f"{recorder.kept} findings kept, {recorder.failed} failed")
    return 1 if recorder.failed else 0


if __name__ == "__main__":
    sys.exit(main())
