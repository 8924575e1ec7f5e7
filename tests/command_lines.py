"""A small case, and the program as a process, for the tests of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAKES = ROOT / "tests" / "fake_bin"
K4 = ROOT / "compare" / "k4.case.toml"

CASE = """\
title = "Two in a loop"
learn = "Nothing but speed."
stop = 1

[network]
edges = [[0, 1], [1, 0]]
initial_state = 0.4

[device]
law = "caravelli2017"
r_on = 100
r_off = 1000
alpha = 0.1
beta = 1

[drive]
kind = "dc"
level = 0.1
"""


def strict(text):
    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    return json.loads(text, parse_constant=refuse)


def program(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "spicebridge", *map(str, arguments)], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip
