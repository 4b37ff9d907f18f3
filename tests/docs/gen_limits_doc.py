#!/usr/bin/env python3
"""Writes docs/LIMITS.md, or checks it.

usage: gen_limits_doc.py [--write]

What this machine is not, from where the code says it: modelled choices (sim/choices.def), what flushes
move (dma/flushes.def), comments that begin with "Not modelled:", calls of ft_unimplemented,
unimplemented.def, and the rows of rules.def that this build does not judge. Also checks the choices:
the files and rules that they name exist, a rule that a choice warns with is of severity W (or, with a
star, warns somewhere), and an E rule near a choice has another ground.
"""
import ast
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHIM = os.path.join(ROOT, "hal-shim")
RULES = os.path.join(ROOT, "harness", "rules")
PAGE = os.path.join(ROOT, "docs", "LIMITS.md")
STRING = r'"(?:[^"\\]|\\.)*"'

HEAD = """# Limits

What this machine is not, and where it is one reading of documents that allow others. Made by
`tests/docs/gen_limits_doc.py` from the code; `./dev docs` writes it again.
"""

CHOICES = """
## Modelled choices

Where the documents of Windows are silent or contradict each other, this is what the machine does. A
driver that relies on another reading gets a warning (W) at most, where a rule speaks of it at all;
with *as a warning*, a rule that is otherwise a violation only warns here. An E rule that comes near
judges what a document does decide: its ground is named. Numbers are for ever.

"""

FLUSHES = """
## What maps and flushes move

*Cleans*: lines that the processor wrote go to memory; *reads*: what the device wrote to memory becomes
the processor's: both on `noncoherent`. *Fills*: the buffer is copied to bounce pages; *drains*: they
are copied to the buffer: both where data are bounced. *Ends*: the mapping is over. ReadOperation is
the opposite of WriteToDevice. A flush that reads loses lines that the processor wrote in its range.
`tests/dma/test_flushes.c` holds the machine against this table.

"""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def strings(text):
    return [ast.literal_eval(found) for found in re.findall(STRING, text)]


def rows(name, text):
    """The arguments of each NAME(...) row: bare words and strings, adjacent strings joined."""
    token = rf"{STRING}|[^\s,()\"]+|,|\)"
    for match in re.finditer(rf"^{name}\(", text, re.M):
        fields, field, at = [], "", match.end()
        while True:
            found = re.compile(token).search(text, at)
            at = found.end()
            if found.group() in ",)":
                fields.append(field)
                field = ""
            elif found.group().startswith('"'):
                field += ast.literal_eval(found.group())
            else:
                field += found.group()
            if found.group() == ")":
                break
        yield fields


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def cell(text):
    return text.replace("|", "\\|")


# ---- rules ----


class Rule:
    def __init__(self, row, judged):
        self.symbol, self.id, self.severity = row[1], row[2], row[3]
        self.sentence, self.source, self.cut, self.note = row[6], row[7], row[9], row[10]
        self.judged = self.symbol in judged


def all_rules():
    judged = set(re.findall(r"\bJ\((\w+)\)", read(os.path.join(RULES, "rules_judged.h"))))
    text = without_comments(read(os.path.join(RULES, "rules.def")))
    return {row[2]: Rule(row, judged) for row in rows("RULE", text)}


def warns_somewhere(rule):
    warned = re.compile(rf"ft_rule_warn\(\w+, FT_J_{rule.symbol}\b")
    return any(warned.search(read(path)) for path in glob.glob(os.path.join(RULES, "*.c")))


# ---- sections ----


def warned(word, rules, complaints, number):
    star, name = word.endswith("*"), word.rstrip("*")
    rule = rules.get(name)
    if not rule:
        complaints.append(f"choice {number}: no rule {name}")
    elif star and not (rule.severity == "E" and warns_somewhere(rule)):
        complaints.append(f"choice {number}: {name} never only warns")
    elif not star and rule.severity != "W":
        complaints.append(f"choice {number}: {name} is of severity {rule.severity}")
    judged = "" if not rule or rule.judged else " (not judged)"
    return f"`{name}`{' as a warning' if star else ''}{judged}"


def near(word, rules, complaints, number):
    rule = rules.get(word)
    if not rule or rule.severity != "E":
        complaints.append(f"choice {number}: {word} is no rule of severity E")
    return f"`{word}`"


def choices(rules, complaints):
    text, last = CHOICES, 0
    text += "| | question | this machine | W | E, and on what ground | sources | where |\n"
    text += "|---|---|---|---|---|---|---|\n"
    for row in rows("CHOICE", without_comments(read(os.path.join(SHIM, "sim", "choices.def")))):
        number, file, question, reading, sources, warns, judges, ground = row
        if int(number) <= last:
            complaints.append(f"choice {number} is out of order")
        last = int(number)
        if not os.path.exists(os.path.join(ROOT, file)):
            complaints.append(f"choice {number}: no file {file}")
        if bool(judges) != bool(ground):
            complaints.append(f"choice {number}: E rules and their ground belong together")
        soft = ", ".join(warned(word, rules, complaints, number) for word in warns.split())
        hard = ", ".join(near(word, rules, complaints, number) for word in judges.split())
        if hard:
            hard += f": {ground}"
        cells = [question, reading, soft, hard, sources, f"`{file}`"]
        text += f"| {number} | " + " | ".join(cell(one) for one in cells) + " |\n"
    return text


def flushes():
    text = FLUSHES + ("| routine | argument | cleans | reads | fills | drains | ends | of which bytes |\n"
                      "|---|---|---|---|---|---|---|---|\n")
    for row in rows("FLUSH", without_comments(read(os.path.join(SHIM, "dma", "flushes.def")))):
        marks = ["yes" if mark == "1" else "" for mark in row[3:8]]
        text += f"| {row[1]} | {row[2]} | {' | '.join(marks)} | {row[8]} |\n"
    return text


def shim_sources():
    for pattern in ("*.c", "*.h"):
        yield from glob.glob(os.path.join(SHIM, "*", pattern))


def not_modelled():
    """Sentences "Not modelled: ..." of comments, by file."""
    text = "\n## Not modelled\n\n| where | what |\n|---|---|\n"
    for path in sorted(shim_sources()):
        for comment in re.findall(r"/\*.*?\*/", read(path), re.S):
            flat = " ".join(re.sub(r"^\s*(/\*|\*/|\*)?", "", line).removesuffix("*/").strip()
                            for line in comment.split("\n"))
            found = re.search(r"Not modelled: (.*?)(?:\.(?: [A-Z]|\s*$)|$)", flat)
            if found:
                what = " ".join(found.group(1).split())
                text += f"| `{os.path.relpath(path, SHIM)}` | {cell(what)} |\n"
    return text


def unimplemented():
    names = [row[0] for row in rows("UNIMPLEMENTED",
             without_comments(read(os.path.join(SHIM, "kernel", "unimplemented.def"))))]
    parts = set()
    for path in shim_sources():
        parts.update(strings(" ".join(re.findall(rf"ft_unimplemented\(({STRING})\)", read(path)))))
    text = (f"\n## Routines that are not there\n\nA driver that calls one of these {len(names)} stops "
            "the run, which says its name:\n\n" + ", ".join(f"`{name}`" for name in names) + ".\n\n"
            "So do these uses of routines that are there:\n\n")
    return text + "".join(f"- {part}\n" for part in sorted(parts))


CUTS = {"SPINE": "first delivery", "WDM": "WDM", "V3": "DMA version 3", "KMDF": "KMDF",
        "SCSI": "SCSI Port", "ACCESS": "the access build", "NEVER": "never"}


def unstated(rules):
    """Judged rules of severity E that rest on no page."""
    text = ("\n## Violations that no page states\n\nThese rules follow from what the documents state, or "
            "from what memory, locks and lists are;\nno document allows what they judge.\n\n"
            "| rule | invariant |\n|---|---|\n")
    for rule in rules.values():
        if rule.judged and rule.severity == "E" and not (
                set(rule.source.split(", ")) - {"inferred", "model"}):
            text += f"| `{rule.id}` | {cell(rule.sentence)} |\n"
    return text


def not_judged(rules):
    left = [rule for rule in rules.values() if not rule.judged]
    text = (f"\n## Rules that are not judged\n\n{len(left)} of {len(rules)} rules, by what they lack. "
            "What each says stands in [RULES.md](RULES.md).\n")
    for cut, title in CUTS.items():
        why = {}
        for rule in left:
            if rule.cut == cut:
                why.setdefault(rule.note, []).append(f"`{rule.id}`")
        if why:
            text += f"\n### {title[0].upper()}{title[1:]}\n\n| lacking | rules |\n|---|---|\n"
        for note, ids in why.items():
            text += f"| {cell(note)} | {', '.join(ids)} |\n"
    return text


def main():
    complaints, rules = [], all_rules()
    text = HEAD + choices(rules, complaints) + flushes() + not_modelled() + unimplemented()
    text += unstated(rules) + not_judged(rules)
    if "--write" in sys.argv[1:]:
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    elif not os.path.exists(PAGE) or read(PAGE) != text:
        complaints.append("docs/LIMITS.md is not what the code says; ./dev docs writes it")
    for complaint in complaints:
        print(complaint)
    print(f"{len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
