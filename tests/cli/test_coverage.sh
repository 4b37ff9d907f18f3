#!/usr/bin/env bash
# flushtrace coverage: what it counts, where its inputs come from, and what it says about lines.
# FLUSHTRACE names the program, MODULES the folder of driver modules, SOURCES the checkout; LINES is
# yes when flushtrace-coverage is built.
set -uo pipefail

flushtrace=${FLUSHTRACE:?the program to test}
modules=${MODULES:?the folder of wdm-packet.so and others}
sources=${SOURCES:?the checkout}
lines=${LINES:?yes or no}
work=$(mktemp -d "${TMPDIR:-/tmp}/flushtrace-coverage-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp" "$work/calm" "$work/yank" "$work/engine" "$work/empty" "$work/project"
export TMPDIR=$work/tmp
export -n NO_COLOR PAGER 2>/dev/null
failures=0
checks=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    out: /' "$work/out" | head -n 15
    sed 's/^/    err: /' "$work/err" | head -n 15
}

# expect STATUS ARGUMENTS...: runs flushtrace coverage.
expect() {
    local wanted=$1
    shift
    "$flushtrace" coverage "$@" >"$work/out" 2>"$work/err" </dev/null
    local got=$?
    checks=$((checks + 1))
    ((got == wanted)) || fail "exit status $got instead of $wanted: flushtrace coverage $*"
}

says() {
    checks=$((checks + 1))
    grep -qF -- "$2" "$work/$1" || fail "std$1 does not say '$2'"
}

# json EXPRESSION: the last call printed one JSON object, and the expression over `a` holds.
json() {
    checks=$((checks + 1))
    python3 - "$work/out" "$1" <<'PY' >"$work/json" 2>&1 || fail "JSON: $1: $(tail -n 1 "$work/json")"
import json, sys
a = json.load(open(sys.argv[1]))
def phase(event, name, cancelled=False):
    rows = next(e for e in a["state"]["events"] if e["event"] == event)["phases"]
    return next(p for p in rows if p["phase"] == name and p["cancelled"] == cancelled)
def op(name):
    return next(o for o in a["ops"] if o["op"] == name)
def functions():
    return {f["function"]: f["reached"] for s in a["source"]["files"] for f in s["functions"]}
assert eval(sys.argv[2]), {k: a[k] for k in list(a)[:8]}
PY
}

printf 'platform coherent\na: read length=4096\n' >"$work/calm/calm.fts"
printf 'platform coherent\na: read length=4096\nyank @ device/engine:burst/2\n' >"$work/yank/yank.fts"

# ---- state cells ----
expect 0 wdm-packet "$work/calm" --json
json 'a["verdict"] == "clean" and a["driver"] == "wdm-packet" and a["verdicts"] == {"clean": 1}'
json 'a["inputs"]["count"] == 1 and a["inputs"]["scenarios"] == 1'
json 'op("read")["struck"] == 1 and op("yank")["struck"] == 0'
json 'phase("flush", "done")["reached"] == 1 and phase("yank", "running")["reached"] == 0'
json '"started, D0" in phase("yank", "running")["not_reached"]'
json 'a["state"]["unexpected"] == [] and 10 < a["state"]["reached"] < a["state"]["cells"] <= 4096'
json 'sum(p["cells"] for e in a["state"]["events"] for p in e["phases"]) == a["state"]["cells"]'
json 'sum(p["reached"] for e in a["state"]["events"] for p in e["phases"]) == a["state"]["reached"]'
cp "$work/out" "$work/calm.json"
expect 0 wdm-packet "$work/calm" "$work/yank/yank.fts" --json
json 'a["inputs"]["count"] == 2 and op("yank")["struck"] + op("yank")["late"] == 1'
json 'phase("yank", "running")["reached"] == 1'
json 'any(s["pnp"] == "hardware gone" and s["reached"] > 0 for s in a["state"]["states"])'

# The same however many processes share the work.
expect 0 wdm-packet "$sources/driver-core/wdm-packet/scenarios" --jobs 1 --json
cp "$work/out" "$work/one.json"
expect 0 wdm-packet "$sources/driver-core/wdm-packet/scenarios" --jobs 5 --json
checks=$((checks + 1))
cmp -s "$work/out" "$work/one.json" || fail "--jobs changes the answer"

# ---- inputs ----
"$flushtrace" run wdm-packet --scenario "$work/yank/yank.fts" -o "$work/yank/yank.ftr" >"$work/out"
"$flushtrace" run wdm-slave -o "$work/yank/other.ftr" >"$work/out"
head -c 100 "$work/yank/yank.ftr" >"$work/yank/damaged.ftr"
printf '\x03\xff\x10\x01' >"$work/engine/0123456789abcdef0123456789abcdef01234567"
printf '\x01' >"$work/engine/id:000003,src:000000,op:havoc"
printf 'neither' >"$work/engine/README.txt"
expect 0 wdm-packet "$work/yank" "$work/engine" --json
json 'a["inputs"] == {"count": 4, "traces": 1, "scenarios": 1, "engine": 2, "foreign": 1, "unreadable": 1}'
mkdir -p "$work/project/flushtrace-out/wdm-packet/corpus" "$work/project/traces"
cp "$work/engine/"id* "$work/project/flushtrace-out/wdm-packet/corpus"
cp "$work/yank/yank.ftr" "$work/project/traces"
checks=$((checks + 1))
(cd "$work/project" && "$flushtrace" coverage wdm-packet --json) >"$work/out" 2>"$work/err" || fail "no folder named"
json 'a["inputs"]["count"] == 2 and a["inputs"]["engine"] == 1 and a["inputs"]["traces"] == 1'

# ---- a driver that faults does not end the measurement ----
expect 0 "$modules/faulty-wild.so" "$work/calm" "$work/calm/calm.fts" --json
json 'sum(a["verdicts"].values()) + a["died"] == 2 and "clean" not in a["verdicts"]'
json '"loaded from its path" in a["source"]["missing"] and a["source"]["files"] == []'

# ---- for people ----
expect 0 wdm-packet "$work/calm" "$work/yank"
says out 'Disturbances by phase of the request'
says out 'State of the device: PnP by power'
says out 'Never struck while a request was'
says out 'Lines of the driver'
expect 0 --help
says out 'llvm-cov'

# ---- bad input ----
expect 3
expect 3 no-such-driver "$work/calm"
says err 'no-such-driver'
expect 3 wdm-packet "$work/no-such-folder"
says err 'no-such-folder'
expect 3 wdm-packet "$work/empty" --json
json '"no trace, scenario or engine input" in a["error"]'
expect 3 "$modules/faulty-wild.so" "$work/calm" --html "$work/html"

# ---- lines ----
if [[ $lines == yes ]]; then
    cd "$work/empty" || exit 1
    expect 0 wdm-packet "$work/calm" --json
    json 'a["flavour"] == "coverage" and a["source"]["missing"] is None'
    json '0 < a["source"]["reached"] < a["source"]["lines"]'
    json 'sum(s["lines"] for s in a["source"]["files"]) == a["source"]["lines"]'
    json 'any(s["file"].endswith("/driver-core/wdm-packet/packet_dma.c") for s in a["source"]["files"])'
    json 'not any("wdm-sglist" in s["file"] or "/ddi/" in s["file"] for s in a["source"]["files"])'
    json 'functions()["PacketAdapterControl"] and not functions()["PacketCancel"]' # see packet_io.c
    json 'all(r["first"] <= r["last"] for s in a["source"]["files"] for r in s["not_reached"])'
    calm=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["source"]["reached"])' "$work/out")
    expect 0 wdm-packet "$sources/driver-core/wdm-packet/scenarios" --json --html "$work/html"
    json "functions()['PacketCancel'] and a['source']['reached'] > $calm"
    checks=$((checks + 1))
    [[ -s $work/html/index.html ]] || fail "no index.html"
    expect 0 wdm-packet "$work/calm"
    says out 'packet_dma.c'
    says out 'never called'
    checks=$((checks + 1))
    [[ -z $(find "$work/empty" "$work/tmp" -type f) ]] || fail "files stay behind: $(find "$work/empty" "$work/tmp" -type f)"
else
    expect 0 wdm-packet "$work/calm" --json
    json '"flushtrace-coverage" in a["source"]["missing"]'
fi

printf '%d checks, %d failed\n' "$checks" "$failures"
((failures == 0))
