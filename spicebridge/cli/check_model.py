"""``spicebridge check-model``"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from spicebridge.cli import status
from spicebridge.cli.options import add_dialect, hertz, number, volts

HELP = "check a device model for what is known to break memristor models"
EXAMPLE = "check-model vteam --out vteam.html"
JUDGES = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="NAME|FILE", nargs="?", help="a law of the library, or a model: .toml, .sub, .va"
    )
    parser.add_argument("--list", action="store_true", help="names of the library and what they are")
    parser.add_argument("--subcircuit", metavar="NAME", help="which subcircuit of a file with several")
    add_dialect(parser)
    parser.add_argument("--amplitude", type=volts, metavar="V", help="of the sine, in V; default: found for a .sub")
    parser.add_argument("--frequency", type=hertz, metavar="HZ", help="of the sine, in Hz; default: found for a .sub")
    parser.add_argument(
        "--initial-state", type=number, metavar="S", help="of the state; default 0.5, or the model's own"
    )
    parser.add_argument(
        "--state-range", type=number, nargs=2, metavar=("LOW", "HIGH"),
        help="where the state of a .sub or .va lies, in its own unit (0 1)",
    )  # fmt: skip
    parser.add_argument("--record", metavar="FILE", type=Path, help="write the model's waveforms there (.npz)")
    parser.add_argument("--reference", metavar="FILE", type=Path, help="hold the model against what --record wrote")
    parser.add_argument("--engine", default="ngspice", help="simulator (default: ngspice)")
    parser.add_argument("-o", "--out", metavar="FILE", type=Path, help="write the page with plots (HTML) there")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def run(args: argparse.Namespace) -> int:
    from spicebridge.errors import SpiceBridgeError
    from spicebridge.modelcheck import check_model, load_subject, subject_names
    from spicebridge.modelcheck.recorded_waveforms import record

    if args.list or args.model is None:
        for name in subject_names():
            print(name)
        return status.SUCCESS
    for path in (args.out, args.record):
        if path is not None and not path.parent.is_dir():
            raise SpiceBridgeError(f"{path}: folder {path.parent} does not exist; make it first")
    subject = load_subject(
        args.model,
        subcircuit=args.subcircuit,
        engine=args.engine,
        dialect=args.dialect,
        state_range=None if args.state_range is None else tuple(args.state_range),
        amplitude=args.amplitude,
        frequency=args.frequency,
        initial_state=args.initial_state,
    )
    say = None if args.quiet else lambda message: print(f"spicebridge: {message}", file=sys.stderr)
    up = check_model(subject, engine=args.engine, reference=args.reference, progress=say)
    if args.record is not None and not subject.problem:
        record(subject, args.engine).write(args.record)
    from spicebridge.modelcheck.check_up_page import format_html, format_text

    if args.out is not None:
        from spicebridge.waveforms import replacing

        with replacing(args.out) as temporary:
            temporary.write_text(format_html(up), encoding="utf-8")
    if args.json:
        from spicebridge.report.json import format_json, plain

        sys.stdout.write(format_json(plain(up.record())))
    else:
        sys.stdout.write(format_text(up))
    return status.SUCCESS if up.passed else status.DISAGREES
