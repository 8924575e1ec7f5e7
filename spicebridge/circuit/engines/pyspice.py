"""ngspice as a shared library, through PySpice, in a worker process of its own per run.

The library answers 0 to nearly every failure, leaves vectors with a null pointer behind, keeps options and
circuits from deck to deck, and takes the whole process with it when it crashes. In a worker none of this
reaches the session, and the samples are those of the ngspice process, bit for bit.
"""

from __future__ import annotations

import ctypes.util
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spicebridge.circuit.engines.deckguard import saved_names, silent_trap
from spicebridge.circuit.engines.door import DECK, DEFAULT_TIMEOUT, RAW, Door, Invocation
from spicebridge.circuit.engines.engine import Job
from spicebridge.circuit.engines.installation import Installation, package_files
from spicebridge.circuit.engines.ngspice import OLDEST_VERSION, judge_log
from spicebridge.circuit.engines.worker import worker_command, worker_environment
from spicebridge.errors import SimulatorMissing

LIBRARY_VARIABLE = "NGSPICE_LIBRARY_PATH"
"""PySpice's own variable: the file of the shared library."""

_SCRIPT = "pyspice_run.py"
_INSTALL = (
    "install it with 'apt install libngspice0' or 'brew install libngspice' and 'pip install PySpice', "
    f"point ${LIBRARY_VARIABLE} at the library, or use the engine 'ngspice'"
)
_VERSION = re.compile(r"ngspice (?P<version>(?P<major>\d+) \(PySpice \S+\))")


@dataclass(frozen=True)
class PySpiceShared(Door):
    """Engine that runs PySpice's NgSpiceShared.

    library  file of libngspice; None takes $NGSPICE_LIBRARY_PATH, then the usual folders
    timeout  wall-clock limit of a run in s, unless the job has its own

    Takes and refuses the same decks as `NgspiceProcess`, and judges them the same way.
    """

    library: str | os.PathLike[str] | None = None
    timeout: float = DEFAULT_TIMEOUT
    name: str = "pyspice"

    dialect = "ngspice"

    def path(self) -> str:
        """The library that will be loaded. Raises SimulatorMissing, with how to install it."""
        wanted = self.library or os.environ.get(LIBRARY_VARIABLE)
        if wanted is not None:
            if not Path(wanted).is_file():
                raise SimulatorMissing(f"{str(wanted)!r} is no shared library: {_INSTALL}")
            return str(Path(wanted).resolve())
        for candidate in _candidates():
            return str(candidate.resolve())
        found = ctypes.util.find_library("ngspice")
        if found is None:
            raise SimulatorMissing(f"libngspice is not installed: {_INSTALL}")
        return found

    def installation(self) -> Installation:
        """The library's file and the installed PySpice; see `Door`."""
        library = self.path()
        package = package_files("PySpice")
        if package is None:
            raise SimulatorMissing(f"PySpice is not installed: {_INSTALL}")
        return Installation(
            title="ngspice",
            files=(library, *package),
            ask=tuple(worker_command(_SCRIPT, library, "--version")),
            pattern=_VERSION,
            oldest=(OLDEST_VERSION, 0),
            install=_INSTALL,
            environment=tuple(worker_environment().items()),
        )

    def trap(self, job: Job) -> str | None:
        """See `Door`."""
        return silent_trap(job.text)

    def invocation(self, job: Job) -> Invocation:
        """See `Door`."""
        return Invocation(
            argv=worker_command(_SCRIPT, self.path(), DECK, RAW),
            judge_log=judge_log,
            saved=saved_names(job.text),
            environment=worker_environment(),
        )


def _candidates() -> Iterator[Path]:
    """Files of the library in the usual folders, the most specific folder first."""
    folders = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    folders += [f"{sys.prefix}/lib", "/usr/local/lib", f"/usr/lib/{multiarch}", "/usr/lib64", "/usr/lib"]
    folders += ["/opt/homebrew/lib"]
    for folder in filter(None, folders):
        for pattern in ("libngspice.so*", "libngspice*.dylib"):
            yield from sorted(Path(folder).glob(pattern))
