"""``spicebridge examples [NAME]``"""

from __future__ import annotations

import argparse
from pathlib import Path

from spicebridge.cli import status

HELP = "list the cases that come with spicebridge, or copy one of them here"
EXAMPLE = "examples k4"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="a case such as k4; without one they are listed")
    parser.add_argument("-o", "--out", default=".", metavar="DIR", help="where copies go; default: this folder")


def run(args: argparse.Namespace) -> int:
    from spicebridge.batch.first_cases import campaigns, copy_example, examples

    if not args.names:
        for name, case in examples().items():
            print(f"{name:22} {case.title}")
        for name in campaigns():
            print(f"{name:22} a sweep, for spicebridge campaign")
        print("\nspicebridge examples NAME copies one here")
        return status.SUCCESS
    for name in args.names:
        path = copy_example(name, Path(args.out))
        print(f"{path}\nspicebridge {'campaign' if name in campaigns() else 'validate'} {path}")
    return status.SUCCESS
