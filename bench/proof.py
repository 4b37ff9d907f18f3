#!/usr/bin/env python3
"""Certificates: for each core, pct:3 of its scenario certified.fts; how long it takes, and which mutants it finds.

usage: ./dev bench proof [CORE...] [--mutants | --only-mutants] [--write] [--check | --verify]

Without options: a line for each core with schedules a second, the share of each schedule that was restored instead of run, and the time
of the certificate. --mutants: also which mutants that need a moment pct:3 finds there or in a sibling, each within --time seconds for each
scenario; --only-mutants: no certificates. Siblings are the scenarios of bench/schedules, and those of the core that have more than requests.
--write puts the rows of these cores into docs/CERTIFICATES.md. --check compares the page with the scenarios as they are, within
seconds; --verify runs every certificate again and compares the number of schedules. Exit status: 0; 1 when a core has no certificate, a
mutant is not found, or the page is stale; 5 our own failure.
"""
import argparse
import glob
import json
import os
import re
import resource
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "fuzz"))
from calm_mutants import is_calm  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "CERTIFICATES.md")
DEPTH, CONFIDENCE, POINTS = 3, 99, "entry"
STREAMS = {"kmdf-selfio": "stream"}  # takes reads only
QUICK = 500000  # n * k^2 up to which a certificate takes 30 s at most
QUICK_SECONDS = 30
NO_VERDICT = ("cut", "unjudged")


class Failure(Exception):
    """Our own failure."""


def scenarios(core):
    """certified.fts, then its siblings: the same requests with other disturbances, and what else happens to the core."""
    kind = "disk" if core.startswith("scsi-") else STREAMS.get(core, "wdm")
    certified = os.path.join(ROOT, "driver-core", core, "scenarios", "certified.fts")
    own = glob.glob(os.path.join(os.path.dirname(certified), "*.fts"))
    return [certified, *sorted(glob.glob(os.path.join(ROOT, "bench", "schedules", f"{kind}-*.fts"))),
            *sorted(path for path in own if path != certified and not is_calm(path))]


def cores():
    found = glob.glob(os.path.join(ROOT, "driver-core", "*", "scenarios", "default.fts"))
    return sorted(os.path.basename(os.path.dirname(os.path.dirname(path))) for path in found)


def explore(arguments, core, scenario, *words):
    command = [os.path.join(arguments.binaries, "flushtrace"), "explore", core, "--scenario", scenario, "--points", POINTS,
               "--json", *words]
    if arguments.jobs:
        command += ["--jobs", str(arguments.jobs)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode not in (0, 1, 4):
        raise Failure(f"{' '.join(command)}: exit status {result.returncode}\n{result.stderr[-500:]}")
    answer = json.loads(result.stdout)
    answer["processor"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return answer


def content_is_enough(path):
    """At least two requests, a cancel and a removal."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    requests = re.findall(r"^\w+: (?:read|write|ioctl|disk-read|disk-write)", text, re.M)
    return len(requests) >= 2 and re.search(r"^(?:cancel|abort) ", text, re.M) and re.search(r"^(?:remove|surprise-remove)", text, re.M)


# ---- the tables ----

HEAD = ("| core | n | k | n·k² | schedules | the same | probability | seconds | of processors | scenario |\n"
        "|---|---|---|---|---|---|---|---|---|---|\n")


def row(core, answer):
    c = answer["certificate"]
    given = f"{c['probability']:.4f}" if c["given"] else f"withheld: {c['withheld']}"
    return (f"| `{core}` | {c['n']} | {c['k']} | {c['n'] * c['k'] ** 2:.2g} | {c['schedules']} | {c['same']} | {given} | "
            f"{c['seconds']:.0f} | {answer['processor']:.0f} | `{c['scenario']}` |\n")


def replace(name, text):
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    if begin not in page or end not in page:
        raise Failure(f"{PAGE} has no place for {name}")
    page = page[:page.index(begin) + len(begin)] + text + page[page.index(end):]
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)


def section(name):
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    return text[text.index(f"<!-- {name} -->"):text.index(f"<!-- end of {name} -->")]


def rows_of(name):
    """{core: line} of a table of the page."""
    lines = (line for line in section(name).splitlines() if line.startswith("| `"))
    return {line.split("`")[1]: line + "\n" for line in lines}


def merged(name, fresh):
    """The rows of the page, with these instead of what they replace."""
    rows = {core: line for core, line in rows_of(name).items() if core in cores()}
    rows.update(fresh)
    return "".join(rows[core] for core in sorted(rows))


def stored():
    """{core: [columns]} of the certificates on the page."""
    return {core: [column.strip().strip("`") for column in line.strip("|\n").split("|")]
            for core, line in rows_of("certificates").items()}


# ---- what it does ----

def certify(arguments, names):
    rows, failed = {}, False
    for core in names:
        answer = explore(arguments, core, scenarios(core)[0], "--strategy", f"pct:{DEPTH}", "--confidence", str(CONFIDENCE))
        c = answer["certificate"]
        slow = c["n"] * c["k"] ** 2 <= QUICK and c["seconds"] > QUICK_SECONDS
        failed = failed or not c["given"]
        print(f"{core:14} {c['schedules']:8} schedules {c['schedules'] / max(c['seconds'], 0.01):8.0f}/s  restored {c['restored']:.2f}  "
              f"certificate in {c['seconds']:6.1f} s, {answer['processor']:.1f} s of processors"
              f"{'  (slow)' if slow else ''}{'' if c['given'] else '  WITHHELD: ' + c['withheld']}", flush=True)
        rows[core] = row(core, answer)
    if arguments.write:
        replace("certificates", HEAD + merged("certificates", rows))
    return failed


def moment_mutants(core):
    """Mutants whose header says that no calm scenario catches them."""
    for path in sorted(glob.glob(os.path.join(ROOT, "driver-core", core, "mutants", "*.patch"))):
        with open(path, encoding="utf-8", errors="replace") as file:
            if re.search(r"^Calm: clean", file.read(), re.M):
                yield os.path.basename(path)[:-len(".patch")]


def is_clean(arguments, core, scenario, known={}):
    """The sound core has no finding in it, as far as depth 2 goes."""
    if (core, scenario) not in known:
        answer = explore(arguments, core, scenario, "--strategy", "pct:2", "--time", str(arguments.time))
        known[core, scenario] = not answer["findings"]
    return known[core, scenario]


def hunt(arguments, core, mutant):
    """The scenario that finds it, with what and after how many runs; None. Most need no more than a second where they are found."""
    for seconds in (1, arguments.time):
        for scenario in scenarios(core):
            answer = explore(arguments, core, scenario, "--mutant", mutant, "--strategy", f"pct:{DEPTH}", "--first", "--time",
                             str(seconds))
            sure = [finding for finding in answer["findings"] if finding["verdict"] not in NO_VERDICT]
            if sure and is_clean(arguments, core, scenario):
                return os.path.basename(scenario), sure[0]["rule"] or sure[0]["verdict"], answer["runs"]
    return None


def hunt_all(arguments, names):
    """True: one is not found."""
    rows, lost = {}, re.findall(r"`([\w-]+\+[\w-]+)`", section("mutants"))
    lost = [name for name in lost if name.split("+")[0] in cores() and name.split("+")[0] not in names]
    for core in names:
        found, mutants = 0, list(moment_mutants(core))
        for mutant in mutants:
            answer = hunt(arguments, core, mutant)
            print(f"{core}+{mutant}: {answer or 'not found'}", flush=True)
            found += answer is not None
            if answer is None:
                lost.append(f"{core}+{mutant}")
        rows[core] = f"| `{core}` | {len(mutants)} | {found} |\n"
        print(f"{core}: {found} of {len(mutants)} found", flush=True)
    if arguments.write:
        names_lost = ", ".join(f"`{name}`" for name in sorted(lost)) or "none"
        replace("mutants", f"| core | need a moment | found |\n|---|---|---|\n{merged('mutants', rows)}\nNot found: {names_lost}.\n")
    return bool(lost)


def check(arguments):
    """The page against the scenarios as they are."""
    rows, wrong = stored(), []
    for core in cores():
        if not os.path.exists(scenarios(core)[0]) or not content_is_enough(scenarios(core)[0]):
            wrong.append(f"{core}: no certified.fts with two requests, a cancel and a removal")
        elif core not in rows:
            wrong.append(f"{core}: no certificate on the page")
        else:
            c = explore(arguments, core, scenarios(core)[0], "--strategy", "pct:1", "--confidence", "100")["certificate"]
            if rows[core][9] != c["scenario"]:
                wrong.append(f"{core}: the certificate is of another scenario")
            if not c["given"] or c["n"] > int(rows[core][1]) or c["k"] > int(rows[core][2]):
                wrong.append(f"{core}: pct:1 sees n = {c['n']}, k = {c['k']}, given: {c['given']}")
    wrong += [f"{core}: no such core" for core in rows if core not in cores()]
    return wrong


def verify(arguments):
    rows, wrong = stored(), []
    for core in cores():
        answer = explore(arguments, core, scenarios(core)[0], "--strategy", f"pct:{DEPTH}", "--confidence", str(CONFIDENCE))
        fresh = [column.strip().strip("`") for column in row(core, answer).strip("|\n").split("|")]
        if core not in rows or fresh[:7] != rows[core][:7]:
            wrong.append(f"{core}: {fresh} instead of {rows.get(core)}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binaries")
    parser.add_argument("cores", nargs="*")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--only-mutants", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--verify", action="store_true")
    parser.add_argument("--time", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.check or arguments.verify:
        wrong = (check if arguments.check else verify)(arguments)
        for line in wrong:
            print(line)
        print(f"{len(stored())} certificates on the page, {len(wrong)} wrong")
        return 1 if wrong else 0
    names = arguments.cores or cores()
    failed = not arguments.only_mutants and certify(arguments, names)
    if arguments.mutants or arguments.only_mutants:
        failed = hunt_all(arguments, names) or failed
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"proof: {failure}", file=sys.stderr)
        sys.exit(5)
