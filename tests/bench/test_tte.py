#!/usr/bin/env python3
"""Time to exposure: what the table makes of results, what the file of results keeps, and that a measurement goes on.

usage: test_tte.py                 the table, the choice of mutants and the file of results
       test_tte.py BIN             a measurement of two mutants with the programs of BIN, twice
"""
import collections
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import tte  # noqa: E402
import tte_report  # noqa: E402

Mutant = collections.namedtuple("Mutant", "core name fields")
BIN = None


def result(strategy, executions, found=True, seed=1, mutant="m", cpu=1.0, **more):
    return {"build": "b", "core": "c", "mutant": mutant, "strategy": strategy, "seed": seed, "found": found,
            "executions": executions, "cpu_seconds": cpu, "seconds": cpu, "executions_limit": 100, "seconds_limit": 60,
            "rule": "dma.x", "reproduces": found, **more}


def table(*results, mutants=("m",)):
    fields = {"Calm": "clean"}
    return tte_report.Table([Mutant("c", name, {} if name == "n" else fields) for name in mutants], results)


class Figures(unittest.TestCase):
    def test_median(self):
        self.assertEqual(tte_report.Figure([result("bytes", n) for n in (5, 1, 3)]).text(), "3")
        self.assertEqual(tte_report.Figure([result("bytes", n) for n in (5, 1)]).text(), "3")
        self.assertEqual(tte_report.Figure([]).text(), "-")

    def test_a_run_that_was_cut_off_is_a_lower_bound(self):
        figure = tte_report.Figure([result("bytes", 10), result("bytes", 100, found=False), result("bytes", 20)])
        self.assertEqual((figure.text(), figure.found), ("20", 2))
        figure = tte_report.Figure([result("bytes", 10), result("bytes", 100, found=False), result("bytes", 100, found=False)])
        self.assertEqual(figure.text(), ">100")

    def test_cut_off_below_the_median_may_have_gone_beyond_it(self):
        figure = tte_report.Figure([result("bytes", 5, found=False), result("bytes", 10), result("bytes", 20)])
        self.assertEqual(figure.text(), ">10")

    def test_ratio_and_marks(self):
        row = table(result("structured", 10), result("bytes", 100, found=False), result("random", 50)).rows[0]
        self.assertEqual((row.ratio_text("bytes"), row.ratio_text("random")), (">10", "5"))
        row = table(result("structured", 10, found=False), result("bytes", 50)).rows[0]
        self.assertEqual((row.ratio_text("bytes"), row.ratio_text("random")), ("<5", "-"))

    def test_geometric_mean_leaves_out_what_is_unknown(self):
        both = table(result("structured", 10), result("bytes", 40), result("structured", 1, mutant="n"),
                     result("bytes", 9, mutant="n", found=False), result("structured", 7, mutant="o", found=False),
                     result("bytes", 7, mutant="o"), mutants=("m", "n", "o", "p"))
        mean, count, bounds = both.speedup("bytes")
        self.assertAlmostEqual(mean, 6.0)
        self.assertEqual((count, bounds), (2, 1))
        mean, count, _ = both.speedup("bytes", need_a_moment=True)
        self.assertAlmostEqual(mean, 4.0)
        self.assertEqual(count, 1)
        self.assertEqual(both.speedup("random"), (None, 0, 0))

    def test_summary(self):
        summary = dict(table(result("structured", 10, cpu=1.0, shrunk_ops=3), result("structured", 10, cpu=5.0, seed=2, shrunk_ops=5),
                             result("structured", 10, cpu=60.0, seed=3, found=False)).summary())
        self.assertIn("3, 2 found; median 5.00 s, slowest not found; within 2 s 1 (33%), within 60 s 2 (67%)",
                      summary["structured runs"])
        self.assertTrue(summary["reproduction"].startswith("2 of 2 findings"))
        self.assertEqual(summary["ops after shrinking"], "median 4, most 5")

    def test_a_finding_that_does_not_stand_is_named(self):
        self.assertIn("c+m structured seed 1: does not replay",
                      table(result("structured", 10, reproduces=False, why="does not replay")).text())


class Keeping(unittest.TestCase):
    def test_choice_is_by_name_and_fixed(self):
        names = [f"{m.core}+{m.name}" for m in tte.chosen(24)]
        self.assertEqual((len(names), names), (24, [f"{m.core}+{m.name}" for m in tte.chosen(24)]))
        self.assertLess({f"{m.core}+{m.name}" for m in tte.chosen(12)}, set(names))

    def test_file_of_results(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "new", "tte.jsonl")
            results = tte.Results(path, {"c": "b"})
            results.add(result("bytes", 100, found=False, cpu=3.0))
            results.add(result("random", 7))
            results.add({**result("structured", 7), "build": "of another time"})
            with open(path, "a", encoding="utf-8") as file:
                file.write('{"build": "b", "core": "c", "mut')  # killed in mid-line
            again = tte.Results(path, {"c": "b"})
            self.assertEqual((len(again.by_cell), again.others), (2, 1))
            cut_off = tte.Cell("c", "m", "bytes", 1)
            self.assertTrue(again.has(cut_off, 100, 60))
            self.assertFalse(again.has(cut_off, 200, 60), "more runs are asked for")
            self.assertTrue(again.has(cut_off, 200, 3), "its time was up")
            self.assertTrue(again.has(tte.Cell("c", "m", "random", 1), 10**9, 10**9), "found is found")
            self.assertFalse(again.has(tte.Cell("c", "m", "structured", 1), 1, 1), "another build")
            again.add(result("random", 9, seed=2))
            self.assertEqual(len(tte.Results(path, {"c": "b"}).by_cell), 3, "a line cut off spoils no other")


class Measuring(unittest.TestCase):
    """As a user does it; needs the fuzz targets."""

    def measure(self, folder):
        done = subprocess.run([sys.executable, os.path.join(ROOT, "bench", "tte.py"), BIN, "--quick", "--strategy", "structured,random",
                               "--mutants", "wdm-packet+no-flush-on-abort,wdm-sglist+put-after-complete", "--results",
                               os.path.join(folder, "tte.jsonl"), "--json", os.path.join(folder, "tte.json")],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(folder, "tte.json"), encoding="utf-8") as file:
            return done, json.load(file)

    def test_measurement_and_its_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            first, figures = self.measure(folder)
            self.assertIn("[4/4]", first.stderr)
            self.assertIn("reproduction: 4 of 4", first.stdout)
            for mutant in figures["mutants"]:
                self.assertEqual((mutant["structured"]["found"], mutant["random"]["found"]), (1, 1), mutant)
            with open(os.path.join(folder, "tte.jsonl"), encoding="utf-8") as file:
                lines = file.readlines()
            with open(os.path.join(folder, "tte.jsonl"), "w", encoding="utf-8") as file:
                file.writelines(lines[:-1])
            again, repeated = self.measure(folder)
            self.assertIn("[1/1]", again.stderr)
            self.assertEqual([m["structured"]["executions_median"] for m in repeated["mutants"]],
                             [m["structured"]["executions_median"] for m in figures["mutants"]])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BIN = sys.argv.pop(1)
        unittest.main(defaultTest="Measuring")
    unittest.main(defaultTest=["Figures", "Keeping"])
