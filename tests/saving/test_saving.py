#!/usr/bin/env python3
"""Every command that writes files people keep is killed, and refused room, at each of its calls that change a file.

usage: test_saving.py FLUSHTRACE STRIKE EDIT_TRACE COMMAND...      COMMAND: a name in COMMANDS, fuzz, stdout or tmpfs

For each command there is a folder as an earlier run left it (OLD) and as the command leaves it (NEW). `strike` runs
the command again and again from OLD and strikes at the first, the second, ... call, until the command ends before.
After each kill every file holds the bytes of OLD or of NEW, no file is missing, nothing else is there but FILE.N.tmp,
and the same command run once more leaves exactly NEW. With a full disk or a failing fsync the command says which file
and why, ends with status 5 and leaves no temporary file; writes that are cut short or interrupted change nothing.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

PATIENCE = 120  # seconds for one command
CALLS_MAX = 400
KILLED = 137
OWN_FAILURE = 5
LEFT_BEHIND = re.compile(r"^(.+)\.\d+\.tmp$")
ENVIRONMENT = {
    **os.environ,
    # LeakSanitizer looks at its process by ptrace, which a traced process cannot.
    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
}

FLUSHTRACE = STRIKE = EDIT_TRACE = None
HERE = None  # a scratch folder: inputs in HERE/in, the watched folder is HERE/out


def check(what, *details):
    if not what:
        raise AssertionError(" ".join(str(detail) for detail in details))


def run(*words, statuses=(0,), **more):
    """Undisturbed, in HERE."""
    result = subprocess.run([str(word) for word in words], cwd=HERE, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=PATIENCE, check=False, **more)
    check(statuses is None or result.returncode in statuses, words, "exit", result.returncode, result.stderr, result.stdout)
    return result


def flushtrace(*words, **more):
    return run(FLUSHTRACE, *words, **more)


class Struck:
    """A command that was struck at its n-th call."""

    def __init__(self, what, number, words):
        report = os.path.join(HERE, "report")
        result = run(STRIKE, os.path.join(HERE, "out"), what, number, report, FLUSHTRACE, *words, statuses=None)
        check(result.returncode != 127, words, result.stderr)
        self.status, self.errors, self.printed = result.returncode, result.stderr, result.stdout
        with open(report, encoding="utf-8", errors="replace") as file:
            count, struck, self.where = file.read().rstrip("\n").split(" ", 2)
        self.count, self.struck = int(count), struck == "1"


def content(folder):
    """Every file below the folder."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def set_out(source):
    """HERE/out as it is in that folder; None: empty."""
    out = os.path.join(HERE, "out")
    shutil.rmtree(out, ignore_errors=True)
    if source:
        shutil.copytree(source, out)
    else:
        os.mkdir(out)


# ---- the commands: (prepare, words) ----
# prepare() makes HERE/in and what an earlier run left in HERE/out.


def trace(path, *words):
    flushtrace("run", "wdm-packet", "-o", path, *words, statuses=(0, 1))


def a_trace(path="in/a.ftr"):
    trace(path)


def old_file(name, source="in/a.ftr"):
    def prepare():
        a_trace()
        shutil.copy(os.path.join(HERE, source), os.path.join(HERE, "out", name))

    return prepare


def mutant_trace():
    flushtrace("explore", "wdm-packet", "--mutant", "no-flush-on-abort", "--disturb", "cancel", "--first", "--jobs", "1",
               "-o", "in/found", statuses=(1,))
    os.rename(glob.glob(os.path.join(HERE, "in/found/*.ftr"))[0], os.path.join(HERE, "in/bad.ftr"))


def to_shrink():
    mutant_trace()
    shutil.copy(os.path.join(HERE, "in/bad.ftr"), os.path.join(HERE, "out/small.ftr"))


def traces(count, folder="in"):
    for seed in range(count):
        with open(os.path.join(HERE, f"in/{seed}.fts"), "w", encoding="utf-8") as file:
            file.write(f"platform coherent\na: read length={1024 + 512 * seed}\n")
        trace(f"{folder}/{seed}.ftr", "--scenario", f"in/{seed}.fts")


def to_pack():
    traces(3)
    flushtrace("corpus", "pack", "in/0.ftr", "-o", "out/some.ftc")


def to_minimize():
    traces(3)
    flushtrace("corpus", "pack", "in", "-o", "out/some.ftc")


def to_unpack():
    traces(3)
    flushtrace("corpus", "pack", "in", "-o", "in/some.ftc")
    os.mkdir(os.path.join(HERE, "out/in"))
    for number in range(2):
        shutil.copy(os.path.join(HERE, "in/2.ftr"), os.path.join(HERE, f"out/in/{number}.ftr"))


def to_regress():
    traces(3)
    run(EDIT_TRACE, "in/0.ftr", "in/other.ftr", "clean")
    run(EDIT_TRACE, "in/1.ftr", "in/crash.ftr", "crash")
    flushtrace("regress", "in/0.ftr", "--junit", "out/r.xml", "--sarif", "out/r.sarif")


def to_refresh():
    traces(2)
    for number in range(2):
        run(EDIT_TRACE, f"in/{number}.ftr", f"out/{number}.ftr", "crash")


def to_explore():
    mutant_trace()


def nothing():
    pass


EXPLORE = ("explore", "in/bad.ftr", "--disturb", "cancel", "--limit", "40", "--jobs", "1", "-o", "out/found")
COMMANDS = {
    "run": (old_file("x.ftr"), ("run", "wdm-packet", "--mutant", "no-flush-on-abort", "-o", "out/x.ftr")),
    "run-new": (a_trace, ("run", "wdm-packet", "-o", "out/x.ftr")),
    "shrink": (to_shrink, ("shrink", "in/bad.ftr", "-o", "out/small.ftr")),
    "explore": (to_explore, EXPLORE),
    "html": (old_file("x.html"), ("export", "in/a.ftr", "--format", "html", "-o", "out/x.html")),
    "perfetto": (old_file("x.pb"), ("export", "in/a.ftr", "--format", "perfetto", "-o", "out/x.pb")),
    "json": (old_file("x.json"), ("export", "in/a.ftr", "--format", "json", "-o", "out/x.json")),
    "ctest": (old_file("x.c"), ("export", "in/a.ftr", "--format", "ctest", "-o", "out/x.c")),
    "pack": (to_pack, ("corpus", "pack", "in", "-o", "out/some.ftc")),
    "minimize": (to_minimize, ("corpus", "minimize", "in", "-o", "out/some.ftc")),
    "unpack": (to_unpack, ("corpus", "unpack", "in/some.ftc", "-o", "out")),
    "reports": (to_regress, ("regress", "in", "--jobs", "1", "--junit", "out/r.xml", "--sarif", "out/r.sarif")),
    "refresh": (to_refresh, ("regress", "out", "--refresh", "--jobs", "1")),
    "new": (nothing, ("new", "mine", "--model", "kmdf", "-o", "out/mine")),
}
# What it leaves half made is in the way of the next try, and says so; its help says how to know it.
WHOLE_FOLDER = {"new": "mine/CMakeLists.txt"}


class Case:
    def __init__(self, name):
        prepare, self.words = COMMANDS[name]
        self.name = name
        set_out(None)
        os.makedirs(os.path.join(HERE, "in"))
        prepare()
        self.old_folder = os.path.join(HERE, "old")
        shutil.copytree(os.path.join(HERE, "out"), self.old_folder)
        self.old = content(self.old_folder)
        counted = Struck("count", 1, self.words)
        self.status, self.calls = counted.status, counted.count
        self.new = content(os.path.join(HERE, "out"))
        check(self.status in (0, 1, 2, 3, 4), self.words, self.status, counted.errors)
        check(self.new != self.old, name, "wrote nothing new")
        check(4 <= self.calls <= CALLS_MAX, name, self.calls, "calls")
        check(not [path for path in self.new if LEFT_BEHIND.match(path)], name, "left a temporary file")

    def strike(self, what, number):
        set_out(self.old_folder)
        return Struck(what, number, self.words)

    def now(self):
        return content(os.path.join(HERE, "out"))

    def check_whole(self, now, left_behind, *details):
        for path, bytes_ in now.items():
            if left_behind and LEFT_BEHIND.match(path):
                continue
            check(path in self.old or path in self.new, *details, "left", path)
            check(bytes_ in (self.old.get(path), self.new.get(path)), *details, "neither old nor new:", path)
        for path in self.old:
            check(path in now or path not in self.new, *details, path, "is gone")

    def check_again(self, *details):
        """The next run cleans up and does it all. From OLD and from NEW it does so anyway."""
        if self.now() in (self.old, self.new):
            return
        marker = WHOLE_FOLDER.get(self.name)
        if marker:
            folder = os.path.dirname(marker)
            now = self.now()
            if now != self.new:
                check(marker not in now or any(LEFT_BEHIND.match(path) for path in now), *details, "looks whole")
            shutil.rmtree(os.path.join(HERE, "out", folder), ignore_errors=True)
        again = flushtrace(*self.words, statuses=None)
        check(again.returncode in (self.status, 0), *details, "then exit", again.returncode, again.stderr)
        check(self.now() == self.new, *details, "then", sorted(self.now()), "not", sorted(self.new))

    def killed(self):
        for what in ("kill", "torn"):
            for number in range(1, CALLS_MAX):
                struck = self.strike(what, number)
                if not struck.struck:
                    check(struck.status == self.status and self.now() == self.new, self.name, what, number)
                    break
                details = (self.name, what, number, struck.where)
                check(struck.status == KILLED, *details, "exit", struck.status)
                self.check_whole(self.now(), True, *details)
                self.check_again(*details)
            check(number == self.calls + 1, self.name, what, "struck", number - 1, "of", self.calls)

    def refused(self, what, reason):
        strikes = 0
        for number in range(1, self.calls + 1):
            struck = self.strike(what, number)
            if not struck.struck:
                continue
            strikes += 1
            details = (self.name, what, number, struck.where, struck.errors)
            check(struck.status == OWN_FAILURE, *details, "exit", struck.status)
            said = [line for line in (struck.errors + struck.printed).splitlines() if reason in line]
            check(said, *details, "no reason", struck.printed)
            check("out/" in said[0] or "out:" in said[0], *details, "no file")
            self.check_whole(self.now(), False, *details)
            self.check_again(*details)
        check(strikes > 0, self.name, what, "never")

    def all(self):
        self.killed()
        self.refused("nospace", "No space left on device")
        self.refused("badsync", "Input/output error")
        for what in ("short", "interrupt"):
            struck = self.strike(what, 1)
            check(struck.struck, self.name, what, "never")
            check(struck.status == self.status, self.name, what, struck.status, struck.errors)
            check(self.now() == self.new, self.name, what, "changed what was written")


# ---- what is not like that ----


def fuzz():
    """Engines write when they please: the calls differ from run to run, what must hold after each does not."""
    os.mkdir(os.path.join(HERE, "out"))
    words = ("fuzz", "wdm-packet", "--mutant", "no-flush-on-abort", "--time", "60", "--stop-at-finding", "--jobs", "1",
             "--out", "out/found")
    strikes = 0
    for number in (1, 2, 5, 8, 13, 21, 34, 40, 46, 52, 60, 80):
        set_out(None)
        struck = Struck("kill", number, words)
        strikes += struck.struck
        for path, bytes_ in content(os.path.join(HERE, "out")).items():
            name = os.path.basename(path)
            details = ("fuzz", number, struck.where, path)
            if path.endswith(".ftr"):
                flushtrace("show", os.path.join("out", path), "--no-pager")
            elif path.endswith(".bytes"):
                check(len(bytes_) > 0, *details, "is empty")
            elif "/pending/" in path or "/findings/" in path:
                check(LEFT_BEHIND.match(name), *details)
        again = flushtrace(*words, statuses=(1,))
        left = [path for path in content(os.path.join(HERE, "out")) if path.endswith((".tmp", ".new"))]
        check(not left, "fuzz", number, struck.where, "left", left, again.stderr)
        check(glob.glob(os.path.join(HERE, "out/found/**/findings/*.ftr"), recursive=True), "fuzz", number, "found nothing")
    check(strikes >= 8, "fuzz", strikes, "strikes")
    set_out(None)
    struck = Struck("nospace", 1, words)
    check(struck.status == OWN_FAILURE and "No space left on device" in struck.errors, struck.status, struck.errors)


def stdout():
    """An answer that nobody can read is a failure, too."""
    os.makedirs(os.path.join(HERE, "in"))
    a_trace()
    for words in (("show", "in/a.ftr", "--no-pager"), ("show", "in/a.ftr", "--json"), ("rules",), ("replay", "in/a.ftr"),
                  ("corpus", "stats", "in"), ("--version",), ("--help",), ("regress", "in", "--json")):
        with open("/dev/full", "w", encoding="utf-8") as full:
            result = subprocess.run([FLUSHTRACE, *words], cwd=HERE, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=full,
                                    stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        check(result.returncode == OWN_FAILURE, words, "exit", result.returncode, result.stderr)
        check("standard output" in result.stderr and "No space left on device" in result.stderr, words, result.stderr)
    # A file that is none is written, and stays what it is.
    os.mkfifo(os.path.join(HERE, "pipe"))
    with subprocess.Popen(["cat", os.path.join(HERE, "pipe")], stdout=subprocess.PIPE) as reader:
        trace("pipe")
        check(reader.communicate(timeout=PATIENCE)[0] == content(os.path.join(HERE, "in"))["a.ftr"], "pipe")
    os.symlink("in/a.ftr", os.path.join(HERE, "link"))
    trace("link", "--mutant", "no-flush-on-abort")
    check(os.path.islink(os.path.join(HERE, "link")), "a link was replaced")


def tmpfs():
    """A disk that is really full, where a test may mount one. Elsewhere `nospace` stands for it."""
    os.makedirs(os.path.join(HERE, "in"))
    os.mkdir(os.path.join(HERE, "out"))
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", os.path.join(HERE, "out")],
                      capture_output=True, check=False).returncode != 0:
        print("tmpfs: this machine lets no test mount one; nospace stands for it")
        return
    a_trace()
    script = """mount -t tmpfs -o size=16k tmpfs out && cp in/a.ftr out/a.json && cp in/a.ftr out/old &&
        "$0" export in/a.ftr --format json -o out/a.json; echo "exit $?"; cmp out/a.json out/old && ls out"""
    result = run("unshare", "-rm", "sh", "-c", script, FLUSHTRACE)
    check(result.stdout.split() == ["exit", "5", "a.json", "old"], result.stdout, result.stderr)
    check("out/a.json: No space left on device" in result.stderr, result.stderr)


def main():
    global FLUSHTRACE, STRIKE, EDIT_TRACE, HERE
    FLUSHTRACE, STRIKE, EDIT_TRACE = (os.path.abspath(path) for path in sys.argv[1:4])
    for name in sys.argv[4:] or COMMANDS:
        with tempfile.TemporaryDirectory(prefix="flushtrace-saving.") as folder:
            HERE = os.path.realpath(folder)
            if name in COMMANDS:
                case = Case(name)
                case.all()
                print(f"{name}: {case.calls} calls")
            else:
                {"fuzz": fuzz, "stdout": stdout, "tmpfs": tmpfs}[name]()
                print(name)


if __name__ == "__main__":
    main()
