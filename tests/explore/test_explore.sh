#!/usr/bin/env bash
# flushtrace explore as a person uses it: what it finds, what it says, how it ends.
# FLUSHTRACE names the program, MODULES the folder of the driver modules.
set -uo pipefail

flushtrace=${FLUSHTRACE:?the program to test}
modules=${MODULES:?the folder of faulty-wild.so and others}
work=$(mktemp -d "${TMPDIR:-/tmp}/flushtrace-explore.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
checks=0
# shellcheck source=tests/support/listening.sh
source "$(dirname "${BASH_SOURCE[0]}")/../support/listening.sh"

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    out: /' "$work/out" | tail -n 15
    sed 's/^/    err: /' "$work/err" | tail -n 15
}

# expect STATUS ARGUMENTS...: runs flushtrace.
expect() {
    local wanted=$1
    shift
    "$flushtrace" "$@" >"$work/out" 2>"$work/err" </dev/null
    local got=$?
    checks=$((checks + 1))
    ((got == wanted)) || fail "exit status $got instead of $wanted: flushtrace $*"
}

says() {
    checks=$((checks + 1))
    grep -qF -- "$2" "$work/$1" || fail "std$1 does not say '$2'"
}

json() {
    checks=$((checks + 1))
    python3 - "$work/out" "$1" <<'PY' >"$work/json" 2>&1 || fail "JSON: $1: $(tail -n 1 "$work/json")"
import json, sys
a = json.load(open(sys.argv[1]))
assert isinstance(a, dict), "not an object"
assert eval(sys.argv[2]), {k: a[k] for k in list(a)[:12]}
PY
}

# last_line STATUS: the last line of the last call is a command, and it ends with that status.
last_line() {
    checks=$((checks + 1))
    tail -n 1 "$work/out" >"$work/command"
    bash "$work/command" >"$work/out2" 2>&1
    local got=$?
    ((got == $1)) || fail "the last line ended with $got instead of $1: $(cat "$work/command")"
}

readonly run_keys='all(k in a for k in ("verdict rule event function driver mutant platform flavour '\
'model events hash rerun findings points disturbances").split()) and len(a["hash"]) == 16'

test_sweep() {
    expect 1 explore wdm-packet --mutant no-flush-on-abort --disturb cancel
    says out 'dma.flush-before-free-regs'
    says out 'PacketEndTransfer'
    says out 'a  dma.flush-before-free-regs'
    says out 'places without a finding'
    last_line 1
    expect 1 explore wdm-packet --mutant no-flush-on-abort --disturb cancel -o "$work/found" --json
    json "$run_keys"
    json 'a["verdict"] == "violation" and a["rule"] == "dma.flush-before-free-regs"'
    json 'a["stopped"] == "done" and len(a["points"]) > 400 and a["disturbances"] == ["cancel"]'
    json 'len(a["findings"]) == 1 and a["findings"][0]["confirmed"] and a["findings"][0]["runs"] > 20'
    json 'sum("a" in p["cells"] for p in a["points"]) == a["findings"][0]["runs"]'
    json 'all(p["breaks"] == {"cancel": a["rule"]} for p in a["points"] if "a" in p["cells"])'
    json 'a["marks"] == {"a": a["rule"]}'
    local trace="$work/found/dma.flush-before-free-regs--PacketEndTransfer.ftr"
    expect 0 replay "$trace"
    # A trace is a base, too: its own finding is there without a disturbance.
    expect 1 explore "$trace" --disturb spurious-interrupt --json
    json 'a["findings"][0]["undisturbed"] and a["mutant"] == "no-flush-on-abort"'
    expect 0 explore "$trace" --mutant none --disturb yank --json
    json 'a["verdict"] == "clean" and a["findings"] == [] and a["mutant"] == ""'
}

test_baseline() {
    expect 0 explore wdm-packet --mutant no-flush-on-abort --disturb cancel \
        --ignore dma.flush-before-free-regs
    says out '(known)'
    expect 1 explore wdm-packet --mutant no-flush-on-abort --disturb cancel \
        --ignore dma.flush-before-free-regs:Other
    says err 'not used'
    expect 1 explore wdm-packet --mutant no-flush-on-abort --disturb cancel --keep-going --jobs 3
    last_line 1
}

# The same table however many workers there are.
test_jobs() {
    local jobs
    for jobs in 1 3; do
        expect 1 explore wdm-slave --mutant cancel-irql-lost --disturb cancel --disturb yank \
            --platform bounce --jobs "$jobs" --json
        json 'a["platform"] == "bounce"'
        python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); print(a["points"], a["findings"])' \
            "$work/out" >"$work/jobs$jobs"
    done
    checks=$((checks + 1))
    cmp -s "$work/jobs1" "$work/jobs3" || fail 'other results with three workers than with one'
}

test_pairs() {
    expect 0 explore wdm-packet --strategy pairs --disturb cancel --disturb power-down --limit 1500
    says out 'pairs of'
    says out 'stopped at --limit'
    says out 'go on with --resume'
    local from
    from=$(grep -o -- '--resume [0-9]*' "$work/out" | cut -d' ' -f2)
    checks=$((checks + 1))
    ((from > 100)) || fail "--resume $from"
    expect 0 explore wdm-packet --strategy pairs --disturb cancel --disturb power-down \
        --limit 10 --resume "$from" --json
    json "a['stopped'] == 'limit' and a['resume'] >= $from and a['units'] > a['resume']"
}

test_random() {
    expect 0 explore wdm-packet --strategy random --limit 300 --seed 5 --json
    json 'a["runs"] == 300 and a["stopped"] == "done" and a["strategy"] == "random"'
    expect 1 explore wdm-packet --strategy random --limit 300 --mutant flush-va-advanced
    says out 'dma.flush-va-advanced'
    last_line 1
}

# An interrupted exploration says so, and what it has found so far. All pairs take hours.
test_interrupt() {
    "$flushtrace" explore wdm-slave --mutant cache-flush-direction --strategy pairs --jobs 1 >"$work/out" 2>"$work/err" &
    local pid=$!
    listening "$pid"
    sleep 0.2
    kill -INT "$pid"
    wait "$pid"
    local got=$?
    checks=$((checks + 1))
    ((got == 1)) || fail "interrupted: exit status $got instead of 1"
    says out 'interrupted at'
    says out 'go on with --resume'
    last_line 1
    expect 0 explore wdm-packet --time 1 --jobs 1 --json
    json 'a["stopped"] in ("time", "done") and (a["stopped"] == "done" or a["resume"] < a["units"])'
}

# Schedules of a scenario, and what having run them is worth.
test_pct() {
    local two="$work/two.fts"
    printf 'a: read length=6000\nb: write length=5000\ncancel of=b\nremove\n' >"$two"
    expect 0 explore wdm-packet --strategy pct:2 --scenario "$two" --confidence 100 --json
    json 'a["certificate"]["given"] and a["certificate"]["probability"] == 1'
    json 'a["certificate"]["withheld"] is None and a["certificate"]["depth"] == 2'
    json 'a["certificate"]["n"] > 5 and a["certificate"]["k"] > 100'
    json 'a["runs"] == a["certificate"]["schedules"] < a["certificate"]["family"]'
    cp "$work/json" "$work/json1"
    cp "$work/out" "$work/first"
    # The same with one worker: the work does not depend on who does it.
    expect 0 explore wdm-packet --strategy pct:2 --scenario "$two" --confidence 100 --jobs 1 --json
    json "all(a['certificate'][k] == json.load(open('$work/first'))['certificate'][k] for k in ('n', 'k', 'schedules', 'same', 'scenario'))"
    expect 0 explore wdm-packet --strategy pct:2 --scenario "$two" --confidence 50
    says out 'with probability 0.5'
    expect 0 explore wdm-packet --strategy pct:2 --scenario "$two" --limit 40
    says out 'no certificate'
    says out 'withheld: stopped'
    # In two calls, of which the second certifies both.
    expect 0 explore wdm-packet --strategy pct:2 --scenario "$two" --confidence 100 --limit 500 --state "$work/state"
    says out 'go on with the same --state'
    says out 'withheld: stopped'
    expect 3 explore wdm-packet --strategy pct:2 --scenario "$two" --confidence 99 --state "$work/state"
    says err 'another exploration'
    expect 0 explore wdm-packet --strategy pct:2 --scenario "$two" --confidence 100 --state "$work/state" --json
    json 'a["certificate"]["given"] and a["certificate"]["probability"] == 1 and a["runs"] < 800'
    json "all(a['certificate'][k] == json.load(open('$work/first'))['certificate'][k] for k in ('n', 'k', 'scenario'))"
    json "a['certificate']['schedules'] >= json.load(open('$work/first'))['certificate']['schedules']"
    expect 3 explore wdm-packet --strategy sweep --state "$work/state"
    printf '{"at": -1}' >"$work/state"
    expect 3 explore wdm-packet --strategy pct:2 --scenario "$two" --state "$work/state"
    printf 'a: read length=64\ncancel of=a\n' >"$work/one.fts"
    expect 0 explore wdm-packet --strategy exhaustive:1 --points sync --scenario "$work/one.fts" --json
    json 'a["certificate"]["given"] and a["certificate"]["preemptions"] == 1'
    json '0 < a["certificate"]["same"] < a["certificate"]["schedules"] and 0 < a["certificate"]["restored"] < 1'
    expect 0 explore wdm-packet --strategy exhaustive:2 --scenario "$two" --limit 50
    says out 'withheld: stopped before every schedule was run'
    expect 1 explore wdm-packet --mutant cancel-claim-ignored --strategy exhaustive:1 --points sync \
        --scenario "$work/one.fts" --first -o "$work/few"
    says out 'stopped at the first finding'
    last_line 0
    printf 'a: read length=64\ncancel of=a @ a/dma:map/1\n' >"$work/moment.fts"
    expect 3 explore wdm-packet --strategy exhaustive:1 --scenario "$work/moment.fts"
    # Defects that need a moment; the trace replays event for event.
    expect 1 explore wdm-packet --mutant cancel-claim-ignored --strategy pct:3 --scenario "$two" \
        --first -o "$work/found"
    says out 'stopped at the first finding'
    says out 'no certificate'
    last_line 0
    expect 1 explore wdm-packet --mutant dpcs-not-flushed --strategy pct:1 --scenario "$two" --json
    json '"io.dpc-drained-before-free" in [f["rule"] for f in a["findings"]]'
    json 'not a["certificate"]["given"] and all(f["confirmed"] for f in a["findings"])'
    # The hardware of a surprise removal goes when its thread has its turn, not when the op strikes.
    printf 'stop\nrestart\nsurprise-remove\n' >"$work/yank.fts"
    expect 0 explore kmdf-sg --strategy pct:2 --scenario "$work/yank.fts" --confidence 100 --json
    json 'a["certificate"]["given"] and a["certificate"]["schedules"] > 20'
    expect 1 explore kmdf-sg --mutant enable-failure-leaks --strategy pct:3 --scenario "$work/yank.fts" --first --json
    json '[f["rule"] for f in a["findings"]] == ["kmdf.enabler-enable-failure-leak"] and a["findings"][0]["confirmed"]'
    # What strikes while the device starts does so under an order, too.
    printf 'lower-fails @ device/irp:complete/1\na: read length=6000\n' >"$work/start.fts"
    expect 1 explore wdm-packet --mutant start-failure-ignored --strategy pct:2 --scenario "$work/start.fts" --first --json
    json '[f["rule"] for f in a["findings"]] == ["io.pnp-start-lower-first"]'
}

# A driver that takes its process along loses neither its finding nor the rest.
test_faults() {
    expect 1 explore "$modules/faulty-wild.so" --disturb yank --disturb power-down
    says out 'crash'
    last_line 1
    expect 1 explore "$modules/faulty-recursion.so" --disturb yank
    says out 'stack overrun'
    expect 4 explore "$modules/faulty-missing.so" --disturb yank
    says out 'unjudged'
    expect 1 explore wdm-packet --mutant cancel-completes-active --disturb cancel --json
    json '"crash" in [f["verdict"] for f in a["findings"]] and len(a["findings"]) > 1'
    json 'all(" " not in p["cells"] for p in a["points"])'
}

test_refused() {
    expect 3 explore
    expect 3 explore wdm-packet --strategy pct
    expect 3 explore wdm-packet --strategy pct:0
    expect 3 explore wdm-packet --strategy pct:7
    expect 3 explore wdm-packet --strategy pct:3x
    expect 3 explore wdm-packet --strategy pct:3 --points some
    expect 3 explore wdm-packet --strategy pct:3 --confidence 101
    expect 3 explore wdm-packet --strategy pct:3 --disturb yank
    expect 3 explore wdm-packet --strategy sweep --points all
    expect 3 explore wdm-packet --strategy exhaustive
    expect 3 explore wdm-packet --strategy exhaustive:9
    expect 3 explore wdm-packet --strategy sweeep
    expect 3 explore wdm-packet --disturb read
    expect 3 explore wdm-packet --disturb frobnicate
    says err 'unknown op'
    expect 3 explore wdm-packet --strategy random --disturb cancel
    expect 3 explore nothing
    expect 3 explore "$work/nothing.ftr"
    expect 3 explore wdm-packet --platform toaster
    expect 3 explore wdm-packet --scenario "$work/nothing.fts"
    expect 3 explore wdm-packet --disturb yank -o "$work/out"
    expect 0 explore --help
    says out '--disturb'
}

test_sweep
test_baseline
test_jobs
test_pairs
test_random
test_interrupt
test_faults
test_pct
test_refused
printf '%d checks, %d failed\n' "$checks" "$failures"
((failures == 0))
