"""``spicebridge fit FILE``"""

from __future__ import annotations

import argparse
import sys

from spicebridge.cli import status
from spicebridge.cli.options import seconds

HELP = "fit a law to a measured response: validation, no verdict"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="text with columns of time (s), voltage (V), current (A)")
    parser.add_argument("--columns", default="0,1,2", metavar="T,V,I", help="which columns they are, from 0")
    parser.add_argument("--law", default="tunneling", choices=("tunneling", "caravelli2017"), help="law to fit")
    parser.add_argument("--until", type=seconds, metavar="S", help="fit samples before this time, predict the rest")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")


def run(args: argparse.Namespace) -> int:
    import numpy as np

    from spicebridge.lab.design.equipment import LabError
    from spicebridge.lab.measure.fit import fit_response, read_response

    try:
        columns = [int(word) for word in args.columns.split(",")]
    except ValueError:
        columns = []
    if len(columns) != 3 or min(columns) < 0:
        raise LabError(f"--columns {args.columns!r} must be three numbers from 0, such as 0,2,1")
    t, v, i = read_response(args.file, columns)
    from spicebridge.laws import LinearMemristor

    conducting = np.abs(v) > 0.5 * np.abs(v).max()
    R = np.abs(v[conducting] / i[conducting])
    peak = float(np.abs(v).max())
    law = getattr(LinearMemristor, args.law)
    rate = 10.0 / float(t[-1])
    # Starts between the resistances that were seen, with a relaxation a tenth of the span.
    sign = 1.0 if args.law == "tunneling" else -1.0
    device = law(0.7 * float(R.min()), 2.0 * float(R.max()), sign * rate, sign * 2.0 * peak / rate, control="voltage")
    found = fit_response(device, 0.5, t, v, i, ("r_on", "r_off", "alpha", "beta"), args.until)
    if args.json:
        from dataclasses import asdict

        from spicebridge.report.json import format_json, plain

        sys.stdout.write(format_json(plain({"format": "spicebridge.fit/1", "kind": "validation"} | asdict(found))))
        return status.SUCCESS
    print(f"validation: {args.law} (voltage control) fitted to {found.samples} samples of {args.file}")
    print("  " + ", ".join(f"{name} = {value:.4g}" for name, value in found.parameters.items()))
    print(f"  initial state {found.initial_state:.4g}")
    print(
        f"  left: {found.rms:.2%} rms, {found.worst:.2%} at most (at {found.worst_time:.4g} s), of the largest current"
    )
    if found.predicted is not None:
        print(f"  predicted behind {found.until:g} s: {found.predicted:.2%} rms")
    print("A fit says how well a law can describe these data. It verifies neither the law nor this program.")
    return status.SUCCESS
