#!/usr/bin/env python3
"""Which kinds of events the rule families look at: harness/rules/rules_kinds.h, made from their sources.

usage: rule_kinds.py [--write]

An event is given only to the families that look at its kind. The list of a function is every FT_EV_ name
in its body and in the functions of its file that it calls. What families look at beyond that, whatever
the kind, is told in harness/rules/rules_families.c. Without --write: the header is as it would be written.
"""
import glob
import os
import re
import sys
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = os.path.join(ROOT, "harness", "rules", "rules_kinds.h")
HEAD = """/* Kinds of events that each family of rules looks at, made from the families' sources by
 * tests/rules/rule_kinds.py --write. K(SYMBOL) for each. */
#ifndef FT_RULES_KINDS_H
#define FT_RULES_KINDS_H

/* clang-format off */
"""


def halves():
    """The functions that judge and those that note, without their prefix."""
    with open(os.path.join(ROOT, "harness", "rules", "rules_io.h"), encoding="utf-8") as file:
        header = file.read()
    lists = dict(re.findall(r"#define (FT_\w+)\(F\)((?:.*\\\n)*.*)\n", header))
    for name, half in ("FT_JUDGES", "judge"), ("FT_NOTES", "note"):
        listed = lists[name].replace("FT_IO_FAMILIES(F)", lists["FT_IO_FAMILIES"])
        yield from (f"{family}_{half}" for family in re.findall(r"\bF\((\w+)\)", listed))


def kinds_of(name, functions, seen):
    """Kinds that a function of a file names, itself or in what it calls there."""
    seen.add(name)
    found = set(re.findall(r"FT_EV_(\w+)", functions[name]))
    for called in re.findall(r"\b(\w+)\(", functions[name]):
        if called in functions and called not in seen:
            found |= kinds_of(called, functions, seen)
    return found


def kinds():
    found = {}
    for path in glob.glob(os.path.join(ROOT, "harness", "rules", "rules_*.c")):
        with open(path, encoding="utf-8") as file:
            functions = dict(re.findall(r"^[\w *]*?\b(\w+)\([^;{]*?\)\n\{(.*?)^\}", file.read(), re.M | re.S))
        for name in functions:
            found[name] = kinds_of(name, functions, set())
    return found


def text():
    found, lines = kinds(), []
    for name in halves():
        listed = sorted(found[f"ft_{name}"])
        if not listed:
            sys.exit(f"ft_{name} looks at no kind of event")
        line = f"#define FT_KINDS_{name}(K) " + " ".join(f"K({kind})" for kind in listed)
        lines.append(" \\\n    ".join(textwrap.wrap(line, 94)))
    return HEAD + "\n".join(lines) + "\n/* clang-format on */\n\n#endif\n"


def main():
    wanted = text()
    if "--write" in sys.argv[1:]:
        with open(HEADER, "w", encoding="utf-8") as file:
            file.write(wanted)
    elif open(HEADER, encoding="utf-8").read() != wanted:
        print("harness/rules/rules_kinds.h is stale: tests/rules/rule_kinds.py --write")
        return 1
    print(f"{wanted.count('#define FT_KINDS_')} functions that judge or note")
    return 0


if __name__ == "__main__":
    sys.exit(main())
