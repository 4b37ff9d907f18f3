#!/usr/bin/env bash
# usage: check_package.sh BUILD SCRATCH
#
# Installs the build BUILD into SCRATCH, and builds projects there with find_package(flushtrace): one of each model as
# `flushtrace new` begins it, and outside/, a C++ driver as its author might have left it. Each is run, recorded, replayed,
# fuzzed and regressed with the installed program.
set -euo pipefail

build=$1 scratch=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
flushtrace=$scratch/prefix/bin/flushtrace

fail() {
    printf 'FAIL %s\n' "$*" >&2
    exit 1
}

# expect STATUS COMMAND...
expect() {
    local wanted=$1 status=0
    shift
    "$@" || status=$?
    ((status == wanted)) || fail "exit $status, not $wanted: $*"
}

configure_and_build() {
    cmake -S "$1" -B "$2" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_PREFIX_PATH="$scratch/prefix"
    cmake --build "$2"
}

# glue MOST FILE...: lines that say something, of what a driver needs beside itself and the model of its device.
glue() {
    local most=$1 lines
    shift
    lines=$(cat "$@" | grep -vcE '^[[:space:]]*($|//|/\*|\*|# )')
    printf '%s: %d lines of glue\n' "$1" "$lines"
    ((lines <= most)) || fail "more than $most: $*"
}

# record_and_replay MODULE FOLDER: what a run recorded comes again, alone, in a folder and in a corpus.
record_and_replay() {
    mkdir -p "$2/clean"
    expect 0 "$flushtrace" run "$1" -o "$2/clean/run.ftr"
    expect 0 "$flushtrace" run "$1" --platform bounce -o "$2/clean/bounce.ftr"
    "$flushtrace" show "$2/clean/run.ftr" --no-pager >"$2/run.txt"
    expect 0 "$flushtrace" replay "$2/clean/run.ftr" --driver "$1"
    expect 0 "$flushtrace" regress "$2/clean" --driver "$1" --junit "$2/regress.xml"
    "$flushtrace" corpus pack "$2/clean" -o "$2/corpus.ftc"
    expect 0 "$flushtrace" regress "$2/corpus.ftc" --driver "$1"
}

rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"

for model in wdm kmdf scsi; do
    project=$scratch/$model
    mkdir -p "$project"
    "$flushtrace" new outside --model "$model" -o "$project/source"
    glue 100 "$project/source/CMakeLists.txt" "$project"/source/device/*_description.c
    configure_and_build "$project/source" "$project/build"
    record_and_replay "$project/build/outside.so" "$project"
    expect 0 "$flushtrace" fuzz "$project/build/outside.so" --time 5 --out "$project/fuzz"
    "$project/build/flushtrace-fuzz-outside" -runs=2000 -seed=1
    "$flushtrace" export "$project/clean/run.ftr" --format ctest -o "$project/source/regression.c"
    printf '\nenable_testing()\n%s\n' \
        'flushtrace_add_regression_test(NAME regression SOURCE regression.c CORE outside)' \
        >>"$project/source/CMakeLists.txt"
    cmake --build "$project/build"
    ctest --test-dir "$project/build" -R '^regression$' --no-tests=error
done

# The same driver twice: as it is, which is what drivers are that nobody struck at, and as it forgets its flush.
project=$scratch/pump
mkdir -p "$project"
cp -r "$here/outside" "$project/source"
glue 30 "$project/source/CMakeLists.txt" "$project/source/description.c" "$project"/source/stubs/*
cat >>"$project/source/CMakeLists.txt" <<'TEXT'
flushtrace_add_driver(NAME forgets DEFINITIONS PUMP_FORGETS ${pump})
flushtrace_add_fuzz_targets(forgets)
TEXT
configure_and_build "$project/source" "$project/build"
pump=$project/build/pump.so
forgets=$project/build/forgets.so
record_and_replay "$pump" "$project"
for text in 'read ends with' 'dma:map .*pump.cpp:Granted:' 'dma:flush .*pump.cpp:PumpDpc:'; do
    grep -q "$text" "$project/run.txt" || fail "not in the trace: $text"
done
expect 1 "$flushtrace" run "$forgets" -o "$project/forgets.ftr"
expect 0 "$flushtrace" regress "$project/forgets.ftr" --driver "$forgets" --sarif "$project/regress.sarif"
# Mended: what is stored does not come any more, and regress says so.
expect 1 "$flushtrace" regress "$project/forgets.ftr" --driver "$pump"
# It neither holds requests back when it stops or sleeps, nor ends them when its device is gone: a campaign sees that.
expect 1 "$flushtrace" fuzz "$pump" --time 60 --stop-at-finding --out "$project/fuzz"
finding=$(find "$project/fuzz" -path '*/findings/*.ftr' | sort | head -n 1)
[[ -n $finding ]] || fail "no finding"
expect 0 "$flushtrace" replay "$finding" --driver "$pump"
expect 0 "$flushtrace" regress "$project/fuzz/pump/findings" --driver "$pump"
# What the stand-in of a generated header says is part of the driver: a trace from before is followed, not replayed.
printf '#define PUMP_MSG_MORE 2L\n' >>"$project/source/stubs/pumpmsg.h"
cmake --build "$project/build"
expect 3 "$flushtrace" replay "$project/clean/run.ftr" --driver "$pump"
expect 0 "$flushtrace" replay "$project/clean/run.ftr" --driver "$pump" --follow
