#!/usr/bin/env bash
# A driver that traces with WPP, and has the case of names wrong, is built as it is, and what it traces is in the trace.
#
#     test_traced.sh FLUSHTRACE MODULE
set -uo pipefail
flushtrace=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

"$flushtrace" run "$2" -o "$folder/traced.ftr" >"$folder/run.txt" 2>&1
"$flushtrace" show --no-pager "$folder/traced.ftr" >"$folder/show.txt"
while IFS= read -r text; do
    grep -qF -- "$text" "$folder/show.txt" && continue
    printf 'FAIL not in the trace: %s\n' "$text"
    failed=1
done <<'END'
init 7 TRUE TRACED_INIT 4
DriverEntry: 0xc0000001 of it
[Work] enter
[DriverEntry] exit: 0x80000011
calls 1
{01234567-89ab-cdef-0123-456789abcdef}
3 traced.c
run:started STATUS_UNSUCCESSFUL
END
if ((failed)); then cat "$folder/run.txt" "$folder/show.txt"; fi
exit $failed
