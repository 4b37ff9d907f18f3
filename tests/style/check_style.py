#!/usr/bin/env python3
"""Style is a test: formatting, lengths, direction of includes, banned calls, file names, paths.

usage: check_style.py                    check the checkout; one line per finding, exit status 1 if any
       check_style.py --list-formatted   the files that clang-format owns (for ./dev format)
       check_style.py --self-test        every check rejects its bad example and accepts the good one
"""

import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED_FOLDERS = {".git", "build", "out", ".cache", "__pycache__"}
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
COLUMNS_MAX = 100

# Files past FILE_LINES_MAX, each with its reason.
LONG_FILES = {}

# Names that many folders have by convention.
REPEATED_NAMES = {"CMakeLists.txt", "README.md", ".gitignore", ".clang-format"}
# Data, named by what it shows rather than uniquely.
DATA_FOLDERS = ("traces/", "corpora/", "tests/trace/golden/", "harness/fuzz/parsers/seeds/")

# Parts of paths of a machine that the project is written on. Split, so that this file passes.
MACHINE_PATHS = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/tmp/f" + "t", "." + "library"]

# In hal-shim only world/host.c talks to the host. Calls that would make a run depend on the host:
HOST_FILES = {"hal-shim/world/host.c"}
BANNED_CALLS = re.compile(
    r"(?<![\w.>])(time|clock|rand|srand|random|srandom|rand_r|drand48|clock_gettime|gettimeofday|"
    r"getrandom|getpid|getenv|gmtime|localtime|malloc|calloc|realloc|free|qsort)\s*\("
)


def relative_files():
    for folder, folders, names in os.walk(ROOT):
        if "CMakeCache.txt" in names:  # a build, wherever it stands
            folders[:] = []
            continue
        folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
        for name in sorted(set(names) - {".git"}):  # a file where the checkout is one of several
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def is_driver_copy(path):
    """A driver core's own sources keep their own formatting; its device model is ours."""
    return path.startswith("driver-core/") and "/" in path[len("driver-core/"):] and (
        not is_device_model(path))


def is_device_model(path):
    """Of one core, or of several (driver-core/devices)."""
    return bool(re.match(r"driver-core/(devices|[^/]+/device)/", path))


def is_our_c(path):
    return path.endswith((".c", ".h")) and not is_driver_copy(path)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def blank_literals(text, keep_strings=False):
    """The text without comments (and strings), line numbers kept."""

    def blank(match):
        found = match.group(0)
        if keep_strings and found[0] in "\"'":
            return found
        return re.sub(r"[^\n]", " ", found)

    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text,
                  flags=re.S)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def check_format(paths, root=ROOT):
    paths = [path for path in paths if is_our_c(path)]
    if not paths:
        return []
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=root,
                            capture_output=True, text=True, check=False)
    bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, flags=re.M)))
    if result.returncode != 0 and not bad:
        return [f"clang-format failed: {result.stderr.strip()}"]
    return [f"{path}: not formatted (./dev format)" for path in bad]


def check_functions(paths, root=ROOT):
    paths = [path for path in paths if path.endswith(".c")]
    if not paths:
        return []
    result = subprocess.run(
        ["ctags", "--output-format=json", "--languages=C", "--kinds-C=f", "--fields=+ne", "-f", "-",
         *paths], cwd=root, capture_output=True, text=True, check=True)
    found = []
    for line in result.stdout.splitlines():
        tag = json.loads(line)
        lines = tag.get("end", tag["line"]) - tag["line"] + 1
        if lines > FUNCTION_LINES_MAX:
            found.append(f"{tag['path']}:{tag['line']}: {tag['name']} has {lines} lines, "
                         f"at most {FUNCTION_LINES_MAX}")
    return found


def check_lines(path, text):
    if not path.endswith((".c", ".h", ".py", ".cmake", ".txt")) and path != "dev":
        return []
    found = []
    lines = text.split("\n")
    if len(lines) > FILE_LINES_MAX and path not in LONG_FILES:
        found.append(f"{path}: {len(lines)} lines, at most {FILE_LINES_MAX} without a reason")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX and is_our_c(path):
            found.append(f"{path}:{number}: {len(line)} columns, at most {COLUMNS_MAX}")
        if line != line.rstrip() and not is_driver_copy(path):
            found.append(f"{path}:{number}: space at the end of the line")
    return found


def layer_of(path):
    """Which direction rule a file obeys: see allowed_include."""
    if is_device_model(path):
        return "device"
    for folder, layer in (("driver-core/", "driver"), ("hal-shim/ddi/", "ddi"),
                          ("hal-shim/sim/", "sim"), ("hal-shim/", "shim"),
                          ("harness/", "harness")):
        if path.startswith(folder):
            return layer
    return None


# Includes against the direction, each with its reason.
DIRECTION_EXCEPTIONS = {
    # The sanitizers' callbacks must be in the executable, not in the archive; they only forward.
    ("harness/fuzz/sanitizer_options.c", "world/shadow.h"),
}


def allowed_include(path, quote, name, exists):
    """driver-core sees ddi/ only; device models and harness see sim/; hal-shim knows no harness."""
    if (path, name) in DIRECTION_EXCEPTIONS:
        return True
    layer = layer_of(path)
    folder = os.path.dirname(path)
    own = exists(os.path.normpath(f"{folder}/{name}"))
    if layer in ("driver", "ddi"):
        core = "/".join(path.split("/")[:2])
        return exists(f"hal-shim/ddi/{name}") or (quote and own) or (
            quote and exists(f"{core}/{name}")) or (layer == "ddi" and not quote)
    if not quote:
        return not exists(f"hal-shim/ddi/{name}") or layer == "shim"
    if layer in ("device", "sim"):
        return own or (name.startswith("sim/") and exists(f"hal-shim/{name}"))
    if layer == "shim":
        return own or exists(f"hal-shim/{name}") or exists(f"hal-shim/ddi/{name}")
    return own or exists(f"harness/{name}") or (
        name.startswith("sim/") and exists(f"hal-shim/{name}"))


def check_includes(path, text, exists=lambda p: os.path.exists(os.path.join(ROOT, p))):
    if layer_of(path) is None or not path.endswith((".c", ".h", ".cpp")):
        return []
    found = []
    clean = blank_literals(text, keep_strings=True)
    for match in re.finditer(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)", clean, flags=re.M):
        if not allowed_include(path, match.group(1) == '"', match.group(2), exists):
            found.append(f"{path}:{line_of(clean, match.start())}: {layer_of(path)} code may not "
                         f"include {match.group(2)}")
    return found


def check_banned(path, text):
    if not path.startswith("hal-shim/") or path in HOST_FILES or not path.endswith((".c", ".h")):
        return []
    clean = blank_literals(text)
    found = [f"{path}:{line_of(clean, m.start())}: call of {m.group(1)}"
             for m in BANNED_CALLS.finditer(clean)]
    with_strings = blank_literals(text, keep_strings=True)
    found += [f"{path}:{line_of(with_strings, m.start())}: prints a pointer"
              for m in re.finditer(r"\"(?:\\.|[^\"\\\n])*%p", with_strings)]
    return found


def check_headers(paths, root=ROOT):
    """Every header of ours compiles alone."""
    found = []
    for path in paths:
        if layer_of(path) not in ("sim", "shim", "harness") or not path.endswith(".h"):
            continue
        result = subprocess.run(
            ["clang", "-std=gnu11", "-fsyntax-only", "-fms-extensions", "-fshort-wchar", "-Wall",
             "-Wextra", "-Werror", "-Ihal-shim", "-Ihal-shim/ddi", "-Iharness", "-x", "c", "-"],
            cwd=root, input=f'#include "{path}"\n', capture_output=True, text=True, check=False)
        if result.returncode != 0:
            found.append(f"{path}: does not compile alone: {result.stderr.splitlines()[0]}")
    return found


def check_names(paths):
    seen = {}
    found = []
    for path in paths:
        name = os.path.basename(path)
        if name in REPEATED_NAMES or path.startswith(DATA_FOLDERS):
            continue
        if re.match(r"driver-core/[^/]+/(mutants|scenarios)/|tests/edits/[^/]+/.*\.patch$", path):
            continue
        if name in seen:
            found.append(f"{path}: {seen[name]} has the same name")
        seen.setdefault(name, path)
    return found


def check_machine_paths(path, text):
    return [f"{path}:{line_of(text, text.index(part))}: names a path of one machine ({part})"
            for part in MACHINE_PATHS if part in text]


def check_all():
    paths = list(relative_files())
    found = check_format(paths) + check_functions(paths) + check_names(paths)
    found += check_headers(paths)
    for path in paths:
        if path.startswith(DATA_FOLDERS):
            continue
        text = read(path)
        found += check_lines(path, text) + check_includes(path, text)
        found += check_banned(path, text) + check_machine_paths(path, text)
    return found


def expect(name, found, count):
    if len(found) != count:
        sys.exit(f"self-test {name}: {len(found)} findings instead of {count}: {found}")


def self_test_text():
    def exists(path):
        return path in {"hal-shim/ddi/wdm.h", "hal-shim/sim/device.h", "hal-shim/world/world.h",
                        "harness/trace/trace.h", "driver-core/a/a.h"}

    cases = [
        ("driver-core/a/a.c", "#include <wdm.h>\n#include \"a.h\"\n", 0),
        ("driver-core/a/a.c", "#include <stdio.h>\n", 1),
        ("driver-core/a/a.c", "#include \"sim/device.h\"\n", 1),
        ("driver-core/a/device/d.c", "#include \"sim/device.h\"\n#include <stdint.h>\n", 0),
        ("driver-core/a/device/d.c", "#include <wdm.h>\n#include \"world/world.h\"\n", 2),
        ("driver-core/devices/d.c", "#include \"sim/device.h\"\n#include <wdm.h>\n", 1),
        ("hal-shim/dma/x.c", "#include <wdm.h>\n#include \"world/world.h\"\n", 0),
        ("hal-shim/dma/x.c", "#include \"trace/trace.h\"\n", 1),
        ("harness/rules/x.c", "#include \"trace/trace.h\"\n// #include \"world/world.h\"\n", 0),
        ("harness/rules/x.c", "#include \"world/world.h\"\n", 1),
    ]
    for path, text, count in cases:
        expect(f"includes {path}", check_includes(path, text, exists), count)
    expect("banned", check_banned("hal-shim/a.c", "x = rand();\ny(\"%p\");\n"), 2)
    expect("not banned", check_banned("hal-shim/a.c", "operand(); /* time() */ p->free(x);\n"), 0)
    expect("names", check_names(["a/x.c", "b/x.c", "a/CMakeLists.txt", "b/CMakeLists.txt"]), 1)
    expect("paths", check_machine_paths("a", "see " + MACHINE_PATHS[0] + "x"), 1)
    expect("columns", check_lines("a.c", "x" * 101 + "\n"), 1)
    expect("file length", check_lines("a.c", "\n" * 801), 1)


def self_test_tools():
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, ".clang-format"), "w", encoding="utf-8") as file:
            file.write(read(".clang-format"))
        for name, lines in (("good.c", FUNCTION_LINES_MAX), ("long.c", FUNCTION_LINES_MAX + 1)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write("int f(void)\n{\n" + "    f();\n" * (lines - 4) + "    return 0;\n}\n")
        with open(os.path.join(folder, "bad.c"), "w", encoding="utf-8") as file:
            file.write("int  g( void ){return 0 ;}\n")
        expect("function length", check_functions(["good.c", "long.c"], folder), 1)
        os.makedirs(os.path.join(folder, "harness"))
        for name, text in (("whole.h", "typedef int whole;\n"), ("part.h", "typedef no part;\n")):
            with open(os.path.join(folder, "harness", name), "w", encoding="utf-8") as file:
                file.write(text)
        expect("headers", check_headers(["harness/whole.h", "harness/part.h"], folder), 1)
        expect("format", check_format(["good.c", "long.c", "bad.c"], folder), 1)


def main():
    if sys.argv[1:] == ["--list-formatted"]:
        print("\n".join(path for path in relative_files() if is_our_c(path)))
        return 0
    if sys.argv[1:] == ["--self-test"]:
        self_test_text()
        self_test_tools()
        return 0
    if sys.argv[1:]:
        sys.exit(__doc__)
    found = check_all()
    print("\n".join(found) if found else "no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
