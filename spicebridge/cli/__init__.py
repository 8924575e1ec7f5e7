# PYTHON_ARGCOMPLETE_OK
"""The command ``spicebridge``: argument parsing, and nothing else.

A command is a module of this package with `HELP` (one line), `EXAMPLE` (a command line that works), `configure(parser)`
and `run(args) -> int`, and `JUDGES = True` where its exit status is a verdict. A new one is a new file. These modules
import nothing heavy at the top, so that ``spicebridge --help`` answers at once.
"""

from spicebridge.cli.command_line import commands, complain, main

__all__ = ["commands", "complain", "main"]
