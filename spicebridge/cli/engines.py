"""``spicebridge engines``"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from spicebridge.cli import status

HELP = "which simulators are installed, their versions and what they were measured to do"
EXAMPLE = "engines"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="JSON on standard output")
    parser.add_argument("--no-probe", action="store_true", help="versions only, no measuring runs")
    parser.add_argument(
        "--engine",
        action="append",
        metavar="E",
        help="only this one (again for more): a name, or KIND=FILE such as ngspice=/opt/ngspice/bin/ngspice",
    )


def run(args: argparse.Namespace) -> int:
    from spicebridge.cli import complain
    from spicebridge.cli.clash import clash

    if words := clash():
        complain(words)
    from spicebridge.circuit.engines import known_engines

    found = [_look(name, probe=not args.no_probe) for name in args.engine or known_engines()]
    if args.json:
        from spicebridge.report.json import format_json

        sys.stdout.write(format_json(found))
    else:
        _print(found)
    return status.SUCCESS if any(engine["installed"] for engine in found) else status.NO_SIMULATOR


def _look(name: str, *, probe: bool) -> dict[str, object]:
    from spicebridge.circuit.engines import get_engine
    from spicebridge.errors import SpiceBridgeError

    facts: dict[str, object] = {"name": name, "installed": False, "version": None, "problem": None}
    facts["capabilities"] = {}
    try:
        engine = get_engine(name)
        facts["version"] = engine.version()
        facts["installed"] = True
        if probe:
            facts["capabilities"] = dict(engine.capabilities())
    except SpiceBridgeError as error:
        facts["problem"] = str(error)
    return facts


def _print(found: Sequence[Mapping[str, Any]]) -> None:
    """Every engine with its version or what is wrong, and its measured capabilities below."""
    from rich.text import Text

    from spicebridge.cli.screen import console, width
    from spicebridge.report.printable import one_line

    columns = width()
    screen = console(sys.stdout, columns)
    for engine in found:
        state = f"version {engine['version']}" if engine["installed"] else "not available"
        screen.print(Text(f"{engine['name']}  {state}", style="bold" if engine["installed"] else "yellow"))
        if engine["problem"]:
            screen.print(Text(f"  {one_line(engine['problem'])}"))
        for name, value in engine["capabilities"].items():
            if name != "version":
                screen.print(Text(f"  {name.replace('_', ' '):<24} {one_line(str(value))}"))
