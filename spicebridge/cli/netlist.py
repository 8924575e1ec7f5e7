"""``spicebridge netlist CASE``"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from spicebridge.cli import status
from spicebridge.cli.options import FORMS, positive, seconds

HELP = "write the circuit of a case for a simulator"
EXAMPLE = "netlist k4.case.toml --dialect ltspice -o k4.cir"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a case file")
    parser.add_argument("--dialect", default="ngspice", metavar="D", help="default: ngspice")
    parser.add_argument("--form", choices=FORMS, default="readable", help="default: readable")
    parser.add_argument(
        "--step", type=seconds, metavar="S", help="step ceiling in s; default: what --tolerance asks for"
    )
    parser.add_argument(
        "--tolerance",
        type=positive,
        metavar="X",
        help="of the states of the deck run as it stands; default: the case's",
    )
    parser.add_argument("-o", "--out", metavar="FILE", help="default: standard output")


def run(args: argparse.Namespace) -> int:
    from spicebridge.case.case import load_case
    from spicebridge.circuit.dialects import get_dialect
    from spicebridge.cli.show import printable
    from spicebridge.report.files import check_file
    from spicebridge.verify.deck_step import DeckStep, deck_step, netlist
    from spicebridge.waveforms import replacing

    if args.out is not None:
        check_file(args.out)
    get_dialect(args.dialect)
    case = load_case(args.case)
    chosen = DeckStep(args.step, None)
    if args.step is None:
        chosen = deck_step(case.network, case.stop, args.tolerance or case.tolerance)
    if chosen.problem:
        print(printable(f"spicebridge: {chosen.problem}"), file=sys.stderr)
    text = netlist(case.network, case.t, args.dialect, step=chosen.step, form=args.form)
    if args.out is None:
        sys.stdout.write(text)
    else:
        with replacing(Path(args.out)) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    return status.SUCCESS
