#!/usr/bin/env python3
"""Replays the stored traces on edited drivers: what a corpus is worth when the driver has changed.

usage: replay_edits.py FLUSHTRACE --targets FILE --build DIR [--edits CORE+EDIT,...] [--table FILE]

tests/edits/CORE/EDIT.patch is a change that its author might make on any day and that keeps the core sound.
Each is applied to its core, and the core's mutants to what comes of that; the programs that hold them (of
each core at most one edit in a program) replay the stored traces, following. Asked is that
  - the edit changes the events of the core's default run, and every clean trace of the core stays clean;
  - the traces of a mutant end with the rule that they are stored for, 95 of 100, and what is said of the
    others, and of a fourth of them without the mutant, names the first difference.
A mutant whose patch does not apply to the edited core is passed over and counted, 10 of 100 at most.
"""
import argparse
import collections
import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CORES = os.path.join(ROOT, "driver-core")
TRACES = os.path.join(ROOT, "traces")
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fuzz"))
import findings  # noqa: E402

EDITS_AT_LEAST = 20
CALLS_AT_LEAST = 5  # edits that add or drop a call
KEPT_AT_LEAST = 0.95
CONFLICTS_AT_MOST = 0.10
EVERY = 4  # trace is replayed without the mutant, too


class Edit:
    """One patch, and what came of it."""

    def __init__(self, path):
        self.path = path
        self.core = os.path.basename(os.path.dirname(path))
        self.name = os.path.basename(path)[:-len(".patch")]
        with open(path, encoding="utf-8") as patch:
            self.fields = dict(re.findall(r"^(\w+): (.*)$", patch.read().partition("\n--- ")[0], re.MULTILINE))
        self.conflicts, self.lost, self.problems = [], [], []
        self.kept = self.near = self.elsewhere = 0  # the rule came; of these: of a moved moment, in another function

    def __str__(self):
        return f"{self.core}+{self.name}"

    def replayed(self):
        return self.kept + len(self.lost)


def put(path, data):
    """Writes a file unless it is there already: an unchanged one is not built again."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == data:
                return
    with open(path, "wb") as file:
        file.write(data)


def patch(folder, path, *options):
    return subprocess.run(["patch", "-p1", "-F0", "--batch", "--forward", "--silent", "--no-backup-if-mismatch",
                           "--reject-file=-", "-i", path, *options], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)


def read_tree(folder):
    tree = {}
    for path in glob.glob(os.path.join(folder, "**"), recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                tree[os.path.relpath(path, folder)] = file.read()
    return tree


def without(lists, names):
    """A core's CMakeLists.txt without those mutants."""
    for name in names:
        lists = lists.replace(f"mutants/{name}.patch".encode(), b"")
    return lists.replace(b"MUTANTS )", b")")


class Program:
    """A flushtrace whose cores are edited ones."""

    def __init__(self, folder, edits, arguments):
        self.folder, self.edits, self.arguments = folder, edits, arguments
        self.flushtrace = findings.Flushtrace(os.path.join(folder, "b", "flushtrace"))

    def write_core(self, edit):
        """The edited core in a folder of its own, with the mutants that still apply."""
        scratch = os.path.join(self.folder, "scratch", edit.core)
        shutil.rmtree(scratch, ignore_errors=True)
        for name, data in read_tree(os.path.join(CORES, edit.core)).items():
            put(os.path.join(scratch, name), data)
        done = patch(scratch, edit.path)
        if done.returncode != 0:
            raise SystemExit(f"{edit} does not apply: {done.stdout}")
        for mutant in sorted(glob.glob(os.path.join(scratch, "mutants", "*.patch"))):
            if patch(scratch, mutant, "--dry-run").returncode != 0:
                edit.conflicts.append(os.path.basename(mutant)[:-len(".patch")])
        for name, data in read_tree(scratch).items():
            if name == "CMakeLists.txt":
                data = without(data, edit.conflicts)
            put(os.path.join(self.folder, "cores", edit.core, name), data)

    def build(self):
        for name, data in read_tree(os.path.join(CORES, "devices")).items():
            put(os.path.join(self.folder, "cores", "devices", name), data)
        for edit in self.edits:
            self.write_core(edit)
        build = os.path.join(self.folder, "b")
        log = os.path.join(self.folder, "build.log")
        with open(log, "w", encoding="utf-8") as out:
            for command in ([self.arguments.cmake, "-G", "Ninja", "-S", os.path.join(HERE, "project"), "-B", build,
                             f"-DCMAKE_C_COMPILER={self.arguments.compiler}",
                             f"-DCMAKE_BUILD_TYPE={self.arguments.type}", f"-DTARGETS={self.arguments.targets}",
                             f"-DCORES={os.path.join(self.folder, 'cores')}"],
                            [self.arguments.cmake, "--build", build, "--target", "flushtrace", "--parallel", "2"]):
                if subprocess.run(command, stdout=out, stderr=out, check=False).returncode != 0:
                    with open(log, encoding="utf-8") as text:
                        raise SystemExit("".join(text.readlines()[-30:]) + f"{log}: the edited cores do not build")

    # ---- the traces ----

    def check_sound(self, edit, stored):
        """Still sound, and really another driver."""
        _, answer, errors = self.flushtrace("regress", os.path.join(TRACES, "clean", edit.core))
        if "traces" not in answer:
            raise SystemExit(f"{edit}: {errors}")
        for case in answer["traces"]:
            if case["verdict"] != "clean":
                edit.problems.append(f"not clean: {case['trace']}: {case['got']}")
        default = os.path.join(TRACES, "clean", edit.core, "default.ftr")
        now = {case["trace"]: case["hash"] for case in answer["traces"]}
        if now[default] == stored[default]["hash"]:
            edit.problems.append("the events of the default run are the old ones")

    def check_mutants(self, edit, stored):
        paths = [path for path in glob.glob(os.path.join(TRACES, "violates", "*", f"{edit.core}+*.ftr"))
                 if stored[path]["outcome"] == "passed" and stored[path]["mutant"] not in edit.conflicts]
        _, answer, errors = self.flushtrace("regress", *sorted(paths))
        if len(answer.get("traces", [])) != len(paths):
            raise SystemExit(f"{edit}: {errors}")
        for path in sorted(paths)[::EVERY]:
            self.check_other(edit, path)
        for case in answer["traces"]:
            before = stored[case["trace"]]
            if (case["verdict"], case["rule"]) == (before["verdict"], before["rule"]):
                edit.kept += 1
                edit.near += "moment has moved" in case["note"]
                edit.elsewhere += case["outcome"] != "passed"
            else:
                edit.lost.append(self.explain(edit, case))

    def check_other(self, edit, path):
        """What a mutant's trace says of the edited core without the defect: clean, and where that was first seen."""
        _, answer, errors = self.flushtrace("replay", path, "--mutant", "none")
        if answer.get("verdict") != "clean" or not answer.get("divergence"):
            edit.problems.append(f"without the mutant: {os.path.relpath(path, TRACES)}: {answer.get('verdict')}, "
                                 f"first difference {answer.get('divergence')} {errors}")

    def explain(self, edit, case):
        """What replay says of a trace whose verdict did not come again."""
        _, answer, errors = self.flushtrace("replay", case["trace"], "--follow")
        name = os.path.relpath(case["trace"], TRACES)
        if not answer.get("divergence"):
            edit.problems.append(f"no first difference named for {name}: {errors}")
        return f"{edit}: {name}: {answer.get('note')}"


def programs(edits, arguments):
    """Distributed so that no program has two edits of one core."""
    rounds = collections.defaultdict(list)
    count = collections.Counter()
    for edit in edits:
        rounds[count[edit.core]].append(edit)
        count[edit.core] += 1
    return [Program(os.path.join(arguments.build, str(k)), rounds[k], arguments) for k in sorted(rounds)]


def table(edits):
    lines = [f"{'edit':42} {'traces':>6} {'kept':>5} {'near by':>7} {'elsewhere':>9} {'lost':>4} {'conflicts':>9}  calls"]
    for edit in edits:
        lines.append(f"{str(edit):42} {edit.replayed():6} {edit.kept:5} {edit.near:7} {edit.elsewhere:9} "
                     f"{len(edit.lost):4} {len(edit.conflicts):9}  {edit.fields['Calls']}")
    return lines


def shares(edits):
    """For each core and for all of them: traces replayed, verdicts kept, how many in 100, and without the look near by."""
    by_core = collections.defaultdict(list)
    for edit in edits:
        by_core[edit.core].append(edit)
        by_core["all"].append(edit)
    lines = []
    for core in sorted(by_core, key=lambda name: (name == "all", name)):
        some = by_core[core]
        replayed = sum(edit.replayed() for edit in some)
        kept, near = sum(edit.kept for edit in some), sum(edit.near for edit in some)
        lines.append(f"{core:16} {len(some):3} edits  {replayed:5} traces  {kept:5} kept  {100 * kept / max(replayed, 1):6.2f} %"
                     f"  (as recorded {100 * (kept - near) / max(replayed, 1):6.2f} %)")
    return lines


def judge(edits):
    problems = [f"{edit}: {problem}" for edit in edits for problem in edit.problems]
    replayed = sum(edit.replayed() for edit in edits)
    lost = sum(len(edit.lost) for edit in edits)
    conflicts = sum(len(edit.conflicts) for edit in edits)
    if replayed == 0 or replayed - lost < KEPT_AT_LEAST * replayed:
        problems.append(f"{lost} of {replayed} verdicts lost")
    if conflicts > CONFLICTS_AT_MOST * (conflicts + replayed):
        problems.append(f"{conflicts} mutants do not apply to the edited cores")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("flushtrace")
    parser.add_argument("--targets", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--type", default="RelWithDebInfo", help="as CMAKE_BUILD_TYPE")
    parser.add_argument("--edits")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    edits = [Edit(path) for path in sorted(glob.glob(os.path.join(HERE, "*", "*.patch")))]
    calls = [edit for edit in edits if re.match("(adds|drops) ", edit.fields["Calls"])]
    if len(edits) < EDITS_AT_LEAST or len(calls) < CALLS_AT_LEAST:
        raise SystemExit(f"{len(edits)} edits, {len(calls)} of which add or drop a call")
    if arguments.edits:
        wanted = arguments.edits.split(",")
        edits = [edit for edit in edits if str(edit) in wanted]
        if len(edits) != len(wanted):
            raise SystemExit(f"not all of {arguments.edits} are there")
    folders = [os.path.join(TRACES, "clean", core) for core in sorted({edit.core for edit in edits})]
    _, answer, _ = findings.Flushtrace(arguments.flushtrace)("regress", *folders, os.path.join(TRACES, "violates"))
    stored = {case["trace"]: case for case in answer["traces"]}
    for program in programs(edits, arguments):
        program.build()
        for edit in program.edits:
            program.check_sound(edit, stored)
            program.check_mutants(edit, stored)
    print("\n".join(table(edits) + [""] + shares(edits)))
    for edit in edits:
        for line in edit.lost:
            print("lost:", line)
        if edit.conflicts:
            print(f"does not apply to {edit}: {', '.join(edit.conflicts)}")
    problems = judge(edits)
    for problem in problems:
        print("WRONG:", problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
