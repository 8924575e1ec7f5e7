"""``spicebridge engines``"""

from __future__ import annotations

import argparse
import sys

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
    from spicebridge.report.json import format_json

    found = [_look(name, probe=not args.no_probe) for name in args.engine or known_engines()]
    if args.json:
        sys.stdout.write(format_json(found))
    else:
        from spicebridge.cli.show import print_engines

        print_engines(found)
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
