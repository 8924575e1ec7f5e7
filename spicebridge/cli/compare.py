"""``spicebridge compare CASE --measured FILE``"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from pathlib import Path

from spicebridge.cli import status
from spicebridge.cli.options import add_quiet, pairs, positive

HELP = "judge bench data against the equations of a case"
EXAMPLE = "compare k4.case.toml --kit kit --measured scope.csv"
JUDGES = True

LIMITS = {
    "gain": "stated gain accuracy of a channel, relative",
    "trigger": "largest trigger offset, relative to the span",
    "clock": "stated clock accuracy, relative",
    "hum": "most that mains hum may add, relative to a channel's range",
    "drift": "most that slow drift may add, relative to a channel's range",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a case file")
    parser.add_argument(
        "--measured",
        required=True,
        action="append",
        metavar="FILE",
        help="what the instrument saved; once a file of the same acquisition",
    )
    parser.add_argument("--units", metavar="MAP", help="time=ms,CH1=V where the file says none; SI for s and V")
    parser.add_argument("--channels", metavar="MAP", help="CH1=i[5]*82.5,CH2=p[1]; default: columns named so")
    parser.add_argument("--kit", metavar="DIR", help="the kit that was built: data are in its scale and gauge")
    for name, text in LIMITS.items():
        parser.add_argument(f"--{name}", type=positive, metavar="X", help=text)
    parser.add_argument(
        "--offset", metavar="X", help="stated offset accuracy: relative to a channel's range, or as in 5mV"
    )
    parser.add_argument(
        "--parts", type=positive, metavar="X", help="tolerance of every resistance; default: the kit's, or 0.002"
    )
    parser.add_argument("--tolerance", type=positive, metavar="X", help="uncertainty allowed, of a range; default 0.01")
    parser.add_argument(
        "-o", "--out", metavar="DIR", help="write report.html, report.md, validation.json and pictures there"
    )
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge.case.case import load_case
    from spicebridge.lab.kit.kit import as_built
    from spicebridge.lab.measure.calibration import Instrument
    from spicebridge.lab.measure.circuit_under_test import as_given
    from spicebridge.lab.measure.measured import compare_measured
    from spicebridge.lab.measure.measurement import map_channels, read_measurement
    from spicebridge.lab.measure.validation_report import (
        Facts,
        check_out,
        format_json,
        format_markdown,
        write_validation,
    )

    if args.out:
        check_out(args.out)
    case = load_case(args.case)
    circuit = as_built(case, args.kit, args.parts) if args.kit else as_given(case, args.parts)
    measurement = read_measurement(*args.measured, units=_units(args.units))
    for note in measurement.notes:
        warnings.warn(f"{', '.join(args.measured)}: {note}", UserWarning, stacklevel=1)
    named = None if args.channels is None else pairs("--channels", "CH1=i[5]*82.5", args.channels)
    channels = map_channels(measurement, named, circuit.network)
    limits = {name: getattr(args, name) for name in LIMITS if getattr(args, name) is not None}
    limits |= _offset(args.offset)
    extra: dict[str, float] = {} if args.tolerance is None else {"tolerance": args.tolerance}
    result = compare_measured(circuit, measurement, channels, instrument=Instrument(**limits), **extra)
    source = ", ".join(Path(name).name for name in args.measured) + (f", kit {Path(args.kit).name}" if args.kit else "")
    facts = Facts(title=case.title, learn=case.what, circuit=circuit, result=result, source=source)
    files = write_validation(args.out, facts) if args.out else ()
    sys.stdout.write(format_json(facts, files) if args.json else format_markdown(facts))
    return status.of_outcome(result.outcome.value)


def _offset(text: str | None) -> dict[str, float]:
    """``0.01`` of a channel's range, or ``5mV``."""
    from spicebridge.lab.design.equipment import LabError

    if text is None:
        return {}
    found = re.fullmatch(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(?:([munµ]?)V)?\s*", text)
    try:
        value = float(found[1]) if found else 0.0
    except ValueError:
        value = 0.0
    if found is None or value <= 0:
        raise LabError(
            f"--offset: {text!r} must be positive: a fraction of the range such as 0.01, or volts such as 5mV"
        )
    if found[2] is None:
        return {"offset": value}
    return {"volts": value * {"": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9}[found[2]]}


def _units(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    return {"*": "SI"} if text.strip() == "SI" else pairs("--units", "time=ms", text)
