#!/usr/bin/env python3
"""Writes docs/SCSIPORT.md from what tests/scsiport shows of SCSI Port, or checks it.

usage: gen_scsiport_doc.py [--write]

port_documented.def says which outcomes of a routine are documented, and which test shows each; port_levels.def
where and at which level each may be called, with a call elsewhere that test_port_levels.c makes and judges.

A complaint: a ScsiPort routine that the headers declare and that is no row of unimplemented.def, or a
routine of a miniport (RT rows of sim/event.h), without a row of its own, without a test of success, of
a documented outcome, or of its level; a row about what is not there; a test that does not run, or does
not reach the routine.
"""

import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SHIM = os.path.join(ROOT, "hal-shim")
TESTS = os.path.join(ROOT, "tests", "scsiport")
PAGE = os.path.join(ROOT, "docs", "SCSIPORT.md")
STRING = r'"([^"]*)"'
PLACES = {"IN_FIND": "in HwScsiFindAdapter, PASSIVE_LEVEL", "IN_START_IO": "in HwScsiStartIo, device level",
          "OUTSIDE": "in a thread, PASSIVE_LEVEL"}

HEAD = """# SCSI Port and its tests

Made by `tests/docs/gen_scsiport_doc.py` from `tests/scsiport`; `./dev docs` writes it again, and a test
fails when a routine lacks a test of success, of a documented outcome, or of its level.

The port calls the routines of a miniport, and each only at its level: `test_port_levels.c` looks at every
call of a run with a reset, a timer, a long interrupt, a power cycle and a transfer on a DMA channel.
What a miniport calls in the wrong place is no error of the routine: its event has the level and the
routine of the miniport that called, which is what the rules judge (`docs/RULES.md`, `scsi.`). The last
column says where the test calls it for that, and which event tells.
"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def strip(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def declared():
    missing = set(re.findall(r"^UNIMPLEMENTED\((\w+)\)",
                             read(os.path.join(SHIM, "kernel", "unimplemented.def")), re.M))
    names = set()
    for header in ("srb_port.h", "srb.h", "scsiwmi.h"):
        text = strip(read(os.path.join(SHIM, "ddi", header)))
        names |= set(re.findall(r"^(?!#|FORCEINLINE| )[\w *]*?\b(Scsi(?:Port|Debug)\w+)\([^;{]*?\);",
                                text, re.M | re.S))
    return names - missing


def entries():
    return set(re.findall(r'RT\(\d+, \w+, "(HwScsi\w+)"\)', read(os.path.join(SHIM, "sim", "event.h"))))


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


def benches():
    found = {}
    for path in [os.path.join(TESTS, "engine_bench.c")] + \
            glob.glob(os.path.join(ROOT, "tests", "support", "*.c")):
        found.update(bodies(read(path)))
    return found


def levels(complaints):
    text = read(os.path.join(TESTS, "port_levels.def"))
    rows = {name: (where, f"{PLACES[place]}: {event_name(event)}") for name, where, place, event in
            re.findall(rf"^LEVEL\((\w+), {STRING}, (\w+), (\w+), \w+\)$", text, re.M)}
    rows |= {name: (level, "") for name, level in
             re.findall(rf"^ENTRY\((\w+), \w+, {STRING}, \w+, \w+\)$", text, re.M)}
    if len(rows) != len(re.findall(r"^(?:LEVEL|ENTRY)\(", text, re.M)):
        complaints.append("port_levels.def: a row that is not understood, or a name twice")
    return rows


def event_name(kind):
    events = read(os.path.join(SHIM, "sim", "events.def"))
    match = re.search(rf'^EV\(\w+, {kind},\s*"([^"]+)"', events, re.M)
    return f"`{match.group(1)}`" if match else kind


def shown(complaints, level_names):
    found, common = {}, benches()
    text = read(os.path.join(TESTS, "port_documented.def"))
    rows = re.findall(rf"^SHOWN\((\w+), {STRING}, (\w+\.c), (\w+)\)$", text, re.M)
    if len(rows) != len(re.findall(r"^SHOWN\(", text, re.M)):
        complaints.append("port_documented.def: a row that is not understood")
    for name, outcome, file, test in rows:
        source = read(os.path.join(TESTS, file))
        calls = reached(test, common | bodies(source))
        tabled = file == "test_port_levels.c" and name in level_names
        if f"cmocka_unit_test({test})" not in source:
            complaints.append(f"{file}: {test} is not run")
        if name.startswith("ScsiPort") and not tabled and not re.search(rf"\b{name}\b", calls):
            complaints.append(f"{file}: {test} does not reach {name}")
        found.setdefault(name, {}).setdefault(outcome, []).append(f"`{test}`")
    return found


def documented(complaints):
    text = read(os.path.join(TESTS, "port_documented.def"))
    rows = re.findall(rf"^ROUTINE\((\w+), {STRING}\)$", text, re.M)
    names = [name for name, _ in rows]
    if names != sorted(set(names)):
        complaints.append("port_documented.def: not in order, or a name twice")
    never = dict(re.findall(rf"^NEVER\((\w+), {STRING}\)$", text, re.M))
    return {name: [words.strip() for words in text.split(";") if words.strip()]
            for name, text in rows}, never


def line(name, failures, found, rows, never, complaints):
    if name in never:
        return f"| {name} | never: {never[name]} | | | |\n"
    if name not in rows:
        complaints.append(f"{name}: not in port_levels.def")
    have = found.get(name, {})
    for outcome in ["success"] + failures.get(name, []):
        if outcome not in have:
            complaints.append(f"{name}: no test of {outcome}")
    for outcome in set(have) - {"success"} - set(failures.get(name, [])):
        complaints.append(f"{name}: {outcome} is shown, and not documented")
    where, wrong = rows.get(name, ("", ""))
    cells = "<br>".join(f"{outcome}: {', '.join(have.get(outcome, []))}"
                        for outcome in failures.get(name, []))
    return f"| {name} | {where} | {', '.join(have.get('success', []))} | {cells} | {wrong} |\n"


def main():
    complaints = []
    rows = levels(complaints)
    failures, never = documented(complaints)
    found = shown(complaints, rows)
    parts = [("Routines of a miniport", "level", sorted(entries())),
             ("Routines of the port", "may be called from", sorted(declared()))]
    known = {name for _, _, names in parts for name in names}
    text = HEAD
    for title, where, names in parts:
        text += f"\n## {title}\n\n| routine | {where} | success | other outcomes | out of place |\n"
        text += "|---|---|---|---|---|\n"
        for name in names:
            if name not in failures:
                complaints.append(f"{name}: not in port_documented.def")
            text += line(name, failures, found, rows, never, complaints)
    for name in sorted((set(failures) | set(found) | set(rows) | set(never)) - known):
        complaints.append(f"{name}: there is no such routine")
    count = sum(len(tests) for outcomes in found.values() for tests in outcomes.values())
    text += f"\n{len(known)} routines, {count} outcomes shown, {len(rows)} levels.\n"
    if "--write" in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    elif not os.path.exists(PAGE) or read(PAGE) != text:
        complaints.append("docs/SCSIPORT.md is not what the tests say; ./dev docs writes it")
    for complaint in complaints:
        print(complaint)
    print(f"{len(known)} routines, {count} outcomes, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
