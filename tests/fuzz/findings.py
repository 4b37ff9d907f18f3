"""What a finding must stand up to, whoever found it: it becomes a trace, replays event for event at the first try, leaves the sound
core clean, and shrinks. Shared by the tests of campaigns, the recorder of traces and `./dev bench tte`."""
import json
import subprocess


class Refused(Exception):
    """Why a finding does not count."""


class Flushtrace:
    """The program; each call returns (exit status, the JSON answer, the end of standard error)."""

    def __init__(self, program):
        self.program = program

    def __call__(self, *words):
        done = subprocess.run([self.program, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False)
        try:
            answer = json.loads(done.stdout) if done.stdout.strip() else {}
        except json.JSONDecodeError:
            answer = {}
        return done.returncode, answer, done.stderr.strip()[-200:]

    def mutants(self, core):
        _, answer, _ = self("drivers")
        for driver in answer["drivers"]:
            if driver["driver"] == core:
                return driver["mutants"]
        raise SystemExit(f"no driver {core}")

    def campaign(self, core, mutant, folder, seed=1, seconds=60, engine="libfuzzer"):
        """The first finding of a campaign with an empty corpus."""
        status, answer, errors = self(
            "fuzz", core, "--mutant", mutant, "--engine", engine, "--seed", str(seed), "--time", str(seconds), "--out",
            folder, "--stop-at-finding")
        found = [finding for finding in answer.get("findings", []) if finding["new"]]
        if status != 1 or not found:
            raise Refused(f"not found in {seconds} s (exit {status}) {errors}")
        return {**found[0], "executions": answer["executions"]}

    def record(self, core, mutant, scenario, trace):
        """Runs a scenario that a fuzz target left, as a user would. A defect that only ASan's build sees is recorded by that."""
        for flavour in ("plain", "asan"):
            status, answer, errors = self("run", core, "--mutant", mutant, "--scenario", scenario, "--flavour", flavour,
                                          "-o", trace)
            if status == 1:
                return answer
        raise Refused(f"the target's scenario gives no finding: exit {status} {answer.get('verdict')} {errors}")

    def check(self, trace):
        """A trace of ASan's build that the plain one cannot judge (exit 4) is one for ASan's build, as replay says."""
        flavour = ["--flavour", "plain"]
        status, again, errors = self("replay", trace, *flavour)
        if status == 4:
            flavour = ["--flavour", "asan"]
            status, again, errors = self("replay", trace, *flavour)
        if status != 0:
            raise Refused(f"does not replay: exit {status} {again.get('verdict')} {errors}")
        status, sound, errors = self("replay", trace, *flavour, "--follow", "--mutant", "none")
        if sound.get("verdict") != "clean":
            raise Refused(f"the sound core is not clean: {sound.get('verdict')} {sound.get('rule')} {errors}")

    def shrink(self, trace, small):
        for flavour in ("plain", "asan"):
            status, answer, errors = self("shrink", trace, "--flavour", flavour, "-o", small)
            if status == 0:
                break
        if status != 0:
            raise Refused(f"does not shrink: exit {status} {errors}")
        return answer
