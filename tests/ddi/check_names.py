#!/usr/bin/env python3
"""Every name of names.txt is declared or defined by the ddi headers.

usage: check_names.py [--clang CLANG]
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DDI = os.path.join(HERE, "..", "..", "hal-shim", "ddi")
HEADERS = ["ntddk.h", "initguid.h", "wdmguid.h", "ntstrsafe.h", "evntrace.h", "wmilib.h", "wdmsec.h",
           "scsi.h", "scsiwmi.h", "ntddscsi.h"]
# The host C library's own, in the WDK as in every compiler's headers.
HOST = "#include <stddef.h>\n#include <string.h>\n"


def preprocess(clang, *options):
    text = HOST + "".join(f'#include "{header}"\n' for header in HEADERS)
    return subprocess.run([clang, "-E", "-x", "c", "-std=gnu11", "-fms-extensions", "-fshort-wchar",
                           "-I" + DDI, *options, "-"], input=text, capture_output=True, text=True,
                          check=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clang", default="clang")
    arguments = parser.parse_args()
    known = set(re.findall(r"^#define (\w+)", preprocess(arguments.clang, "-dM"), re.M))
    known.update(re.findall(r"[A-Za-z_]\w*", preprocess(arguments.clang, "-P")))
    with open(os.path.join(HERE, "names.txt"), encoding="utf-8") as file:
        names = [line.strip() for line in file if not line.startswith("#") and line.strip()]
    missing = [name for name in names if name not in known]
    for name in missing:
        print(f"{name}: not in the ddi headers")
    print(f"{len(names)} names, {len(missing)} missing")
    return 1 if missing or not names else 0


if __name__ == "__main__":
    sys.exit(main())
