#!/usr/bin/env python3
"""Plays OSS-Fuzz's contract on this machine: .clusterfuzzlite/build.sh with its environment, engine by engine, sanitizer by
sanitizer; then everything but a copy of OUT is out of reach, and each target must start, run its seeds and reach its code.
The sanitizer `coverage`, for libFuzzer only, is OSS-Fuzz's word for a build that says which lines were reached.

    contract.py [--engines libfuzzer,afl] [--sanitizers address,undefined,coverage] [--targets NAME,...] [--keep FOLDER]

The simulated machine is compiled once for all of them: no engine or sanitizer has a part in it.
"""
import argparse
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
AFL_DRIVER = "/usr/lib/afl/libAFLDriver.a"
EDGES_MIN = 100
# What is under test may be smaller than that, and says so here: the driver has 103 edges, the parser a few lines.
EDGES_SMALL = {"flushtrace-fuzz-kmdf-selfio": 70, "flushtrace-parse-baseline": 20}
CORES = {"kmdf-selfio", "kmdf-sg", "scsi-bus", "scsi-slave", "wdm-packet", "wdm-sglist", "wdm-slave", "wdm-v3-bus", "wdm-v3-system"}
# What a bare machine has.
BARE = re.compile(r"(linux-vdso|ld-linux[^ ]*|libc|libm|libstdc\+\+|libgcc_s|libdl|librt|libpthread|libresolv)\.so")

UNDEFINED = ("array-bounds,bool,builtin,enum,function,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,"
             "shift,signed-integer-overflow,unreachable,vla-bound,vptr")
SANITIZER_FLAGS = {
    "address": "-fsanitize=address -fsanitize-address-use-after-scope",
    "undefined": f"-fsanitize={UNDEFINED},unsigned-integer-overflow -fno-sanitize-recover={UNDEFINED}",
    "coverage": "-fprofile-instr-generate -fcoverage-mapping",
}
COMMON = "-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
ENGINES = {
    "libfuzzer": {"CC": "clang", "CXX": "clang++", "flags": "-fsanitize=fuzzer-no-link", "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer"},
    "afl": {"CC": "afl-clang-fast", "CXX": "afl-clang-fast++", "flags": "", "LIB_FUZZING_ENGINE": AFL_DRIVER},
}
# What a stranger's harness sets without asking; a target's .options have the last word.
STRANGE = {"ASAN_OPTIONS": "abort_on_error=1:symbolize=0:handle_abort=1:handle_segv=1:use_sigaltstack=1:detect_leaks=0",
           "UBSAN_OPTIONS": "print_stacktrace=1:symbolize=0:handle_segv=1"}


class Broken(Exception):
    pass


def expect(holds, sentence):
    if not holds:
        raise Broken(sentence)


def run(command, cwd, environment, seconds=300):
    done = subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=seconds, check=False)
    return done.returncode, done.stdout


def build(engine, sanitizer, out, work, targets):
    row = ENGINES[engine]
    flags = f"{COMMON} {SANITIZER_FLAGS[sanitizer]} {row['flags'] if sanitizer != 'coverage' else ''}"
    environment = {**os.environ, "CC": row["CC"], "CXX": row["CXX"], "CFLAGS": flags, "CXXFLAGS": flags, "SANITIZER": sanitizer,
                   "LIB_FUZZING_ENGINE": row["LIB_FUZZING_ENGINE"], "OUT": out, "WORK": work, "TARGETS": " ".join(targets)}
    code, text = run([os.path.join(ROOT, ".clusterfuzzlite/build.sh")], ROOT, environment, 3000)
    expect(code == 0, f"build.sh ends with {code}:\n{text[-4000:]}")


def check_objects(sanitizer, work):
    """Drivers and parsers call the sanitizer; the machine does not."""
    wanted = {"address": r"__asan_report_|__asan_load|__asan_store", "undefined": r"__ubsan_handle_"}[sanitizer]
    build_folder = os.path.join(work, "flushtrace")
    objects = []
    for folder, _, names in os.walk(build_folder):
        if "/engine" in folder:
            objects += [os.path.join(folder, name) for name in names if name.endswith(".c.o")]
    expect(objects, "no instrumented object")
    with_calls = [path for path in objects if re.search(wanted, subprocess.run(["nm", "-u", path], capture_output=True, text=True,
                                                                              check=True).stdout)]
    expect(len(with_calls) * 2 > len(objects), f"only {len(with_calls)} of {len(objects)} objects call the sanitizer")
    machine = subprocess.run(["nm", os.path.join(build_folder, "hal-shim/libft_shim.a")], capture_output=True, text=True, check=True)
    expect(" U __ubsan_handle" not in machine.stdout, "the machine is instrumented")


def options_of(folder, name):
    parser = configparser.ConfigParser()
    expect(parser.read(os.path.join(folder, name + ".options")), "no .options")
    sections = {section: dict(parser[section]) for section in parser.sections()}
    environment = {"PATH": os.environ["PATH"], "AFL_NO_UI": "1"}
    for section, variable in (("asan", "ASAN_OPTIONS"), ("ubsan", "UBSAN_OPTIONS")):
        words = [f"{key}={value}" for key, value in sections.get(section, {}).items()]
        environment[variable] = ":".join([STRANGE[variable], *words])
    return [f"-{key}={value}" for key, value in sections["libfuzzer"].items()], environment


def check_symbols(sanitizer, program):
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    asan, ubsan = "__asan_init" in names, "__ubsan_handle_" in names
    expect(asan == (sanitizer == "address"), f"__asan_init is{'' if asan else ' not'} in it")
    expect(ubsan or sanitizer != "undefined", "__ubsan_handle_* is not in it")
    libraries = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    strange = [line.strip() for line in libraries.splitlines() if not BARE.search(line.split("=>")[0])]
    expect(not strange, f"it needs {strange}")


def edges_of(engine, folder, name, seeds, environment, flags):
    """Runs the seeds; the edges that they reach."""
    if engine == "libfuzzer":
        dictionary = os.path.join(folder, name + ".dict")
        words = [f"-dict={dictionary}"] if os.path.exists(dictionary) else []
        code, text = run([f"./{name}", "-runs=1", "-seed=1", *flags, *words, seeds], folder, environment)
        expect(code == 0, f"its seeds end it with {code}:\n{text[-3000:]}")
        loaded = re.search(r"Loaded \d+ modules +\((\d+) inline", text)
        expect(loaded and int(loaded.group(1)) >= EDGES_MIN, "it has too few edges")
        found = re.search(r"INITED cov: (\d+)", text)
        expect(found, f"no INITED line:\n{text[-3000:]}")
        return int(found.group(1))
    code, text = run([f"./{name}", *sorted(os.path.join(seeds, seed) for seed in os.listdir(seeds))], folder, environment)
    expect(code == 0, f"its seeds end it with {code}:\n{text[-3000:]}")
    seen = os.path.join(folder, name + ".map")
    code, text = run(["afl-showmap", "-q", "-m", "none", "-t", "10000", "-C", "-i", seeds, "-o", seen, "--", f"./{name}"], folder,
                     environment)
    expect(code == 0 and os.path.exists(seen), f"afl-showmap ends with {code}:\n{text[-3000:]}")
    with open(seen, encoding="utf-8") as file:
        return sum(1 for _ in file)


def lines_of(folder, name, seeds, environment, flags):
    """Runs the seeds; the lines under test that they reach, by what the program counted."""
    raw, data = os.path.join(folder, name + ".profraw"), os.path.join(folder, name + ".profdata")
    code, text = run([f"./{name}", "-runs=0", *flags, seeds], folder, {**environment, "LLVM_PROFILE_FILE": raw})
    expect(code == 0, f"its seeds end it with {code}:\n{text[-3000:]}")
    code, text = run(["llvm-profdata", "merge", "-sparse", raw, "-o", data], folder, environment)
    expect(code == 0, f"llvm-profdata ends with {code}: {text}")
    code, text = run(["llvm-cov", "export", "-summary-only", "-instr-profile", data, name], folder, environment)
    expect(code == 0, f"llvm-cov ends with {code}: {text[-1000:]}")
    return json.loads(text)["data"][0]["totals"]["lines"]["covered"]


def check_target(engine, sanitizer, folder, name):
    check_symbols(sanitizer, os.path.join(folder, name))
    flags, environment = options_of(folder, name)
    seeds = os.path.join(folder, name + ".seeds")
    with zipfile.ZipFile(os.path.join(folder, name + "_seed_corpus.zip")) as packed:
        packed.extractall(seeds)
    expect(os.listdir(seeds), "no seeds")
    if sanitizer == "coverage":
        edges = lines_of(folder, name, seeds, environment, flags)
    else:
        edges = edges_of(engine, folder, name, seeds, environment, flags)
    least = EDGES_SMALL.get(name, EDGES_MIN)
    expect(edges >= least, f"its seeds reach {edges} edges, fewer than {least}")
    print(f"{engine:10} {sanitizer:10} {name:32} {len(os.listdir(seeds)):4} seeds {edges:6} {'lines' if sanitizer == 'coverage' else 'edges'}",
          flush=True)


def play(engine, sanitizer, folder, targets):
    """One cell of the matrix; the number of targets that keep the contract, and what was broken."""
    out, work = os.path.join(folder, "out"), os.path.join(folder, "work")
    build(engine, sanitizer, out, work, targets)
    if sanitizer != "coverage":
        check_objects(sanitizer, work)
    elsewhere, hidden = tempfile.mkdtemp(prefix="flushtrace-elsewhere."), work + ".hidden"
    alone = os.path.join(elsewhere, "out")
    shutil.copytree(out, alone)
    shutil.rmtree(out)
    os.rename(work, hidden)
    names = sorted(name for name in os.listdir(alone) if os.access(os.path.join(alone, name), os.X_OK))
    broken = []
    if targets and sorted(targets) != names:
        broken.append(f"{engine}, {sanitizer}: built {names}, not {targets}")
    missing = CORES - {name[len("flushtrace-fuzz-"):] for name in names if name.startswith("flushtrace-fuzz-")}
    if not targets and missing:
        broken.append(f"{engine}, {sanitizer}: no target for {sorted(missing)}")
    try:
        for name in names:
            try:
                check_target(engine, sanitizer, alone, name)
            except (Broken, OSError, subprocess.SubprocessError) as error:
                broken.append(f"{engine}, {sanitizer}, {name}: {error}")
    finally:
        os.rename(hidden, work)
        shutil.rmtree(elsewhere)
    return len(names), broken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", default="libfuzzer,afl")
    parser.add_argument("--sanitizers", default="address,undefined,coverage")
    parser.add_argument("--targets", default="")
    parser.add_argument("--keep", metavar="FOLDER", help="build there, and leave it for the next time")
    arguments = parser.parse_args()
    folder = os.path.abspath(arguments.keep) if arguments.keep else tempfile.mkdtemp(prefix="flushtrace-contract.")
    os.makedirs(folder, exist_ok=True)
    played, broken = 0, []
    try:
        for engine in arguments.engines.split(","):
            for sanitizer in arguments.sanitizers.split(","):
                if sanitizer == "coverage" and engine != "libfuzzer":
                    continue
                try:
                    count, found = play(engine, sanitizer, folder, [name for name in arguments.targets.split(",") if name])
                except Broken as error:
                    count, found = 0, [f"{engine}, {sanitizer}: {error}"]
                played += count
                broken += found
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)
    for line in broken:
        print(f"broken: {line}")
    print(f"{played} targets, {len(broken)} broken")
    sys.exit(1 if broken or played == 0 else 0)


if __name__ == "__main__":
    main()
