"""The command ``spicebridge``: argument parsing, and nothing else.

A command is a module of this package with `HELP` (one line), `configure(parser)` and `run(args) -> int`;
a new one is a new file and one line in `COMMANDS`. These modules import nothing heavy at the top, so
that ``spicebridge --help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence

from spicebridge import __version__
from spicebridge.cli import status
from spicebridge.errors import SpiceBridgeError

__all__ = ["main"]

COMMANDS = {
    "validate": "validate",
    "simulate": "simulate",
    "netlist": "netlist",
    "read": "read",
    "check-model": "check_model",
    "engines": "engines",
    "lab": "lab",
    "compare": "compare",
    "fit": "fit",
    "atlas": "atlas",
    "campaign": "campaign",
}
"""Command on the command line -> module of this package."""

_ABOUT = """\
Memristive networks as SPICE circuits, judged against their network equation.
"""


def parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    top = argparse.ArgumentParser(
        prog="spicebridge",
        description=_ABOUT,
        epilog=status.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"spicebridge {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, place in COMMANDS.items():
        module = importlib.import_module(f"spicebridge.cli.{place}")
        sub = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=status.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.configure(sub)
        sub.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; no exception leaves."""
    try:
        args = parser().parse_args(argv)
        with _notices():
            code = int(args.run(args))
        sys.stdout.flush()
        return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else status.BAD_INPUT
    except SpiceBridgeError as error:
        complain(str(error))
        return status.of_error(error)
    except KeyboardInterrupt:
        complain("interrupted")
        return status.INTERRUPTED
    except BrokenPipeError:
        _silence_stdout()
        return status.BROKEN_PIPE
    except OSError as error:
        complain(f"{error.filename or 'output'}: {error.strerror or error}")
        _silence_stdout()
        return status.BAD_INPUT
    except Exception:
        traceback.print_exc()
        complain("this is a bug in spicebridge; please report it with the lines above")
        return status.BUG


@contextlib.contextmanager
def _notices() -> Iterator[None]:
    """Within it warnings are shown as our own messages, without a line of source code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: complain(str(message))
        yield


def complain(message: str) -> None:
    """One clean message on standard error; text of strangers cannot steer the terminal."""
    from spicebridge.cli.show import printable

    with contextlib.suppress(OSError):
        print(f"spicebridge: {printable(message)}", file=sys.stderr, flush=True)


def _silence_stdout() -> None:
    """Keep the interpreter from failing once more when it flushes a closed pipe at its end."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
