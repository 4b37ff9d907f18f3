#!/usr/bin/env bash
# Drivers with sources above their folder are built, each from its own objects.
#
#     test_apart.sh FLUSHTRACE FOLDER-OF-MODULES
set -uo pipefail
flushtrace=$1
modules=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for name in apart apart-again; do
    "$flushtrace" run "$modules/$name.so" -o "$folder/$name.ftr" >"$folder/run.txt" 2>&1
    "$flushtrace" show --no-pager "$folder/$name.ftr" >"$folder/show.txt"
    grep -qF 'apart: from above' "$folder/show.txt" || {
        printf 'FAIL %s does not say it\n' "$name"
        cat "$folder/run.txt" "$folder/show.txt"
        exit 1
    }
done
