#!/usr/bin/env bash
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite ask for them. They say how, in the environment:
#
#   CC CXX CFLAGS CXXFLAGS   compilers of the code under test, instrumented for engine and sanitizer
#   LIB_FUZZING_ENGINE       what a target is linked with to have a main
#   SANITIZER                address, undefined or coverage: only for a clear refusal of others
#   OUT WORK                 where targets go, and where a build may stand (default: OUT.build)
#
# In OUT stand, for each target, NAME, NAME.options, NAME.dict and NAME_seed_corpus.zip, and nothing else is
# needed to run it. TARGETS (a list of names) builds fewer of them.
#
# Under test are the drivers in flushtrace-fuzz-CORE and the harness's parsers in flushtrace-parse-NAME. The
# simulated machine is the instrument: it saves and restores all memory for each run, and is compiled by
# the plain clang without anybody's flags.
set -euo pipefail

: "${CC:?}" "${CXX:?}" "${LIB_FUZZING_ENGINE:?}" "${OUT:?}"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# OSS-Fuzz runs a copy of this script from the folder above the checkout.
[[ -f $source/harness/fuzz/cores.options ]] || source=$PWD
build=${WORK:+$WORK/flushtrace}
build=${build:-$OUT.build}
case ${SANITIZER:-address} in
address | undefined | coverage) ;;
*)
    # memory: the machine is not instrumented, so all that it writes would count as uninitialised.
    echo "build.sh: no sanitizer $SANITIZER: address, undefined or coverage" >&2
    exit 3
    ;;
esac

# CMake takes a list; the environment has words.
list() { local IFS=';'; echo "$*"; }
# shellcheck disable=SC2086
configure() {
    env -u CC -u CXX -u CFLAGS -u CXXFLAGS -u LDFLAGS cmake -S "$source" -B "$build" -G Ninja \
        -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER="${MACHINE_CC:-clang}" \
        -DFLUSHTRACE_FLAVOURS=engine -DFLUSHTRACE_TESTS=OFF -DFLUSHTRACE_WERROR=OFF \
        -DFLUSHTRACE_ENGINE_CC="$CC" -DFLUSHTRACE_ENGINE_CXX="$CXX" \
        "-DFLUSHTRACE_ENGINE_CFLAGS=$(list ${CFLAGS-})" \
        "-DFLUSHTRACE_ENGINE_CXXFLAGS=$(list ${CXXFLAGS-})" \
        "-DFLUSHTRACE_ENGINE_LIBRARY=$(list $LIB_FUZZING_ENGINE)"
}

# The dictionary of a target: what its input is written in.
dictionary_of() {
    case $1 in
    flushtrace-fuzz-* | *-scenario-bytes) echo scenario-bytes ;;
    *-scenario-text | *-event-text | *-baseline) echo "${1#flushtrace-parse-}" ;;
    *-judged) echo event-text ;;
    *-catalogue) ;; # numbers
    *) echo trace ;;
    esac
}

# The seeds of a target into the folder $2. Of a core: its scenarios, and those of every stored trace of
# it and of its mutants.
seeds_of() {
    local name=$1 folder=$2 traces scenario
    case $name in
    flushtrace-fuzz-*)
        mapfile -t traces < <(find "$source/traces/clean" "$source/traces/violates" -name '*.ftr' | sort)
        "$build/bin/ft-make-seeds" scenarios "${name#flushtrace-fuzz-}" "$folder" \
            "$source/driver-core/${name#flushtrace-fuzz-}"/scenarios/*.fts "${traces[@]}"
        ;;
    *)
        cp "$source/harness/fuzz/parsers/seeds/${name#flushtrace-parse-}"/* "$folder"
        ;;
    esac
    if [[ $name == *-scenario-text ]]; then
        for scenario in "$source"/driver-core/*/scenarios/*.fts; do
            cp "$scenario" "$folder/$(sha1sum <"$scenario" | cut -c1-40)"
        done
    fi
}

pack() {
    local name=$1 seeds dictionary options=$source/harness/fuzz/cores.options
    cp "$build/bin/$name" "$OUT/$name"
    [[ $name == flushtrace-fuzz-* ]] || options=$source/harness/fuzz/parsers/parsers.options
    cp "$options" "$OUT/$name.options"
    dictionary=$(dictionary_of "$name")
    [[ -z $dictionary ]] || "$build/bin/ft-make-seeds" dictionary "$dictionary" >"$OUT/$name.dict"
    seeds=$build/seeds/$name
    rm -rf "$seeds" "$OUT/${name}_seed_corpus.zip"
    mkdir -p "$seeds"
    seeds_of "$name" "$seeds"
    (cd "$seeds" && python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" *)
}

mkdir -p "$OUT" "$build"
configure
if [[ -z ${TARGETS:-} ]]; then
    TARGETS=$(cmake -E cat "$build/engine-programs.txt")
fi
# shellcheck disable=SC2206
targets=($TARGETS)
cmake --build "$build" --target ft-make-seeds "${targets[@]}"
for target in "${targets[@]}"; do
    pack "$target"
done
echo "built ${#targets[@]} targets in $OUT"
