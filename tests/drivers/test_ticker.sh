#!/usr/bin/env bash
# A sound framework driver of timers, DPCs, work items, locks, memory and collections: whatever is done to its
# device or fails, and at any point, nothing is found in it or in the framework.
#
#     test_ticker.sh FLUSHTRACE MODULE
set -euo pipefail
flushtrace=$1
module=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    printf 'FAIL %s\n' "$1"
    exit 1
}

printf 'a: ioctl code=0 length=16\nb: ioctl code=0 length=16\n' >"$folder/calm.fts"
"$flushtrace" run "$module" --scenario "$folder/calm.fts" -o "$folder/calm.ftr" || fail calm
"$flushtrace" show --no-pager "$folder/calm.ftr" >"$folder/show.txt"
for text in 'EvtTimerFunc wdf-timer' 'EvtDpcFunc wdf-dpc' 'EvtWorkItem wdf-work' 'driver:unloaded devices=0'; do
    grep -q -- "$text" "$folder/show.txt" || fail "not in the trace: $text"
done
"$flushtrace" replay "$folder/calm.ftr" --driver "$module" || fail 'another run than recorded'
for platform in coherent bounce noncoherent iommu; do
    "$flushtrace" explore "$module" --scenario "$folder/calm.fts" --platform "$platform" >"$folder/explore.txt" ||
        fail "$platform: $(tail -30 "$folder/explore.txt")"
done
