#!/usr/bin/env bash
# usage: test_exported.sh PROGRAM FLUSHTRACE CORE MUTANT RULE
#
# PROGRAM is a test that `flushtrace export --format ctest` wrote from a finding of RULE on MUTANT.
set -uo pipefail

program=$1 flushtrace=$2 core=$3 mutant=$4 rule=$5
work=$(mktemp -d "${TMPDIR:-/tmp}/flushtrace-exported.XXXXXX")
trap 'rm -rf "$work"' EXIT
failures=0

# expect STATUS TEXT ARGUMENTS...: what the program ends with, and what it says.
expect() {
    local wanted=$1 text=$2
    shift 2
    "$program" "$@" >"$work/out" 2>&1
    local got=$?
    if ((got != wanted)) || ! grep -qF -- "$text" "$work/out"; then
        failures=$((failures + 1))
        printf 'FAILED: exit %d, not %d with "%s": %s\n' "$got" "$wanted" "$text" "$*"
        cat "$work/out"
    fi
}

expect 0 passed
expect 0 passed --mutant none
expect 1 "FAILED: $rule is still there" --mutant "$mutant"
expect 1 "violation  $core, mutant $mutant" --mutant "$mutant" --trace "$work/again.ftr"
expect 3 "no driver $core, mutant no-such is linked in" --mutant no-such
expect 3 usage: --frobnicate
expect 3 usage: --mutant
expect 5 'No such file' --trace "$work/no/where.ftr"
"$flushtrace" replay "$work/again.ftr" >"$work/out" 2>&1 || {
    failures=$((failures + 1))
    cat "$work/out"
}
((failures == 0))
