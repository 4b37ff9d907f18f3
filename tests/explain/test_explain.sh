#!/usr/bin/env bash
# flushtrace explain as a person uses it: what it says, that it says the same each time, and how it
# ends. FLUSHTRACE names the program, MODULES the folder of the driver modules.
set -uo pipefail

flushtrace=${FLUSHTRACE:?the program to test}
modules=${MODULES:?the folder of faulty-wild.so and others}
work=$(mktemp -d "${TMPDIR:-/tmp}/flushtrace-explain.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
checks=0

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


readonly run_keys='all(k in a for k in ("verdict rule event function driver mutant platform flavour '\
'model events hash rerun no_return matters").split()) and len(a["hash"]) == 16'

record() { # MUTANT, scenario on standard input
    {
        echo 'platform coherent'
        cat
    } >"$work/scenario.txt"
    "$flushtrace" run wdm-packet --mutant "$1" --scenario "$work/scenario.txt" -o "$work/$1.ftr" \
        >"$work/out" 2>"$work/err"
    [[ -f $work/$1.ftr ]] || fail "no trace of $1"
}

# A cancel that comes while the transfer runs, and a driver that then does not flush.
test_moment() {
    record no-flush-on-abort <<'TEXT'
a: write length=8192
cancel of=a @ device/engine:burst/1
TEXT
    expect 0 explain "$work/no-flush-on-abort.ftr"
    says out 'dma.flush-before-free-regs'
    says out 'source: '
    says out 'point of no return'
    says out 'events that matter'
    says out 'dma:map '
    expect 0 explain "$work/no-flush-on-abort.ftr" --json
    json "$run_keys"
    json 'a["no_return"]["found"] == "point"'
    json '0 < a["no_return"]["event"] <= a["no_return"]["rule_event"] == a["event"]'
    json 'a["no_return"]["any_finding_event"] <= a["no_return"]["event"]'
    json 'a["no_return"]["at"]["same"] == a["no_return"]["at"]["runs"] > 100'
    json 'a["no_return"]["before"]["same"] < a["no_return"]["before"]["runs"]'
    json 'a["no_return"]["line"]["event"] == a["no_return"]["event"]'
    # From the point on all shares are certain.
    json 'all(s["same"] == s["runs"] for s in a["no_return"]["shares"] if s["event"] >= a["no_return"]["event"])'
    json '[m["event"] for m in a["matters"]] == sorted({m["event"] for m in a["matters"]})'
    json 'a["event"] in [m["event"] for m in a["matters"]] and a["no_return"]["event"] in [m["event"] for m in a["matters"]]'
    json 'any(m["name"] == "dma:map" for m in a["matters"]) and any(m["name"] == "op:fired" for m in a["matters"])'
}

# The answer does not depend on chance, on how many work on it, or on the clock.
test_determined() {
    local jobs
    for jobs in 1 2 3; do
        expect 0 explain "$work/no-flush-on-abort.ftr" --json --jobs "$jobs"
        python3 - "$work/out" >"$work/answer.$jobs" <<'PY'
import json, sys
a = json.load(open(sys.argv[1]))["no_return"]
del a["seconds"], a["runs"]
print(json.dumps(a))
PY
    done
    checks=$((checks + 2))
    cmp -s "$work/answer.1" "$work/answer.2" || fail 'two jobs give another answer than one'
    cmp -s "$work/answer.1" "$work/answer.3" || fail 'three jobs give another answer than one'
}

# A driver that fails by itself is lost before the first event.
test_start() {
    record interrupt-on-too-early <<'TEXT'
read length=1
TEXT
    expect 0 explain "$work/interrupt-on-too-early.ftr"
    says out 'doomed from the start'
    expect 0 explain "$work/interrupt-on-too-early.ftr" --json
    json 'a["no_return"]["found"] == "start" and a["no_return"]["event"] == 0 and a["no_return"]["line"] is None'
}

# Drivers that kill the process they run in do not kill ours.
test_crash() {
    local fault
    for fault in wild recursion; do
        "$flushtrace" run "$modules/faulty-$fault.so" -o "$work/$fault.ftr" >/dev/null 2>&1
        expect 0 explain "$work/$fault.ftr" --driver "$modules/faulty-$fault.so" --json
        json 'a["verdict"] == "crash" and a["no_return"]["found"] in ("point", "start")'
    done
}

test_show() {
    expect 0 show "$work/no-flush-on-abort.ftr"
    checks=$((checks + 1))
    grep -q '^x ' "$work/out" && fail 'show without --explain marks a point of no return'
    expect 0 show "$work/no-flush-on-abort.ftr" --explain
    checks=$((checks + 1))
    [[ $(grep -c '^x ' "$work/out") == 1 ]] || fail 'show --explain marks no point, or more than one'
    says out 'point of no return'
    expect 0 show "$work/no-flush-on-abort.ftr" --explain --json
    json 'a["no_return"]["found"] == "point" and len(a["lines"]) == a["events"]'
}

test_refused() {
    "$flushtrace" run wdm-packet -o "$work/clean.ftr" >/dev/null 2>&1
    expect 3 explain "$work/clean.ftr"
    says err 'there is no finding to explain'
    expect 3 explain "$work/clean.ftr" --json
    json 'a["verdict"] == "error"'
    expect 3 explain "$work/nothing.ftr"
    # The sound core does not have the finding.
    expect 1 explain "$work/no-flush-on-abort.ftr" --mutant none
    says err 'another verdict now: clean'
    expect 3 show "$work/no-flush-on-abort.ftr" --explain --driver wdm-sglist
}

test_moment
test_determined
test_start
test_crash
test_show
test_refused

printf '%d checks, %d failed\n' "$checks" "$failures"
((failures == 0))
