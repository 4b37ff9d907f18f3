"""What the results of a time-to-exposure measurement say: the table, its closing lines, and docs/TTE.md."""
import collections
import json
import math
import os
import statistics

BASELINES = ("bytes", "random")
PAGE = """# Time to exposure

How many runs of a driver core it takes until a fuzzer meets a planted defect, from an empty corpus, on one processor. Written by
`./dev bench tte --write-docs` from what it measured; `bench/tte.json` has the same figures. `bench/tte.py --help` says how they are
taken: the mutants are chosen by the hash of their names, not by how soon they are found.

- **structured** is what `flushtrace fuzz` does: it mutates whole ops, and learns from code and states that are reached. **bytes** is
  libFuzzer's own mutation of the same target with the same feedback. **random** draws a fresh structured scenario each time.
- Runs are exact and depend on the seed and the build only. Seconds are processor time of the target, start-up included.
- `>` marks a figure that is a lower bound: the median run ended at its limit without a finding. A ratio with `>` is one, too; a
  ratio with `<` has a structured run that was cut off, and leaves the geometric mean.

"""


class Figure:
    """The results of one mutant and one strategy: medians, and whether they are bounds only."""

    def __init__(self, results):
        self.runs = len(results)
        self.found = sum(result["found"] for result in results)
        # A run that was cut off would have gone on: it sorts behind a finding at the same count.
        ordered = sorted((result["executions"], not result["found"]) for result in results)
        middle = ordered[(len(ordered) - 1) // 2:len(ordered) // 2 + 1]
        self.executions = statistics.mean(count for count, _ in middle) if middle else None
        # A median stands only if as many runs as it needs have really ended below it.
        self.censored = any(cut or self.cut_below(ordered, count) for count, cut in middle)
        self.cpu = [result["cpu_seconds"] for result in results]

    @staticmethod
    def cut_below(ordered, count):
        return any(cut and other < count for other, cut in ordered)

    def text(self):
        if self.executions is None:
            return "-"
        return f"{'>' if self.censored else ''}{self.executions:.0f}"

    def json(self):
        return {"runs": self.runs, "found": self.found, "executions_median": self.executions, "censored": self.censored,
                "cpu_seconds_median": statistics.median(self.cpu) if self.cpu else None}


class Row:
    def __init__(self, mutant, results):
        self.core, self.mutant, self.results = mutant.core, mutant.name, results
        # What any calm scenario finds is found by the first inputs of every strategy: nothing is to be chosen there.
        self.needs_a_moment = mutant.fields.get("Calm") == "clean"
        self.figure = {strategy: Figure([r for r in results if r["strategy"] == strategy])
                       for strategy in ("structured",) + BASELINES}
        self.structured = [r for r in results if r["strategy"] == "structured"]
        self.ops = [r["shrunk_ops"] for r in self.structured if "shrunk_ops" in r]
        rules = collections.Counter(r["rule"] for r in self.structured if r.get("rule")).most_common()
        self.rule = (rules[0][0] + (f" +{len(rules) - 1}" if len(rules) > 1 else "")) if rules else "not found"

    def ratio(self, baseline):
        own, other = self.figure["structured"], self.figure[baseline]
        if not own.executions or not other.executions:
            return None
        return other.executions / own.executions

    def ratio_text(self, baseline):
        ratio = self.ratio(baseline)
        if ratio is None:
            return "-"
        mark = "<" if self.figure["structured"].censored else ">" if self.figure[baseline].censored else ""
        return f"{mark}{ratio:.3g}" if ratio < 1000 else f"{mark}{ratio:.0f}"

    def cells(self):
        cpu = self.figure["structured"].cpu
        return [f"{self.core}+{self.mutant}", self.rule, self.figure["structured"].text(), self.figure["bytes"].text(),
                self.figure["random"].text(), self.ratio_text("bytes"), self.ratio_text("random"),
                f"{statistics.median(cpu):.1f}" if cpu else "-", f"{max(cpu):.1f}" if cpu else "-",
                f"{statistics.median(self.ops):g}" if self.ops else "-"]

    def json(self):
        return {"driver": self.core, "mutant": self.mutant, "rule": self.rule, "needs_a_moment": self.needs_a_moment,
                **{strategy: figure.json() for strategy, figure in self.figure.items()},
                **{f"ratio_{baseline}": self.ratio(baseline) for baseline in BASELINES},
                "shrunk_ops_median": statistics.median(self.ops) if self.ops else None}


class Table:
    TITLES = ["mutant", "rule", "structured", "bytes", "random", "x bytes", "x random", "s median", "s max", "ops"]
    LEFT = 2  # columns that are words

    def __init__(self, mutants, results):
        results = list(results)
        self.rows = [Row(m, [r for r in results if (r["core"], r["mutant"]) == (m.core, m.name)]) for m in mutants]
        self.structured = [result for row in self.rows for result in row.structured]
        self.found = [result for row in self.rows for result in row.results if result["found"]]

    def speedup(self, baseline, need_a_moment=False):
        """Geometric mean of the ratios, how many there are, and how many are lower bounds."""
        rows = [row for row in self.rows if row.ratio(baseline) and not row.figure["structured"].censored
                and (row.needs_a_moment or not need_a_moment)]
        if not rows:
            return None, 0, 0
        mean = math.exp(statistics.mean(math.log(row.ratio(baseline)) for row in rows))
        return mean, len(rows), sum(row.figure[baseline].censored for row in rows)

    def summary(self):
        """Pairs of name and sentence."""
        lines = []
        if self.structured:
            cpu = [result["cpu_seconds"] if result["found"] else math.inf for result in self.structured]
            within = {limit: sum(seconds <= limit for seconds in cpu) for limit in (2, 60)}
            slowest = max(cpu)
            lines.append(("structured runs", f"{len(cpu)}, {sum(r['found'] for r in self.structured)} found; median "
                          f"{statistics.median(cpu):.2f} s, slowest "
                          f"{'not found' if math.isinf(slowest) else f'{slowest:.1f} s'}; within 2 s {within[2]} "
                          f"({within[2] / len(cpu):.0%}), within 60 s {within[60]} ({within[60] / len(cpu):.0%})"))
        for baseline in BASELINES:
            mean, count, bounds = self.speedup(baseline)
            if mean is not None:
                calm, few, _ = self.speedup(baseline, need_a_moment=True)
                lines.append((f"fewer runs than {baseline}", f"{mean:.1f} times, geometric mean of {count} mutants"
                              f"{f' ({bounds} lower bounds)' if bounds else ''}"
                              f"{f'; {calm:.1f} times for the {few} that no calm scenario finds' if few else ''}"))
        cpu = {strategy: [r["cpu_seconds"] for row in self.rows for r in row.results if r["strategy"] == strategy]
               for strategy in ("structured",) + BASELINES}
        if any(cpu[baseline] for baseline in BASELINES):
            lines.append(("processor seconds of a run, mean", ", ".join(
                f"{strategy} {statistics.mean(seconds):.2f}" for strategy, seconds in cpu.items() if seconds)
                + ""))
        if self.found:
            lines.append(("reproduction", f"{sum(bool(r.get('reproduces')) for r in self.found)} of {len(self.found)} "
                          "findings: strict replay at the first try, sound core clean"))
        ops = [row_ops for row in self.rows for row_ops in row.ops]
        if ops:
            lines.append(("ops after shrinking", f"median {statistics.median(ops):g}, most {max(ops)}"))
        return lines

    def text(self):
        lines = [self.TITLES] + [row.cells() for row in self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.TITLES))]
        out = ["  ".join(cell.ljust(width) if i < self.LEFT else cell.rjust(width)
                         for i, (cell, width) in enumerate(zip(line, widths))) for line in lines]
        out.insert(1, "-" * len(out[0]))
        out += ["", *(f"{name}: {sentence}" for name, sentence in self.summary())]
        out += [f"not as it should be: {r['core']}+{r['mutant']} {r['strategy']} seed {r['seed']}: {r['why']}"
                for r in self.found if r.get("why")]
        return "\n".join(out)

    def json(self):
        means = {name: self.speedup(name)[0] for name in BASELINES}
        moments = {name: self.speedup(name, need_a_moment=True)[0] for name in BASELINES}
        return {"mutants": [row.json() for row in self.rows], "summary": dict(self.summary()),
                **{f"geometric_mean_{name}": mean for name, mean in means.items()},
                **{f"geometric_mean_{name}_need_a_moment": mean for name, mean in moments.items()}}

    def write_json(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.json(), file, indent=1)
            file.write("\n")

    def write_docs(self, root):
        self.write_json(os.path.join(root, "bench", "tte.json"))
        with open(os.path.join(root, "docs", "TTE.md"), "w", encoding="utf-8") as file:
            file.write(PAGE)
            file.writelines(f"- **{name}**: {sentence}\n" for name, sentence in self.summary())
            file.write("\n| " + " | ".join(self.TITLES) + " |\n")
            file.write("|" + "---|" * self.LEFT + "--:|" * (len(self.TITLES) - self.LEFT) + "\n")
            for row in self.rows:
                file.write("| " + " | ".join(row.cells()) + " |\n")
