#!/usr/bin/env bash
# usage: check_package.sh BUILD SCRATCH
#
# Installs the build BUILD into SCRATCH, begins a driver project there with
# `flushtrace new`, builds it with find_package(flushtrace), runs the driver's module with the
# installed program, and lets the project's own fuzz target run.
set -euo pipefail

build=$1 scratch=$2

rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"
"$scratch/prefix/bin/flushtrace" new outside -o "$scratch/project"

cmake -S "$scratch/project" -B "$scratch/build" -G Ninja -DCMAKE_C_COMPILER=clang \
    -DCMAKE_PREFIX_PATH="$scratch/prefix"
cmake --build "$scratch/build"
"$scratch/prefix/bin/flushtrace" run "$scratch/build/outside.so" -o "$scratch/outside.ftr"
"$scratch/prefix/bin/flushtrace" show "$scratch/outside.ftr" >"$scratch/outside.txt"
"$scratch/build/flushtrace-fuzz-outside" -runs=2000 -seed=1
