#!/usr/bin/env python3
"""`regress` over the packed corpus of ./dev bench corpus: every trace passes, in bounded memory; the reports are whole; with a baseline only
what it does not know fails.

usage: test_corpus.py FLUSHTRACE EDIT_TRACE COUNT [MEBIBYTES]      MEBIBYTES: what all processes together may have
"""
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import corpus  # noqa: E402


def check(what, *details):
    if not what:
        raise AssertionError(" ".join(str(detail) for detail in details))


def regress(flushtrace, *words, status=0):
    result = subprocess.run([flushtrace, "regress", "--jobs", "2", "--json", *words], capture_output=True, text=True, check=False)
    check(result.returncode == status, words, "exit", result.returncode, result.stderr, result.stdout[-1000:])
    return json.loads(result.stdout)


def reports(flushtrace, path, count, folder):
    junit, sarif = os.path.join(folder, "r.xml"), os.path.join(folder, "r.sarif")
    answer = regress(flushtrace, path, "--junit", junit, "--sarif", sarif)
    check(answer["passed"] == count and answer["failed"] == 0, answer["passed"], answer["failed"])
    suite = tree.parse(junit).getroot().find("testsuite")
    check(int(suite.get("tests")) == count == len(suite.findall("testcase")), "JUnit", suite.attrib)
    check(suite.get("failures") == suite.get("errors") == "0", suite.attrib)
    with open(sarif, encoding="utf-8") as file:
        check(json.load(file)["runs"][0]["results"] == [], "SARIF has results")
    return answer


def baseline(flushtrace, edit, path, answer, folder):
    """A trace that ended clean once and has a finding now: new, unless the baseline knows it."""
    bad = next(one for one in answer["traces"] if one["verdict"] == "violation")
    other = next(one for one in answer["traces"] if one["verdict"] == "violation" and one["rule"] != bad["rule"])
    work = os.path.join(folder, "later")
    os.mkdir(work)
    for name, one in (("bad", bad), ("other", other)):
        subprocess.run([flushtrace, "corpus", "unpack", path, "-o", os.path.join(folder, "all")], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([edit, os.path.join(folder, "all", one["trace"].split(".ftc:", 1)[1]), os.path.join(work, f"{name}.ftr"), "clean"],
                       check=True)
    later = os.path.join(folder, "later.ftc")
    subprocess.run([flushtrace, "corpus", "pack", work, "-o", later], check=True, stdout=subprocess.DEVNULL)
    known = os.path.join(folder, "known.txt")
    sarif = os.path.join(folder, "later.sarif")
    with open(known, "w", encoding="utf-8") as file:
        file.write(f"{bad['rule']} * known since last year\n")
    check(regress(flushtrace, later, status=1)["failed"] == 2, "without a baseline")
    check(regress(flushtrace, later, "--baseline", known, "--sarif", sarif, status=1)["failed"] == 1, "one is known")
    with open(sarif, encoding="utf-8") as file:
        rules = [result["ruleId"] for result in json.load(file)["runs"][0]["results"]]
    check(rules == [other["rule"]], "SARIF names", rules)
    with open(known, "a", encoding="utf-8") as file:
        file.write(f"{other['rule']} * known, too\n")
    check(regress(flushtrace, later, "--baseline", known)["failed"] == 0, "both are known")


def main():
    flushtrace, edit, count = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), int(sys.argv[3])
    most = int(sys.argv[4]) if len(sys.argv) > 4 else None
    with tempfile.TemporaryDirectory(dir=corpus.SCRATCH) as folder:
        path = os.path.join(folder, "corpus.ftc")
        facts = corpus.make_corpus(os.path.dirname(flushtrace), count, path)
        check(facts["traces"] == facts["distinct"] == count, facts)
        check(len(facts["drivers"]) >= 9 and facts["verdicts"].get("violation", 0) > 0, facts)
        answer = reports(flushtrace, path, count, folder)
        if most:
            used = corpus.peak_mib(corpus.regress_words(os.path.dirname(flushtrace), path, None, 2, os.path.join(folder, "m")))
            check(0 < used < most, "memory", used, "MiB")
            print(f"{used:.0f} MiB")
        baseline(flushtrace, edit, path, answer, folder)


if __name__ == "__main__":
    main()
