#!/usr/bin/env python3
"""What a mutant's patch says of calm scenarios is true: `Calm: clean` mutants are clean under every calm scenario of the core on every
platform, so their defect needs a moment; `Calm: caught` mutants are caught by one at least. The sound core is clean in all.

    calm_mutants.py FLUSHTRACE CORE-FOLDER [--sound]

--sound: the sound core alone. What mutants do is the same in every build, so one build asks them all.
"""
import glob
import json
import os
import subprocess
import sys

PLATFORMS = [None, "coherent", "bounce", "noncoherent", "iommu"]
REQUESTS = ("read", "write", "ioctl", "read-pages", "write-pages", "disk-read", "disk-write")


def is_calm(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if not words or words[0] == "platform":
                continue
            if words[1 if words[0].endswith(":") else 0] not in REQUESTS:
                return False
    return True


def header(path):
    fields = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("---"):
                break
            name, _, value = line.partition(":")
            fields[name.strip()] = value.strip()
    return fields


def rules_found(flushtrace, core, mutant, scenarios):
    """The first verdict other than clean, as a list of one (rule or verdict, scenario, platform), or nothing."""
    for scenario in scenarios:
        for platform in PLATFORMS:
            command = [flushtrace, "run", core, "--scenario", scenario, "--json"]
            command += ["--mutant", mutant] if mutant else []
            command += ["--platform", platform] if platform else []
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            answer = json.loads(done.stdout)
            if answer["verdict"] != "clean":
                return [(answer["rule"] or answer["verdict"], os.path.basename(scenario), platform)]
    return []


def main():
    flushtrace, folder, *sound = sys.argv[1:]
    core = os.path.basename(folder.rstrip("/"))
    scenarios = sorted(s for s in glob.glob(os.path.join(folder, "scenarios", "*.fts")) if is_calm(s))
    patches = sorted(glob.glob(os.path.join(folder, "mutants", "*.patch")))
    patches = [patch for patch in patches if "Flavour" not in header(patch)]
    if not scenarios or not patches:
        sys.exit(f"{folder}: no calm scenario or no mutant")
    if sound:
        patches = []
    failures = [f"the sound core: {found}" for found in rules_found(flushtrace, core, "", scenarios)]
    need_a_moment = 0
    for patch in patches:
        name, fields = os.path.basename(patch)[:-len(".patch")], header(patch)
        found = rules_found(flushtrace, core, name, scenarios)
        clean = not found
        need_a_moment += clean
        print(f"{name:28} {'clean' if clean else 'caught: ' + found[0][0]}")
        if fields.get("Calm") != ("clean" if clean else "caught"):
            failures.append(f"{name} says Calm: {fields.get('Calm')}, found {found}")
    print(f"{len(scenarios)} calm scenarios, {len(PLATFORMS)} platforms each; {need_a_moment} of {len(patches)} mutants need a moment")
    for failure in failures:
        print("FAIL", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
