"""``spicebridge init [--ode]``"""

from __future__ import annotations

import argparse
from pathlib import Path

from spicebridge.cli import status

HELP = "the first files of an own study: a case, a test, and with --ode an own equation to put on trial"
EXAMPLE = "init --ode"

CASE = """\
title = "Two memristors in a loop"
learn = "My first circuit: equations and SPICE give the same states."
stop = 2                                # s

[network]
edges = [[0, 1], [1, 0]]                # tail, head
initial_state = [0.3, 0.5]

[device]
law = "caravelli2017"
r_on = "100 ohm"
r_off = "1.6 kohm"
alpha = 0.1                             # 1/s
beta = 1                                # V s

[drive]
edges = [0]
kind = "sine"
amplitude = "0.5 V"
frequency = "2 Hz"

[validate]
tolerance = 1e-5                        # of a state
"""

TEST = '''\
"""pytest runs this file and every *.case.toml beside it."""

import numpy as np
import spicebridge as sb


def test_the_circuit_does_what_the_equations_say():
    case = sb.load_case("first.case.toml")
    verdict = sb.validate(case.network, case.t)
    assert verdict, verdict.reason
'''

ODE = '''\
"""An own equation of the circuit in first.case.toml; replace it by yours.

    spicebridge validate first.case.toml --against my_ode.py:rhs
"""

import numpy as np

R_ON, R_OFF, ALPHA, BETA = 100.0, 1600.0, 0.1, 1.0


def rhs(t, w):
    """dw/dt in 1/s of the two memristors, at time t in s and states w of shape (2,)."""
    source = 0.5 * np.sin(2 * np.pi * 2.0 * t)          # V, on edge 0
    current = source / np.sum(R_ON + (R_OFF - R_ON) * w)  # A, the same in both: they are in series
    return ALPHA * w - R_ON / BETA * current
'''

ODE_TEST = """

def test_my_own_equation():
    from my_ode import rhs

    case = sb.load_case("first.case.toml")
    verdict = sb.validate(case.network, case.t, theory=rhs)
    assert verdict, [str(finding) for finding in verdict.diagnosis]
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ode", action="store_true", help="an own right-hand side too, and its test")
    parser.add_argument("-o", "--out", default=".", metavar="DIR", help="where the files go; default: this folder")


def run(args: argparse.Namespace) -> int:
    from spicebridge.batch.first_cases import write_new
    from spicebridge.errors import OutputError

    place = Path(args.out)
    files = {"first.case.toml": CASE, "test_first.py": TEST + ODE_TEST if args.ode else TEST}
    if args.ode:
        files["my_ode.py"] = ODE
    taken = [name for name in files if (place / name).exists()]
    if taken:
        raise OutputError(f"{place / taken[0]} is there already and stays as it is; choose another folder with --out")
    for name, text in files.items():
        write_new(place / name, text)
        print(place / name)
    where = "" if args.out == "." else f"cd {args.out}; "
    print(f"\n{where}spicebridge validate first.case.toml")
    if args.ode:
        print(f"{where}spicebridge validate first.case.toml --against my_ode.py:rhs")
    print(f"{where}pytest")
    return status.SUCCESS
