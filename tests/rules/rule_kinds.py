#!/usr/bin/env python3
"""Which kinds of events the rule families look at: harness/rules/rules_kinds.h, made from their sources.

usage: rule_kinds.py [--write]

An event is given only to the families that look at its kind. The list of a function is every FT_EV_ name
in its body; those of EVERY_KIND look at whatever comes. Without --write: the header is as it would be
written.
"""
import glob
import os
import re
import sys
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEADER = os.path.join(ROOT, "harness", "rules", "rules_kinds.h")
EVERY_KIND = {"isr_judge", "power_judge", "io_mdl_judge", "io_mdl_note", "queue_note", "removal_note",
              "requests_note"}
HEAD = """/* Kinds of events that each family of rules looks at, made from the families' sources by
 * tests/rules/rule_kinds.py --write. K(SYMBOL) for each; ALL when it looks at every event. */
#ifndef FT_RULES_KINDS_H
#define FT_RULES_KINDS_H

/* clang-format off */
"""


def families():
    with open(os.path.join(ROOT, "harness", "rules", "rules_io.h"), encoding="utf-8") as file:
        listed = re.search(r"#define FT_IO_FAMILIES\(F\)((?:.*\\\n)*.*)\n", file.read()).group(1)
    return re.findall(r"F\((\w+)\)", listed)


def bodies():
    found = {}
    for path in glob.glob(os.path.join(ROOT, "harness", "rules", "rules_*.c")):
        with open(path, encoding="utf-8") as file:
            for name, body in re.findall(r"^void ft_(\w+_(?:judge|note))\([^)]*\)\n\{(.*?)^\}",
                                         file.read(), re.M | re.S):
                found[name] = body
    return found


def text():
    found, lines = bodies(), []
    for family in families():
        for name in (f"{family}_judge", f"{family}_note"):
            kinds = sorted(set(re.findall(r"FT_EV_(\w+)", found[name])))
            if not kinds and name not in EVERY_KIND:
                sys.exit(f"ft_{name} looks at no kind of event")
            listed = "ALL" if name in EVERY_KIND else " ".join(f"K({kind})" for kind in kinds)
            lines.append(" \\\n    ".join(textwrap.wrap(f"#define FT_KINDS_{name}(K, ALL) {listed}", 94)))
    return HEAD + "\n".join(lines) + "\n/* clang-format on */\n\n#endif\n"


def main():
    wanted = text()
    if "--write" in sys.argv[1:]:
        with open(HEADER, "w", encoding="utf-8") as file:
            file.write(wanted)
    elif open(HEADER, encoding="utf-8").read() != wanted:
        print("harness/rules/rules_kinds.h is stale: tests/rules/rule_kinds.py --write")
        return 1
    print(f"{wanted.count('#define FT_KINDS_')} functions of {len(families())} families")
    return 0


if __name__ == "__main__":
    sys.exit(main())
