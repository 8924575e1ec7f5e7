"""What goes into a simulator, what comes out, and what a simulator has to promise.

A `Job` is a deck and the signals that must come back; a `RunRecord` is everything that one run
left behind, already judged. Only `Status.COMPLETE` is success: the exit code of a simulator is
kept as evidence and never believed, because it is wrong in both directions.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from spicebridge.errors import DeckError, SpiceBridgeError, nearest

TIME = "time"


class Status(enum.Enum):
    """How a run ended. The value is a sentence fragment fit for a report."""

    COMPLETE = "complete"
    TRUNCATED = "data end early, start late or contradict their header"
    NON_FINITE = "data hold NaN or infinity"
    MISSING_VECTORS = "a requested signal is absent"
    NUMERICAL_FAILURE = "the simulator could not solve the circuit"
    REJECTED = "the simulator refused, skipped or altered part of the deck"
    NO_OUTPUT = "the simulator wrote no data"
    LOG_ERROR = "data look complete but the log or the exit code says otherwise"


QUOTED_LINES = 4
"""Complaints quoted in a reason; the log holds them all."""
NOT_KNOWN = "Not known to be harmless: look at the log."
"""What a reason ends with where nothing better is known."""


@dataclass(frozen=True)
class LogFinding:
    """The worst thing a log says: its status, and a reason that quotes it."""

    status: Status
    reason: str

    @classmethod
    def quoting(cls, status: Status, simulator: str, lines: Sequence[str], advice: str) -> LogFinding:
        """With the first of the `lines` that the simulator says."""
        return cls(status, f"{simulator} says: {'; '.join(lines[:QUOTED_LINES])}. {advice}")


@dataclass(eq=False)
class Meter:
    """How far a run is, from the raw file that grows; for progress only.

    points   expected
    raw      the file, once a run writes one
    row      bytes of a point in it
    done     the run has ended
    seen     the most that was written when somebody looked: the file goes when its run has been read
    """

    points: float
    raw: Path | None = None
    row: int = 8
    done: bool = False
    seen: float = 0.0

    @property
    def written(self) -> float:
        """Points so far, at most those expected; 0 while nothing can be told."""
        if self.done:
            return self.points
        if self.raw is not None:
            with contextlib.suppress(OSError):
                self.seen = max(self.seen, min(self.points, self.raw.stat().st_size / self.row))
        return self.seen


@dataclass(frozen=True, kw_only=True)
class Job:
    """One transient run.

    text     the deck, in the dialect of the engine that will run it
    vectors  lower-case names that must be in the result, "v(node)" or "i(source)", no "time"
    stop     end of the transient analysis, s; the last sample must be there
    timeout  wall-clock limit in s; None takes the engine's default
    generated  the text is what a dialect wrote for a lowered network, which saves its vectors and has no
               line that a simulator drops or reads otherwise: it is not looked through for these. What
               may run commands or read files is looked for in any text.
    meter    is told of the file that grows, where there is one

    Raises DeckError for an empty deck, names that are not lower case or repeat, and for times
    that are not positive and finite.
    """

    text: str
    vectors: tuple[str, ...]
    stop: float
    timeout: float | None = None
    generated: bool = False
    meter: Meter | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise DeckError("job has an empty deck: give the netlist text")
        try:
            self.text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DeckError(f"job deck cannot be written as UTF-8: {error}") from error
        if isinstance(self.vectors, str):
            raise DeckError(f"job vectors are the string {self.vectors!r}: give a tuple of names")
        object.__setattr__(self, "vectors", tuple(self.vectors))
        if not self.vectors:
            raise DeckError("job asks for no vectors: a run without expected signals proves nothing")
        if "" in self.vectors or TIME in self.vectors or "".join(self.vectors) != "".join(self.vectors).lower():
            for name in self.vectors:
                if name and name == name.lower() and name != TIME:
                    continue
                raise DeckError(
                    f"job vector {name!r}: names are lower case, such as 'v(w7)' or 'i(v7)', "
                    f"and {TIME!r} always comes by itself"
                )
        if len(set(self.vectors)) != len(self.vectors):
            twice = next(n for n in self.vectors if self.vectors.count(n) > 1)
            raise DeckError(f"job vector {twice!r} is asked for twice: name every signal once")
        for label, value in (("stop", self.stop), ("timeout", self.timeout)):
            if value is not None and not (math.isfinite(value) and value > 0.0):
                raise DeckError(f"job {label} is {value!r}: it must be positive and finite, in s")


@dataclass(frozen=True, kw_only=True, eq=False)
class RunRecord:
    """One finished run and the verdict on it.

    engine, version   the simulator and the version it reports
    status, reason    `Status` and one sentence that names the cause and, if known, the remedy
    exit_code         of the process; None if no process was started
    log               what the simulator printed on both channels
    text              the deck as it was run
    wall_time         s
    time              (n_t,) s, the simulator's own time points, read-only
    data              (n_t, n_vectors) in the order asked for, SI units, read-only; in memory,
                      never tied to a file. Rows of an incomplete run are kept as evidence; both
                      arrays are empty (n_t = 0) if there are none or a signal is missing
    vectors           the names of the columns of `data`
    fingerprint       measured capabilities of the simulator, empty if it was not probed before
    """

    engine: str
    version: str
    status: Status
    reason: str
    exit_code: int | None
    log: str
    text: str
    wall_time: float
    time: np.ndarray
    data: np.ndarray
    vectors: tuple[str, ...]
    fingerprint: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data.shape != (self.time.size, len(self.vectors)):
            raise SpiceBridgeError(
                f"run record: data has shape {self.data.shape}, but there are {self.time.size} "
                f"time points and {len(self.vectors)} vectors"
            )
        for array in (self.time, self.data):
            array.flags.writeable = False

    @property
    def complete(self) -> bool:
        """True only if every check passed."""
        return self.status is Status.COMPLETE

    def vector(self, name: str) -> np.ndarray:
        """Samples (n_t,) of one signal, or of "time". Raises SpiceBridgeError if not asked for."""
        wanted = name.lower()
        if wanted == TIME:
            return self.time
        if wanted not in self._columns:
            raise SpiceBridgeError(
                f"run record has no signal {name!r}{nearest(wanted, self.vectors)}: "
                f"only the names listed in the job's vectors are kept"
            )
        column: np.ndarray = self.data[:, self._columns[wanted]]
        return column

    @functools.cached_property
    def _columns(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.vectors)}


class Engine(Protocol):
    """A door to one simulator.

    `run` returns a judged RunRecord for every run that ended by itself, good or bad, and raises
    `SimulatorMissing`/`SimulatorTooOld` if there is nothing to run, `SimulatorDied` (deck and log
    attached) if the run was killed, crashed, or ran out of time, memory or disk, and `UnsafeDeck`
    for decks that ask for commands or foreign files. It never returns COMPLETE unless all data
    asked for are there, finite, and reach the end. Nothing stays on disk.
    """

    @property
    def name(self) -> str:
        """Key in `engine_names()`."""
        ...

    @property
    def dialect(self) -> str:
        """Which dialect the deck text has to be written in."""
        ...

    def version(self) -> str:
        """Version the simulator reports, probed once. Raises SimulatorMissing."""
        ...

    def available(self) -> bool:
        """Whether the simulator is installed and recent enough."""
        ...

    def identity(self) -> Hashable:
        """Changes whenever the installed simulator changes; measurements are cached against it."""
        ...

    def capabilities(self) -> Mapping[str, str]:
        """Measured behaviour, by running tiny decks; see `probe`."""
        ...

    def run(self, job: Job) -> RunRecord:
        """Run one job to its end."""
        ...
