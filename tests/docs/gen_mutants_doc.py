#!/usr/bin/env python3
"""Writes docs/MUTANTS.md from the patches, or checks it.

usage: gen_mutants_doc.py [--write]

Also checks what the patches owe: every field, no two of a core alike in operator, rule and phase, at
least twelve a core, at least a third of a core's clean under every calm scenario. A defect may break
several rules; the one in the header is the one under which its finding is stored.
"""
import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
import patches  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "MUTANTS.md")
LEAST = 12

HEAD = """# Mutants

Each is a driver core with one deliberate defect, a patch in `driver-core/CORE/mutants`. This page is made from the patches'
headers; `./dev docs` writes it again. *Calm* tells what the calm scenarios of the core make of it, on every platform: they
catch it, or it is **clean** under all of them and needs a moment. A campaign must find each from an empty corpus within 60
seconds; the shrunk finding stands under `traces/violates/`.
"""


def table(core, mutants):
    moment = sum(m.fields.get("Calm") == "clean" for m in mutants)
    lines = [f"\n## {core}\n", f"{len(mutants)} mutants, {moment} of them need a moment.\n",
             "| mutant | what is wrong | operator | phase | rule | calm |", "|---|---|---|---|---|---|"]
    for m in mutants:
        field = {name: m.fields.get(name, "").replace("|", "\\|") for name in patches.FIELDS}
        calm = "**clean**" if field["Calm"] == "clean" else field["Calm"]
        lines.append(f"| `{m.name}` | {field['Summary']} | {field['Operator']} | {field['Phase']} | "
                     f"`{field['Rule']}` | {calm} |")
    return "\n".join(lines) + "\n"


def stored_rules(mutant):
    """The rules under whose names a finding of the mutant is stored."""
    found = glob.glob(os.path.join(ROOT, "traces", "violates", "*", f"{mutant.core}+{mutant.name}.ftr"))
    return [os.path.basename(os.path.dirname(path)) for path in found]


RACES = """
## Data races and memory

{count} mutants of the access flavour, which alone sees and has them ([RACES.md](RACES.md)): every one is found, with the
accesses, by its scenario in `tests/races`.

| core | mutant | what is wrong | operator | phase | rule |
|---|---|---|---|---|---|
"""


def races_table(mutants):
    text = RACES.format(count=len(mutants))
    for m in mutants:
        field = {name: m.fields.get(name, "").replace("|", "\\|") for name in patches.FIELDS}
        text += (f"| {m.core} | `{m.name}` | {field['Summary']} | {field['Operator']} | {field['Phase']} | "
                 f"`{field['Rule']}` |\n")
    return text


def complaints(core, mutants):
    seen = {}
    for m in mutants:
        for rule in stored_rules(m):
            if rule != m.fields.get("Rule"):
                yield f"{m.path}: its finding is stored under {rule}"
        for name in patches.FIELDS:
            if not m.fields.get(name):
                yield f"{m.path}: no {name}"
        if m.fields.get("Mutant") != m.name:
            yield f"{m.path}: calls itself {m.fields.get('Mutant')}"
        key = tuple(m.fields.get(name) for name in ("Operator", "Rule", "Phase"))
        if key in seen:
            yield f"{m.path}: operator, rule and phase of {seen[key]}"
        seen[key] = m.name
    if len(mutants) < LEAST:
        yield f"{core}: {len(mutants)} mutants, fewer than {LEAST}"
    if 3 * sum(m.fields.get("Calm") == "clean" for m in mutants) < len(mutants):
        yield f"{core}: fewer than a third of the mutants need a moment"


def main():
    cores, found = {}, []
    for mutant in patches.mutants(ROOT):
        cores.setdefault(mutant.core, []).append(mutant)
    text = HEAD
    for core, mutants in sorted(cores.items()):
        text += table(core, mutants)
        found += complaints(core, mutants)
    text += races_table(patches.mutants(ROOT, flavour="access"))
    if "--write" in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    elif not os.path.exists(PAGE) or open(PAGE, encoding="utf-8").read() != text:
        found.append("docs/MUTANTS.md is not what the patches say; ./dev docs writes it")
    for complaint in found:
        print(complaint)
    print(f"{sum(map(len, cores.values()))} mutants of {len(cores)} cores, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
