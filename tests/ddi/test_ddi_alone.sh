#!/bin/bash
# test_ddi_alone.sh [DIRECTORY]: every header of hal-shim/ddi compiles alone, first and twice, as
# C11 with clang and gcc and as C++17 with clang++ and g++, without a warning.
#
# pshpackN.h and poppack.h only make sense as a pair, so each pair is one case, without clang's
# warning that packing outlives the header. Prints each failing case with the compiler's first
# lines; exit status 1 if there was one. CLANG, GCC, CLANGXX and GXX name other compilers than
# those of the PATH.
set -u
directory=${1:-$(cd "$(dirname "$0")/../../hal-shim/ddi" && pwd)}
c=(-x c -std=gnu11)
cxx=(-x c++ -std=gnu++17)
flags=(-fms-extensions -fshort-wchar -Wall -Wextra -Werror -fsyntax-only)
failures=0
cases=0

check() { # text of the source file, name of the case, further compiler flags
    local language compiler errors
    for compiler in "${CLANG:-clang}" "${GCC:-gcc}" "${CLANGXX:-clang++}" "${GXX:-g++}"; do
        language=("${c[@]}")
        [[ $compiler == *++* ]] && language=("${cxx[@]}")
        cases=$((cases + 1))
        if ! errors=$(printf '%s\nextern int ft_unit;\n' "$1" |
            "$compiler" "${language[@]}" "${flags[@]}" "${@:3}" -I"$directory" - 2>&1); then
            failures=$((failures + 1))
            echo "FAIL $2 with $compiler"
            head -n 8 <<<"$errors"
        fi
    done
}

for path in "$directory"/*.h; do
    header=$(basename "$path")
    case $header in
    poppack.h) ;;
    pshpack*.h)
        check "$(printf '#include "%s"\n#include "poppack.h"' "$header")" "$header" -Wno-pragma-pack
        ;;
    *) check "$(printf '#include "%s"\n#include "%s"' "$header" "$header")" "$header" ;;
    esac
done
check $'#include "ntddk.h"\n#include "initguid.h"\n#include "wdmguid.h"\n#include "ntstrsafe.h"' \
    "GUIDs defined after ntddk.h"
check $'#include "wdf.h"\n#ifdef __cplusplus\nextern "C" VOID WdfObjectDelete(WDFOBJECT);\n#endif' \
    "the framework's routines have C linkage"
check $'#define FT_FREE_BUILD\n#define DBG 1\n#define FT_SEH_OPTNONE\n#include "wdm.h"' "free build"

echo "$cases cases, $failures failures"
[[ $cases -gt 0 && $failures -eq 0 ]]
