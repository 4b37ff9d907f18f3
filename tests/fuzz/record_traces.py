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
import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TRACES = os.path.join(ROOT, "traces")
sys.path.insert(0, HERE)
import findings  # noqa: E402
import patches  # noqa: E402


class Recorder:
    def __init__(self, arguments):
        self.arguments = arguments
        self.flushtrace = findings.Flushtrace(arguments.flushtrace)
        self.listed, self.failed, self.kept = [], 0, 0

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
                    finding = self.flushtrace.campaign(mutant.core, mutant.name, folder, seed, self.arguments.seconds)
                    small = os.path.join(folder, "small.ftr")
                    self.flushtrace.shrink(finding["trace"], small)
                    self.flushtrace.check(small)
                    late = self.misplaced(mutant, small)
                except findings.Refused as reason:
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
