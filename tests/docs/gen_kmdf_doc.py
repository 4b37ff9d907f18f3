#!/usr/bin/env python3
"""Writes docs/KMDF.md from the proofs of the framework's routines, or checks it.

usage: gen_kmdf_doc.py [--write]

documented.def says which failures of a routine are documented, levels.def the highest level of each.
What shows them are rows of proofs_*.def (tests/kmdf/proof_rows.h), each a call that the test of that
file makes and judges, and rows SHOWN(routine, outcome, file, test) of proofs_elsewhere.def, for what
takes a whole test: that test runs, and what it can reach calls the routine and names the outcome.

A complaint: a routine that the headers declare and that is no row of unimplemented.def without a row
of its own, without a proof of success, or without one of a documented failure; a proof of what is not
documented; a file of rows that no test brings.
"""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SHIM = os.path.join(ROOT, "hal-shim")
TESTS = os.path.join(ROOT, "tests", "kmdf")
PAGE = os.path.join(ROOT, "docs", "KMDF.md")
LEVELS = {"PASSIVE": "PASSIVE_LEVEL", "APC": "up to APC_LEVEL", "DISPATCH": "up to DISPATCH_LEVEL",
          "ANY": "any"}
KINDS = {"WORKS": "success", "STOPS": "WDF_VIOLATION", "ENDS": "success", "SCARCE": None, "FAILS": None, "NOTES": None}
PROOF = re.compile(r"^(WORKS|FAILS|STOPS|NOTES|SCARCE|CREATE|ENDS)\((\w+), P_\w+,\s*"
                   r'(?:(\w+),\s*)?(?:"([^"]*)",)?', re.M)
# What a row of CREATE shows.
CREATES = [("success", "makes one"), ("STATUS_INFO_LENGTH_MISMATCH", "Size of the attributes"),
           ("STATUS_WDF_OBJECT_ATTRIBUTES_INVALID", "a context's size, no type"),
           ("STATUS_INSUFFICIENT_RESOURCES", "an allocation fails"),
           ("WDF_VIOLATION", "4: no place for the handle")]

HEAD = """# Routines of the framework and their tests

Made by `tests/docs/gen_kmdf_doc.py` from the proofs in `tests/kmdf`; `./dev docs` writes it again, and
a test fails when a routine lacks a proof of success or of a documented failure. A proof is a row of
`proofs_*.def`: a call that a driver makes in a run of its own, and what has to come of it; or a whole
test, which is named.

Each routine is called one level above its highest as well, and a rule says so; each that takes a
handle first is called with none and with a wrong one, and the machine stops with WDF_VIOLATION 4 and
5 (`test_wdf_levels.c`). An event in a cell (`FT_EV_...`) is what stands for a break into the debugger
by the framework or its verifier. What a page documents and the framework does otherwise is said so.
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def declared():
    """Header -> its routines, without those that are not built."""
    missing = set(re.findall(r"^UNIMPLEMENTED\((\w+)\)",
                             read(os.path.join(SHIM, "kernel", "unimplemented.def")), re.M))
    found = {}
    for path in sorted(glob.glob(os.path.join(SHIM, "ddi", "wdf*.h"))):
        text = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
        names = set(re.findall(r"^(?!#|FORCEINLINE| )[\w *]*?\b(Wdf\w+)\([^;{]*?\);", text, re.M))
        names = {name for name in names if re.search(rf"[ *\n]{name}\(", text)}
        found[os.path.basename(path)] = sorted(names - missing)
    return found


def rows(path, complaints):
    """(routine, outcome, when) of a file of proofs."""
    text = read(path)
    matches = PROOF.findall(text)
    if len(matches) != len(re.findall(r"^[A-Z]+\(", text, re.M)):
        complaints.append(f"{os.path.basename(path)}: a row that is not understood")
    for kind, routine, answer, when in matches:
        if kind == "CREATE":
            yield from ((routine, outcome, why) for outcome, why in CREATES)
            continue
        if kind == "ENDS":
            when = f"bug check {answer}: {when}"
        if kind == "STOPS":
            when = f"{answer}: {when}"
        if kind == "SCARCE":
            when = "an allocation fails"
        yield routine, KINDS[kind] or answer, when


def bodies(text):
    found = {}
    for match in re.finditer(r"^\w[\w *]*?\b(\w+)(?:\([^;{]*\)|\[[^\]]*\] =)\s*\{\n(.*?)^\}", text,
                             re.M | re.S):
        found[match.group(1)] = match.group(2)
    return found


def reached(name, found):
    seen, todo = {}, [name]
    while todo:
        at = todo.pop()
        if at in found and at not in seen:
            seen[at] = found[at]
            todo += re.findall(r"\w+", found[at])
    return "".join(seen.values())


def with_benches(text):
    """A test and the benches beside it that it includes."""
    benches = [os.path.join(TESTS, name + ".c") for name in re.findall(r'#include "(\w+)\.h"', text)]
    return text + "".join(read(bench) for bench in benches if os.path.exists(bench))


def elsewhere(complaints):
    path = os.path.join(TESTS, "proofs_elsewhere.def")
    pattern = r"^SHOWN\((\w+), (\w+), (\w+\.c), (\w+)\)$"
    for routine, outcome, file, test in re.findall(pattern, read(path), re.M):
        text = with_benches(read(os.path.join(TESTS, file)))
        calls = reached(test, bodies(text))
        if f"cmocka_unit_test({test})" not in text and f"cmocka_unit_test_setup({test}" not in text:
            complaints.append(f"{file}: {test} is not run")
        if not re.search(rf"\b{routine}\b", calls):
            complaints.append(f"{file}: {test} does not reach {routine}")
        if outcome.startswith("STATUS_") and not re.search(rf"\b{outcome}\b", calls):
            complaints.append(f"{file}: {test} does not name {outcome}")
        yield routine, outcome, f"`{test}`"


def proofs(complaints):
    """routine -> outcome -> what shows it."""
    found = {}
    areas = re.findall(r"foreach\(area ([\w ]+)\)", read(os.path.join(TESTS, "CMakeLists.txt")))
    areas = areas[0].split() if areas else []
    all_rows = list(elsewhere(complaints))
    for path in sorted(glob.glob(os.path.join(TESTS, "proofs_*.def"))):
        area = os.path.basename(path)[len("proofs_"):-len(".def")]
        if area == "elsewhere":
            continue
        if area not in areas:
            complaints.append(f"{os.path.basename(path)}: no test brings it")
        all_rows += rows(path, complaints)
    for routine, outcome, when in all_rows:
        found.setdefault(routine, {}).setdefault(outcome, []).append(when)
    return found


def documented(complaints):
    text = read(os.path.join(TESTS, "documented.def"))
    names = re.findall(r"^(?:ROUTINE|CREATED)\((\w+),", text, re.M)
    if names != sorted(set(names)):
        complaints.append("documented.def: not in order, or a name twice")
    if re.search(r"^(?!ROUTINE\(|CREATED\(|DIFFERS\(|/\*| \*|$)", text, re.M):
        complaints.append("documented.def: a line that is not understood")
    failures = {name: words.split()
                for name, words in re.findall(r"^ROUTINE\((\w+),([^)]*)\)$", text, re.M)}
    created = [outcome for outcome, _ in CREATES if outcome.startswith("STATUS_")]
    for name, words in re.findall(r"^CREATED\((\w+),([^)]*)\)$", text, re.M):
        failures[name] = created + [word for word in words.split() if word not in created]
    differs = {(name, status): why for name, status, why in
               re.findall(r'^DIFFERS\((\w+), (\w+),\s*"([^"]*)"\)$', text, re.M)}
    return failures, differs


def line(name, levels, failures, differs, found, complaints):
    shown = found.get(name, {})
    if "success" not in shown:
        complaints.append(f"{name}: no proof of success")
    cells = []
    for status in failures.get(name, []):
        if status in shown:
            cells.append(f"{status}: " + "; ".join(shown[status]))
        elif (name, status) in differs:
            cells.append(f"{status} is documented: {differs[name, status]}")
        else:
            complaints.append(f"{name}: no proof of {status}")
    for outcome, whens in shown.items():
        if outcome in ("WDF_VIOLATION",) or outcome.startswith("FT_EV_"):
            cells.append(f"{outcome}: " + "; ".join(whens))
        elif outcome != "success" and outcome not in failures.get(name, []):
            complaints.append(f"{name}: {outcome} is not in documented.def")
    return (f"| {name} | {levels.get(name, '')} | {'; '.join(shown.get('success', []))} | "
            f"{'<br>'.join(cells)} |\n")


def main():
    complaints = []
    failures, differs = documented(complaints)
    found = proofs(complaints)
    levels = {name: LEVELS[level] for name, level in
              re.findall(r"^LEVEL\((\w+), (\w+)", read(os.path.join(TESTS, "levels.def")), re.M)}
    text, known = HEAD, set()
    for header, names in declared().items():
        if not names:
            continue
        text += f"\n## {header}\n\n| routine | levels | success | failures |\n|---|---|---|---|\n"
        for name in names:
            known.add(name)
            if name not in failures:
                complaints.append(f"{name}: not in documented.def")
            text += line(name, levels, failures, differs, found, complaints)
    for name in sorted(set(levels) - known):
        complaints.append(f"{name}: in levels.def, and no header declares it")
    for name in sorted((set(failures) | set(found)) - known):
        complaints.append(f"{name}: no routine that is built")
    for name, status in differs:
        if status in found.get(name, {}):
            complaints.append(f"{name}: {status} is said to differ, and is shown")
    count = sum(len(whens) for shown in found.values() for whens in shown.values())
    text += f"\n{len(known)} routines, {count} proofs.\n"
    if "--write" in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    elif not os.path.exists(PAGE) or read(PAGE) != text:
        complaints.append("docs/KMDF.md is not what the proofs say; ./dev docs writes it")
    for complaint in complaints:
        print(complaint)
    print(f"{len(known)} routines, {count} proofs, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
