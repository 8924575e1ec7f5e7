"""``spicebridge fuzz``"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from spicebridge.cli import status
from spicebridge.cli.options import add_quiet, positive, whole

if TYPE_CHECKING:
    from spicebridge.fuzz import Cause, Hunt

HELP = (
    "throw random circuits with exact answers at a simulator; what differs shrinks to a deck of a few lines; "
    "exit status 1 then"
)
EXAMPLE = "fuzz --engine neospice --minutes 5 --seed 7"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", default="ngspice", metavar="E", help="simulator (default: ngspice; see engines)")
    parser.add_argument("--minutes", type=positive, default=1.0, metavar="N", help="60 circuits for each (default: 1)")
    parser.add_argument("--circuits", type=whole, metavar="N", help="how many, instead of --minutes")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, other circuits (default: 0)")
    parser.add_argument("-o", "--out", metavar="DIR", help="write the decks there")
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    from spicebridge.circuit.engines import get_engine
    from spicebridge.circuit.engines.process import interruptible
    from spicebridge.cli.show import progress
    from spicebridge.fuzz import hunt
    from spicebridge.report.json import format_json

    if args.seed < 0:
        from spicebridge.errors import SpiceBridgeError

        raise SpiceBridgeError(f"seed {args.seed} must not be negative")
    engine = get_engine(args.engine)
    with interruptible(), progress(args.quiet) as say:
        found = hunt(engine, seed=args.seed, progress=say, minutes=args.minutes, circuits=args.circuits)
    if args.out:
        _write(args.out, found)
    sys.stdout.write(format_json(_facts(found)) if args.json else _page(found))
    if found.defects:
        return status.DISAGREES
    # A hunt whose texts never came to an end has found nothing because nothing ran.
    return status.NO_SIMULATOR if any(what == "ours: died" for what, _ in found.refused) else status.SUCCESS


def _facts(found: Hunt) -> dict[str, object]:
    """Without the time it took: a second hunt gives the same bytes."""
    return {
        "engine": found.engine,
        "version": found.version,
        "seed": found.seed,
        "wanted": found.wanted,
        "done": found.done,
        "findings": [asdict(cause) for cause in found.findings],
        "without_answer": dict(found.refused),
    }


def _page(found: Hunt) -> str:
    rate = 3600.0 * found.done / found.seconds
    lines = [
        f"{found.engine} {found.version}: {found.done} circuits of seed {found.seed} in {found.seconds:.0f} s, "
        f"{rate:,.0f} an hour"
    ]
    if found.done < found.wanted:
        lines.append(f"the time ended before {found.wanted} circuits were through")
    groups = (
        ("wrong values in texts that spicebridge writes", found.defects),
        ("traps: wrong values in texts as people type them", found.traps),
        ("texts that it does not take", tuple(f for f in found.findings if f.refused)),
    )
    for title, findings in groups:
        lines += ["", f"{title}: {len(findings) or 'none'}"]
        for f in findings:
            lines += ["", f"  {f.cause}  ({f.count} times, first in circuit {f.first})"]
            lines += [f"    {line}" for line in f.deck.rstrip().splitlines()]
    for what, count in found.refused:
        lines += ["", f"without an answer: {count} ({what})"]
    return "\n".join(lines) + "\n"


def _write(folder: str, found: Hunt) -> None:
    from pathlib import Path

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    suffix = ".sim" if found.engine.startswith("vacask") else ".cir"
    for number, finding in enumerate(found.findings, 1):
        (place / f"{number:02d}-{_word(finding)}{suffix}").write_text(finding.deck, encoding="utf-8")


def _word(finding: Cause) -> str:
    words = "".join(c if c.isalnum() else "-" for c in finding.cause)[:40].strip("-")
    return f"{finding.spelling}-{words or finding.kind}"
