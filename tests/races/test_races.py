#!/usr/bin/env python3
"""A driver core in the access flavour: the sound core runs as in the plain flavour, event for event, and has no race; each of its
mutants of this flavour is caught by its scenario under tests/races/scenarios, with the source lines of both accesses.

    test_races.py FLUSHTRACE CORE-FOLDER
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import patches  # noqa: E402

PLATFORMS = ["coherent", "noncoherent", "bounce", "iommu"]
SEEDS = range(1, 9)
RACES = ("io.lock-isr-data", "io.dpc-shared-sync", "mem.unlocked-write", "mem.data-race", "kmdf.callback-sync-assumption",
         "kmdf.surprise-removal-unsynchronised-data")
RUNS = 600  # random scenarios


def run(flushtrace, *words):
    done = subprocess.run([flushtrace, "run", *words, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout)


def sound(flushtrace, core, folder):
    """Complaints about the sound core."""
    scenarios = sorted(glob.glob(os.path.join(folder, "scenarios", "*.fts")))
    runs = [["--scenario", path, "--platform", PLATFORMS[i % 4]] for i, path in enumerate(scenarios)]
    runs += [["--seed", str(seed)] for seed in SEEDS]
    for words in runs:
        plain, access = run(flushtrace, core, *words), run(flushtrace, core, *words, "--flavour", "access")
        if access["flavour"] != "access":
            yield f"{words}: ran in flavour {access['flavour']}"
        if access["verdict"] != plain["verdict"] or access["hash"] != plain["hash"]:
            yield f"{words}: {access['verdict']} {access['rule']}, plain {plain['verdict']}; hashes " \
                  f"{access['hash']}, {plain['hash']}"
        for warning in access.get("warnings", []):
            if warning not in plain.get("warnings", []):
                yield f"{words}: {warning}"
    words = [flushtrace, "explore", core, "--flavour", "access", "--strategy", "random", "--limit", str(RUNS), "-j", "1"]
    done = subprocess.run([*words, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    answer = json.loads(done.stdout)
    if done.returncode != 0 or answer["runs"] != RUNS:
        yield f"{' '.join(words)}: exit status {done.returncode}, {answer['findings']}"
    for warning in answer["warnings"]:
        if warning["rule"] in RACES:
            yield f"{' '.join(words)}: {warning}"


def caught(flushtrace, mutant):
    """Complaints about one race mutant."""
    scenario = os.path.join(HERE, "scenarios", f"{mutant.core}.{mutant.name}.fts")
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "race.ftr")
        words = [mutant.core, "--scenario", scenario, "--flavour", "access"]
        answer = run(flushtrace, *words, "--mutant", mutant.name, "-o", trace)
        if answer["verdict"] != "violation" or answer["rule"] != mutant.fields["Rule"]:
            yield f"{mutant.name}: {answer['verdict']} {answer['rule']}, not {mutant.fields['Rule']}"
            return
        show = subprocess.run([flushtrace, "show", "--no-pager", trace], stdout=subprocess.PIPE, text=True, check=True)
        for kind in ("race:earlier", "race:found") if "race:found" in show.stdout else ("mem:touch",):
            if not re.search(rf"{kind} .* \w+\.[ch]:\w+:\d+\s*$", show.stdout, re.M):
                yield f"{mutant.name}: {kind} without its source line"
        if subprocess.run([flushtrace, "replay", trace], stdout=subprocess.PIPE, check=False).returncode != 0:
            yield f"{mutant.name}: the trace does not replay"
        if run(flushtrace, *words)["verdict"] != "clean":
            yield f"{mutant.name}: its scenario is not clean on the sound core"


def main():
    flushtrace, folder = sys.argv[1:]
    core = os.path.basename(folder.rstrip("/"))
    mutants = patches.mutants(ROOT, core, flavour="access")
    complaints = list(sound(flushtrace, core, folder))
    for mutant in mutants:
        complaints += caught(flushtrace, mutant)
    print("\n".join(complaints))
    print(f"{core}: sound core and {len(mutants)} mutants, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
