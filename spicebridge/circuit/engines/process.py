"""One child process in a group of its own, with a time limit and no survivors."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Start-up files, raw-file format and library paths can be steered by these.
_SCRUBBED_PREFIXES = ("SPICE_", "NGSPICE_", "SIM_", "XDG_")
_LONGEST_POLL_MS = 2**31 - 1
# Children that are not reaped yet. The lock is reentrant because a signal handler may take it while
# its own thread holds it.
_live: set[subprocess.Popen[bytes]] = set()
_live_lock = threading.RLock()
_interrupted = threading.Event()
_SCRUBBED = frozenset({"LANG", "LANGUAGE", "USERPROFILE", "APPDATA"})


LOG_LIMIT = 4 * 1024 * 1024
"""Bytes of each output channel that are kept; a longer one is itself a finding."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a process ended: exit_code (negative for a signal), or timed_out; wall_time in s; what it printed."""

    exit_code: int
    timed_out: bool
    wall_time: float
    stdout: str
    stderr: str


def _private_environment(home: Path) -> dict[str, str]:
    """Environment in which no start-up file, locale or thread setting of the user applies."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(_SCRUBBED_PREFIXES) and not key.startswith("LC_") and key not in _SCRUBBED
    }
    place = str(home)
    return kept | {
        "HOME": place,
        "USERPROFILE": place,
        "XDG_CONFIG_HOME": place,
        "XDG_DATA_HOME": place,
        "XDG_CACHE_HOME": place,
        "TMPDIR": place,
        "LC_ALL": "C",
        "OMP_NUM_THREADS": "1",
    }


def run_in_group(argv: Sequence[str], *, directory: Path, environment: Mapping[str, str], timeout: float) -> Ended:
    """Run `argv` in `directory`, wait at most `timeout` s, and leave no process behind.

    `environment` comes on top of one in which nothing of the user applies. Output goes to files, so that neither a
    chatty run nor a grandchild that keeps a pipe open can block or fill memory. The whole process group is killed on
    time-out, on any exception here, and after the leader has ended. Raises OSError if the program cannot be started.
    """
    started = time.monotonic()
    stdout, stderr = directory / "stdout", directory / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as err:
        process = subprocess.Popen(
            list(argv),
            cwd=directory,
            env=_private_environment(directory) | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            close_fds=True,
        )
    timed_out = True
    _limit_processor_time(process.pid, timeout)
    try:
        with _live_lock:
            _live.add(process)
        if _interrupted.is_set():
            raise KeyboardInterrupt
        timed_out = not _wait(process, timeout)
    finally:
        # Before the leader is reaped its id cannot be reused, so the signal hits only this group.
        with _live_lock:
            _live.discard(process)
            if process.returncode is None:
                _kill_group(process)
        exit_code = process.wait()
    return Ended(
        exit_code=exit_code,
        timed_out=timed_out,
        wall_time=time.monotonic() - started,
        stdout=_tail(stdout),
        stderr=_tail(stderr),
    )


def _tail(path: Path) -> str:
    """Text of an output channel; beyond LOG_LIMIT only its two ends, with a line that says so."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= LOG_LIMIT:
            return file.read().decode("utf-8", "replace")
        head = file.read(LOG_LIMIT // 2)
        file.seek(size - LOG_LIMIT // 2)
        end = file.read()
    gap = f"\nWarning: {size - LOG_LIMIT} bytes of this log were left out\n"
    return head.decode("utf-8", "replace") + gap + end.decode("utf-8", "replace")


def _limit_processor_time(pid: int, timeout: float) -> None:
    """Let the kernel end the child after `timeout` s of work, should we be killed and not there to do it."""
    try:
        import resource

        seconds = int(timeout) + 2
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
    except (ImportError, AttributeError, OSError, ValueError):
        pass  # another system than Linux, a child already gone, or a lower limit in force


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it Ctrl-C, or a request to end, kills every running child at once and lets no other start.

    Runs happen in threads, which Python does not interrupt, and in process groups of their own, which
    the terminal does not signal: without this a program would end only when its simulators have.
    Outside the main thread, where no signal arrives, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        _interrupted.set()
        with _live_lock:
            for process in _live:
                if process.returncode is None:
                    _kill_group(process)
        raise KeyboardInterrupt

    watched = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, stop) for number in watched}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        _interrupted.clear()


def _wait(process: subprocess.Popen[bytes], timeout: float) -> bool:
    """True if the process ended within `timeout` s; leaves it unreaped where the system can."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            pass  # old kernel or a sandbox that forbids the call
        else:
            try:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                return bool(poll.poll(min(timeout * 1000.0, _LONGEST_POLL_MS)))
            finally:
                os.close(descriptor)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        # The group may be gone already; some systems say so with a permission error.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
