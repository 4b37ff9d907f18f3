#!/usr/bin/env python3
"""How small shrinking makes findings, and in how many runs and seconds.

usage: ./dev bench shrink [--traces FOLDER] [--ops 40,64] [--seed 1] [--only TEXT] [--keep FOLDER] [--json FILE]

Each violating trace is shrunk as it is stored, and again after it was blown up: random ops are put in at random places, as long as
the same rule in the same driver function is violated, until there are 40 to 64. The table has the ops of both before and after, and
for the blown-up one runs and seconds. A trace that can be simpler than it is stored is marked `*`; --keep FOLDER keeps what came out of
each, which may take its place. Exit status: 0; 1 when the median is above 12 ops or a result is not minimal; 5 our own failure.
"""
import argparse
import glob
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
MOST_OPS = 12  # the median may not be above it
TRIES = 60


class Failure(Exception):
    """Our own failure, or a trace that does not give its finding."""


class Bench:
    def __init__(self, arguments, folder):
        self.program = os.path.join(arguments.binaries, "flushtrace")
        self.folder = folder
        self.random = random.Random(arguments.seed)
        self.low, self.high = (int(n) for n in arguments.ops.split(","))
        self.ops = [op for op in self.call("ops")[1]["ops"] if op["built"]]
        self.points = [point["point"] for point in self.call("points")[1]["points"]]

    def call(self, *words):
        done = subprocess.run([self.program, *words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {"error": done.stderr.strip()}

    def shrink(self, trace, out):
        status, answer = self.call("shrink", trace, "-o", out)
        if status != 0:
            raise Failure(f"{trace}: does not shrink: exit {status} {answer.get('error')}")
        return answer

    # ---- noise ----

    def random_value(self, name, maximum, labels):
        if name == "of" and labels:
            return self.random.choice(labels)
        return str(min(maximum, self.random.choice([0, 1, self.random.randint(0, 9), self.random.randint(0, maximum)])))

    def random_op(self, labels):
        """One line: a request twice as often as another op, a moment every second time."""
        kind = self.random.choice(self.ops + 2 * [op for op in self.ops if op["class"] == "request"])
        words = [kind["op"]]
        for argument in kind["arguments"].split():
            name, bounds = argument.split("=")
            words.append(f"{name}={self.random_value(name, int(bounds.split('..')[1]), labels)}")
        if self.random.random() < 0.5:
            target = self.random.choice(["device"] + labels)
            words.append(f"@ {target}/{self.random.choice(self.points)}/{self.random.randint(1, 6)}")
        return " ".join(words)

    def finding(self, trace, scenario):
        """Rule and function of a scenario on the trace's driver, None for another verdict; leaves the run in noisy.ftr."""
        path = os.path.join(self.folder, "noisy.fts")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(scenario) + "\n")
        mutant = ["--mutant", trace["mutant"]] if trace["mutant"] else []
        _, answer = self.call("run", trace["driver"], *mutant, "--scenario", path, "-o", os.path.join(self.folder, "noisy.ftr"))
        return identity(answer)

    def blow_up(self, small):
        """Puts in as much as the finding bears. Labels of the finding stay what they are."""
        scenario = small["scenario"].strip().split("\n")
        labels = [line.split(":")[0] for line in scenario[1:] if ": " in line.split("@")[0]]
        wanted, goal = identity(small), self.random.randint(self.low, self.high)
        batch = 12
        for _ in range(TRIES):
            room = goal - (len(scenario) - 1)
            if room <= 0:
                break
            noisy = list(scenario)
            for _ in range(min(batch, room)):
                noisy.insert(self.random.randint(1, len(noisy)), self.random_op(labels))
            if self.finding(small, noisy) == wanted:
                scenario, batch = noisy, 12
            else:
                batch = max(1, batch // 2)
        if self.finding(small, scenario) != wanted:
            raise Failure("the finding does not come again")
        return scenario

    def measure(self, trace, keep):
        out = os.path.join(keep or self.folder, os.path.basename(trace) if keep else "small.ftr")
        small = self.shrink(trace, out)
        noisy = self.blow_up(small)
        again = self.shrink(os.path.join(self.folder, "noisy.ftr"), os.path.join(self.folder, "again.ftr"))
        return {"driver": small["driver"], "mutant": small["mutant"], "rule": small["rule"], "stored_ops": small["ops_before"],
                "stored_events": small["events_before"], "ops": small["ops"], "events": small["events"],
                "noisy_ops": len(noisy) - 1, "noisy_events": again["events_before"], "again_ops": again["ops"],
                "again_events": again["events"], "runs": again["runs"], "seconds": again["seconds"],
                "minimal": small["minimal"] and again["minimal"], "scenario": small["scenario"], "again": again["scenario"],
                "simpler": small["scenario"] != small["scenario_before"]}


def identity(answer):
    """The finding: rule and driver function without its line."""
    return (answer.get("verdict"), answer.get("rule"), (answer.get("function") or "").rpartition(":")[0])


def print_row(row):
    print(f"{row['driver'] + '+' + row['mutant']:42}{row['stored_ops']:>4} ->{row['ops']:>2}{'*' if row['simpler'] else ' '} "
          f"{row['noisy_ops']:>5} ->{row['again_ops']:>2} {row['runs']:>6} {row['seconds']:>7.2f}  {row['rule']}"
          f"{'' if row['minimal'] else '  NOT MINIMAL'}", flush=True)


def summary(rows):
    def figures(key):
        values = sorted(row[key] for row in rows)
        return {"median": statistics.median(values), "most": values[-1]}
    return {"traces": len(rows), "simpler_than_stored": sum(row["simpler"] for row in rows),
            "all_minimal": all(row["minimal"] for row in rows),
            **{key: figures(key) for key in ("ops", "noisy_ops", "again_ops", "again_events", "runs", "seconds")}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binaries")
    parser.add_argument("--traces", default=os.path.join(ROOT, "traces", "violates"))
    parser.add_argument("--ops", default="40,64")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    traces = [path for path in sorted(glob.glob(os.path.join(arguments.traces, "**", "*.ftr"), recursive=True))
              if arguments.only in path]
    if arguments.keep:
        os.makedirs(arguments.keep, exist_ok=True)
    rows, failed = [], 0
    print(f"{'driver+mutant':42}{'stored':>9}  {'noisy':>9} {'runs':>6} {'seconds':>7}  rule")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        for trace in traces:
            try:
                rows.append(bench.measure(trace, arguments.keep))
                print_row(rows[-1])
            except Failure as reason:
                failed += 1
                print(f"FAILED: {trace}: {reason}", flush=True)
    if not rows:
        return 5
    total = summary(rows)
    print(f"\n{total['traces']} traces, {total['simpler_than_stored']} of them simpler than stored")
    for key in ("ops", "noisy_ops", "again_ops", "again_events", "runs", "seconds"):
        print(f"  {key:14} median {total[key]['median']:8.2f}  most {total[key]['most']:8.2f}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"summary": total, "traces": rows}, file, indent=2)
    if failed:
        return 5
    return 0 if total["again_ops"]["median"] <= MOST_OPS and total["all_minimal"] else 1


if __name__ == "__main__":
    sys.exit(main())
