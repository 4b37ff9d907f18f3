#!/usr/bin/env bash
# A driver without AddDevice, whose device has no extension, takes its bytes through request line 0x1000 on every platform, and
# nothing that fails or goes makes it go wrong; what it does wrong on purpose is found; and its trace replays.
#
#     test_legacy.sh FLUSHTRACE MODULE
set -euo pipefail
flushtrace=$1
module=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trace=$folder/legacy.ftr

fail() {
    printf 'FAIL %s\n' "$1"
    exit 1
}

# shown TEXT: the trace has it.
shown() {
    "$flushtrace" show --no-pager "$trace" >"$folder/show.txt" || true
    grep -q -- "$1" "$folder/show.txt" || fail "not in the trace: $1"
}

printf 'a: ioctl code=0 length=16\n' >"$folder/take.fts"
for platform in coherent bounce noncoherent iommu; do
    "$flushtrace" run "$module" --scenario "$folder/take.fts" --platform "$platform" -o "$trace" || fail "$platform"
    shown 'dma:terminal channel=4096'
    shown 'dma:complete .* left=0'
    shown 'irp:done irp#2 STATUS_SUCCESS'
    shown 'driver:unloaded devices=0'
    # Pages in no order: the controller gathers them, in one transfer.
    [[ $platform != iommu ]] || shown 'dma:map .*map#2'
    "$flushtrace" replay "$trace" --driver "$module" || fail "$platform: another run than recorded"
    "$flushtrace" explore "$module" --scenario "$folder/take.fts" --platform "$platform" >"$folder/explore.txt" ||
        fail "$platform: $(tail -20 "$folder/explore.txt")"
done

printf 'a: ioctl code=0 length=16\nyank @ a/wait/2\n' >"$folder/yank.fts"
"$flushtrace" run "$module" --scenario "$folder/yank.fts" -o "$trace" || fail yank
shown 'dma:cancel-mapped'
shown 'irp:done irp#2 STATUS_IO_DEVICE_ERROR'

# Nothing of Plug and Play reaches it.
printf 'remove\nstop\npower-down\nsleep\na: ioctl code=0 length=16\n' >"$folder/pnp.fts"
"$flushtrace" run "$module" --scenario "$folder/pnp.fts" -o "$trace" || fail pnp
shown '4 skipped'
shown 'irp:done irp#2 STATUS_SUCCESS'

printf 'a: ioctl code=1 length=16\n' >"$folder/wrong.fts"
"$flushtrace" run "$module" --scenario "$folder/wrong.fts" -o "$trace" >"$folder/run.txt" && fail 'no extension, and nobody minds'
shown 'run:crash kind=1 .*LegacyControl'
