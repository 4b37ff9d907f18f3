#!/usr/bin/env bash
# A driver that loops, recurses without end, dereferences a wild pointer, divides by zero, writes behind its pool block or calls what
# is not implemented leaves a trace behind with its verdict, and the trace can be shown, checked and replayed.
#
#     test_faulty.sh FLUSHTRACE MODULE-FOLDER
set -uo pipefail
flushtrace=$1
modules=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
    printf 'FAIL %s: %s\n' "$1" "$2"
    failed=1
}

# check NAME EXIT VERDICT TEXT: TEXT must stand in the shown trace.
check() {
    local name=$1 exit_status=$2 verdict=$3 text=$4
    local trace=$folder/$name.ftr module=$modules/faulty-$name.so
    "$flushtrace" run "$module" --json -o "$trace" >"$folder/run.json" 2>"$folder/run.err"
    local got=$?
    [[ $got == "$exit_status" ]] || fail "$name" "exit $got, not $exit_status: $(cat "$folder/run.err")"
    grep -q "\"verdict\": \"$verdict\"" "$folder/run.json" || fail "$name" "no verdict $verdict: $(cat "$folder/run.json")"
    [[ -s $trace ]] || fail "$name" "no trace"
    "$flushtrace" show "$trace" >"$folder/show.txt" 2>&1 || true
    grep -q -- "$text" "$folder/show.txt" || fail "$name" "the trace does not say: $text"
    printf 'ok   %s: %s\n' "$name" "$verdict"
}

check loop 1 hang 'run:hang kind=3'
check recursion 1 crash 'run:crash kind=2'
check wild 1 crash 'run:crash kind=1'
check divide 1 crash 'run:crash kind=3'
# The guard behind the block tells in every flavour; ASan tells first where it is linked in.
if grep -q '"flavour": "plain"' "$folder/run.json"; then
    check overrun 1 violation 'pool:damage'
else
    check overrun 1 crash 'run:crash kind=6'
fi
check missing 4 unjudged 'ZwReadFile'
exit $failed
