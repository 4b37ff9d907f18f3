#!/usr/bin/env python3
"""Drives gdb through `flushtrace replay --gdb` as a person would, from standard input.

usage: test_gdb.py FLUSHTRACE TRACES
"""
import json
import re
import subprocess
import sys
import time

FLUSHTRACE, TRACES = sys.argv[1:3]
TRACE = f"{TRACES}/violates/kmdf.tx-release-in-transfer/kmdf-sg+release-without-final.ftr"
LONG = f"{TRACES}/violates/kmdf.cancel-routine-no-completion/kmdf-selfio+cancel-forgets.ftr"
LONG_LIMIT = 10  # seconds for one travel on a busy machine; docs/DEBUGGING.md has the figures
failures = []
checks = 0


def check(condition, what, said=""):
    global checks
    checks += 1
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}\n{said[-3000:]}")


def session(trace, commands, *options):
    """What gdb prints, command for command: a marker line stands in front of each."""
    text = "".join(f"echo \\n@@{i}\\n\n{command}\n" for i, command in enumerate(commands))
    run = subprocess.run([FLUSHTRACE, "replay", trace, "--gdb", *options], input=text,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    pieces = re.split(r"\n?@@\d+\n", run.stdout)
    check(len(pieces) == len(commands) + 1, f"{commands}: {len(pieces) - 1} answers", run.stdout)
    return [piece.replace("(gdb) ", "") for piece in pieces] + [""] * len(commands)


def shown(trace):
    run = subprocess.run([FLUSHTRACE, "show", trace, "--json"], capture_output=True, text=True)
    return json.loads(run.stdout)


def test_opens(trace, last):
    opened = session(trace, ["bt 3"])[0]
    check(f"event {last['event']} of {last['event']}" in opened, "it opens at the verdict's event", opened)
    check("SgFinishRequest" in opened and "sg_request.c:151" in opened,
          "it opens in the driver's own line", opened)
    check(re.search(r"^151\t.*Wdf", opened, re.M), "the source line is printed", opened)


def number_in(answer):
    found = re.search(r"^event (\d+) of", answer, re.M)
    return int(found.group(1)) if found else None


def test_travel(trace, events):
    order = [308, 309, 1, 2, 330, 100, 99, 264, 264, 329]
    answers = session(trace, [f"ft event {n}" for n in order])[1:]
    for wanted, answer in zip(order, answers):
        event = events[wanted - 1]
        check(number_in(answer) == wanted and event["name"].split(":")[0] in answer,
              f"ft event {wanted}", answer)
    answers = session(trace, ["ft prev", "ft prev", "ft next", "ft event 2", "ft prev", "ft prev"])[1:]
    check([number_in(a) for a in answers[:5]] == [329, 328, 329, 2, 1], "next and prev", str(answers))
    check("there is no event 0" in answers[5], "before the first", answers[5])


def concerned(events, name):
    return [e["event"] for e in events if name in e["arguments"].values() or e["request"] == name]


def test_objects(trace, events):
    of = concerned(events, "wdf-transaction#1")
    answers = session(trace, ["ft prev-of wdf-transaction#1"] * 3 + ["ft next-of wdf-transaction#1"]
                      + ["ft prev-of irp#8", "ft next-of nothing", "ft prev-of cow#1"])[1:]
    check([number_in(a) for a in answers[:4]] == [of[-2], of[-3], of[-4], of[-3]],
          f"events of an object {of[-4:]}", str(answers))
    irp = [n for n in concerned(events, "irp#8") if n < of[-3]]
    check(number_in(answers[4]) == irp[-1], f"prev-of irp#8: {irp[-1]}", answers[4])
    check("no object" in answers[5] and "no object" in answers[6], "what is no object", str(answers[5:7]))


def test_world(trace):
    world = session(trace, ["ft world", "ft event 275", "ft world"])[1]
    for part in ("run ", "phase ops", "processor ", "PnP started, power D0", "tasks", "* task#3",
                 "thread", "requests", "irp#8", "4096 bytes, with the driver", "map registers ",
                 "adapter#2", "map#1", "not flushed"):
        check(part in world, f"ft world says '{part}'", world)


def test_breakpoint(trace):
    answers = session(trace, ["ft event 200", "break EvtSgCancel", "continue", "ft prev", "ft event 330",
                              "continue", "ft here", "ft prev"])[1:]
    check("EvtSgCancel" in answers[2], "a breakpoint of one's own stops", answers[2])
    check(number_in(answers[3]) in range(300, 309), "back from a breakpoint", answers[3])
    check(number_in(answers[4]) == 330, "forward past a breakpoint", answers[4])
    check("the run is over" in answers[6], "the end of the run", answers[6])
    check(number_in(answers[7]) == 330, "back from the end", answers[7])


def test_last_write(trace):
    """The channel's phase, which the cancel callback has last set before the violation."""
    answers = session(trace, ["print &Channel->Phase", "ft last-write $ 4", "ft world"])[1:]
    check("changed here" in answers[1] and "sg_request.c" in answers[1],
          "the last write is where the request is stopped", str(answers))
    answers = session(trace, ["ft last-write &Channel->Device"])[1:]
    found = re.search(r"changed here, before event (\d+)", answers[0])
    check(found and int(found.group(1)) < 150 and "sg.c" in answers[0],
          "a write from long before, many save points back", str(answers))


def test_refusals(trace):
    answers = session(trace, ["ft event 331", "ft event x", "ft cow", "ft next 3", "ft help"])[1:]
    check("there is no event 331" in answers[0], "an event that is not there", answers[0])
    check("takes a number" in answers[1] and "no such command" in answers[2], "bad words", str(answers))
    check("ft help says" in answers[3], "too many words", answers[3])
    check("ft last-write" in answers[4], "help", answers[4])


def test_long(trace):
    """Anywhere in a long run: there, back, and to the other end."""
    last = shown(trace)["event"]
    order = [1, last // 2, last - 1, last // 3, 2 * last // 3, last // 10, last]
    clock = "python import time; print('at %.3f' % time.monotonic())"
    commands = [c for n in order for c in (clock, f"ft event {n}")] + [clock]
    answers = session(trace, commands)[1:]
    times = [float(re.search(r"at ([\d.]+)", a).group(1)) for a in answers[0:2 * len(order) + 1:2]]
    slowest = max(b - a for a, b in zip(times, times[1:]))
    check([number_in(a) for a in answers[1:2 * len(order):2]] == order, "travels in a long run", str(answers))
    check(slowest < LONG_LIMIT, f"{slowest:.2f} s for one travel in {last} events")
    print(f"{last} events: at most {slowest:.2f} s to any of {len(order)}")


def main():
    begin = time.monotonic()
    trace = shown(TRACE)
    test_opens(TRACE, trace)
    test_travel(TRACE, trace["lines"])
    test_objects(TRACE, trace["lines"])
    test_world(TRACE)
    test_breakpoint(TRACE)
    test_last_write(TRACE)
    test_refusals(TRACE)
    test_long(LONG)
    print(f"{checks} checks, {len(failures)} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
