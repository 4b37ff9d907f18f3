#!/usr/bin/env python3
"""flushtrace export --format perfetto, read by a decoder of protocol buffers that shares nothing with the writer, and compared with the
JSON of the same trace.

    test_perfetto.py FLUSHTRACE REPEAT-TRACE TRACES-FOLDER
"""
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

FLUSHTRACE, REPEAT, TRACES = sys.argv[1:4]
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4
RUN, OPS, TIME = 1, 2, 3  # tracks that are always there


def first_of(pattern):
    return sorted(glob.glob(os.path.join(TRACES, pattern)))[0]


VIOLATION = first_of("violates/dma.flush-early/*.ftr")
SAMPLES = [VIOLATION] + [first_of(f"clean/{core}/*.ftr") for core in ("wdm-packet", "wdm-sglist", "kmdf-sg", "scsi-slave")]


def export(trace, form):
    return subprocess.run([FLUSHTRACE, "export", trace, "--format", form], stdout=subprocess.PIPE, check=True, timeout=100).stdout


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of each field of a message: an integer, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length, "cut off"
        else:
            raise AssertionError(f"wire type {kind}")
        yield key >> 3, value


def message(data):
    ret = {}
    for number, value in fields(data):
        ret.setdefault(number, []).append(value)
    return ret


class Timeline:
    """Tracks, slices with what lies around them, instants, counters and flows of a Perfetto trace."""

    def __init__(self, data):
        self.tracks, self.slices, self.instants, self.counters, self.flows = {}, [], [], [], {}
        stacks, before = {}, 0
        for number, (key, packet) in enumerate(fields(data)):
            assert key == 1
            packet = message(packet)
            assert packet[10] == [1] and ((packet.get(13) == [1]) == (number == 0))
            if 60 in packet:
                self.describe(message(packet[60][0]))
                continue
            assert packet[8][0] >= before, "packets are not in order"
            before = packet[8][0]
            self.event(before, message(packet[11][0]), stacks)
        assert not any(stacks.values()), "a slice was not ended"

    def describe(self, track):
        uuid, parent = track[1][0], track.get(5, [0])[0]
        assert uuid not in self.tracks and (parent in self.tracks or uuid == RUN)
        name = message(track[3][0])[6][0] if 3 in track else track[2][0]
        self.tracks[uuid] = {"name": name.decode(), "parent": parent, "counter": 8 in track}

    def event(self, time, event, stacks):
        track, kind = event[11][0], event[9][0]
        assert track in self.tracks, "an event on no track"
        assert self.tracks[track]["counter"] == (kind == COUNTER)
        stack = stacks.setdefault(track, [])
        if kind == COUNTER:
            self.counters.append((time, track, event[30][0]))
            return
        if kind == END:
            stack.pop()["end"] = time
            return
        notes = {}
        for note in map(message, event.get(4, [])):
            notes[note[10][0].decode()] = note[6][0].decode() if 6 in note else note[3][0]
        one = {"name": event[23][0].decode(), "begin": time, "end": None, "track": track, "notes": notes,
               "around": stack[-1] if stack else None}
        for number, ends in ((47, False), (48, True)):
            for flow in event.get(number, []):
                self.flows.setdefault(flow, []).append((one["name"], time // 1000, ends))
        if kind == BEGIN:
            stack.append(one)
            self.slices.append(one)
        else:
            self.instants.append(one)

    def path(self, track):
        names = []
        while track:
            names.insert(0, self.tracks[track]["name"])
            track = self.tracks[track]["parent"]
        return names


class Perfetto(unittest.TestCase):
    def setUp(self):
        self.both = [(Timeline(export(trace, "perfetto")), json.loads(export(trace, "json"))) for trace in SAMPLES]

    def test_tracks(self):
        for timeline, whole in self.both:
            paths = [timeline.path(track) for track in timeline.tracks]
            core = whole["driver"] + ("+" + whole["mutant"] if whole["mutant"] else "")
            self.assertTrue(all(path[0] == core for path in paths))
            for cpu in {line["cpu"] for line in whole["lines"]} - {None}:
                self.assertIn([core, "processors", f"processor {cpu}"], paths)
            tasks = [s for s in whole["spans"] if s["span"] == "task"]
            self.assertEqual(sum(path[1:2] == ["tasks"] and len(path) == 3 for path in paths), len(tasks))
            for task in tasks:
                kind, number = task["name"].rsplit("-", 1)
                self.assertIn([core, "tasks", task["name"] if kind == "thread" else kind + "s"], paths)
            for channel in {s["name"] for s in whole["spans"] if s["span"] == "engine"}:
                self.assertIn([core, "device", "engine " + channel], paths)

    def test_every_event_is_there_once(self):
        for timeline, whole in self.both:
            by_number = {s["notes"]["event"]: s for s in timeline.slices if "event" in s["notes"]}
            calls = 0
            for line in whole["lines"]:
                if line["name"] in ("call:enter", "call:leave"):
                    calls += 1
                    continue
                one = by_number[line["event"]]
                self.assertEqual((one["name"], one["begin"] // 1000), (line["name"], line["event"]))
                self.assertEqual({name: one["notes"][name] for name in line["arguments"] if name != "event"},
                                 {name: text for name, text in line["arguments"].items() if name != "event"})
                self.assertEqual(one["notes"].get("called from", ""), line["function"])
                if line["task"]:
                    self.assertEqual(timeline.path(one["track"])[1], "tasks")
            self.assertEqual(len(by_number) + calls, len(whole["lines"]))

    def test_slices_nest(self):
        for timeline, whole in self.both:
            for one in timeline.slices:
                self.assertGreater(one["end"], one["begin"])
                if one["around"]:
                    self.assertLessEqual(one["around"]["begin"], one["begin"])
                    self.assertLessEqual(one["end"], one["around"]["end"])
            routines = [s for s in whole["spans"] if s["span"] == "routine"]
            found = {(s["begin"] // 1000, s["name"]): s for s in timeline.slices if "event" not in s["notes"]}
            for routine in routines:
                one = found[routine["begin"], routine["name"]]
                self.assertEqual(one["end"] // 1000, routine["end"] or len(whole["lines"]))
                depth, around = 0, one["around"]
                while around and timeline.path(around["track"])[1] == "tasks" and around["around"]:
                    depth, around = depth + 1, around["around"]
                if routine["task"]:
                    self.assertEqual(depth, routine["depth"])
            # What a driver does inside a routine lies inside the routine's slice.
            inside = [s for s in timeline.slices if s["notes"].get("layer") == "driver" and s["around"]]
            self.assertGreater(sum(s["around"]["begin"] < s["begin"] for s in inside), 20)

    def test_mappings_and_flows(self):
        for timeline, whole in self.both:
            requests = {}
            maps = [s for s in whole["spans"] if s["span"] == "mapping"]
            for span in whole["spans"]:
                if span["span"] == "request":
                    requests[span["object"]] = span
            with_request = [s for s in maps if s["request"]]
            self.assertEqual(len(timeline.flows), len(with_request))
            flows = sorted(timeline.flows.values(), key=lambda steps: steps[1][1])
            for steps, span in zip(flows, sorted(with_request, key=lambda s: s["begin"])):
                request = requests[span["request"]]
                self.assertEqual([step[1] for step in steps], sorted(step[1] for step in steps))
                self.assertEqual(steps[0][:2], ("irp:new", request["begin"]))
                self.assertIn(steps[1][0], ("dma:map", "dma:sg-element"))
                self.assertEqual(steps[1][1], span["begin"])
                flushed = [step[1] for step in steps if step[0] == "dma:flushed"]
                self.assertEqual(flushed, [span["flushed"]] if span["flushed"] else [])
                ends = [step[:2] for step in steps if step[2]]
                completed = request["completed"] and request["completed"] > span["begin"]
                self.assertEqual(ends, [("irp:complete", request["completed"])] if completed else [])
            for span in maps:
                tracks = [s for s in timeline.slices if s["name"] == span["name"] and s["begin"] // 1000 == span["begin"]]
                self.assertEqual([s["end"] // 1000 for s in tracks], [span["end"] or len(whole["lines"])])
                self.assertEqual(timeline.path(tracks[0]["track"])[-1], "DMA mappings")

    def test_ops_and_violation(self):
        for timeline, whole in self.both:
            marks = [(s["begin"] // 1000, s["name"]) for s in timeline.instants]
            self.assertTrue(all(s["track"] == OPS for s in timeline.instants))
            ops = [line for line in whole["lines"] if line["name"].startswith("op:")]
            for line in ops:
                self.assertIn(line["event"], [at for at, name in marks if name.startswith(line["name"])])
            rules = [(f["event"], f["rule"]) for f in ([whole] if whole["rule"] else []) + whole["also"] + whole["warnings"]]
            self.assertEqual(sorted(marks[i] for i in range(len(marks)) if not marks[i][1].startswith("op:")), sorted(rules))
        self.assertTrue(self.both[0][1]["rule"])

    def test_counters(self):
        for timeline, whole in self.both:
            times = [(at // 1000, value) for at, track, value in timeline.counters if track == TIME]
            wanted, last = [], None
            for line in whole["lines"]:
                if line["time"] != last:
                    last = line["time"]
                    wanted.append((line["event"], last * 100))
            self.assertEqual(times, wanted)
            self.assertTrue(any(timeline.tracks[track]["name"].startswith("IRQL of") for _, track, _ in timeline.counters))

    def test_a_long_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            long = os.path.join(folder, "long.ftr")
            subprocess.run([REPEAT, SAMPLES[1], "50000", long], check=True)
            timeline = Timeline(export(long, "perfetto"))
        self.assertGreater(len(timeline.slices), 40000)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
