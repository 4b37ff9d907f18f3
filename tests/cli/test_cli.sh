#!/usr/bin/env bash
# The command line: exit status, JSON shape, help and hostile input of every verb.
# FLUSHTRACE and EDIT_TRACE name the programs, MODULES the folder of the driver modules.
set -uo pipefail

flushtrace=${FLUSHTRACE:?the program to test}
edit=${EDIT_TRACE:?the program edit-trace}
modules=${MODULES:?the folder of faulty-wild.so and others}
work=$(mktemp -d "${TMPDIR:-/tmp}/flushtrace-cli.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0
checks=0
export -n NO_COLOR PAGER 2>/dev/null
# shellcheck source=tests/support/listening.sh
source "$(dirname "${BASH_SOURCE[0]}")/../support/listening.sh"

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    out: /' "$work/out" | head -n 15
    sed 's/^/    err: /' "$work/err" | head -n 15
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

# says FILE TEXT: the last call printed this text.
says() {
    checks=$((checks + 1))
    grep -qF -- "$2" "$work/$1" || fail "std$1 does not say '$2'"
}

# json EXPRESSION: the last call printed exactly one JSON object, and the expression over `a` holds.
json() {
    checks=$((checks + 1))
    python3 - "$work/out" "$1" <<'PY' >"$work/json" 2>&1 || fail "JSON: $1: $(tail -n 1 "$work/json")"
import json, sys
a = json.load(open(sys.argv[1]))
assert isinstance(a, dict), "not an object"
assert eval(sys.argv[2]), {k: a[k] for k in list(a)[:12]}
PY
}

# The keys that an answer about one run has.
readonly run_keys='all(k in a for k in ("verdict rule event function driver mutant platform flavour '\
'model events hash rerun also warnings ops_fired ops_late ops_skipped").split()) and '\
'len(a["hash"]) == 16 and int(a["hash"], 16) >= 0'

test_front() {
    expect 0 --help
    says out 'usage: flushtrace VERB'
    expect 0 --version
    says out 'flushtrace, model '
    says out 'verbs: drivers'
    says out 'DDIs declared and not implemented: '
    expect 3
    expect 3 frobnicate
    says err "no verb 'frobnicate'"
    local verb
    for verb in drivers rules ops points run replay show explain check diff shrink explore regress fuzz new corpus export; do
        expect 0 "$verb" --help
        says out 'Usage: flushtrace'
        says out "flushtrace $verb"
        says out '--json'
        expect 3 "$verb" --no-such-option
    done
}

# Begins a project; tests/package builds one.
test_new() {
    expect 0 new my-driver -o "$work/mine"
    says out "cmake --build $work/mine/build"
    local file
    for file in CMakeLists.txt README.md my_driver.c device/s5933_description.c mutants/no-flush-on-abort.patch; do
        checks=$((checks + 1))
        [[ -s $work/mine/$file ]] || fail "new wrote no $file"
    done
    checks=$((checks + 2))
    grep -qF '@' "$work/mine/CMakeLists.txt" && fail "an unfilled word in CMakeLists.txt"
    (cd "$work/mine" && patch -p1 --dry-run --fuzz=0 <mutants/no-flush-on-abort.patch) >"$work/out" ||
        fail "the renamed mutant does not apply"
    expect 3 new my-driver -o "$work/mine"
    says err 'File exists'
    expect 0 new my-driver -o "$work/framework" --model kmdf
    for file in CMakeLists.txt my_driver.c my_driver_dma.c device/plx_dma.h mutants/release-without-final.patch; do
        checks=$((checks + 1))
        [[ -s $work/framework/$file ]] || fail "new wrote no $file"
    done
    checks=$((checks + 2))
    (cd "$work/framework" && patch -p1 --dry-run --fuzz=0 <mutants/release-without-final.patch) >"$work/out" ||
        fail "the renamed mutant does not apply"
    grep -rqE '\.\./devices|[^[:alpha:]](Sg|SG_|sg_)|EvtSg' "$work/framework" && fail "a name that is the core's"
    expect 0 new a1 -o "$work/a1" --json
    json 'a["driver"] == "a1" and a["model"] == "wdm" and a["files"] > 10'
    for file in '' My-Driver 1st a--b a- ../x abcdefghijklmnopqrstuvwxyz1234567; do
        expect 3 new "$file" -o "$work/none"
        says err 'lower-case letters'
    done
    expect 0 new my-driver -o "$work/miniport" --model scsi
    for file in CMakeLists.txt my_driver.c my_driver_dma.c device/ncr53c94_model.c device/scsi_bus.c \
        device/scsi_disks.h mutants/end-keeps-mapping.patch; do
        checks=$((checks + 1))
        [[ -s $work/miniport/$file ]] || fail "new wrote no $file"
    done
    checks=$((checks + 3))
    (cd "$work/miniport" && patch -p1 --dry-run --fuzz=0 <mutants/end-keeps-mapping.patch) >"$work/out" ||
        fail "the renamed mutant does not apply"
    grep -rqE '\.\./devices|(^|[^[:alpha:]])P?(Ncr|NCR_|ncr_)' "$work/miniport" && fail "a name that is the core's"
    grep -q 'NCR 53C94' "$work/miniport/my_driver.h" || fail "the chip has lost its name"
    expect 3 new x --model ndis
    says err 'no such model; wdm, kmdf or scsi: --model ndis'
    expect 3 new
}

test_lists() {
    expect 0 drivers
    says out wdm-packet
    expect 0 drivers --json
    json 'all(k in d for d in a["drivers"] for k in ("driver", "model", "platforms", "mutants"))'
    json 'any(d["driver"] == "wdm-packet" and d["model"] == "wdm" and d["mutants"] for d in a["drivers"])'
    expect 3 drivers no-such-driver
    expect 0 rules
    says out dma.flush-before-complete
    expect 0 rules dma.flush-before-complete
    says out 'source: '
    says out '1 rules: 1 judged'
    expect 0 rules --json
    json 'len(a["rules"]) > 800 and all(r["sentence"] and r["source"] for r in a["rules"])'
    json 'a["judged"] == sum(r["judged"] for r in a["rules"]) > 50'
    expect 3 rules nothing-like-it
    expect 0 ops
    expect 0 ops --json
    json 'any(o["op"] == "cancel" and o["class"] == "disturbance" and o["built"] for o in a["ops"])'
    expect 3 ops nothing
    expect 0 points dma:
    expect 0 points --json
    json 'any(p["point"] == "dma:map.out" and p["sentence"] for p in a["points"])'
    expect 3 points nothing
}

# A mutant that the default scenario catches.
find_mutant() {
    "$flushtrace" drivers wdm-packet --json >"$work/out"
    for mutant in $(python3 -c 'import json, sys
print(*json.load(open(sys.argv[1]))["drivers"][0]["mutants"])' "$work/out"); do
        if "$flushtrace" run wdm-packet --mutant "$mutant" >"$work/out" 2>"$work/err"; then
            continue
        fi
        if grep -q '^violation' "$work/out"; then
            return
        fi
    done
    fail 'no mutant is caught by the default scenario'
    exit 1
}

test_run() {
    local platform
    for platform in coherent bounce noncoherent iommu; do
        expect 0 run wdm-packet --platform "$platform"
        says out "clean"
        says out "on $platform"
    done
    expect 0 run wdm-packet -o "$work/clean.ftr" --json
    json "$run_keys"
    json 'a["verdict"] == "clean" and a["rule"] is None and a["driver"] == "wdm-packet"'
    json 'a["ops_fired"] == 3 and a["ops_late"] == 0 and a["ops_skipped"] == 0'
    cp "$work/out" "$work/first"
    expect 0 run wdm-packet -o "$work/again.ftr" --json
    json "a['hash'] == json.load(open('$work/first'))['hash']"
    printf 'platform bounce\na: read length=5000\ncancel of=a @ a/dma:map.out/1\n' >"$work/cancel.fts"
    expect 0 run wdm-packet --scenario "$work/cancel.fts" --json
    json 'a["platform"] == "bounce" and a["ops"] == 2'
    expect 0 run wdm-packet --scenario "$work/cancel.fts" --platform iommu --json
    json 'a["platform"] == "iommu"'
    printf '\3\377\20\1\0\0\0\0\0\0\20' >"$work/input.bytes"
    expect 0 run wdm-packet --scenario "$work/input.bytes" --json
    json 'a["verdict"] == "clean" and a["platform"] == "iommu" and a["ops"] == 1'
    printf 'platform bounce\na: reed\n' >"$work/bad.fts"
    expect 3 run wdm-packet --scenario "$work/bad.fts"
    says err "bad.fts:2: "
    expect 3 run wdm-packet --scenario "$work"
    expect 3 run wdm-packet --scenario "$work/none.fts"
    expect 3 run no-such-driver --json
    json 'a["verdict"] == "error" and "no driver" in a["error"]'
    expect 3 run ./no/such.so
    expect 3 run wdm-packet --mutant no-such-mutant
    expect 3 run wdm-packet --platform moon
    expect 3 run wdm-packet --flavour salty
    expect 3 run wdm-packet --seed x
    expect 3 run wdm-packet --seed 1 --scenario "$work/cancel.fts"
    expect 3 run wdm-packet -o "$work/no/folder.ftr"
    expect 3 run wdm-packet -o "$work"
    expect 3 run
    expect 3 run wdm-packet extra --json
    json 'a["verdict"] == "error"'
}

test_findings() {
    expect 1 run wdm-packet --mutant "$mutant" -o "$work/bad.ftr"
    says out 'last events'
    says out 'run it again with'
    checks=$((checks + 1))
    [[ $(tail -n 1 "$work/out") == *"replay $work/bad.ftr" ]] || fail 'the last line does not rerun it'
    expect 1 run wdm-packet --mutant "$mutant" --json
    json "$run_keys"
    json 'a["verdict"] == "violation" and a["event"] <= a["events"] and a["sentence"] and a["source"]'
    json 'a["function"].count(":") == 2'
    rule=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["rule"])' "$work/out")
    local function
    function=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["function"].split(":")[1])' "$work/out")
    expect 0 run wdm-packet --mutant "$mutant" --ignore "$rule"
    says out '(known)'
    expect 0 run wdm-packet --mutant "$mutant" --ignore "$rule:$function"
    expect 1 run wdm-packet --mutant "$mutant" --ignore "$rule:Another"
    says err 'not used'
    expect 3 run wdm-packet --mutant "$mutant" --ignore no.such-rule
    printf '# known\n%s %s we know\ncrash - never seen\n' "$rule" "$function" >"$work/baseline"
    expect 0 run wdm-packet --mutant "$mutant" --baseline "$work/baseline" --json
    json 'a["known"] == "we know" and a["verdict"] == "violation"'
    says err 'baseline:3: not used: crash -'
    printf '%s %s\n' "$rule" "$function" >"$work/baseline"
    expect 3 run wdm-packet --baseline "$work/baseline"
    says err 'baseline:1: '
    expect 3 run wdm-packet --baseline "$work/no-baseline"
    expect 1 run wdm-packet --mutant "$mutant" --keep-going --json -o "$work/going.ftr"
    json 'a["events"] > a["event"]'
    expect 0 replay "$work/going.ftr"
}

test_replay() {
    expect 0 replay "$work/clean.ftr"
    expect 0 replay "$work/bad.ftr"
    says out 'the stored verdict'
    expect 0 replay "$work/bad.ftr" --json
    json "$run_keys"
    json 'a["outcome"] == "passed" and a["stored"]["rule"] == a["rule"] and not a["followed"]'
    expect 1 replay "$work/bad.ftr" --mutant none
    expect 1 replay "$work/bad.ftr" --mutant none --json
    json 'a["verdict"] == "clean" and a["followed"]'
    expect 0 replay "$work/bad.ftr" --follow
    expect 0 replay "$work/clean.ftr" --platform all
    local platform
    for platform in coherent bounce noncoherent iommu; do
        says out "$platform"
    done
    expect 0 replay "$work/clean.ftr" --platform all --json
    json 'len(a["platforms"]) == 4 and all(p["verdict"] == "clean" for p in a["platforms"])'
    expect 3 replay "$work/clean.ftr" --platform moon
    expect 3 replay "$work/clean.ftr" --stop-at 5
    says err debugger
    expect 3 replay "$work/clean.ftr" --stop-at 0
    expect 3 replay "$work/clean.ftr" --driver no-such-driver
    expect 3 replay "$work/clean.ftr" --gdb --json

    "$edit" "$work/clean.ftr" "$work/event.ftr" event 100
    expect 2 replay "$work/event.ftr"
    says out 'first difference at event 100'
    says out '-   100'
    says out '+   100'
    expect 2 replay "$work/event.ftr" --json
    json 'a["divergence"] == 100 and a["verdict"] == "divergence"'
    expect 0 replay "$work/event.ftr" --follow
    "$edit" "$work/bad.ftr" "$work/other.ftr" clean
    expect 1 replay "$work/other.ftr"
    "$edit" "$work/clean.ftr" "$work/model.ftr" model 99
    expect 3 replay "$work/model.ftr"
    says err --follow
    expect 0 replay "$work/model.ftr" --follow
    "$edit" "$work/clean.ftr" "$work/print.ftr" fingerprint 0123456789abcdef
    expect 3 replay "$work/print.ftr"
    says err --follow
    "$edit" "$work/clean.ftr" "$work/crash0.ftr" crash
    expect 1 replay "$work/crash0.ftr"
    "$edit" "$work/crash0.ftr" "$work/crash.ftr" flavour sanitized
    expect 4 replay "$work/crash.ftr"
    says out 'may not see'
    "$edit" "$work/clean.ftr" "$work/core.ftr" core ./evil.so
    expect 3 replay "$work/core.ftr"
    says err 'names no driver'
}

test_gdb() {
    command -v gdb >/dev/null || { printf 'no gdb: --gdb is not tested\n'; return; }
    printf 'bt 12\nkill\nquit\n' | "$flushtrace" replay "$work/bad.ftr" --gdb >"$work/out" 2>"$work/err"
    says out SIGTRAP
    says out Packet
}

test_show() {
    local show
    expect 0 show "$work/bad.ftr"
    says out '# time c il  task '
    says out 'op:fired 1  a: read length=4096'
    says out "$rule  (rule "
    says out 'source: '
    says out "replay $work/bad.ftr"
    checks=$((checks + 1))
    [[ $(<"$work/out") != *$'\033'* ]] || fail 'colours in a file'
    expect 0 show "$work/bad.ftr" --json
    json "$run_keys"
    json 'len(a["lines"]) == a["events"] and a["lines"][9]["event"] == 10'
    json 'all(k in a["lines"][0] for k in ("name", "cpu", "irql", "layer", "task", "arguments"))'
    expect 0 show "$work/bad.ftr" --around 50:3 --json
    json '[l["event"] for l in a["lines"]] == list(range(47, 54))'
    expect 0 show "$work/bad.ftr" --around 1:2 --json
    json '[l["event"] for l in a["lines"]] == [1, 2, 3]'
    expect 0 show "$work/bad.ftr" --kind dma: --json
    json 'a["lines"] and all(l["name"].startswith("dma:") for l in a["lines"])'
    expect 0 show "$work/bad.ftr" --object irp#3 --json
    json 'a["lines"] and all(l["request"] == "irp#3" or "irp#3" in l["arguments"].values() for l in a["lines"])'
    for show in --around=0 --around=x --around=99999999 --object=irp --object='#3' --object='irp#x' \
        --object='cow#1'; do
        expect 3 show "$work/bad.ftr" "$show"
    done
}

test_check_and_diff() {
    expect 0 check "$work/clean.ftr"
    says out 'the stored verdict is right'
    expect 1 check "$work/bad.ftr" --json
    json "$run_keys"
    json 'a["same"] and a["complete"] and a["stored"]["rule"] == a["rule"]'
    expect 0 check "$work/bad.ftr" --ignore "$rule"
    expect 1 check "$work/other.ftr" --json
    json 'not a["same"] and a["stored"]["verdict"] == "clean" and a["verdict"] == "violation"'
    expect 0 diff "$work/clean.ftr" "$work/again.ftr"
    says out 'same: '
    expect 0 diff "$work/clean.ftr" "$work/again.ftr" --json
    json 'a["same"] and a["difference"] is None'
    expect 1 diff "$work/clean.ftr" "$work/event.ftr"
    says out 'first difference at event 100'
    checks=$((checks + 1))
    [[ $(grep -c '^[-+] ' "$work/out") == 8 && $(grep -cE '^ +[0-9]+ ' "$work/out") == 3 ]] ||
        fail 'diff shows another context than three events each side'
    expect 1 diff "$work/clean.ftr" "$work/event.ftr" --json
    json 'not a["same"] and a["difference"] == 100 and a["left"]["name"] == a["right"]["name"]'
    expect 1 diff "$work/bad.ftr" "$work/clean.ftr"
    expect 3 diff "$work/clean.ftr"
    expect 3 diff "$work/clean.ftr" "$work/none.ftr"
}

# With a mutant that fails at the second piece of a read.
test_shrink() {
    local mutant=flush-va-advanced

    printf 'platform bounce registers=3\na: read length=9000\nb: write length=5000 offset=3\nc: read length=300\n' \
        >"$work/long.fts"
    expect 1 run wdm-packet --mutant "$mutant" --scenario "$work/long.fts" -o "$work/long.ftr"
    expect 0 shrink "$work/long.ftr" -o "$work/small.ftr" --json
    json 'a["ops"] < a["ops_before"] == 3 and a["runs"] > 0 and a["verdict"] == "violation"'
    json 'a["minimal"] and a["end"] == "minimal" and a["scenario"].startswith("platform ") and a["scenario_before"].count("\n") == 4 and a["rerun"]'
    expect 0 replay "$work/small.ftr"
    expect 0 shrink "$work/long.ftr" -o "$work/small.ftr"
    says out 'shrunk: 3 ops to'
    says out 'minimal: '
    checks=$((checks + 1))
    [[ $(tail -n 1 "$work/out") == *"replay $work/small.ftr" ]] || fail 'the last line of shrink is not the rerun command'
    expect 0 shrink "$work/small.ftr" -o "$work/small.ftr" --json
    json 'a["ops"] == a["ops_before"] and a["events"] == a["events_before"]'
    expect 3 shrink "$work/long.ftr"
    says err '-o is missing'
    expect 3 shrink "$work/clean.ftr" -o "$work/x.ftr"
    expect 3 shrink "$work/long.ftr" -o "$work/no/x.ftr"
    expect 1 shrink "$work/long.ftr" --mutant none -o "$work/x.ftr"
    checks=$((checks + 1))
    [[ ! -e $work/x.ftr ]] || fail 'shrink wrote a trace without the finding'
}

# A driver that never returns: each step costs CPU time, and the best so far is never lost.
test_shrink_ends() {
    local i
    {
        printf 'platform iommu registers=2\n'
        for i in 1 2 3 4 5 6 7 8 9 10; do printf 'read length=%d\nevict\n' $((i * 3)); done
        printf 'write length=4096 offset=4000 @ device/pool:alloc/1\nyank\n'
    } >"$work/loop.fts"
    expect 1 run "$modules/faulty-requests.so" --scenario "$work/loop.fts" -o "$work/loop.ftr"
    says out 'hang'
    expect 0 shrink "$work/loop.ftr" --driver "$modules/faulty-requests.so" -o "$work/small.ftr" --time 1 --json
    json 'a["verdict"] == "hang" and a["end"] in ("minimal", "out of time") and a["minimal"] == (a["end"] == "minimal")'
    expect 3 shrink "$work/loop.ftr" --driver "$modules/faulty-requests.so" -o "$work/small.ftr" --time 0
    rm "$work/small.ftr"
    "$flushtrace" shrink "$work/loop.ftr" --driver "$modules/faulty-requests.so" -o "$work/small.ftr" >"$work/out" 2>&1 &
    listening $!
    kill -INT $!
    checks=$((checks + 1))
    wait $! || fail "shrink after Ctrl-C: exit $?"
    says out 'not minimal (interrupted): this is the best so far'
    expect 0 replay "$work/small.ftr" --driver "$modules/faulty-requests.so"
}

test_regress() {
    local traces=$work/traces
    mkdir -p "$traces/clean" "$traces/violates/$rule" "$traces/refused"
    cp "$work/clean.ftr" "$traces/clean/one.ftr"
    cp "$work/bad.ftr" "$traces/violates/$rule/two.ftr"
    printf 'no trace' >"$traces/refused/three.ftr"
    expect 0 regress "$traces"
    checks=$((checks + 1))
    [[ $(tail -n 1 "$work/out") == '3 passed, 0 failed' ]] || fail 'last line of regress'
    expect 0 regress "$traces" --jobs 1 --json
    json 'a["passed"] == 3 and a["failed"] == 0 and len(a["traces"]) == 3 and all(t["rerun"] for t in a["traces"])'
    cp "$work/model.ftr" "$traces/clean/followed.ftr"
    expect 0 regress "$traces"
    says out 'followed'
    cp "$work/other.ftr" "$traces/four.ftr"
    expect 1 regress "$traces" --junit "$work/junit.xml" --sarif "$work/out.sarif"
    says out "replay $traces/four.ftr"
    says out '4 passed, 1 failed'
    checks=$((checks + 1))
    python3 - "$work/junit.xml" "$work/out.sarif" "$rule" <<'PY' || fail 'JUnit or SARIF'
import json, sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
assert suite.get("tests") == "5" and suite.get("failures") == "1" and suite.get("errors") == "0"
assert len(suite.findall("testcase")) == 5 and len(suite.findall("testcase/failure")) == 1
log = json.load(open(sys.argv[2]))
assert log["version"] == "2.1.0" and len(log["runs"]) == 1
(result,) = log["runs"][0]["results"]
assert result["ruleId"] == sys.argv[3] and result["level"] == "error"
place = result["locations"][0]["physicalLocation"]
assert place["artifactLocation"]["uri"].endswith(".c") and place["region"]["startLine"] > 0
assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == [sys.argv[3]]
PY
    printf '%s * already known\ncrash * never used\n' "$rule" >"$work/known.txt"
    expect 0 regress "$traces" --baseline "$work/known.txt"
    says out 'known: already known'
    says err "known.txt:2: not used: crash"
    expect 0 regress "$traces" --ignore "$rule"
    expect 1 regress "$traces" --ignore "$rule:Nothing"
    mv "$traces/four.ftr" "$work/four.ftr"
    cp "$work/event.ftr" "$traces/five.ftr"
    expect 2 regress "$traces"
    cp "$work/clean.ftr" "$traces/violates/$rule/wrong-folder.ftr"
    expect 3 regress "$traces"
    says out 'not the one that its folder names'
    says out 'wrong folder'
    rm "$traces/violates/$rule/wrong-folder.ftr"
    expect 0 regress "$traces" --refresh
    says out 'same verdict'
    expect 0 regress "$traces" --json
    json 'not any(t["followed"] for t in a["traces"])'
    cp "$work/four.ftr" "$traces/four.ftr"
    expect 1 regress "$traces" --refresh
    says out 'another verdict; it was clean'
    expect 0 regress "$traces"
    cp "$work/clean.ftr" "$traces/refused/readable.ftr"
    expect 1 regress "$traces"
    mkdir "$work/nothing"
    expect 3 regress "$work/nothing"
    says err 'no trace'
    expect 3 regress "$work/no-such-folder"
    expect 3 regress "$traces" --junit "$work/no/junit.xml"
    expect 3 regress "$traces" --jobs 0
}

test_corpus() {
    local traces=$work/traces corpus=$work/all.ftc
    expect 3 corpus pack "$traces" -o "$corpus"
    says err 'three.ftr'
    (cd "$work" && "$flushtrace" corpus pack traces/clean traces/violates -o all.ftc) >"$work/out" 2>"$work/err" ||
        fail 'corpus pack'
    cp "$corpus" "$work/before.ftc"
    expect 0 corpus pack "$work/before.ftc" -o "$corpus" --json
    json 'a["traces"] == 3 and a["bytes"] > 0'
    checks=$((checks + 1))
    cmp -s "$work/before.ftc" "$corpus" || fail 'the same traces gave other bytes'
    checks=$((checks + 1))
    zstd -tq "$corpus" 2>/dev/null || zstd -lq "$corpus" >/dev/null || fail 'zstd cannot read a corpus'
    expect 0 corpus stats "$corpus" --json
    json 'a["traces"] == 3 and a["verdicts"] == {"clean": 2, "violation": 1} and a["distinct"] >= 2'
    expect 0 corpus unpack "$corpus" -o "$work/again"
    checks=$((checks + 1))
    diff -r "$traces/violates" "$work/again/traces/violates" >/dev/null || fail 'unpack gave other files'
    expect 0 regress "$corpus"
    says out '3 passed, 0 failed'
    expect 0 replay "$corpus:traces/clean/one.ftr"
    expect 3 show "$corpus"
    says err 'name one of its traces'
    expect 3 show "$corpus:traces/none.ftr"
    says err 'holds no trace'
    cp "$traces/clean/one.ftr" "$traces/clean/twin.ftr"
    expect 0 corpus minimize "$traces/clean" "$traces/violates" -o "$work/few.ftc" --json
    json 'a["before"] == 4 and a["traces"] < 4 and a["cells"] > 0 and a["findings"] == 1'
    head -c 300 "$corpus" >"$work/cut.ftc"
    expect 3 corpus unpack "$work/cut.ftc" -o "$work/cut"
    expect 3 corpus stats "$work/cut.ftc"
    expect 3 corpus shred "$corpus"
    expect 3 corpus pack "$traces/clean"
    says err '-o FILE.ftc is missing'
}

test_hostile() {
    local verb file size
    size=$(stat -c %s "$work/bad.ftr")
    : >"$work/empty.ftr"
    mkdir -p "$work/folder.ftr"
    head -c 40 "$work/bad.ftr" >"$work/head.ftr"
    head -c $((size * 3 / 4)) "$work/bad.ftr" >"$work/cut.ftr"
    head -c 4000 /dev/zero >"$work/zero.ftr"
    python3 - "$work/bad.ftr" "$work" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
for name, at in (("flip1", 20), ("flip2", len(data) // 2), ("flip3", len(data) - 9)):
    copy = bytearray(data)
    copy[at] ^= 0x55
    open(f"{sys.argv[2]}/{name}.ftr", "wb").write(copy)
open(f"{sys.argv[2]}/absurd.ftr", "wb").write(b"\x28\xb5\x2f\xfd\xe4" + b"\xff" * 200)
PY
    for verb in replay show check "shrink -o $work/x.ftr"; do
        for file in empty folder head zero flip1 flip2 absurd missing; do
            # shellcheck disable=SC2086
            expect 3 $verb "$work/$file.ftr"
            says err "$file.ftr"
            # shellcheck disable=SC2086
            expect 3 $verb "$work/$file.ftr" --json
            json 'a["verdict"] == "error" and a["error"] and a["offset"] >= 0'
        done
    done
    expect 3 diff "$work/clean.ftr" "$work/flip2.ftr"
    expect 3 show "$work/flip3.ftr"
    # Cut off inside the events: what is there can be read, and is not replayed as if it were whole.
    local status
    "$flushtrace" show "$work/cut.ftr" >"$work/out" 2>"$work/err"
    status=$?
    checks=$((checks + 1))
    if ((status == 0)); then
        says out 'cut off'
    elif ((status != 3)); then
        fail "exit status $status for a trace that is cut off"
    fi
    expect 3 replay "$work/cut.ftr"
    # Texts of a trace are not commands to a terminal.
    "$edit" "$work/bad.ftr" "$work/esc.ftr" function $'\e[2Jhide\a:F:1'
    expect 0 show "$work/esc.ftr"
    checks=$((checks + 1))
    [[ $(<"$work/out") != *$'\033'* ]] || fail 'an escape sequence of a trace reaches the terminal'
    expect 0 show "$work/esc.ftr" --json
    json 'a["verdict"] == "violation"'
}

# Drivers that fault at once; their modules are built beside the programs.
test_faults() {
    expect 1 run "$modules/faulty-wild.so" -o "$work/wild.ftr" --json
    json "$run_keys"
    json 'a["verdict"] == "crash" and a["rule"] is None and "wild access" in a["detail"]'
    expect 0 replay "$work/wild.ftr" --driver "$modules/faulty-wild.so"
    expect 3 replay "$work/wild.ftr"
    says err --driver
    expect 3 run "$modules/faulty-wild.so" --mutant x
    expect 0 show "$work/wild.ftr"
    says out 'run:crash'
    printf 'crash - it does that\n' >"$work/baseline"
    expect 0 run "$modules/faulty-wild.so" --baseline "$work/baseline"
    says out 'crash (known)'
    expect 1 run "$modules/faulty-overrun.so" --json
    json 'a["verdict"] == "crash" or a["rule"].startswith("mem.")'
    expect 4 run "$modules/faulty-missing.so" --json
    json 'a["verdict"] == "unjudged" and "not implemented" in a["detail"]'
}

test_flavours() {
    local flavour folder
    folder=$(dirname "$flushtrace")
    for flavour in asan access; do
        if [[ -x $folder/flushtrace-$flavour ]]; then
            expect 0 run wdm-packet --flavour "$flavour" --json
            json "a['flavour'] == '$flavour' and a['hash'] == json.load(open('$work/first'))['hash']"
            expect 0 replay "$work/clean.ftr" --flavour "$flavour" --follow
        else
            expect 3 run wdm-packet --flavour "$flavour"
            says err "flushtrace-$flavour"
        fi
    done
    # The access flavour has the sound cores and the mutants that only it can see.
    if [[ -x $folder/flushtrace-access ]]; then
        expect 3 replay "$work/bad.ftr" --flavour access
        says err 'has no mutant flush-direction'
    fi
    [[ ! -x $folder/flushtrace-asan ]] || test_shrink_elsewhere
}

# What only ASan sees is shrunk by the program that has it.
test_shrink_elsewhere() {
    printf 'platform bounce\nlost-interrupt\nwrite length=24576\nrestart moved=1\nread length=300\nevict lines=3\n' \
        >"$work/freed.fts"
    expect 1 run wdm-sglist --mutant common-freed-first --scenario "$work/freed.fts" --flavour asan -o "$work/freed.ftr" --json
    json 'a["verdict"] == "crash" and a["flavour"] == "asan"'
    expect 0 shrink "$work/freed.ftr" -o "$work/small.ftr" --json
    says err 'flavour asan takes over'
    json 'a["verdict"] == "crash" and a["flavour"] == "asan" and a["ops"] < a["ops_before"] and a["minimal"]'
    json '"--flavour asan" in a["rerun"]'
    expect 0 replay "$work/small.ftr" --flavour asan
}

# What is nearly a flag of libFuzzer, which would ignore it; no campaign begins.
test_fuzz_words() {
    expect 3 fuzz wdm-packet -max-len=64
    says err '-max_len?'
    expect 3 fuzz wdm-packet -- -rus=5
    says err '-runs?'
    expect 3 fuzz wdm-packet -max_lem=64 --json
    json 'a["verdict"] == "error" and "-max_len?" in a["error"]'
    expect 3 fuzz wdm-packet --flavour asan
    says err 'flavour of its engine'
    expect 3 fuzz wdm-packet --colour blue
    says err 'auto, always or never'
    expect 3 fuzz no-such-driver --color never --no-pager
    says err 'no-such-driver'
}

test_front
test_fuzz_words
test_new
test_lists
find_mutant
test_run
test_findings
test_replay
test_gdb
test_show
test_check_and_diff
test_shrink
test_shrink_ends
test_regress
test_corpus
test_hostile
test_faults
test_flavours
printf '%d checks, %d failed\n' "$checks" "$failures"
((failures == 0))
