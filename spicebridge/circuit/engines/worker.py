"""Starts this Python again as a worker for simulators that live in a Python process.

The worker sees the same packages as this process, but none of the user's start-up files, and takes its
crashes and hangs with it.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import tempfile
from collections.abc import Hashable
from pathlib import Path

from spicebridge.circuit.engines.process import private_environment, run_in_group
from spicebridge.circuit.engines.run_program import tail
from spicebridge.errors import SimulatorDied, SimulatorMissing

PROBE_TIMEOUT = 60.0
"""Wall-clock limit in s of asking a worker for its version; a first import on a busy machine is slow."""


def worker_command(script: str, *arguments: str) -> list[str]:
    """Argument list that runs `script`, a file in ``workers/``."""
    return [sys.executable, "-s", str(Path(__file__).with_name("workers") / script), *arguments]


def worker_environment() -> dict[str, str]:
    """The search path of this process, for packages only."""
    entries = [entry for entry in sys.path if entry]
    return {"PYTHONPATH": os.pathsep.join(entries), "PYTHONDONTWRITEBYTECODE": "1"}


def package_identity(package: str) -> tuple[str, int, int] | None:
    """Origin, size and modification time of an installed package; None if there is none. Imports nothing."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    stat = Path(spec.origin).stat()
    return spec.origin, stat.st_size, stat.st_mtime_ns


@functools.lru_cache(maxsize=64)
def ask_version(name: str, remedy: str, identity: Hashable, *command: str) -> str:
    """What the worker prints when asked; `identity` is in the key so that an upgrade is noticed.

    Raises SimulatorMissing if the worker says that it cannot run, SimulatorDied if it crashes or hangs.
    """
    with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        ended = run_in_group(
            command,
            directory=place,
            environment=private_environment(place) | worker_environment(),
            timeout=PROBE_TIMEOUT,
            stdout=place / "stdout",
            stderr=place / "stderr",
        )
        said, log = tail(place / "stdout").strip(), tail(place / "stderr")
    if ended.timed_out or ended.exit_code < 0:
        raise SimulatorDied(f"{name} hangs or crashes when it is loaded: {remedy}", log=log)
    if ended.exit_code != 0 or not said:
        last = (log.strip().splitlines() or ["no message"])[-1]
        raise SimulatorMissing(f"{name} cannot be loaded: {last}: {remedy}", log=log)
    return said
