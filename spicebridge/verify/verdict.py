"""The verdict: agrees, disagrees or unresolved, with numbers and a reason."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spicebridge.arrays import Array
from spicebridge.circuit.engines import RunRecord
from spicebridge.network import Network
from spicebridge.shown import Shown, presenter
from spicebridge.verify.invariants import Invariants
from spicebridge.verify.refinement import Ladder
from spicebridge.waveforms import Waveforms


class Outcome(enum.Enum):
    """The three answers; the value is the word used in reports."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    UNRESOLVED = "unresolved"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, kw_only=True)
class SignalVerdict:
    """What the rule says of one signal (state, current or voltage) of all edges.

    ``error`` is E of the finest run, found on ``edge`` (index ``index``) at ``time`` in s, and ``uncertainty`` is U;
    both relative to ``scale``, which is in ``unit`` ("1" for a state that counts as it is). U is the sum of the
    ladder's, of the reference's own (``reference``), of the solver's floor and of ``bound``, which no step changes
    (None where nothing of the kind was looked for). Where a law has thresholds, E forgives small shifts in time
    against ``time_scale`` in s, T of ``events``; ``pointwise`` is the error without this. ``own`` is the part of U that
    the author of a theory on trial states himself.
    """

    name: str
    outcome: Outcome
    reason: str
    error: float
    uncertainty: float
    ladder: Ladder
    reference: float = 0.0
    bound: float | None = None
    edge: str = ""
    index: int = 0
    time: float = math.nan
    unit: str = "1"
    scale: float = 1.0
    time_scale: float = 0.0
    pointwise: float = math.nan
    own: float = 0.0

    @property
    def observed_order(self) -> float | None:
        """Order of the ladder, None where it cannot be seen."""
        return self.ladder.order

    @property
    def firm(self) -> bool:
        """Whether E is far beyond U."""
        return self.error > CONFIRMATION * self.uncertainty


CONFIRMATION = 10.0
"""A disagreement below this many U is confirmed on a finer ladder before it is pronounced."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One class of mistakes that would explain a theory on trial.

    `cause` is an identifier of ``candidate.mistakes.CAUSES`` and `where` the edge or parameter; `explains` the share of
    the misfit that it removes (1: all of it); `same_as` other causes with the same trajectories; `value` a fitted
    factor or time (s), if any; `certain` False for a suspect, which explains too little or not clearly more than others
    do; `by_steps` True where it may be the error of steps in a program whose equations are right.
    """

    cause: str
    where: str
    explains: float
    sentence: str
    same_as: tuple[str, ...] = ()
    value: float | None = None
    certain: bool = True
    by_steps: bool = False

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, kw_only=True, eq=False)
class TheoryTrial:
    """The three curves at the author's times, and who goes with whom.

    `state` (his), `ours` and `spice` are (n_t, n_e) at `t` (n_t,) in s; `spice` is ours and the interpolated deviation.
    `pairs` holds (E, U) of the states of "yours and SPICE", "yours and ours", "ours and SPICE"; `odd_one_out` is
    "yours", "ours", "SPICE", or "" where all go together or all differ. `ours_and_spice` is the verdict on our own
    theory.
    """

    source: str
    t: Array = field(repr=False)
    state: Array = field(repr=False)
    ours: Array = field(repr=False)
    spice: Array = field(repr=False)
    pairs: Mapping[str, tuple[float, float]]
    odd_one_out: str
    ours_and_spice: Verdict = field(repr=False)
    own_error_known: bool = False


REPR_REASON = 300
"""Characters of the reason in a `repr`; `str` has all."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Verdict(Shown):
    """Does the circuit do what the equations say?

    The rule is applied signal by signal: ``signals`` has "state", "current" and "voltage" where a ladder was run, and
    the answer is the worst of theirs, that of ``deciding``. ``reason`` says why, and what would resolve it.
    ``untested`` are (edge, signal) pairs that hardly moved, so that their agreement means little. ``unchecked`` says
    why no run of another kind told what all rungs share: U is then not known, and nothing is decided. ``agrees_until``
    is the time in s up to which the run agrees, None where no ladder was run. ``spice`` and ``theory`` are on the
    finest run's own time points. A verdict is true in a condition only if it AGREES. Where somebody's own theory was on
    trial, ``trial`` has its curves beside ours and the circuit's, and ``diagnosis`` the mistakes that would explain the
    difference, the best first. Where several simulators were asked, this is the verdict on the worst pair of judges:
    ``engines`` has the verdict of each simulator against the equations, ``pairs`` (E, U) of every pair, "theory" among
    the names, and ``odd_one_out`` the judge that differs from all others while these agree, None where there is none.
    """

    outcome: Outcome
    reason: str
    tolerance: float
    signals: Mapping[str, SignalVerdict] = field(default_factory=dict)
    deciding: str = "state"
    untested: tuple[tuple[str, str], ...] = ()
    unchecked: str = ""
    agrees_until: float | None = None
    invariants: Invariants | None = None
    screen: str = ""
    network: Network | None = field(default=None, repr=False)
    spice: Waveforms | None = field(default=None, repr=False)
    theory: Waveforms | None = field(default=None, repr=False)
    run: RunRecord | None = field(default=None, repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trial: TheoryTrial | None = field(default=None, repr=False)
    diagnosis: tuple[Finding, ...] = ()
    engines: Mapping[str, Verdict] = field(default_factory=dict, repr=False)
    pairs: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict, repr=False)
    odd_one_out: str | None = None

    def __str__(self) -> str:
        return f"{self.outcome.value.upper()}: {self.reason}"

    def __repr__(self) -> str:
        reason = self.reason if len(self.reason) <= REPR_REASON else f"{self.reason[:REPR_REASON]}…"
        return f"<Verdict {self.outcome.value.upper()}: {reason}; tolerance {self.tolerance:g}>"

    def __bool__(self) -> bool:
        return self.agrees

    def to_dict(self) -> dict[str, object]:
        """Everything but the samples as plain types, as ``verdict.json`` of a report holds it."""
        found: dict[str, object] = presenter().record_of(self)
        return found

    def save(self, path: str | Path) -> None:
        """Write `to_dict` as JSON, whole or not at all."""
        presenter().save(self, Path(path))

    def report(self, folder: str | Path) -> Path:
        """Write page, pictures, deck, log and waveforms into a folder, and return the page."""
        place: Path = presenter().report(self, Path(folder))
        return place

    @property
    def agrees(self) -> bool:
        return self.outcome is Outcome.AGREES

    @property
    def signal(self) -> SignalVerdict | None:
        """The signal that decided; None where no ladder was run."""
        return self.signals.get(self.deciding)

    @property
    def max_error(self) -> float:
        """E of the deciding signal, dimensionless; NaN where no ladder was run."""
        return math.nan if self.signal is None else self.signal.error

    @property
    def uncertainty(self) -> float:
        """U of the deciding signal, dimensionless; NaN where no ladder was run."""
        return math.nan if self.signal is None else self.signal.uncertainty

    @property
    def observed_order(self) -> float | None:
        """Order of the deciding signal's ladder; None where it cannot be seen."""
        return None if self.signal is None else self.signal.observed_order

    @property
    def theory_uncertainty(self) -> float:
        """The part of U that comes from the equations; NaN where no ladder was run."""
        return math.nan if self.signal is None else self.signal.reference

    @property
    def ladder(self) -> Ladder | None:
        """The deciding signal's ladder."""
        return None if self.signal is None else self.signal.ladder

    @property
    def worst_edge(self) -> str:
        """Edge of the largest error of the deciding signal, "" where no ladder was run."""
        return "" if self.signal is None else self.signal.edge

    @property
    def worst_time(self) -> float:
        """Time of it in s; NaN where no ladder was run."""
        return math.nan if self.signal is None else self.signal.time
