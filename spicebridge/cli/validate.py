"""``spicebridge validate CASE…``"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.cli.options import add_run

if TYPE_CHECKING:
    from spicebridge.batch.cases import Entry

HELP = "compare circuit and equations of one case, of several, or of a folder of them"
EXAMPLE = "validate k4.case.toml --out out"
JUDGES = True


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cases", nargs="+", metavar="CASE", help="a case file, or a folder of *.case.toml")
    parser.add_argument(
        "-o",
        "--out",
        metavar="DIR",
        help="write the results there: for one case file the folder itself, "
        "for several cases or a folder a sub-folder each, and index.html",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="JSON on standard output: one object for one case file, an array for several or a folder",
    )
    add_run(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge.batch import cases as batch
    from spicebridge.batch.results import Results
    from spicebridge.circuit.engines import get_engine
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.cli import complain
    from spicebridge.cli.show import print_report, print_table, progress
    from spicebridge.report.json import format_json

    if args.engine:
        get_engine(args.engine)
    settings = batch.Settings(args.engine, args.form, args.step, args.tolerance, args.timeout)
    single = len(args.cases) == 1 and not Path(args.cases[0]).is_dir()
    jobs = batch.plan(args.cases)
    results = Results(args.out, single=single)
    shown = None
    with interruptible(), results, progress(args.quiet) as say:
        for entry in batch.run(jobs, settings, say):
            kept = results.keep(entry)
            results.rows[-1]["exit_status"] = _status(kept)
            shown = kept.report if single else None
    for row in results.rows:
        if row["outcome"] is None:
            complain(row["error"]["message"])
    if args.json:
        sys.stdout.write(format_json(results.rows[0] if single else results.rows))
    elif shown is not None:
        print_report(shown)
    elif not single:
        print_table(results.rows)
    if results.page is not None and not args.json:
        print(f"\n{results.page}")
    return status.combined(row["exit_status"] for row in results.rows)


def _status(entry: Entry) -> int:
    if entry.error is not None:
        return status.of_error(entry.error)
    assert entry.report is not None
    return status.of_outcome(entry.report.verdict.outcome.value)
