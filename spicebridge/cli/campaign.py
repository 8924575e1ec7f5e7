"""``spicebridge campaign FILE``"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.cli.options import add_quiet, whole

if TYPE_CHECKING:
    from spicebridge.campaign.campaign_plan import Campaign
    from spicebridge.campaign.campaign_summary import Sweep
    from spicebridge.campaign.execution import Tally

HELP = "sweep a case over parameters, seeds, engines and sizes; stored point by point, resumable"
EXAMPLE = "campaign ratio.campaign.toml --workers 2"
JUDGES = True

SHOWN = 20
"""Points with another verdict than AGREES that are printed after a run."""

_FAILURES = {
    "input": status.BAD_INPUT,
    "simulator": status.NO_SIMULATOR,
    "worker": status.NO_SIMULATOR,
    "unresolved": status.UNRESOLVED,
    "bug": status.BUG,
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a *.campaign.toml: the base case and what is swept")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=whole, metavar="N", help="processes; default: one for every processor")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, such as tcp://host:8786")
    parser.add_argument("-o", "--out", metavar="DIR", help="folder of the results; default: NAME.campaign beside FILE")
    parser.add_argument("--retry", action="store_true", help="run failed points again")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--report", action="store_true", help="run nothing; draw the stored points as HTML, Markdown, JSON"
    )
    what.add_argument("--list", action="store_true", help="run nothing; list every point and whether it is stored")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge.campaign.campaign_plan import load
    from spicebridge.campaign.campaign_summary import Sweep
    from spicebridge.report.json import format_json

    campaign = load(args.file)
    if args.list:
        return _list(campaign, args)
    page = None
    if args.report:
        from spicebridge.campaign.campaign_page import write_report

        sweep = Sweep.of(campaign, args.out)
        page = write_report(sweep)
    else:
        _run(campaign, args)
        sweep = Sweep.of(campaign, args.out)
    if args.json:
        sys.stdout.write(format_json(sweep.record()))
    else:
        _print(sweep)
        print(page if page is not None else f"{sweep.folder}  (--report draws it)")
    return _status(sweep)


def _run(campaign: Campaign, args: argparse.Namespace) -> None:
    from spicebridge.campaign.execution import run as run_campaign
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.cli.show import progress

    with interruptible(), progress(args.quiet) as say:
        summary = run_campaign(
            campaign,
            folder=args.out,
            workers=args.workers,
            scheduler=args.scheduler,
            retry=args.retry,
            progress=_telling(say),
        )
    if not args.quiet:
        parts = [f"{summary.ran} run now in {summary.seconds:.1f} s", f"{summary.kept} stored before"]
        if summary.failed and not args.retry:
            parts.append(f"{summary.failed} failed (--retry runs them again)")
        if summary.old:
            parts.append(f"{len(summary.old)} stored points are not in the campaign any more and are kept")
        print(f"spicebridge: {', '.join(parts)}", file=sys.stderr)


def _telling(say: Callable[[str], None]) -> Callable[[Tally], None]:
    """Tell how far a campaign is, in the words of every command."""
    began = time.monotonic()

    from spicebridge.shown import counted

    def show(tally: Tally) -> None:
        if tally.ran == 0:
            say(f"{tally.todo} of {tally.points} points to run")
        else:
            say(counted("points", tally.ran, tally.todo, time.monotonic() - began, outcomes=tally.outcomes.elements()))

    return show


def _list(campaign: Campaign, args: argparse.Namespace) -> int:
    """Every point with its key and state, and stored points that the campaign no longer has."""
    from spicebridge.campaign.execution import state
    from spicebridge.cli.show import printable
    from spicebridge.report.json import format_json

    found = state(campaign, args.out)

    def word(key: str) -> str:
        return "done" if key in found.done else "failed" if key in found.failed else "to run"

    if args.json:
        listed: list[dict[str, object]] = [
            {"key": point.key, "state": word(point.key), "point": dict(point.coordinates)} for point in campaign.points
        ]
        sys.stdout.write(format_json({"points": listed, "old": sorted(found.old)}))
        return status.SUCCESS
    for point in campaign.points:
        print(printable(f"{point.key}  {word(point.key):<6}  {point.label}".rstrip()))
    for key in sorted(found.old):
        print(f"{key}  old     stored, not in the campaign any more")
    parts = [f"{len(found.done)} done", f"{len(found.failed)} failed", f"{len(found.missing)} to run"]
    parts += [f"{len(found.old)} old"] if found.old else []
    print(f"{len(campaign.points)} points: {', '.join(parts)}")
    return status.SUCCESS


def _print(sweep: Sweep) -> None:
    """The summary, and the points that do not agree."""
    from spicebridge.campaign.campaign_summary import coordinates, verdict
    from spicebridge.report.wording import one_line

    print(sweep.summary)
    rest = [row for row in sweep.by_verdict if verdict(row) != "agrees"]
    for row in rest[:SHOWN]:
        print(one_line(f"{verdict(row).upper()}  {coordinates(row, sweep.kinds)}: {row['reason']}"))
    if len(rest) > SHOWN:
        print(f"… {len(rest) - SHOWN} more (--report or --json has all)")


def _status(sweep: Sweep) -> int:
    """Of all points as for several cases; a point that has not run leaves the sweep unresolved."""
    found = {status.of_outcome(row["outcome"]) if row["outcome"] else _FAILURES[row["failure"]] for row in sweep.rows}
    if status.BUG in found:
        return status.BUG
    return status.combined(found | ({status.UNRESOLVED} if sweep.missing else set()))
