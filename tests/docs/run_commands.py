#!/usr/bin/env python3
"""Runs the commands of a page, in order, in one empty folder: every line `$ command` inside a code block.

    run_commands.py PAGE PROGRAMS-FOLDER [BUILD]

With BUILD that build is installed first, and PREFIX says where.

A command must end with exit status 0, or with the one its comment names: `$ flushtrace replay x.ftr   # exit 1`. Lines that begin with
`./dev` belong to the checkout and are not run here.
"""
import os
import re
import subprocess
import sys
import tempfile


def commands_of(page):
    inside = False
    with open(page, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("```"):
                inside = not inside
            elif inside and line.startswith("$ "):
                yield number, line[2:].rstrip()


def main():
    page, programs, *build = sys.argv[1:]
    environment = {**os.environ, "PATH": programs + os.pathsep + os.environ["PATH"], "NO_COLOR": "1"}
    ran = failed = 0
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as prefix:
        if build:
            subprocess.run(["cmake", "--install", build[0], "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
            environment |= {"PREFIX": prefix, "PATH": prefix + "/bin" + os.pathsep + environment["PATH"]}
        for number, command in commands_of(page):
            expected = re.search(r"#.*\bexit (\d)", command)
            expected = int(expected.group(1)) if expected else 0
            done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=300)
            ran += 1
            if done.returncode != expected:
                failed += 1
                print(f"{page}:{number}: {command}\n  exit {done.returncode}, not {expected}\n{done.stdout[-1500:]}")
    if ran == 0:
        sys.exit(f"{page}: no commands")
    print(f"{ran - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
