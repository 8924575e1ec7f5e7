"""``spicebridge validate CASE --patches [N]``: a network too large for a simulator, patch by patch."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.errors import CaseError

if TYPE_CHECKING:
    from spicebridge.verify.patches import PatchedVerdict


def configure(parser: argparse.ArgumentParser) -> None:
    """--patches and --workers."""
    parser.add_argument(
        "--patches",
        nargs="?",
        type=int,
        const=0,
        metavar="N",
        help="for networks that no simulator holds: judge overlapping patches that cover the graph, or N of them "
        "around edges drawn at random; with --out a killed run goes on where it stopped",
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="judge patches on the Dask cluster at ADDRESS")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="patches judged at a time (default 1)")


def run(args: argparse.Namespace) -> int:
    from spicebridge.case.case import load_case
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.cli.show import progress
    from spicebridge.verify import validate

    if len(args.cases) != 1 or Path(args.cases[0]).is_dir():
        raise CaseError("--patches judges one case at a time; name one case file")
    if args.against:
        raise CaseError("--patches puts a circuit on trial, --against a theory; leave one of them out")
    case = load_case(args.cases[0])
    out = Path(args.out) if args.out else None
    with interruptible(), progress(args.quiet) as say:
        verdict = validate(
            case.network,
            case.t,
            patches=args.patches or True,
            workers=args.workers,
            scheduler=args.scheduler,
            tolerance=args.tolerance or case.tolerance,
            engine=(args.engine or [case.engine])[0],
            form=args.form or case.form,
            step=args.step,
            timeout=args.timeout,
            results=None if out is None else out / "patches.jsonl",
            progress=say,
        )
    _show(verdict, out, as_json=args.json)  # type: ignore[arg-type]
    return status.of_outcome(verdict.outcome.value)


def _show(verdict: PatchedVerdict, out: Path | None, *, as_json: bool) -> None:
    from spicebridge.report.json import plain

    text = json.dumps(plain(verdict.record()), indent=1) + "\n"
    if as_json:
        sys.stdout.write(text)
    else:
        print(f"{verdict.outcome.value.upper()}  {verdict.reason}")
        if verdict.worst_edge:
            print(f"  {verdict.worst_edge}: E {verdict.worst.error:.3g}, U {verdict.worst.uncertainty:.3g}")
    if out is not None:
        from spicebridge.report.plots.patch_map import draw_map

        (out / "verdict.json").write_text(text, encoding="utf-8")
        draw_map(verdict, out / "map.png")
        if not as_json:
            print(f"\n{out / 'map.png'}")
