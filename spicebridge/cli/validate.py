"""``spicebridge validate CASE…``"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from spicebridge.cli import patches, status
from spicebridge.cli.options import add_run, pairs

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
    parser.add_argument(
        "--against",
        metavar="THEORY",
        help="put your own theory on trial instead of ours: a file of states over time (csv, npz, nc, mat, raw), or "
        "mine.py:rhs for a function rhs(t, w); one case file",
    )
    parser.add_argument(
        "--theory-error",
        metavar="X",
        help="with --against: what you know of your own error in a state, a number, or a second run at another step",
    )
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="COLUMN=EDGE",
        help="with --against: which edge a column of the file is, 'x1=0-1' or 'I1=current[0]*-1'; repeat it, or "
        "separate with commas",
    )
    patches.configure(parser)
    add_run(parser, several=True)


def run(args: argparse.Namespace) -> int:
    if args.patches is not None:
        return patches.run(args)
    from spicebridge.batch import cases as batch
    from spicebridge.batch.results import Results
    from spicebridge.circuit.engines import get_engine
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.cli import complain
    from spicebridge.cli.show import print_report, print_table, progress
    from spicebridge.report.json import format_json

    for name in args.engine or ():
        get_engine(name)
    engine = args.engine[0] if args.engine and len(args.engine) == 1 else tuple(args.engine or ()) or None
    single = len(args.cases) == 1 and not Path(args.cases[0]).is_dir()
    candidate, error, columns = _theory(args, single=single)
    settings = batch.CaseSettings(
        engine=engine,
        form=args.form,
        step=args.step,
        tolerance=args.tolerance,
        timeout=args.timeout,
        theory=candidate,
        theory_error=error,
        theory_map=columns,
    )
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


def _theory(args: argparse.Namespace, *, single: bool) -> tuple[str | None, float | str | None, dict[str, str] | None]:
    """What is on trial, its own error and the map of its columns. Raises `CandidateError`."""
    from spicebridge.errors import CandidateError

    named = pairs("--map", "x1=0-1", ",".join(args.map), str.rpartition) if args.map else {}
    mapping = {column: signal if "[" in signal else f"state[{signal}]" for column, signal in named.items()}
    if args.against is None:
        if args.theory_error is not None or mapping:
            raise CandidateError("--theory-error and --map are about a theory of your own; give it with --against")
        return None, None, None
    if not single:
        raise CandidateError("--against is for one case file")
    error: float | str | None = args.theory_error
    with suppress(ValueError, TypeError):
        error = float(args.theory_error)
    return args.against, error, mapping or None


def _status(entry: Entry) -> int:
    if entry.error is not None:
        return status.of_error(entry.error)
    assert entry.report is not None
    return status.of_outcome(entry.report.verdict.outcome.value)
