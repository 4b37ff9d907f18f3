#!/usr/bin/env python3
"""flushtrace show as people meet it: in a pipe, in a terminal of some width, with a pager, with filters, on hostile traces.

    test_show.py FLUSHTRACE MAKE-TRACE EDIT-TRACE            compare with small.txt, small.80.txt and small.json
    test_show.py FLUSHTRACE MAKE-TRACE EDIT-TRACE --write    write them again
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FLUSHTRACE, MAKE, EDIT = sys.argv[1:4]
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
PLAIN = {name: value for name, value in os.environ.items()
         if name not in ("NO_COLOR", "PAGER", "LESS", "COLUMNS", "LC_ALL", "LC_CTYPE")}


def environment(**changes):
    return {**PLAIN, "TERM": "xterm", "LANG": "C.UTF-8", **changes}


def run(*arguments, status=0, **changes):
    done = subprocess.run([FLUSHTRACE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment(**changes), timeout=100)
    assert done.returncode == status, f"exit {done.returncode}, not {status}: {arguments}\n{done.stderr}"
    return done.stdout


def in_terminal(*arguments, columns=100, keys=b"", status=0, **changes):
    """The program in a terminal of its own; keys are typed when it has printed something."""
    pid, master = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        os.execve(FLUSHTRACE, [FLUSHTRACE, *arguments], environment(**changes))
    text = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 1)
        if not ready:
            continue
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
        if keys:
            os.write(master, keys)
            keys = b""
    else:
        os.kill(pid, signal.SIGKILL)
    _, ended = os.waitpid(pid, 0)
    os.close(master)
    assert os.waitstatus_to_exitcode(ended) == status, (ended, text[-500:])
    return text.decode().replace("\r\n", "\n")


def events_of(text):
    """Numbers of the events that stand as lines above the verdict."""
    return [int(match.group(1)) for match in re.finditer(r"^[ >!] +(\d+) +[\d.]+(?:us|ms|s) ", text.split("\n\n")[1], re.M)]


class Show(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        os.chdir(cls.folder.name)
        cls.trace = "small.ftr"
        subprocess.run([MAKE, os.path.join(HERE, "small.events"), cls.trace], check=True)

    @classmethod
    def tearDownClass(cls):
        os.chdir(HERE)
        cls.folder.cleanup()

    def golden(self, name, text):
        text = text.replace(FLUSHTRACE, "flushtrace")
        text = re.sub(r'(model|"model":) \d+', r"\1 N", text)
        path = os.path.join(HERE, name)
        if "--write" in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(text, file.read())

    def edit(self, *words, source=None):
        subprocess.run([EDIT, source or self.trace, "edited.ftr", *words], check=True)
        return "edited.ftr"

    # ---- text ----

    def test_pipe(self):
        text = run("show", self.trace, COLUMNS="50")
        self.golden("small.txt", text)
        self.assertTrue(text.isascii())
        self.assertNotIn("\x1b", text)
        self.assertTrue(text.splitlines()[-1].endswith(f" replay {self.trace}"))

    def test_terminal(self):
        text = in_terminal("show", self.trace, "--no-pager", "--colour", "never", columns=80)
        self.golden("small.80.txt", text)
        self.assertIn("…", text)
        for columns in (60, 80, 100, 132, 200):
            text = in_terminal("show", self.trace, "--no-pager", columns=columns)
            for line in ESCAPE.sub("", text).split("\n\n")[1].splitlines():
                self.assertLessEqual(len(line), columns)

    def test_width_is_that_of_columns(self):
        text = in_terminal("show", self.trace, "--no-pager", "--color=never", columns=200, COLUMNS="70")
        self.assertLessEqual(max(map(len, text.split("\n\n")[1].splitlines())), 70)
        text = in_terminal("show", self.trace, "--no-pager", "--color=never", columns=70, LANG="C")
        self.assertIn("...", text)
        self.assertTrue(text.isascii())

    def test_colour(self):
        def coloured(text):
            return "\x1b[" in text

        self.assertTrue(coloured(in_terminal("show", self.trace, "--no-pager")))
        self.assertFalse(coloured(in_terminal("show", self.trace, "--no-pager", NO_COLOR="1")))
        self.assertTrue(coloured(in_terminal("show", self.trace, "--no-pager", NO_COLOR="")))
        self.assertFalse(coloured(in_terminal("show", self.trace, "--no-pager", TERM="dumb")))
        self.assertFalse(coloured(in_terminal("show", self.trace, "--no-pager", "--colour=never")))
        self.assertTrue(coloured(in_terminal("show", self.trace, "--no-pager", "--colour=always", NO_COLOR="1")))
        text = run("show", self.trace, "--colour", "always")
        self.assertTrue(coloured(text))
        self.assertEqual(ESCAPE.sub("", text), run("show", self.trace))
        run("show", self.trace, "--colour", "sometimes", status=3)
        self.assertFalse(coloured(run("show", self.trace, "--json", "--colour", "always")))

    def test_every_colour_ends(self):
        for line in run("show", self.trace, "--colour", "always").splitlines():
            sequences = ESCAPE.findall(line)
            self.assertTrue(not sequences or sequences[-1] == "\x1b[0m", line)

    # ---- pager ----

    def test_pager(self):
        self.assertTrue(in_terminal("show", self.trace, PAGER="sed s/^/PAGED:/").startswith("PAGED:"))
        self.assertNotIn("PAGED:", in_terminal("show", self.trace, "--no-pager", PAGER="sed s/^/PAGED:/"))
        self.assertNotIn("PAGED:", run("show", self.trace, PAGER="sed s/^/PAGED:/"))
        self.assertIn("run it again", in_terminal("show", self.trace, PAGER=""))
        text = in_terminal("show", self.trace, PAGER="/no/such/pager")
        self.assertIn("the pager cannot be run: /no/such/pager", text)
        self.assertIn("PAGED:", in_terminal("rules", "dma.ach", PAGER="sed s/^/PAGED:/"))
        # The width is the terminal's, though the pager gets a pipe.
        text = in_terminal("show", self.trace, PAGER="cat", columns=70)
        self.assertLessEqual(max(map(len, ESCAPE.sub("", text).split("\n\n")[1].splitlines())), 70)
        self.assertIn("\x1b[", text)

    def test_quitting_the_pager_is_no_error(self):
        big = self.edit("events", "50000")
        begin = time.monotonic()
        text = in_terminal("show", big, PAGER="head -n 3")
        self.assertEqual(len(text.splitlines()), 3)
        self.assertLess(time.monotonic() - begin, 30)
        text = in_terminal("show", big, keys=b"q", LESS="") if os.path.exists("/usr/bin/less") else ""
        self.assertNotIn("cannot", text)
        # An interrupt ends the pager, and nothing else.
        text = in_terminal("show", self.trace, keys=b"\x03", PAGER="head -n 1; exec sleep 50")
        self.assertNotIn("cannot", text)

    # ---- filters ----

    def test_range(self):
        everything = json.loads(run("show", self.trace, "--json"))["events"]
        for arguments, first, last in ((["--around", "20", "--context", "2"], 18, 22), (["--around=20:2"], 18, 22),
                                       (["--around", "20", "--context=0"], 20, 20), (["--around=3:5"], 1, 8),
                                       (["--from=30"], 30, everything), (["--to=4"], 1, 4), (["--from=5", "--to=6"], 5, 6),
                                       (["--from=10", "--to=20", "--around=20:5"], 15, 20), (["--to=99999"], 1, everything)):
            answer = json.loads(run("show", self.trace, "--json", *arguments))
            self.assertEqual([line["event"] for line in answer["lines"]], list(range(first, last + 1)), arguments)
            self.assertEqual(answer["hidden"], everything - (last - first + 1))
        for wrong in ("--around=0", "--around=99999", "--from=99999", "--from=0", "--to=0", "--context=3", "--from=x"):
            run("show", self.trace, wrong, status=3)
        run("show", self.trace, "--from=9", "--to=8", status=3)

    def test_object_and_kind(self):
        def shown(*arguments):
            return json.loads(run("show", self.trace, "--json", *arguments))["lines"]

        def concerns(line, name):
            return name in (line["request"], line["device"], line["task"]) or name in line["arguments"].values()

        everything = shown()
        for name in ("irp#1", "mdl#1", "device#1", "task#3", "adapter#1"):
            self.assertEqual(shown("--object", name), [line for line in everything if concerns(line, name)])
        self.assertEqual(shown("--object", "dpc-3"), shown("--object", "task#3"))
        both = shown("--object", "mdl#1", "--object", "dpc#1")
        self.assertEqual(both, [line for line in everything if concerns(line, "mdl#1") or concerns(line, "dpc#1")])
        self.assertEqual(shown("--kind", "dma:"), [line for line in everything if line["name"].startswith("dma:")])
        self.assertEqual({line["name"] for line in shown("--kind", "*:grant", "--kind", "op")}, {"dma:grant", "op:fired", "op:late",
                                                                                              "op:skipped"})
        self.assertEqual({line["name"] for line in shown("--kind", "call:", "--object", "irp#1", "--to", "16")}, {"call:enter"})
        for wrong in ("--object=irp", "--object=#3", "--object=irp#x", "--object=cow#1", "--kind=nothing", "--kind=dma:*z"):
            run("show", self.trace, wrong, status=3)
        run("show", self.trace, *["--object=irp#1"] * 17, status=3)

    def test_what_is_hidden_is_said(self):
        text = run("show", self.trace, "--from", "5", "--to", "30", "--kind", "irp:")
        self.assertEqual(events_of(text), [15, 17])
        self.assertIn("2 of 38 events; hidden: 4 before, 24 by --kind, 8 behind\n", text)
        self.assertNotIn("hidden", run("show", self.trace))
        # What happens to rules is said though its event is hidden.
        self.assertIn("~    suspended for irp#1", text)
        self.assertIn("\ndma.flush-on-error  (rule ", text)

    # ---- JSON ----

    def test_json(self):
        text = run("show", self.trace, "--json")
        self.golden("small.json", text)
        answer = json.loads(text)
        self.assertEqual(len(answer["lines"]), answer["events"])
        times = [line["time"] for line in answer["lines"]]
        self.assertEqual(times, sorted(times))
        self.assertEqual(answer["suspended"][0]["object"], "irp#1")
        self.assertEqual(json.loads(in_terminal("show", self.trace, "--json")), answer)

    # ---- traces of strangers ----

    def test_escapes(self):
        for arguments in ([], ["--json"], ["--object", "irp#1"]):
            text = run("show", self.trace, *arguments)
            self.assertTrue(all(" " <= byte <= "~" or byte == "\n" for byte in text), arguments)
        nasty = "18 \x1b]0;title\x07\x1b[2J\x9b31m\x7f\r\n\x08\"\\"
        text = run("show", self.edit("print", nasty))
        self.assertTrue(all(" " <= byte <= "~" or byte == "\n" for byte in text))
        self.assertIn(r'dbg:print "\x1b]0;title\x07\x1b[2J', text)

    def test_unknown(self):
        for number in range(1, 39):
            edited = self.edit("unknown", str(number))
            text = run("show", edited)
            self.assertEqual(text.splitlines()[-1].split()[-1], edited)
            event = json.loads(run("show", edited, "--json"))["lines"][number - 1]
            self.assertTrue(set(event["arguments"].values()) <= {"?"}, event)

    def test_cut_off(self):
        with open(self.edit("events", "20000"), "rb") as file:
            whole = file.read()
        with open("cut.ftr", "wb") as file:
            file.write(whole[:len(whole) * 2 // 3])
        text = run("show", "cut.ftr")
        self.assertIn("the file was cut off", text)
        answer = json.loads(run("show", "cut.ftr", "--json"))
        self.assertFalse(answer["complete"])
        self.assertTrue(0 < len(answer["lines"]) == answer["events"] < 20000)

    def test_huge(self):
        big = self.edit("events", "200000")
        code = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); "
                "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        for arguments in ([], ["--json"]):
            out = subprocess.run([sys.executable, "-c", code, FLUSHTRACE, "show", big, *arguments], stdout=subprocess.PIPE,
                                 text=True, check=True).stdout.split()
            self.assertEqual(out[0], "0")
            # 96 bytes an event, and room for the vector to double; sanitizers keep what was freed.
            if "flavour plain" in run("--version"):
                self.assertLess(int(out[1]), 100_000, arguments)

    # ---- the same lines elsewhere ----

    def test_failure_blocks(self):
        shown = [line for line in run("show", self.trace).splitlines() if re.match(r"[ >!] \d+ ", line)]
        checked = run("check", self.trace, status=1).split("last events\n")[1].split("\n\n")[0].splitlines()
        for line in checked[1:]:
            self.assertIn(line, shown)
        self.assertTrue(checked[-1].startswith("> 38 "))
        self.assertIn("\x1b[", run("check", self.trace, "--colour=always", status=1))
        differing = run("diff", self.trace, self.edit("event", "36"), status=1, COLUMNS="40")
        self.assertIn("\n- ", differing)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
