#!/usr/bin/env python3
"""flushtrace export: the command line, JSON, and the page's data, read back by another decoder than the page's.

    test_export.py FLUSHTRACE EDIT-TRACE REPEAT-TRACE TRACES-FOLDER HARNESS-FOLDER
"""
import base64
import glob
import html.parser
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import unittest

FLUSHTRACE, EDIT, REPEAT, TRACES, HARNESS = sys.argv[1:6]
VIOLATION = sorted(glob.glob(os.path.join(TRACES, "violates/dma.flush-early/*.ftr")))[0]
EXPLAINED = sorted(glob.glob(os.path.join(TRACES, "violates/kmdf.tx-release-in-transfer/*.ftr")))[0]
CLEAN = sorted(glob.glob(os.path.join(TRACES, "clean/wdm-sglist/*.ftr")))[0]
FRAMEWORK = sorted(glob.glob(os.path.join(TRACES, "clean/kmdf-sg/*.ftr")))[0]
MINIPORT = sorted(glob.glob(os.path.join(TRACES, "clean/scsi-slave/*.ftr")))[0]


def run(*arguments, status=0, **options):
    done = subprocess.run([FLUSHTRACE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, **options)
    assert done.returncode == status, f"exit {done.returncode}, not {status}: {arguments}\n{done.stderr.decode()}"
    return done.stdout


def shown(trace):
    return json.loads(run("show", trace, "--json"))


class Page(html.parser.HTMLParser):
    """The elements of a page that hold data, and every address it names."""

    def __init__(self, text):
        super().__init__()
        self.data, self.addresses, self.inside, self.unnamed = {}, [], None, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.addresses += [attributes[name] for name in ("src", "href", "action") if attributes.get(name)]
        if tag in ("script", "style"):
            self.inside = attributes.get("id", tag)
            self.data[self.inside] = ""
        if tag == "input" and not attributes.get("aria-label") or tag == "img":
            self.unnamed.append(tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.data[self.inside] += data


def numbers(text):
    value = shift = 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def decode(path):
    """Facts and events of a page, the latter as show --json has them."""
    with open(path, encoding="utf-8") as file:
        page = Page(file.read())
    facts, texts = json.loads(page.data["facts"]), json.loads(page.data["texts"])
    stream, events, now = numbers(page.data["events"]), [], 0
    for number in range(facts["events"]):
        kind, cpu, irql, layer, nesting, task, device, request, label, step, site, words = (next(stream) for _ in range(12))
        now += -(step + 1) // 2 if step % 2 else step // 2
        row = facts["kinds"][kind]
        events.append({"event": number + 1, "name": row["name"], "cpu": cpu - 1 if cpu else None, "nesting": nesting,
                       "task": f"task#{task}" if task else "", "device": f"device#{device}" if device else "",
                       "request": f"irp#{request}" if request else "", "label": label, "time": now, "function": texts[site],
                       "arguments": {name: text for name, text in ((name, texts[next(stream)]) for name in row["arguments"])
                                     if text}})
        assert words < len(texts) and irql < 32 and layer < 6
    assert next(stream, None) is None, "something stands behind the events"
    spans, stream, before = [], numbers(page.data["spans"]), 0
    for _ in range(facts["spans"]):
        kind, begin, length, mark, owner, lane, detail, depth, flags, thing, title = (next(stream) for _ in range(11))
        before += begin
        spans.append({"kind": kind, "begin": before + 1, "end": before + length + 1, "mark": before + mark if mark else None,
                      "owner": owner - 1 if owner else None, "open": bool(flags & 2), "object": texts[thing],
                      "name": texts[title]})
    assert next(stream, None) is None, "something stands behind the spans"
    return page, facts, events, spans


class Usage(unittest.TestCase):
    def refused(self, *arguments, status=3):
        done = subprocess.run([FLUSHTRACE, "export", *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, status, done.stderr)
        answer = json.loads(done.stdout)
        self.assertEqual(answer["verdict"], "error")
        return answer["error"]

    def test_refusals(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "x.html")
            self.assertIn("--format is missing", self.refused(VIOLATION, "-o", out))
            self.assertIn("not 'pdf'", self.refused(VIOLATION, "--format", "pdf", "-o", out))
            self.assertIn("-o is missing", self.refused(VIOLATION, "--format", "html"))
            self.assertIn("TRACE is missing", self.refused("--format", "html", "-o", out))
            self.assertIn("no-such.ftr", self.refused("no-such.ftr", "--format", "html", "-o", out))
            self.assertIn("cannot write there", self.refused(VIOLATION, "--format", "html", "-o", "/no/where/x.html"))
            for refused in glob.glob(os.path.join(TRACES, "refused/*.ftr")):
                self.refused(refused, "--format", "json", "-o", out)
            self.assertEqual(os.listdir(folder), [])

    def test_answer(self):
        with tempfile.TemporaryDirectory() as folder:
            for form in ("html", "json", "perfetto", "ctest"):
                out = os.path.join(folder, "x." + form)
                answer = json.loads(run("export", VIOLATION, "--format", form, "-o", out, "--json"))
                for key in "verdict rule event function driver mutant platform flavour model events hash rerun".split():
                    self.assertIn(key, answer)
                self.assertEqual((answer["format"], answer["output"], answer["bytes"]), (form, out, os.path.getsize(out)))
                with open(out, "rb") as file:
                    self.assertEqual(run("export", VIOLATION, "--format", form), file.read())

    def test_a_full_disk_leaves_the_old_file(self):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "x.html")
            with open(out, "w", encoding="utf-8") as file:
                file.write("old")
            done = subprocess.run(["bash", "-c", 'trap "" XFSZ; exec "$@"', "-", FLUSHTRACE, "export", VIOLATION, "--format",
                                   "html", "-o", out], stderr=subprocess.PIPE, text=True, preexec_fn=small_files)
            self.assertEqual(done.returncode, 5)
            self.assertIn("File too large", done.stderr)
            self.assertEqual(os.listdir(folder), ["x.html"])
            with open(out, encoding="utf-8") as file:
                self.assertEqual(file.read(), "old")


class Json(unittest.TestCase):
    def test_what_it_holds(self):
        for trace in (VIOLATION, CLEAN, FRAMEWORK, MINIPORT):
            whole, show = json.loads(run("export", trace, "--format", "json")), shown(trace)
            self.assertEqual((whole["format"], whole["format_version"]), ("flushtrace-json", 1))
            self.assertEqual(whole["lines"], show["lines"])
            for key in "verdict rule event function also warnings driver mutant platform hash events suspended".split():
                self.assertEqual(whole[key], show[key], key)
            self.assertEqual(len(whole["scenario_ops"]), whole["ops"])
            for op in whole["scenario_ops"]:
                for end, name in (("fired", "op:fired"), ("late", "op:late"), ("skipped", "op:skipped")):
                    if op[end]:
                        self.assertEqual(whole["lines"][op[end] - 1]["name"], name)
                        self.assertEqual(whole["lines"][op[end] - 1]["arguments"]["index"], str(op["op"]))

    def test_spans(self):
        first = {"request": "irp:new", "task": "task:new", "routine": "call:enter", "engine": "engine:begin",
                 "common": "dma:common-alloc"}
        for trace in (VIOLATION, CLEAN, FRAMEWORK, MINIPORT):
            whole = json.loads(run("export", trace, "--format", "json"))
            lines, spans = whole["lines"], whole["spans"]
            self.assertEqual([s["begin"] for s in spans], sorted(s["begin"] for s in spans))
            counted = sum(line["name"] in first.values() for line in lines)
            maps = [s for s in spans if s["span"] == "mapping"]
            mapped = [line["arguments"]["mapping"] for line in lines if line["name"] in ("dma:map", "dma:sg-element")]
            self.assertEqual([s["object"] for s in maps], [m for m in mapped if m != "-"])
            self.assertEqual(len(spans) - len(maps), counted)
            self.assertNotEqual(maps, [])
            for span in spans:
                self.assertGreaterEqual(span["end"] or len(lines), span["begin"])
                if span["span"] in first:
                    self.assertEqual(lines[span["begin"] - 1]["name"], first[span["span"]])
            for span in maps:
                # A port driver maps for requests of its own that are no IRPs.
                if not span["request"]:
                    self.assertEqual(trace, MINIPORT)
                    continue
                if span["flushed"]:
                    flush = lines[span["flushed"] - 1]
                    self.assertEqual((flush["name"], flush["arguments"]["mapping"]), ("dma:flushed", span["object"]))
                if span["end"] and (span["flushed"] or 0) < span["end"]:
                    completion = lines[span["end"] - 1]
                    self.assertEqual((completion["name"], completion["arguments"]["irp"]), ("irp:complete", span["request"]))

    def test_the_violation_is_a_mapping_that_was_not_flushed(self):
        whole = json.loads(run("export", VIOLATION, "--format", "json"))
        blamed = whole["lines"][whole["event"] - 1]["arguments"]["mdl"]
        maps = [line["arguments"]["mapping"] for line in whole["lines"]
                if line["name"] == "dma:map" and line["arguments"]["mdl"] == blamed]
        span = next(s for s in whole["spans"] if s["span"] == "mapping" and s["object"] == maps[-1])
        self.assertEqual((span["flushed"], span["end"]), (None, None))


class Html(unittest.TestCase):
    def page(self, trace, folder):
        out = os.path.join(folder, "page.html")
        run("export", trace, "--format", "html", "-o", out)
        return decode(out)

    def test_events_and_spans(self):
        for trace in (VIOLATION, CLEAN, FRAMEWORK, MINIPORT):
            with tempfile.TemporaryDirectory() as folder:
                page, facts, events, spans = self.page(trace, folder)
            whole = json.loads(run("export", trace, "--format", "json"))
            for line in whole["lines"]:
                del line["irql"], line["layer"]
            self.assertEqual(events, whole["lines"])
            self.assertEqual(facts["verdict"], whole["verdict"])
            self.assertEqual(facts["rerun"], whole["rerun"])
            self.assertEqual([(s["begin"], s["name"], s["object"]) for s in spans],
                             [(s["begin"], s["name"], s["object"]) for s in whole["spans"]])
            self.assertEqual([None if s["open"] else s["end"] for s in spans], [s["end"] for s in whole["spans"]])
            self.assertEqual([spans[s["owner"]]["object"] if s["owner"] is not None else "" for s in spans],
                             [s.get("request", "") for s in whole["spans"]])

    def test_it_needs_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            page, *_ = self.page(VIOLATION, folder)
        self.assertEqual(page.addresses, ["data:,"])
        self.assertEqual(page.unnamed, [])
        for text in (page.data["style"], page.data["script"]):
            self.assertIsNone(re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|WebSocket|import\(", text))
        self.assertNotIn("<!--@", page.data["script"])

    def test_hostile_text_stays_text(self):
        with tempfile.TemporaryDirectory() as folder:
            evil = os.path.join(folder, "evil.ftr")
            text = "</script><script>alert(1)//<!--"
            subprocess.run([EDIT, CLEAN, evil, "print", "20 " + text], check=True)
            page, _, events, _ = self.page(evil, folder)
            with open(os.path.join(folder, "page.html"), encoding="utf-8") as file:
                raw = file.read()
        self.assertEqual(sorted(page.data), ["events", "facts", "script", "spans", "style", "texts"])
        self.assertEqual(raw.count("</script>"), 5)
        self.assertIn("alert(1)", events[19]["arguments"]["text"])
        self.assertNotIn("alert", page.data["script"])

    def test_a_hundred_thousand_events(self):
        with tempfile.TemporaryDirectory() as folder:
            long = os.path.join(folder, "long.ftr")
            subprocess.run([REPEAT, CLEAN, "100000", long], check=True)
            page, facts, events, spans = self.page(long, folder)
            self.assertGreaterEqual(len(events), 100000)
            self.assertLess(os.path.getsize(os.path.join(folder, "page.html")), 12 << 20)
            self.assertGreater(len(spans), 5000)

    def test_a_page_has_its_limit(self):
        with tempfile.TemporaryDirectory() as folder:
            long = os.path.join(folder, "long.ftr")
            subprocess.run([EDIT, CLEAN, long, "events", "1100001"], check=True)
            done = subprocess.run([FLUSHTRACE, "export", long, "--format", "html", "-o", os.path.join(folder, "x.html")],
                                  stderr=subprocess.PIPE, text=True)
            self.assertEqual((done.returncode, os.listdir(folder)), (3, ["long.ftr"]))
            self.assertIn("too many for a page", done.stderr)


class Explained(unittest.TestCase):
    """The point of no return, as flushtrace explain finds it."""

    @classmethod
    def setUpClass(cls):
        cls.found = json.loads(run("explain", EXPLAINED, "--json"))

    def test_page_and_json(self):
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "x.html")
            run("export", EXPLAINED, "--format", "html", "--explain", "-o", out)
            facts = decode(out)[1]
            run("export", EXPLAINED, "--format", "json", "--explain", "-o", out)
            with open(out, encoding="utf-8") as file:
                whole = json.load(file)
        for answer in (facts, whole):
            self.assertEqual(answer["no_return"]["found"], "point")
            for key in ("event", "rule_event", "at", "before"):
                self.assertEqual(answer["no_return"][key], self.found["no_return"][key])
        self.assertLess(facts["no_return"]["event"], facts["event"])

    def test_only_when_it_is_asked_for(self):
        whole = json.loads(run("export", EXPLAINED, "--format", "json"))
        self.assertNotIn("no_return", whole)

    def test_refusals(self):
        for words, said in (((EXPLAINED, "--format", "perfetto"), "html and json"), ((EXPLAINED, "--format", "ctest"), "html and json"),
                            ((CLEAN, "--format", "html"), "no finding to explain")):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([FLUSHTRACE, "export", *words, "--explain", "-o", os.path.join(folder, "x")],
                                      stderr=subprocess.PIPE, text=True)
                self.assertEqual((done.returncode, os.listdir(folder)), (3, []))
                self.assertIn(said, done.stderr)


class Ctest(unittest.TestCase):
    """tests/export/CMakeLists.txt builds and runs one."""

    def compiled(self, trace, folder):
        source = os.path.join(folder, "test.c")
        run("export", trace, "--format", "ctest", "-o", source)
        subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I" + HARNESS, "-fsyntax-only", source], check=True)
        with open(source, encoding="utf-8") as file:
            return file.read()

    def test_what_it_says(self):
        with tempfile.TemporaryDirectory() as folder:
            text = self.compiled(VIOLATION, folder)
            whole = json.loads(run("export", VIOLATION, "--format", "json"))
            for value in (whole["rule"], whole["function"], whole["driver"], whole["mutant"]):
                self.assertIn(value, text)
            for line in whole["scenario"].splitlines():
                self.assertIn(f'"{line}\\n"', text)
            self.assertIn("is right in this scenario", self.compiled(CLEAN, folder))

    def test_hostile_names(self):
        with tempfile.TemporaryDirectory() as folder:
            evil = os.path.join(folder, "evil.ftr")
            subprocess.run([EDIT, VIOLATION, evil, "core", '*"??\\x"; #error */'.replace("/", "|")], check=True)
            self.compiled(evil, folder)
            subprocess.run([EDIT, VIOLATION, evil, "function", '"*/ #error \\'], check=True)
            self.assertIn("#error", self.compiled(evil, folder))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
