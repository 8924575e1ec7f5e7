"""The parser of every command, and what happens to an error on its way out."""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import os
import pkgutil
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, NoReturn

from spicebridge import __version__
from spicebridge.cli import status
from spicebridge.cli.doors import require_right_door
from spicebridge.errors import SpiceBridgeError, nearest

FIRST = ("init", "examples", "validate", "simulate", "netlist", "read", "analyse", "engines")
"""Commands in the order in which people need them; the others follow by name."""

_ABOUT = """\
Memristive networks as SPICE circuits, judged against their network equation.
"""
_FIRST_STEPS = """\
example:
  spicebridge examples k4
  spicebridge validate k4.case.toml --out out
"""


SHARED = ("clash", "command_line", "doors", "options", "patches", "screen", "show", "status")
"""Modules of this package that are no command."""


@functools.cache
def commands() -> dict[str, ModuleType]:
    """Command -> its module."""
    names = [
        module.name for module in pkgutil.iter_modules(sys.modules[__package__].__path__) if module.name not in SHARED
    ]
    found = {name.replace("_", "-"): importlib.import_module(f"{__package__}.{name}") for name in names}
    known = [name for name in FIRST if name in found]
    return {name: found[name] for name in (*known, *sorted(set(found) - set(known)))}


class _Parser(argparse.ArgumentParser):
    """A parser that takes no abbreviations and names the nearest command, option or choice."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        head, _, choices = message.partition("invalid choice: ")
        word, _, known = choices.partition(" (choose from ")
        word = word.strip("'")
        if choices and head.startswith("argument COMMAND"):
            message = f"no command {word!r}{nearest(word, commands())}; spicebridge --help lists them"
        elif choices:
            message += nearest(word, [choice.strip("' ") for choice in known.rstrip(")").split(",")])
        super().error(message)

    def refuse(self, words: Sequence[str]) -> NoReturn:
        """End with what is not known of this command."""
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        if not options:
            self.error(f"more arguments than the command takes: {' '.join(words)}")
        known = [name for name in self._option_string_actions if name.startswith("--")]
        self.error("; ".join(f"no option {word!r}{nearest(word, known)}" for word in options))


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from spicebridge.cli.clash import clash

        print(f"spicebridge {__version__}")
        if words := clash():
            complain(words)
        parser.exit(status.SUCCESS)


def parser() -> tuple[_Parser, dict[str, _Parser]]:
    """The parser with every command, and those of the commands."""
    top = _Parser(prog="spicebridge", description=_ABOUT, epilog=f"{_FIRST_STEPS}\n{status.EPILOG}")
    top.add_argument("--version", action=_Version, nargs=0, help="version, and whether another package is in the way")
    choices = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    each = {}
    for name, module in commands().items():
        epilog = f"example:\n  spicebridge {module.EXAMPLE}\n"
        if getattr(module, "JUDGES", False):
            epilog += f"\n{status.EPILOG}"
        each[name] = sub = choices.add_parser(name, help=module.HELP, description=module.HELP, epilog=epilog)
        module.configure(sub)
        sub.set_defaults(run=module.run)
    return top, each


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; no exception leaves."""
    try:
        known, each = parser()
        with contextlib.suppress(ImportError):
            import argcomplete

            argcomplete.autocomplete(known)
        args, unknown = known.parse_known_args(argv)
        if unknown:
            each[args.command].refuse(unknown)
        require_right_door(args)
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
    from spicebridge.report.printable import printable

    with contextlib.suppress(OSError):
        print(f"spicebridge: {printable(message)}", file=sys.stderr, flush=True)


def _silence_stdout() -> None:
    """Keep the interpreter from failing once more when it flushes a closed pipe at its end."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
