#!/usr/bin/env bash
# usage: check_package.sh BUILD SOURCE SCRATCH
#
# Installs the build BUILD of the checkout SOURCE into SCRATCH, builds a driver project against it
# with find_package(flushtrace), runs the driver's module with the installed program, and lets the
# project's own fuzz target run.
set -euo pipefail

build=$1 source=$2 scratch=$3

rm -rf "$scratch"
mkdir -p "$scratch/project"
cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"
cp -r "$source/driver-core/wdm-packet/." "$scratch/project"
cp "$source/tests/package/outside.cmake" "$scratch/project/CMakeLists.txt"

cmake -S "$scratch/project" -B "$scratch/build" -G Ninja -DCMAKE_C_COMPILER=clang \
    -DCMAKE_PREFIX_PATH="$scratch/prefix"
cmake --build "$scratch/build"
"$scratch/prefix/bin/flushtrace" run "$scratch/build/outside.so" -o "$scratch/outside.ftr"
"$scratch/prefix/bin/flushtrace" show "$scratch/outside.ftr" >"$scratch/outside.txt"
"$scratch/build/flushtrace-fuzz-outside" -runs=2000 -seed=1
