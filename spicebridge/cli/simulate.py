"""``spicebridge simulate CASE -o FILE``"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.cli.options import add_run

if TYPE_CHECKING:
    from spicebridge.case.case import Case
    from spicebridge.waveforms import Waveforms

HELP = "run one branch of a case and save its waveforms"
EXAMPLE = "simulate k4.case.toml --branch spice -o k4.csv"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a case file")
    parser.add_argument("--branch", choices=("spice", "theory"), default="spice", help="default: spice")
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="name.csv, name.npz or name.nc")
    add_run(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge.case.case import load_case
    from spicebridge.cli.show import progress
    from spicebridge.report.files import check_file, check_waveform_suffix

    check_waveform_suffix(args.out)
    check_file(args.out)
    with progress(args.quiet) as say:
        say("reading")
        case = load_case(args.case)
        say(f"{case.name}: running {args.branch}")
        waves = _theory(case) if args.branch == "theory" else _spice(case, args)
    waves.save(args.out)
    return status.SUCCESS


def _theory(case: Case) -> Waveforms:
    from spicebridge.theory import integrate

    return integrate(case.network, case.t)


def _spice(case: Case, args: argparse.Namespace) -> Waveforms:
    from spicebridge.circuit.circuit_run import simulate

    return simulate(
        case.network,
        case.t,
        engine=args.engine or case.engine,
        step=args.step,
        tolerance=args.tolerance or case.tolerance,
        form=args.form or case.form,
        timeout=args.timeout,
    )
