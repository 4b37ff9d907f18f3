#!/usr/bin/env python3
"""Writes docs/DMA_V3.md from the tests of DMA_OPERATIONS version 3, or checks it.

usage: gen_v3_doc.py [--write]

Above a test function of tests/dma stands what it is for:

    /* v3: success MEMBER...; fails MEMBER STATUS...; race MEMBER... */

Levels are the rows of test_irql_version3.c. The script believes no comment: the test must be run, it
must reach a call of the member through the functions of its file and of the benches, and a status
must stand in what it reaches. Every member needs a success, each failure that its page documents,
its levels and a race.
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TESTS = os.path.join(ROOT, "tests", "dma")
BENCHES = ["v3_bench.c", "race_bench.c", "dma_bench.c"]
TABLE = os.path.join(ROOT, "hal-shim", "dma", "table.c")
PAGE = os.path.join(ROOT, "docs", "DMA_V3.md")

HEAD = """# DMA_OPERATIONS version 3: members and their tests

Made by `tests/docs/gen_v3_doc.py` from the tests in `tests/dma`; `./dev docs` writes it again, and a
test fails when a member lacks one of its four kinds of test. Every failure that a member's page
documents has a test. Levels are tried at PASSIVE_LEVEL, APC_LEVEL, DISPATCH_LEVEL, a device level
and HIGH_LEVEL: a rule about levels judges each call outside the window and none inside. In a race,
another task comes at the member's entry or its exit (`tests/dma/race_bench.h`).

"""

# Member, what it does, what its page says of failure. `0x1DC`: the machine stops.
MEMBERS = [
    ("GetDmaAdapterInfo", "says what the adapter's controller can do", "STATUS_NOT_SUPPORTED"),
    ("GetDmaTransferInfo", "says what a transfer needs, and takes nothing",
     "STATUS_NOT_SUPPORTED STATUS_INVALID_PARAMETER"),
    ("InitializeDmaTransferContext", "makes a context for one request",
     "STATUS_INVALID_PARAMETER"),
    ("AllocateCommonBufferEx", "makes a common buffer below an address", "NULL"),
    ("AllocateAdapterChannelEx", "asks for channel and registers, now or later",
     "STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES STATUS_CANCELLED"),
    ("ConfigureAdapterChannel", "tells the system DMA controller something",
     "STATUS_NOT_IMPLEMENTED"),
    ("CancelAdapterChannel", "takes back a request that waits", "FALSE"),
    ("MapTransferEx", "maps as much of an MDL chain as goes; starts a system transfer",
     "STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES STATUS_CANCELLED"),
    ("GetScatterGatherListEx", "asks for channel and list of a chain",
     "STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES STATUS_CANCELLED"),
    ("BuildScatterGatherListEx", "the same with the caller's buffer",
     "STATUS_BUFFER_TOO_SMALL STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES"),
    ("FlushAdapterBuffersEx", "ends a mapping: data and caches are where they shall be",
     "STATUS_INVALID_PARAMETER"),
    ("FreeAdapterObject", "gives back channel, registers or neither", "nothing"),
    ("CancelMappedTransfer", "stops a system transfer", "STATUS_INVALID_PARAMETER"),
    ("AllocateDomainCommonBuffer", "makes a common buffer for a domain",
     "STATUS_NOT_SUPPORTED STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES"),
    ("FlushDmaBuffer", "brings caches and memory of a buffer together; ends no mapping",
     "STATUS_INVALID_PARAMETER"),
    ("JoinDmaDomain", "puts the adapter into a domain",
     "STATUS_NOT_SUPPORTED STATUS_INVALID_PARAMETER"),
    ("LeaveDmaDomain", "puts it back into its own", "STATUS_NOT_SUPPORTED"),
    ("GetDmaDomain", "names its domain", "NULL"),
    ("AllocateCommonBufferWithBounds", "makes a common buffer between two addresses", "NULL"),
    ("AllocateCommonBufferVector", "makes several common buffers",
     "STATUS_INVALID_PARAMETER STATUS_INSUFFICIENT_RESOURCES"),
    ("GetCommonBufferFromVectorByIndex", "finds one of them", "0x1DC"),
    ("FreeCommonBufferFromVector", "frees one of them", "0x1DC"),
    ("FreeCommonBufferVector", "frees the empty vector", "0x1DC"),
    ("CreateCommonBufferFromMdl", "makes a common buffer of the caller's pages",
     "STATUS_INVALID_PARAMETER STATUS_NOT_SUPPORTED STATUS_INSUFFICIENT_RESOURCES"),
]

# Members that cannot succeed on this machine.
NO_SUCCESS = {
    "ConfigureAdapterChannel": "none: functions belong to a controller, and this one has none",
}

LEVELS = {"LOW_TO(DISPATCH_LEVEL)": "up to DISPATCH_LEVEL", "LOW_TO(PASSIVE_LEVEL)":
          "PASSIVE_LEVEL", "ONLY_DISPATCH": "DISPATCH_LEVEL", "LOW_TO(IRQL_ANY)": "any"}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def functions(text):
    """Name -> body, of every function and table of a formatted file."""
    found = {}
    for match in re.finditer(r"^\w[\w *]*?\b(\w+)(?:\([^;{]*\)|\[\] =)\s*\{\n(.*?)^\}", text,
                             re.M | re.S):
        found[match.group(1)] = match.group(2)
    return found


def reached(name, bodies):
    """The text of what a function can reach."""
    seen, todo = {}, [name]
    while todo:
        at = todo.pop()
        if at in bodies and at not in seen:
            seen[at] = bodies[at]
            todo += re.findall(r"\w+", bodies[at])
    return "".join(seen.values())


class Test:
    def __init__(self, name, path, text, calls):
        self.name, self.file = name, os.path.basename(path)
        self.run = f"cmocka_unit_test({name})" in text
        self.calls = calls

    def reaches(self, member, status):
        known = not status.startswith(("STATUS_", "0x")) or status in self.calls
        return f"->{member}(" in self.calls and known


def clauses(comment):
    text = " ".join(re.sub(r"^ *\*", "", line) for line in comment.split("\n"))
    for clause in text.split(";"):
        words = clause.split()
        if words:
            yield words


def collect(complaints):
    """(kind, member, status) -> tests."""
    found = {}
    benches = {}
    for bench in BENCHES:
        benches.update(functions(read(os.path.join(TESTS, bench))))
    for path in sorted(glob.glob(os.path.join(TESTS, "test_version3*.c"))):
        text = read(path)
        bodies = {**benches, **functions(text)}
        for match in re.finditer(r"/\* v3: ([^/]*?)\*/\nstatic void (\w+)\(void \*\*state\)", text):
            test = Test(match.group(2), path, text, reached(match.group(2), bodies))
            if not test.run:
                complaints.append(f"{test.file}: {test.name} is not run")
            for kind, member, *rest in clauses(match.group(1)):
                if kind == "fails":
                    keys = [(kind, member, status) for status in rest]
                else:
                    keys = [(kind, one, "") for one in [member, *rest]]
                for key in keys:
                    if not test.reaches(key[1], key[2]):
                        complaints.append(f"{test.file}: {test.name} says {' '.join(key)}, and "
                                          "does not reach it")
                    found.setdefault(key, []).append(test)
    return found


def levels():
    text = read(os.path.join(TESTS, "test_irql_version3.c"))
    rows = re.findall(r'^    \{"(\w+)", ([\w()]+), \w+, \w+\},$', text, re.M)
    return {name: LEVELS[window] for name, window in rows}


def row(number, member, found, windows, complaints):
    name, does, documented = member
    cells = []
    for kind in ("success", "race"):
        tests = found.get((kind, name, ""), [])
        cells.append("<br>".join(f"`{test.name}`" for test in tests))
    if name in NO_SUCCESS:
        cells[0] = NO_SUCCESS[name]
    fails = []
    for status in documented.split():
        tests = found.get(("fails", name, status), [])
        if not tests:
            complaints.append(f"{name}: no test of the failure {status}")
        fails.append(f"{status}: " + ", ".join(f"`{test.name}`" for test in tests))
    for what, cell in zip(("success", "race"), cells):
        if not cell:
            complaints.append(f"{name}: no test of {what}")
    if name not in windows:
        complaints.append(f"{name}: no test of its levels")
    return (f"| {number} | {name} | {does} | {cells[0]} | {'<br>'.join(fails)} | "
            f"{windows.get(name, '')} | {cells[1]} |\n")


def main():
    complaints = []
    listed = re.findall(r"^    LATER\((\d+), (\w+)\)", read(TABLE), re.M)
    if [name for _, name in listed] != [member[0] for member in MEMBERS]:
        complaints.append("MEMBERS is not LATER_MEMBERS of hal-shim/dma/table.c")
    found, windows = collect(complaints), levels()
    known = {member[0] for member in MEMBERS}
    complaints += [f"{key[1]} is no member" for key in found if key[1] not in known]
    text = HEAD + ("| | member | what it does | success | failures | levels | races |\n"
                   "|---|---|---|---|---|---|---|\n")
    for number, member in enumerate(MEMBERS, int(listed[0][0])):
        text += row(number, member, found, windows, complaints)
    files = {test.file for tests in found.values() for test in tests}
    text += "\nThe tests are in " + ", ".join(f"`{file}`" for file in sorted(files))
    text += "; those of levels are the rows of `test_irql_version3.c`.\n"
    if "--write" in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    elif not os.path.exists(PAGE) or read(PAGE) != text:
        complaints.append("docs/DMA_V3.md is not what the tests say; ./dev docs writes it")
    for complaint in complaints:
        print(complaint)
    print(f"{len(MEMBERS)} members, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
