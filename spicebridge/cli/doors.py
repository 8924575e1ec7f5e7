"""A file at a command that does not take its kind: told by the end of its name, answered with the command that does."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from spicebridge.errors import CaseError

KINDS = {
    (".case.toml",): ("a case", "validate", ("validate", "simulate", "netlist", "analyse", "lab", "compare", "atlas")),
    (".campaign.toml",): ("a campaign", "campaign", ("campaign",)),
    (".cir", ".net", ".sp", ".spice", ".asc"): ("a netlist", "read", ("read", "check-model")),
}
"""Ends of names: what the file is, the command that is meant first, and all that take it."""
POSITIONALS = ("case", "cases", "deck", "file", "files", "model")


def require_right_door(args: argparse.Namespace) -> None:
    """Raise `CaseError` for a file that another command takes."""
    for name in _files(args):
        for ends, (what, meant, takers) in KINDS.items():
            if name.lower().endswith(ends) and args.command not in takers:
                raise CaseError(
                    f"{name}: is {what}, which {args.command} does not take; try 'spicebridge {meant} {name}'"
                )


def _files(args: argparse.Namespace) -> Iterator[str]:
    for key in POSITIONALS:
        given = getattr(args, key, None)
        yield from (str(word) for word in ([given] if isinstance(given, str) else given or ()))
