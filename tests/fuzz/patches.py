"""What the patches of mutants say of themselves, and where they strike."""
import glob
import os
import re

FIELDS = ("Mutant", "Operator", "Rule", "Phase", "Calm", "Summary")


class Mutant:
    """One patch: its header fields, and the functions of the sound core that its hunks change."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-len(".patch")]
        self.core = os.path.basename(os.path.dirname(os.path.dirname(path)))
        self.fields, self.hunks = {}, []
        file, line = "", 0
        with open(path, encoding="utf-8") as patch:
            for text in patch:
                if text.startswith("--- "):
                    file = text.split()[1].partition("/")[2]
                elif hunk := re.match(r"@@ -(\d+)", text):
                    line = int(hunk.group(1))
                elif file == "" and ":" in text:
                    name, _, value = text.partition(":")
                    self.fields[name.strip()] = value.strip()
                elif line and text[0] in "+-":
                    self.hunks.append((file, line))
                    line += text[0] == "-"
                elif line:
                    line += 1

    def functions(self):
        """Names of the functions whose lines the patch changes; none when it changes a declaration."""
        folder = os.path.dirname(os.path.dirname(self.path))
        return {name for file, line in self.hunks
                if (name := function_at(os.path.join(folder, file), line))}


def function_at(path, line):
    """The function that has that line: from the last definition that begins in column 0 to its brace."""
    name = None
    with open(path, encoding="utf-8") as source:
        for number, text in enumerate(source, 1):
            if begin := re.match(r"(?:static |extern |__inline )*[A-Z_a-z]\w*[ *]+(\w+)\(", text):
                name = begin.group(1)
            if number == line:
                return name
            if text.startswith("}"):
                name = None
    return None


def mutants(root, core=None, flavour=None):
    """Those that every flavour has, or those (data races) that only that one has."""
    paths = glob.glob(os.path.join(root, "driver-core", core or "*", "mutants", "*.patch"))
    return [mutant for mutant in map(Mutant, sorted(paths)) if mutant.fields.get("Flavour") == flavour]
