"""``spicebridge fit FILE…``"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.cli.options import pairs, seconds

if TYPE_CHECKING:
    from spicebridge.laws import Law

HELP = "fit a law to measured responses: validation, no verdict"
EXAMPLE = "fit sweep.csv --columns 0,1,2"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="responses of one device: time, voltage, current")
    parser.add_argument(
        "--columns", metavar="T,V,I", help="names, or positions from 0; V,I with --sweep; default: by their names"
    )
    parser.add_argument("--sweep", metavar="RATE", help="no time in the file: V is swept at so many V/s")
    parser.add_argument(
        "--law", default="tunneling", metavar="NAME", help="law to fit, or a law text name.toml; default: tunneling"
    )
    parser.add_argument("--control", metavar="WORD", help="what moves the state, where the law has a choice")
    parser.add_argument("--driven", choices=("voltage", "current"), default="voltage", help="which of the two is given")
    parser.add_argument("--window", metavar="NAME", help="bound handling; default: hard where the law has a choice")
    parser.add_argument("--start", metavar="MAP", help="r_on=100,r_off=1.6k: where to start; default: from the data")
    parser.add_argument("--until", type=seconds, metavar="S", help="fit samples before this time, predict the rest")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def run(args: argparse.Namespace) -> int:
    from spicebridge.lab.measure.law_fit import fit_law
    from spicebridge.lab.measure.traces import read_trace
    from spicebridge.quantities import parse_quantity

    columns = None if args.columns is None else [word.strip() for word in args.columns.split(",")]
    rate = None if args.sweep is None else parse_quantity(args.sweep, what="--sweep", unit="V/s")
    traces = [read_trace(path, columns, rate) for path in args.files]
    law = _law(args.law)
    start = _start(args.start, law)
    found = fit_law(law, traces, start=start, options=_options(args, law), until=args.until, driven=args.driven)
    if args.json:
        from dataclasses import asdict

        from spicebridge.report.json import format_json, plain

        content = {"format": "spicebridge.fit/2", "kind": "validation", "describes": found.describes} | asdict(found)
        sys.stdout.write(format_json(plain(content)))
        return status.SUCCESS
    where = args.files[0] if len(args.files) == 1 else f"{len(args.files)} files"
    print(f"validation: {args.law} (driven by the {args.driven}) fitted to {found.samples} samples of {where}")
    print("  " + ", ".join(f"{name} = {value:.4g}" for name, value in found.parameters.items()))
    print(f"  initial state {', '.join(f'{s:.4g}' for s in found.initial_states)}; polarity {found.polarity:+d}")
    print(f"  left: {found.rms:.2%} rms, {found.worst:.2%} at most (at {found.worst_time:.4g} s), of the largest value")
    if found.predicted is not None:
        print(f"  predicted behind {found.until:g} s: {found.predicted:.2%} rms")
    if not found.describes:
        print("  The search found no parameters of this law that describe these data; try another --law or --start.")
    print("A fit says how well a law can describe these data. It verifies neither the law nor this program.")
    return status.SUCCESS


def _law(name: str) -> Law:
    from spicebridge.errors import nearest
    from spicebridge.lab.design.equipment import LabError
    from spicebridge.laws import LAWS, Law

    if name.endswith(".toml"):
        return Law.load(name)
    if name not in LAWS:
        raise LabError(f"--law {name!r} is unknown{nearest(name, LAWS)}; known are {', '.join(LAWS)}")
    law = LAWS[name]
    if not isinstance(law, Law):
        raise LabError(f"--law {name}: the law has no state or no parameter to fit; choose a memristor")
    return law


def _start(text: str | None, law: Law) -> dict[str, float]:
    from spicebridge.errors import nearest
    from spicebridge.lab.design.equipment import LabError
    from spicebridge.quantities import parse_quantity

    out: dict[str, float] = {}
    for name, value in pairs("--start", "r_on=100,r_off=1.6k", text).items() if text else ():
        if name not in law.numeric:
            raise LabError(f"--start: {name!r} must be one of {', '.join(law.numeric)}{nearest(name, law.numeric)}")
        out[name] = parse_quantity(value, what=f"--start {name}", unit=law.unit(name))
    return out


def _options(args: argparse.Namespace, law: Law) -> dict[str, object]:
    from spicebridge.lab.design.equipment import LabError
    from spicebridge.windows import WINDOWS

    options: dict[str, object] = {}
    if args.control is not None:
        if "control" not in law.keys:
            raise LabError(f"--control: {args.law} has no choice of what moves its state")
        options["control"] = args.control
    elif "control" in law.keys:
        options["control"] = args.driven
    if "window" in law.keys:
        name = args.window or "hard"
        if name not in WINDOWS:
            raise LabError(f"--window {name!r} must be one of {', '.join(WINDOWS)}")
        options["window"] = WINDOWS[name]()
    elif args.window is not None:
        raise LabError(f"--window: {args.law} has its own bounds")
    return options
