"""The verdict: agrees, disagrees or unresolved, with numbers and a reason."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spicebridge.network import Network
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


@dataclass(frozen=True, eq=False)
class Verdict:
    """Does the circuit do what the equations say?

    ``max_error`` is E = max |w_spice - w_theory| of the finest run; ``uncertainty`` is U, the numerical
    error bar of that comparison; both dimensionless and NaN where a run failed. ``observed_order`` is
    None where it cannot be seen. ``reason`` says why, and what would resolve it.
    ``spice`` and ``theory`` are on the finest run's own time points.
    """

    outcome: Outcome
    reason: str
    max_error: float
    uncertainty: float
    tolerance: float
    observed_order: float | None = None
    theory_uncertainty: float = math.nan
    ladder: Ladder | None = None
    worst_edge: str = ""
    worst_time: float = math.nan
    invariants: Invariants | None = None
    screen: str = ""
    network: Network | None = field(default=None, repr=False)
    spice: Waveforms | None = field(default=None, repr=False)
    theory: Waveforms | None = field(default=None, repr=False)
    run: Any = field(default=None, repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return f"{self.outcome.value.upper()}: {self.reason}"

    @property
    def agrees(self) -> bool:
        return self.outcome is Outcome.AGREES


def decide(error: float, theory_uncertainty: float, rungs: Ladder, tolerance: float) -> tuple[Outcome, float, str]:
    """Apply the rule, in this order, and return (outcome, U, reason).

    The ladder does not converge above the solver floor: UNRESOLVED. E > U: DISAGREES. U > tolerance:
    UNRESOLVED, with the step that would resolve it. Otherwise AGREES.
    """
    U = rungs.uncertainty + theory_uncertainty + rungs.floor
    h = rungs.steps[-1]
    if not math.isfinite(error) or not math.isfinite(U):
        return Outcome.UNRESOLVED, U, "the error or its uncertainty is not finite"
    if not rungs.converging:
        order = "none" if rungs.order is None else f"{rungs.order:.2f}"
        return (
            Outcome.UNRESOLVED,
            U,
            f"the refinement ladder is outside its asymptotic range (observed order {order}, at least 1 "
            f"needed); start it below a step of {h:.3g} s",
        )
    if error > U:
        return (
            Outcome.DISAGREES,
            U,
            f"equations and circuit differ by {error:.3g}, more than the numerical uncertainty {U:.3g}",
        )
    if tolerance < U:
        step = h * math.sqrt(0.5 * tolerance / U)
        return (
            Outcome.UNRESOLVED,
            U,
            f"the numerical uncertainty {U:.3g} exceeds the tolerance {tolerance:.3g}; "
            f"a finest step of {step:.3g} s would resolve it",
        )
    return (
        Outcome.AGREES,
        U,
        f"equations and circuit differ by {error:.3g}, within the numerical uncertainty {U:.3g}",
    )
