#!/usr/bin/env python3
"""Campaigns as a user runs them: killed and resumed, two engines on one corpus, known findings, locks, engines that die.

    test_campaign.py FLUSHTRACE TEST [...]     TEST: the name of a function test_* below, without test_

No test depends on speed: each waits for what it wants to see, a minute at most, and then ends the campaign itself.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 90  # seconds before something that must happen has not happened
MUTANT = "wdm-packet+no-flush-on-abort"
RULE = "dma.flush-before-free-regs"
PROGRAM = None
BINARIES = None


def check(what, *details):
    if not what:
        raise AssertionError(" ".join(str(d) for d in details))


def wait_for(what, reason):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE} s: {reason}")


class Campaign:
    """A running `flushtrace fuzz`; its answer is JSON unless words say otherwise."""

    def __init__(self, folder, *words, json_wanted=True, environment=None):
        self.folder = folder
        command = [PROGRAM, "fuzz", "--out", folder, *words]
        if json_wanted:
            command.insert(2, "--json")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **(environment or {})})

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, *statuses):
        out, self.errors = self.process.communicate(timeout=PATIENCE)
        self.out = out
        check(self.process.returncode in statuses, "exit", self.process.returncode, "not", statuses, self.errors, out)
        return json.loads(out) if out.startswith("{") else out

    def stop(self, *statuses):
        self.signal(signal.SIGINT)
        return self.end(*statuses)

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def files(self, pattern):
        return [f for f in glob.glob(os.path.join(self.folder, "*", pattern)) if os.path.isfile(f)]


def run(*command, status=0, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    check(done.returncode == status, command, "exit", done.returncode, done.stdout[-2000:])
    return done.stdout


def replays(finding):
    run(PROGRAM, "replay", finding["trace"])


def engines_of(folder):
    """Process numbers of whatever works in that folder, by its command line."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        number = int(path.split("/")[2])
        if number != os.getpid() and any(folder.encode() in word for word in words) and b"fuzz" not in words:
            found.append(number)
    return found


def test_kill(folder):
    """kill -9 with a finding that nobody has looked at: the next campaign has it, and says what it tidied up."""
    campaign = Campaign(folder, MUTANT, "--time", "300")
    wait_for(lambda: campaign.files("log/libfuzzer-0.runs"), "an engine")
    campaign.signal(signal.SIGSTOP)  # the engine goes on, and nobody takes its finding
    pending = campaign.files("findings/*.ftr") or wait_for(lambda: campaign.files("pending/*.bytes"), "a finding")
    campaign.kill()
    wait_for(lambda: not engines_of(folder), "engines that end with their campaign")
    base = os.path.join(folder, MUTANT)
    for name, content in ((".77.tmp", b"half"), ("torn.bytes", b"")):
        with open(os.path.join(base, "pending", name), "wb") as file:
            file.write(content)
    with open(os.path.join(base, "findings", "io.torn--X.ftr"), "wb") as file:
        file.write(b"\x28\xb5\x2f\xfd torn")
    again = Campaign(folder, MUTANT, "--time", "1")
    answer = again.end(1)
    check(RULE in [f["rule"] for f in answer["findings"]], pending, answer["findings"])
    check(not again.files("pending/*"), again.files("pending/*"))
    check(not os.path.exists(os.path.join(base, "pending", ".77.tmp")), "a temporary file was left")
    for said in (".77.tmp", "torn.bytes", "io.torn--X.ftr.damaged"):
        check(said in again.errors, said, "not in", again.errors)
    replays(answer["findings"][0])


def test_shared(folder):
    """Both engines on one corpus: each takes over what the other has found; the folder is one that AFL++'s and
    libFuzzer's own tools take."""
    base = os.path.join(folder, "wdm-packet")
    os.makedirs(os.path.join(base, "afl", "afl-0", "queue"))  # AFL++ was killed before its first entry
    campaign = Campaign(folder, "wdm-packet", "--engine", "both", "--jobs", "2", "--time", "300")

    def afl_took():
        return campaign.files("afl/afl-0/queue/id:*op:shared*") or campaign.files("afl/afl-0/queue/id:*sync:*")

    def afl_gave():
        return [f for f in campaign.files("corpus/*") if len(os.path.basename(f)) == 32]

    wait_for(afl_took, "an entry of AFL++'s queue that came from the shared corpus")
    given = wait_for(afl_gave, "an input of AFL++ in the shared corpus")
    with open(os.path.join(base, "log", "libfuzzer-0.log"), encoding="utf-8", errors="replace") as log:
        wait_for(lambda: "RELOAD" in log.read(), "libFuzzer reading the shared corpus again")
    check("Fuzzers alive : 1" in run("afl-whatsup", "-s", os.path.join(base, "afl")), "afl-whatsup sees no fuzzer")
    answer = campaign.stop(0)
    jobs = {j["engine"]: j for j in answer["jobs"]}
    check(answer["interrupted"] and sorted(jobs) == ["afl", "libfuzzer"], answer)
    check("has no queue to go on from" in campaign.errors, campaign.errors)
    check(jobs["afl"]["stability"] == "100.00%", jobs)
    check(all(j["executions"] > 0 and j["corpus"] > 0 and j["edges"] > 0 for j in jobs.values()), jobs)
    check(not engines_of(folder), "left over:", engines_of(folder))
    for file in given:  # whole files only
        check(0 < os.path.getsize(file) <= 1024, file)
    own_tools(folder, base)


def own_tools(folder, base):
    small = os.path.join(folder, "small")
    environment = {**os.environ, "AFL_ALLOW_TMP": "1"}
    for queue in ("afl/afl-0/queue", "corpus"):
        said = run("afl-cmin", "-i", os.path.join(base, queue), "-o", small + os.path.basename(queue), "--",
                   os.path.join(BINARIES, "flushtrace-afl-wdm-packet"), env=environment, cwd=folder)
        check("Narrowed down to" in said and os.listdir(small + os.path.basename(queue)), said[-500:])
    merged = os.path.join(folder, "merged")
    os.mkdir(merged)
    said = run(os.path.join(BINARIES, "flushtrace-fuzz-wdm-packet"), "-merge=1", merged, os.path.join(base, "corpus"),
               os.path.join(base, "afl", "afl-0", "queue"), cwd=folder)
    check(os.listdir(merged) and "MERGE-OUTER" in said, said[-500:])


def test_known(folder):
    """The first finding stops; it is small and replays; --ignore and a baseline make it one that does not count."""
    first = Campaign(os.path.join(folder, "a"), MUTANT, "--time", "300", "--stop-at-finding").end(1)
    finding = first["findings"][0]
    check(finding["rule"] == RULE == first["rule"] and finding["new"] and not finding["known"], first)
    check(first["rerun"] == finding["rerun"] and "replay" in first["rerun"], first["rerun"])
    check(finding["shrunk"] and finding["ops"] <= 12 and finding["ops"] <= finding["ops_found"], finding)
    replays(finding)
    function = finding["function"].split(":")[1]
    listed = os.path.join(folder, "known.txt")
    with open(listed, "w", encoding="utf-8") as file:
        file.write(f"# known\n{RULE} {function} the abort path is being rewritten\ndma.flush-before-complete Nobody never seen\n")
    again = Campaign(os.path.join(folder, "a"), MUTANT, "--time", "2", "--stop-at-finding", "--baseline", listed)
    answer = again.end(0)
    check(answer["findings"][0]["known"] and "rewritten" in answer["findings"][0]["reason"], answer["findings"])
    check(f"{listed}:3: not used: dma.flush-before-complete Nobody" in again.errors, again.errors)
    text = Campaign(os.path.join(folder, "a"), MUTANT, "--time", "1", "--ignore", f"{RULE}:{function}", json_wanted=False)
    said = text.end(0)
    check("(known: --ignore)" in said and "go on with" in said, said)
    check(said.splitlines()[-1].startswith(PROGRAM) and " fuzz " in said.splitlines()[-1], said)
    Campaign(os.path.join(folder, "b"), MUTANT, "--baseline", os.path.join(folder, "none.txt")).end(3)
    Campaign(os.path.join(folder, "b"), MUTANT, "--ignore", "no.such-rule").end(3)


def test_behind(folder):
    """--keep-going finds what is behind a known finding, and its traces replay."""
    mutant, known = "wdm-packet+cancel-completes-active", "dma.irp-cancel-flush"
    answer = Campaign(folder, mutant, "--time", "300", "--keep-going", "--ignore", known, "--stop-at-finding").end(1)
    rules = [f["rule"] for f in answer["findings"] if not f["known"]]
    check(rules and known not in rules and answer["rule"] == rules[0], answer["findings"])
    for finding in answer["findings"]:
        replays(finding)
        check(os.path.basename(finding["trace"]).startswith(finding["rule"]), finding)
    again = Campaign(folder, mutant, "--time", "1").end(1)
    for finding in again["findings"]:  # by the names of their files
        check(os.path.basename(finding["trace"]).startswith(finding["rule"]), finding)
    changed_driver(folder)


def changed_driver(folder):
    """A finding of another build is tried again: here those of a mutant, in the folder of the sound driver."""
    findings = os.path.join(folder, "wdm-packet", "findings")
    os.makedirs(findings)
    for file in glob.glob(os.path.join(folder, "*", "findings", "*.ftr")):
        shutil.copy(file, findings)
    changed = Campaign(folder, "wdm-packet", "--time", "1")
    answer = changed.end(0)
    check(not answer["findings"] and not os.listdir(findings), answer["findings"])
    check("is of another build" in changed.errors and "does not do that any more" in changed.errors, changed.errors)
    check(os.listdir(os.path.join(folder, "wdm-packet", "gone")), "nothing in gone/")


def test_lock(folder):
    """A second campaign in the folder is refused; engines that die are started again; Ctrl-C ends in order."""
    campaign = Campaign(folder, "wdm-packet", "wdm-slave", "--jobs", "2", "--time", "300", json_wanted=False)
    wait_for(lambda: len(campaign.files("log/libfuzzer-0.runs")) == 2, "two engines")
    second = Campaign(folder, "wdm-slave", "--time", "1")
    answer = second.end(3)
    check(answer["verdict"] == "error" and f"process {campaign.process.pid}" in answer["error"], answer)
    before = engines_of(folder)
    check(len(before) == 2, before)
    os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: [e for e in engines_of(folder) if e not in before], "an engine that is started again")
    said = campaign.stop(0)
    check("was ended by signal 9; it is started again (1 of 5)" in campaign.errors, campaign.errors)
    check("(interrupted)" in said and "started again 1 times" in said and "not reached by the corpus" in said, said)
    check(not engines_of(folder), "left over:", engines_of(folder))
    Campaign(folder, "wdm-slave", "--time", "1").end(0)
    hurried = Campaign(folder, "wdm-slave", "--time", "300")
    wait_for(lambda: engines_of(folder), "an engine")
    hurried.signal(signal.SIGINT)
    hurried.signal(signal.SIGINT)
    hurried.process.communicate(timeout=PATIENCE)
    check(hurried.process.returncode in (0, 128 + signal.SIGINT), hurried.process.returncode)
    wait_for(lambda: not engines_of(folder), "engines that end with their campaign")


def test_flags(folder):
    """Flags and AFL_* variables reach their engine; a bad call is refused."""
    answer = Campaign(folder, "wdm-slave", "--engine", "both", "--time", "300", "-runs=60", "--", "-E", "40",
                      environment={"AFL_BENCH_JUST_ONE": "1"}).end(0)
    check(not answer["interrupted"] and all(j["executions"] >= 40 for j in answer["jobs"]), answer["jobs"])
    module = os.path.join(os.path.dirname(BINARIES), "modules", "wdm-packet.so")
    answer = Campaign(folder, module, "--time", "300", "--seed", "7", "--", "-runs=300", "-max_len=64").end(0)
    check(answer["executions"] >= 300 and answer["driver"] == "wdm-packet", answer)
    corpus = glob.glob(os.path.join(folder, "wdm-packet", "corpus", "*"))
    check(corpus and all(os.path.getsize(f) <= 64 for f in corpus), "-max_len=64 was lost")
    missing = answer["drivers"][0]["not_reached"]
    check(missing["inputs"] > 0 and missing["points"] and 0 < missing["cells_reached"] < missing["cells"], missing)
    for words in (["wdm-packet", "wdm-packet"], ["wdm-none"], ["wdm-packet", "wdm-slave", "--mutant", "x"], [],
                  ["wdm-packet", "--engine", "none"], ["wdm-packet", "--jobs", "0"], ["wdm-packet", "--time", "x"],
                  ["wdm-packet", "--platform", "none"], ["wdm-packet+no-such"]):
        answer = Campaign(os.path.join(folder, "bad"), *words).end(3)
        check(answer["verdict"] == "error", words, answer)
    check(not os.path.exists(os.path.join(folder, "bad")), "a bad call left a folder")


def main():
    global PROGRAM, BINARIES
    PROGRAM = os.path.abspath(sys.argv[1])
    BINARIES = os.path.dirname(PROGRAM)
    failed = 0
    for name in sys.argv[2:]:
        with tempfile.TemporaryDirectory(prefix="flushtrace-campaign.") as folder:
            start = time.monotonic()
            try:
                globals()[f"test_{name}"](folder)
                print(f"{name}: passed in {time.monotonic() - start:.1f} s", flush=True)
            except (AssertionError, subprocess.TimeoutExpired) as reason:
                failed += 1
                print(f"{name}: FAILED: {reason}", flush=True)
                for number in engines_of(folder):
                    os.kill(number, signal.SIGKILL)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
