"""Starts this Python again as a worker for simulators that live in a Python process.

The worker sees the same packages as this process, but none of the user's start-up files, and takes its
crashes and hangs with it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def worker_command(script: str, *arguments: str) -> list[str]:
    """Argument list that runs `script`, a file in ``workers/``."""
    return [sys.executable, "-s", str(Path(__file__).with_name("workers") / script), *arguments]


def worker_environment() -> dict[str, str]:
    """The search path of this process, for packages only."""
    entries = [entry for entry in sys.path if entry]
    return {"PYTHONPATH": os.pathsep.join(entries), "PYTHONDONTWRITEBYTECODE": "1"}
