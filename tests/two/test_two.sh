#!/usr/bin/env bash
# Drivers with two devices: the sound ones are clean on every platform, defects that only two devices
# show are found, and their traces replay.
#
#     test_two.sh FLUSHTRACE FOLDER-OF-MODULES RUNS
#
# RUNS: random scenarios of each sound driver on each platform.
set -uo pipefail
flushtrace=$1
modules=$2
runs=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    printf 'FAIL %s\n' "$*"
    exit 1
}

sound() { # NAME RUNS
    for platform in coherent bounce noncoherent iommu; do
        "$flushtrace" explore "$modules/pair-$1.so" --strategy random --limit "$2" --platform "$platform" \
            >"$folder/out.txt" 2>&1 || { cat "$folder/out.txt"; fail "pair-$1 on $platform is not clean"; }
    done
}

found() { # NAME MUTANT RULE
    "$flushtrace" explore "$modules/pair-$1.$2.so" --strategy random --limit 1500 -o "$folder/$2" \
        >"$folder/out.txt" 2>&1 && fail "$2 is not found"
    trace=$(find "$folder/$2" -name "$3--*.ftr" | head -n 1)
    [ -n "$trace" ] || { cat "$folder/out.txt"; fail "$2 is not found by $3"; }
    "$flushtrace" replay "$trace" --driver "$modules/pair-$1.$2.so" >"$folder/out.txt" 2>&1 ||
        { cat "$folder/out.txt"; fail "$trace does not replay"; }
}

for name in packet packet-line auto sglist v3-bus sg selfio; do
    sound "$name" "$runs"
done
found packet irp-shared dma.flush-before-complete
found packet log-freed-early mem.pool-free-once
found packet-line claims-all io.isr-return-truth

refused() { # NAME REASON
    "$flushtrace" run "$modules/refused-$1.so" -o "$folder/r.ftr" >"$folder/out.txt" 2>&1
    [ $? = 3 ] && grep -qF "not built yet: $2" "$folder/out.txt" ||
        { cat "$folder/out.txt"; fail "refused-$1 is not refused"; }
}
refused slave "two devices on the system's DMA controller"
refused miniport 'two adapters of a SCSI miniport'
refused legacy 'two devices of a driver without AddDevice'
refused latched 'a line that two devices share and that is not level-sensitive'
refused three 'devices other than 1 or 2'

# Of one device there is no second.
printf 'a: read length=64 device=2\nremove device=2\n' >"$folder/one.fts"
"$flushtrace" run wdm-packet --scenario "$folder/one.fts" -o "$folder/one.ftr" >"$folder/out.txt" ||
    fail 'an op for no device is an error'
[ "$("$flushtrace" show --no-pager "$folder/one.ftr" | grep -c 'op:skipped')" = 2 ] || fail 'an op for no device is not skipped'

# What ops and events say of the devices.
cat >"$folder/scenario.fts" <<'S'
a: read length=8192
b: write length=12288 device=2
remove @ b/dma:map.out/1
c: read length=4096 device=2 @ device2/dma:map.out/1
d: read length=4096
sleep
wake
e: write length=4096 device=2
S
"$flushtrace" run "$modules/pair-packet.so" --scenario "$folder/scenario.fts" -o "$folder/t.ftr" >"$folder/out.txt" ||
    { cat "$folder/out.txt"; fail 'the scenario is not clean'; }
"$flushtrace" show --no-pager "$folder/t.ftr" >"$folder/show.txt"
for text in 'AddDevice device#1 {' 'AddDevice device#2 {' 'physical=0xe0000000' 'physical=0xf0000000' \
    'isr:connect interrupt#2 device#2 vector=107' 'pnp:send device#1 irp#[0-9]* PNP:REMOVE_DEVICE' \
    'pnp:send device#2 irp#[0-9]* PNP:REMOVE_DEVICE' 'power:send device#2 .* POWER:SET_POWER' \
    'op:skipped 5  d: read' 'data:compare irp#[0-9]* bytes=12288 equal=12288' 'driver:unloaded devices=0'; do
    grep -qE "$text" "$folder/show.txt" || { cat "$folder/show.txt"; fail "no event $text"; }
done
[ "$(grep -c 'driver:unloaded' "$folder/show.txt")" = 1 ] || fail 'unloaded more than once'

# Without a model the scenario is each device, and moves what that device has mapped.
cat >"$folder/auto.fts" <<'S'
a: read length=8192
b: write length=8192 device=2
device-moves length=100 device=2 @ b/dma:map.out/1
device-interrupt device=2
S
"$flushtrace" run "$modules/pair-auto.so" --scenario "$folder/auto.fts" -o "$folder/auto.ftr" >"$folder/out.txt" ||
    { cat "$folder/out.txt"; fail 'the scenario of devices without a model is not clean'; }
"$flushtrace" show --no-pager "$folder/auto.ftr" >"$folder/show.txt"
for text in 'dev2 *bus:read .* target=map#2' 'dev2 *irq:line level=yes' 'drv2 *ISR interrupt#2'; do
    grep -qE "$text" "$folder/show.txt" || { cat "$folder/show.txt"; fail "no event $text"; }
done
