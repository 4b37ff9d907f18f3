#!/usr/bin/env python3
"""A run of a million events: recorded whole, replayed, and read by every verb.

usage: test_long.py FLUSHTRACE PIO-MODULE
"""
import json
import os
import re
import subprocess
import sys
import tempfile

FLUSHTRACE, DRIVER = sys.argv[1:3]
EVENTS = 1000000
SCENARIO = "platform {}\n" + 4 * "ioctl code=0 length=16\n" + "ioctl code=1 length=16\n"
failures = []
checks = 0


def check(condition, what, said=""):
    global checks
    checks += 1
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}\n{said[-2000:]}")


def call(*words, expect=0):
    done = subprocess.run([FLUSHTRACE, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    check(done.returncode == expect, f"{' '.join(words)}: exit status {done.returncode}, wanted {expect}", done.stdout)
    return done.stdout


def record(folder, platform, expect):
    scenario, trace = (os.path.join(folder, f"{platform.replace(' ', '-')}.{end}") for end in ("fts", "ftr"))
    with open(scenario, "w", encoding="ascii") as file:
        file.write(SCENARIO.format(platform))
    return trace, json.loads(call("run", DRIVER, "--scenario", scenario, "-o", trace, "--json", expect=expect))


def test_limits(folder):
    """As long as runs are, twice as long, and as long as they may be."""
    cut = [record(folder, f"coherent longer={longer}", 4)[1] for longer in (0, 1)]
    check(all(one["verdict"] == "cut" for one in cut), "a run ends as cut", str(cut))
    check(1.9 < cut[1]["events"] / cut[0]["events"] < 2.1, "longer=1 is twice as long", str(cut))
    check("longer=9" in call("show", os.path.join(folder, "coherent-longer=0.ftr"), "--from", "1", "--to", "2"), "what to do then")
    trace, told = record(folder, "coherent longer=9", 1)
    check(told["events"] >= EVENTS and told["rule"] == "kmdf.double-completion", "a million events", str(told))
    return trace, told["events"]


def test_run_again(folder, trace, events):
    check("the stored verdict" in call("replay", trace, "--driver", DRIVER), "replay")
    told = json.loads(call("replay", trace, "--driver", DRIVER, "--platform", "iommu", "--json", expect=0))
    check(told["events"] >= EVENTS, "another platform, as long", str(told)[:500])
    call("check", trace, expect=1)
    call("diff", trace, trace)
    only = os.path.join(folder, "corpus")
    os.mkdir(only)
    os.link(trace, os.path.join(only, "long.ftr"))
    check("1 passed" in call("regress", only, "--driver", DRIVER), "regress")
    check(f"event {events}" in call("explain", trace, "--driver", DRIVER, "--time", "5", expect=4), "explain")


def test_read(trace, events):
    check(f"\n> {events}  " in call("show", trace, "--from", str(events - 20)), "show, the end")
    around = call("show", trace, "--around", "500000", "--context", "5")
    check(len(re.findall(r"^\s+(?:49999[5-9]|50000\d)  ", around, re.M)) == 11, "show, the middle", around)
    check("wdf-request#5" in call("show", trace, "--object", "wdf-request#5"), "show, an object")


def test_export(folder, trace, events):
    for form in ("html", "perfetto", "ctest"):
        output = os.path.join(folder, f"long.{form}")
        call("export", trace, "--format", form, "-o", output)
        check(os.path.getsize(output) > 500, f"export {form}")
    with open(os.path.join(folder, "long.html"), encoding="utf-8") as file:
        check(f'"events":{events}' in file.read(), "the page has every event")


def main():
    with tempfile.TemporaryDirectory() as folder:
        trace, events = test_limits(folder)
        test_run_again(folder, trace, events)
        test_read(trace, events)
        test_export(folder, trace, events)
    print(f"{checks} checks, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
