"""``spicebridge atlas``"""

from __future__ import annotations

import argparse
import os
import time

from spicebridge.cli import status
from spicebridge.cli.options import add_quiet, whole

HELP = "measure every claim of the papers on circuits and write one page about it"
EXAMPLE = "atlas --quick --out atlas"
JUDGES = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", nargs="?", metavar="CASE", help="a case file: measure the claims that fit its network")
    parser.add_argument("-o", "--out", default="atlas", metavar="DIR", help="where results and page go; default: atlas")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller circuits, fewer seeds")
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="these claims alone, such as p1.eq4")
    parser.add_argument("--jobs", type=whole, default=2, metavar="N", help="processes; default: 2")
    parser.add_argument("--markdown", metavar="FILE", help="write the Markdown twin there as well")
    parser.add_argument("--list", action="store_true", help="name the claims and measure none")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge import atlas
    from spicebridge.atlas.atlas_page import Run, summary, write_atlas
    from spicebridge.atlas.claim_runner import measure_all
    from spicebridge.case.case import load_case
    from spicebridge.circuit.engines import get_engine
    from spicebridge.cli.show import progress
    from spicebridge.report.files import check_file

    network = None if args.case is None else load_case(args.case).network
    if args.list:
        for name in atlas.identifiers() if network is None else atlas.suiting(network):
            claim = atlas.get(name)
            print(f"{name:<26} {claim.status_text:<22} {claim.title}")
        return status.SUCCESS
    if args.markdown:
        check_file(args.markdown)
    engine = get_engine("ngspice")
    started, before = time.perf_counter(), sum(os.times()[:4])
    with progress(args.quiet) as say:
        options = {"quick": args.quick, "jobs": args.jobs, "network": network, "progress": say}
        records, measured = measure_all(args.out, only=args.only, **options)
        elapsed = time.perf_counter() - started
        spent = sum(os.times()[:4]) - before
        say("drawing")
        how = Run(
            quick=args.quick,
            seed=0,
            jobs=args.jobs,
            wall_time=elapsed,
            measured=measured,
            simulator=f"{engine.name} {engine.version()}",
            processor_time=spent,
            case=args.case,
        )
        page = write_atlas(args.out, records, how, twin=args.markdown)
    print(f"{summary(records)} ({elapsed:.0f} s)")
    print(page)
    return status.combined(_status(record) for record in records)


def _status(record: dict[str, object]) -> int:
    """0 for a claim that turns out as expected, 4 for an unresolved one, 1 for any other."""
    if record["as_expected"] and record["mutant_caught"] is not False:
        return status.AGREES
    return status.UNRESOLVED if record["verdict"] == "unresolved" else status.DISAGREES
