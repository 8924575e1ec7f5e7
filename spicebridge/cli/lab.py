"""``spicebridge lab CASE --out DIR``"""

from __future__ import annotations

import argparse
import json
import sys

from spicebridge.cli import status
from spicebridge.cli.options import add_quiet, positive

HELP = "a kit to build a case on the bench: decks, netlist, bill, waveforms, protocol"
EXAMPLE = "lab k4.case.toml --out kit"

BENCH = {
    "supply": "rails, +- V",
    "generator_peak": "largest output of a generator channel in V",
    "generator_rate": "samples per second of a generator channel",
    "update_rate": "updates per second of an emulator",
    "impedance": "ohm on the bench per ohm of the case; default: chosen",
    "amplitude": "V on the bench per V of the case; default: chosen",
    "time": "s on the bench per s of the case; default: chosen",
}

COUNTS = {
    "channels": "generator channels there are; default: as many as needed",
    "isolated": "how many of them may float; default: as many as needed",
}

PARTS = {
    "memristor": "a discrete part for all memristors, such as Knowm-SDC-W; default: emulators",
    "potentiometer": "digital potentiometer of the emulators; default AD5293-20",
    "drive_opamp": "op-amp behind the generators; default OPA192",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a case file")
    parser.add_argument("-o", "--out", required=True, metavar="DIR", help="folder of the kit, complete or not at all")
    for name, text in BENCH.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, type=positive, metavar="X", help=text)
    for name, text in COUNTS.items():
        parser.add_argument(f"--{name}", type=int, metavar="N", help=text)
    for name, text in PARTS.items():
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, metavar="PART", help=text)
    parser.add_argument("--json", action="store_true", help="kit.json on standard output")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    from pathlib import Path

    from spicebridge.case.case import load_case
    from spicebridge.cli.show import progress
    from spicebridge.lab.design.equipment import Equipment
    from spicebridge.lab.kit.kit import KIT, write_kit

    chosen = {name: getattr(args, name) for name in (*BENCH, *COUNTS, *PARTS) if getattr(args, name) is not None}
    with progress(args.quiet) as say:
        case = load_case(args.case)
        say(f"{case.name}: planning, simulating, writing")
        kit = write_kit(args.out, case, Equipment(**chosen))
    if args.json:
        sys.stdout.write((Path(args.out) / KIT).read_text(encoding="utf-8"))
        return status.SUCCESS
    plan = kit.plan
    print(f"{case.name}: {len(kit.files)} files in {args.out}")
    print(f"scaling: {plan.scaling.law}")
    print(f"realistic against ideal: {100 * kit.difference.relative:.3g} % of the largest signal")
    if kit.spread.factor < 1.0:
        print(
            f"precision: {100 * kit.spread.share:.3g} % of builds leave the regime; "
            f"cut all errors to {json.dumps(kit.spread.factor)} of the limits"
        )
    return status.SUCCESS
