#!/usr/bin/env bash
# usage: check_package.sh BUILD SCRATCH
#
# Installs the build BUILD into SCRATCH, begins a driver project of each model there with
# `flushtrace new`, builds it with find_package(flushtrace), runs the driver's module with the
# installed program, lets the project's own fuzz target run, and adds that run as a regression test.
set -euo pipefail

build=$1 scratch=$2

rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"
for model in wdm kmdf scsi; do
    project=$scratch/$model
    mkdir -p "$project"
    "$scratch/prefix/bin/flushtrace" new outside --model "$model" -o "$project/source"
    cmake -S "$project/source" -B "$project/build" -G Ninja -DCMAKE_C_COMPILER=clang \
        -DCMAKE_PREFIX_PATH="$scratch/prefix"
    cmake --build "$project/build"
    "$scratch/prefix/bin/flushtrace" run "$project/build/outside.so" -o "$project/outside.ftr"
    "$scratch/prefix/bin/flushtrace" show "$project/outside.ftr" >"$project/outside.txt"
    "$project/build/flushtrace-fuzz-outside" -runs=2000 -seed=1
    "$scratch/prefix/bin/flushtrace" export "$project/outside.ftr" --format ctest \
        -o "$project/source/regression.c"
    printf '\nenable_testing()\n%s\n' \
        'flushtrace_add_regression_test(NAME regression SOURCE regression.c CORE outside)' \
        >>"$project/source/CMakeLists.txt"
    cmake --build "$project/build"
    ctest --test-dir "$project/build" -R '^regression$' --no-tests=error
done
