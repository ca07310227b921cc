#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The backends in the texts of README.md and sdk/README.md are what a vendor copies first: each is
taken out of its text, built outside of this tree against the installed SDK, and judged by the
knd-check of that SDK, without a warning.

usage: readme_test.py SOURCE BUILD WORK CXX
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

PROJECT = """cmake_minimum_required(VERSION 3.18)
project(text LANGUAGES CXX)
"""


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def build(code, rules, where, prefix, compiler):
    """The library of a text's C++ block, by the text's own lines of CMake."""
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    source = re.search(r"SOURCES (\S+\.cpp)", rules).group(1)
    (where / source).write_text(code)
    (where / "CMakeLists.txt").write_text(PROJECT + rules)
    run("cmake", "-S", where, "-B", where / "build", f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror",
        stdout=subprocess.DEVNULL)
    run("cmake", "--build", where / "build", stdout=subprocess.DEVNULL)
    libraries = list((where / "build/backends").glob("knd-*.so"))
    assert len(libraries) == 1, libraries
    return libraries[0]


def judge(prefix, library, *options, inside=()):
    check = prefix / "bin/knd-check"
    result = subprocess.run([*inside, check, library, *options], text=True, check=False,
                            stdout=subprocess.PIPE)
    print(result.stdout)
    assert result.returncode == 0, f"knd-check: {result.returncode}"
    assert " 0 warnings" in result.stdout, "knd-check warns"
    return result.stdout


def main():
    source, tree, work = (pathlib.Path(p) for p in sys.argv[1:4])
    compiler = sys.argv[4]
    prefix = work / "prefix"
    run("cmake", "--install", tree, "--component", "sdk", "--prefix", prefix,
        stdout=subprocess.DEVNULL)

    text = (source / "README.md").read_text()
    hello, = (b for b in blocks(text, "cpp") if "KND_EXPORT_BACKEND" in b)
    rules, = (b for b in blocks(text, "cmake") if "knd_add_backend" in b)
    library = build(hello, rules, work / "hello", prefix, compiler)
    judge(prefix, library)
    if os.geteuid() == 0:
        # With the interface that it gives away, in a namespace that is gone afterwards.
        script = 'ip link add eth1 type veth peer name eth1p && exec "$@"'
        said = judge(prefix, library, "--on-host",
                     inside=("unshare", "--net", "sh", "-c", script, "sh"))
        assert re.search(r"PASS +KND-B6 +prepares-and-unprepares", said), "nothing was prepared"
    else:
        print("without root there is no eth1: the tests of prepare were skipped")

    text = (source / "sdk/README.md").read_text()
    mine, = (b for b in blocks(text, "cpp") if "KND_EXPORT_BACKEND" in b)
    rules = "find_package(knd-sdk REQUIRED)\nknd_add_backend(mine SOURCES mine.cpp)\n"
    library = build(mine, rules, work / "mine", prefix, compiler)
    said = judge(prefix, library, "--config", '{"count": 3}', "--claim", '{"greeting": "hi"}')
    assert re.search(r"PASS +KND-B6 +prepares-and-unprepares", said), "nothing was prepared"


if __name__ == "__main__":
    main()
