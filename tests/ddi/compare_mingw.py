#!/usr/bin/env python3
"""Compares the ddi headers with mingw-w64's DDK headers, both compiled by clang for Win64 layouts.

usage: compare_mingw.py [--clang CLANG] [--list]

Size and member offsets of every record, and the value of every enumerator and object-like macro,
that both sides know under one name. Every difference must stand in mingw_differences.txt with its
reason, and every line there must still be a difference; else the exit status is 1. --list prints
what is compared.
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DDI = os.path.join(HERE, "..", "..", "hal-shim", "ddi")
MINGW = "/usr/x86_64-w64-mingw32/include"
EXCEPTIONS = os.path.join(HERE, "mingw_differences.txt")
HEADERS = ["ntddk.h", "ntstatus.h", "wdmguid.h", "scsi.h", "ntddscsi.h"]

OURS = ["-I" + DDI, "-fms-extensions", "-fshort-wchar", "-DFT_FREE_BUILD"]
THEIRS = ["--target=x86_64-w64-mingw32", "-isystem", MINGW + "/ddk", "-isystem", MINGW,
          "-D_AMD64_", "-DNTDDI_VERSION=0x0A000000", "-D_WIN32_WINNT=0x0A00", "-fms-extensions"]


class Side:
    """One set of headers, and the compiler that reads it."""

    def __init__(self, clang, flags):
        self.command = [clang, "-x", "c", "-std=gnu11", "-w", "-ferror-limit=0", *flags]
        self.includes = "".join(f"#include <{header}>\n" for header in HEADERS)

    def compile(self, text, *options):
        return subprocess.run([*self.command, *options, "-"], input=self.includes + text,
                              capture_output=True, text=True, check=False)

    def must_compile(self, text, *options):
        result = self.compile(text, *options)
        if result.returncode != 0:
            sys.exit(f"{' '.join(self.command)}:\n{result.stderr[:2000]}")
        return result.stdout


def records(side):
    """{"_IRP": {"": size, "Tail.Overlay.Thread": offset}}, from clang's own listing of layouts."""
    listing = side.must_compile("", "-fsyntax-only", "-Xclang", "-fdump-record-layouts-complete")
    found = {}
    for block in listing.split("*** Dumping AST Record Layout")[1:]:
        lines = block.strip("\n").splitlines()
        head = re.match(r"\s*0 \| (?:struct|union) (\w+)", lines[0])
        if head and "(" not in lines[0]:
            found[head.group(1)] = members(lines)
    return found


def members(lines):
    layout, path = {}, []
    for line in lines[1:]:
        size = re.search(r"\[sizeof=(\d+)", line)
        if size:
            layout[""] = int(size.group(1))
            break
        row = re.match(r"\s*(\d+)(?::(\d+)-\d+)? \|( +)(.*)", line)
        if not row:
            continue
        depth = (len(row.group(3)) - 1) // 2
        word = re.search(r"(\w+)$", row.group(4))
        unnamed = re.search(r"(?:struct|union) \S*(?:\(.*\))?$", row.group(4))
        name = "" if unnamed or not word else word.group(1)
        path = path[:depth - 1] + [name]
        shown = ".".join(part for part in path if part)
        if name:
            layout[shown] = int(row.group(1)) * 8 + int(row.group(2) or 0)
    return layout


def macro_names(side):
    text = side.must_compile("", "-dM", "-E")
    return set(re.findall(r"^#define ([A-Za-z]\w*) .", text, re.M))


def enumerators(side):
    text = side.must_compile("", "-E", "-P")
    names = set()
    for body in re.findall(r"\benum\b[^;{(]*\{([^}]*)\}", text):
        names.update(re.findall(r"(?:^|,)\s*([A-Za-z]\w*)", body))
    return names


def values(side, names):
    """{name: value} of the names that are integer constants; one name a line, so that the compiler's
    complaints say which are none."""
    names = sorted(names)
    while names:
        lines = "".join(f"(long long)({name}),\n" for name in names)
        first = side.includes.count("\n") + 2
        result = side.compile(f"const long long rows[] = {{\n{lines}}};\n", "-S", "-emit-llvm", "-o", "-")
        bad = {int(n) - first for n in re.findall(r"<stdin>:(\d+):\d+: error", result.stderr)}
        if not bad:
            break
        names = [name for index, name in enumerate(names) if index not in bad]
    row = re.search(r"@rows = .*?\[\d+ x i64\] \[(.*)\], align", result.stdout)
    numbers = [part.strip() for part in row.group(1).split(", i64 ")]
    numbers[0] = numbers[0].removeprefix("i64 ")
    return {name: int(number) for name, number in zip(names, numbers)
            if re.fullmatch(r"-?\d+", number)}


def differences(ours, theirs):
    """What both sides know, as {name: (ours, theirs)}, and how much of it is the same."""
    found, same = {}, 0
    mine, other = records(ours), records(theirs)
    for record in sorted(mine.keys() & other.keys()):
        for path in sorted(mine[record].keys() & other[record].keys()):
            name = f"{record}.{path}" if path else f"sizeof {record}"
            if mine[record][path] != other[record][path]:
                found[name] = (mine[record][path], other[record][path])
            else:
                same += 1
    names = (macro_names(ours) | enumerators(ours)) & (macro_names(theirs) | enumerators(theirs))
    my_values, other_values = values(ours, names), values(theirs, names)
    for name in sorted(my_values.keys() & other_values.keys()):
        # NTSTATUS is signed here and there is a header where it is not: 32 bits are compared.
        if (my_values[name] - other_values[name]) % (1 << 32):
            found[name] = (my_values[name], other_values[name])
        else:
            same += 1
    return found, same, len(mine.keys() & other.keys()), len(my_values.keys() & other_values.keys())


def read_exceptions():
    allowed = {}
    with open(EXCEPTIONS, encoding="utf-8") as file:
        for line in file:
            name, _, reason = line.rstrip("\n").partition(": ")
            if not line.startswith("#") and name:
                if not reason:
                    sys.exit(f"{EXCEPTIONS}: {name} has no reason")
                allowed[name] = reason
    return allowed


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clang", default="clang")
    arguments = parser.parse_args()
    if not os.path.exists(MINGW + "/ddk/wdm.h"):
        sys.exit("mingw-w64's DDK headers are missing: apt-get install mingw-w64-x86-64-dev")
    found, same, record_count, value_count = differences(Side(arguments.clang, OURS),
                                                         Side(arguments.clang, THEIRS))
    allowed = read_exceptions()
    wrong = 0
    for name, (mine, other) in found.items():
        if name not in allowed:
            print(f"{name}: {mine:#x} here, {other:#x} in mingw-w64")
            wrong += 1
    for name in allowed.keys() - found.keys():
        print(f"{name}: listed as a difference, and is none")
        wrong += 1
    print(f"{record_count} records and {value_count} constants compared: {same} figures agree, "
          f"{len(found)} differ, {len(allowed)} of them for a reason that is listed")
    if same < 3000:
        print("too little was compared: the headers were not read as they should be")
        wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
