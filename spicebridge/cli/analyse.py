"""``spicebridge analyse CASE``"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.cli.options import add_quiet

if TYPE_CHECKING:
    from spicebridge.analysis.findings_summary import NetworkSummary

HELP = "what the network of a case is: loops, memory, spectrum, fixed points, mean field"
EXAMPLE = "analyse k4.case.toml --confirm --out k4"
JUDGES = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="a case file")
    parser.add_argument(
        "--confirm", action="store_true", help="measure the same numbers on circuits, with a verdict each"
    )
    parser.add_argument("--engine", default="ngspice", metavar="E", help="simulator for --confirm; default: ngspice")
    parser.add_argument("-o", "--out", metavar="DIR", help="write a page with pictures and JSON there")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge.analysis.findings_summary import summarise
    from spicebridge.analysis.network_analysis import analyse
    from spicebridge.case.case import load_case
    from spicebridge.circuit.engines import get_engine
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.cli.show import printable, progress
    from spicebridge.report.json import format_json
    from spicebridge.report.writer import check_place

    if args.confirm:
        get_engine(args.engine)
    if args.out is not None:
        check_place(args.out)
    case = load_case(args.case)
    with interruptible(), progress(args.quiet) as say:
        say("measuring on circuits" if args.confirm else "analysing")
        found = summarise(
            analyse(case.network), title=case.title, stop=case.stop, confirm=args.confirm, engine=args.engine
        )
        page = None
        if args.out is not None:
            from spicebridge.analysis.findings_page import write_analysis

            say("drawing")
            page = write_analysis(args.out, found)
    if args.json:
        sys.stdout.write(format_json(found.record()))
    else:
        for line in _lines(found):
            print(printable(line))
        if page is not None:
            print(f"\n{page}")
    return status.combined(status.of_outcome(c.outcome.value) for c in found.confirmations)


def _lines(found: NetworkSummary) -> list[str]:
    width = max(len(row.name) for row in found.rows)
    lines = [found.title, ""]
    lines += [f"{row.name:<{width}}  {row.value}" + (f"  ({row.note})" if row.note else "") for row in found.rows]
    lines.append("")
    if found.points is None:
        lines.append(f"fixed points: {found.why_no_points}")
    else:
        lines.append(f"fixed points: {len(found.points)}, {len(found.points.stable)} stable; {found.points.caveat}")
        for point in found.points[:8]:
            states = " ".join(f"{x:.4g}" for x in point.state[:12]) + (" …" if point.state.size > 12 else "")
            lines.append(f"  {point.kind:<9} basin {100 * point.basin:5.1f} %  {states}")
    for c in found.confirmations:
        lines.append(f"{c.outcome.value.upper():<11} {c.what}: {c.value:.6g}, circuit {c.circuit:.6g}, {c.reason}")
    return lines
