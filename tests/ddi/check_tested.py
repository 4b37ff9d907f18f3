#!/usr/bin/env python3
"""Every routine that the shim has for drivers is called by a test, and found by its name.

usage: check_tested.py --archive ARCHIVE --objects FILE [--nm NM]

A routine is a function that the archive defines, that a ddi header names, and that is no row of
unimplemented.def. FILE lists the object files of the tests, one a line; a test calls what its object
leaves undefined, so macros and pasted names count as the function that they end in. What is inline in
a header leaves no trace in an object: a test has to name it.

A function that Windows exports is a row of system_routines.def; not_exported.txt has the others. The
framework's functions (Wdf...) are neither; each is a row of kmdf/levels.def, which says its highest level
and is tested. What the framework's headers declare either is there or is a row of unimplemented.def.
"""

import argparse
import glob
import os
import re
import subprocess
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
SHIM = os.path.join(TESTS, "..", "hal-shim")
UNIMPLEMENTED = os.path.join(SHIM, "kernel", "unimplemented.def")
EXPORTED = os.path.join(SHIM, "kernel", "system_routines.def")
NOT_EXPORTED = os.path.join(TESTS, "ddi", "not_exported.txt")
LEVELS = os.path.join(TESTS, "kmdf", "levels.def")
LEVELS_TEST = "test_wdf_levels"  # calls each routine where it must not be called: that is not enough
AREAS = ["kernel", "io", "dma", "kmdf", "ddi"]  # of tests that are about routines


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def symbols(nm, option, files):
    text = subprocess.run([nm, "-g", option, *files], capture_output=True, text=True, check=True)
    return re.findall(r"^[0-9a-f]* +([TWU]) (\w+)$", text.stdout, re.M)


def headers():
    return "".join(read(path) for path in sorted(glob.glob(os.path.join(SHIM, "ddi", "*.h"))))


def routines(nm, archive, declared):
    defined = {name for _, name in symbols(nm, "--defined-only", [archive])}
    missing = re.findall(r"^UNIMPLEMENTED\((\w+)\)", read(UNIMPLEMENTED), re.M)
    return (defined & set(re.findall(r"\w+", declared))) - set(missing)


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def framework(functions):
    """Complaints about the routines of the framework."""
    text = "".join(read(path) for path in glob.glob(os.path.join(SHIM, "ddi", "wdf*.h")))
    declared = set(re.findall(r"^(?!#|FORCEINLINE)[\w *]*?\b(Wdf\w+)\([^;{]*\);",
                              without_comments(text), re.M))
    missing = set(re.findall(r"^UNIMPLEMENTED\((\w+)\)", read(UNIMPLEMENTED), re.M))
    leveled = re.findall(r"^LEVEL\((\w+),", read(LEVELS), re.M)
    there = {name for name in functions if name.startswith("Wdf")}
    if leveled != sorted(set(leveled)):
        yield "levels.def: not sorted, or a name twice"
    for name in sorted(declared - there - missing):
        yield f"{name}: declared, and neither there nor in unimplemented.def"
    for name in sorted(there - set(leveled)):
        yield f"{name}: not in levels.def"
    for name in sorted(set(leveled) - there):
        yield f"{name}: levels.def names what is no routine of the framework"


def inlines(declared):
    return set(re.findall(r"^FORCEINLINE [^(;{=]*?(\w+)\(", declared, re.M))


def named():
    paths = [path for area in AREAS for path in glob.glob(os.path.join(TESTS, area, "*.c"))]
    return set(re.findall(r"\w+", "".join(read(path) for path in paths)))


def misplaced(functions):
    """Complaints about the table behind MmGetSystemRoutineAddress."""
    found = re.findall(r"^ROUTINE\(\d+, (\w+)\)", read(EXPORTED), re.M)
    hidden = re.findall(r"^\w+", read(NOT_EXPORTED), re.M)
    if found != sorted(set(found)):
        yield "system_routines.def: not sorted, or a name twice"
    for name in sorted(functions - set(found) - set(hidden)):
        yield f"{name}: neither in system_routines.def nor in not_exported.txt"
    for name in sorted(set(hidden) & set(found)):
        yield f"{name}: both in system_routines.def and in not_exported.txt"
    for name in sorted(set(hidden) - functions):
        yield f"{name}: not_exported.txt names what is no routine"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--archive", required=True)
    parser.add_argument("--objects", required=True)
    parser.add_argument("--nm", default="nm")
    arguments = parser.parse_args()
    declared = headers()
    objects = [line for line in read(arguments.objects).split("\n")
               if line and LEVELS_TEST not in line]
    called = {name for _, name in symbols(arguments.nm, "-u", objects)}
    functions = routines(arguments.nm, arguments.archive, declared)
    names = {name for name in functions | inlines(declared) if not name.startswith("ft_")}
    in_text = named()
    untested = sorted(name for name in names
                      if name not in (called if name in functions else in_text))
    for name in untested:
        print(f"{name}: no test calls it")
    print(f"{len(names)} routines, {len(untested)} without a test")
    # The framework is bound to a driver by its own table.
    exported = {name for name in functions & names
                if not name.startswith(("Wdf", "ScsiPort", "ScsiDebug"))}  # exports of drivers, not of the kernel
    complaints = list(misplaced(exported)) + list(framework(functions))
    for complaint in complaints:
        print(complaint)
    return 1 if untested or complaints or not names else 0


if __name__ == "__main__":
    sys.exit(main())
