"""One process at a time writes where others would disturb it.

The lock is the system's own on an open file: it ends with the process that holds it, however that ends, so a dead
holder never blocks anybody. A file made for nothing else names the holder for the message that the second one gets.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from spicebridge.errors import OutputError, SpiceBridgeError


@contextmanager
def locked(path: Path, refusal: Callable[[str], SpiceBridgeError], *, named: bool) -> Iterator[None]:
    """Hold the file at `path`, which is made where there is none; `named` files get process, machine and start.

    Raises what `refusal` makes of whoever holds it, and `OutputError`.
    """
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made: {error.strerror or error}; name another folder") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise refusal(_holder(descriptor)) from None
        except OSError as error:
            raise OutputError(f"{path}: cannot be locked: {error.strerror or error}; use a local disk") from None
        if named:
            started = datetime.now(UTC).isoformat(timespec="seconds")
            _write(descriptor, json.dumps({"pid": os.getpid(), "host": platform.node(), "started": started}), path)
        try:
            yield
        finally:
            if named:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _write(descriptor: int, content: str, path: Path) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, content.encode("ascii", "replace"), 0)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _holder(descriptor: int) -> str:
    """Who holds the lock, in words."""
    try:
        content = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {content['pid']} on {content['host']}, since {content['started']},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
