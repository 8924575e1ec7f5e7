"""The step ceiling that is written into a deck, so that the deck run as it stands is within a tolerance.

A simulator's own rule, played on the network ODE (``theory.results.trapezoid``), says what a ceiling costs; the first
of h, h/2, h/4, … that costs little enough is taken. No simulator is needed. Once a halving takes three quarters of the
error away, the rest of the way is taken at second order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from spicebridge.circuit.circuit_run import MAX_STEPS, format_netlist, grid_span
from spicebridge.circuit.lower.steps import first_step
from spicebridge.errors import SpiceBridgeError
from spicebridge.network import Network
from spicebridge.theory import solve
from spicebridge.theory.results.trapezoid import trapezoidal_error
from spicebridge.verify.against_theory import check_tolerance

SHARE = 0.5
"""Part of the tolerance that the rule may use up."""
UNEVEN_SHARE = 0.05
"""The same where a state meets a hard bound: the clamp adds to the rule (measured: up to 9 times its error)."""
SECOND_ORDER = (3.3, 4.8)
"""What two errors at h and h/2 have to be apart for the rest to be taken at second order."""
EFFORT = 4_000_000
"""Most steps times edges of a run that is looked at, …"""
MOST_STEPS = 20_000
"""… and most steps."""

UNKNOWN = "the step is the usual one, for what it costs is not known: {}"


@dataclass(frozen=True)
class DeckStep:
    """A ceiling in s, the rule's error of a state at it (None: not known), and why that exceeds the tolerance."""

    step: float
    error: float | None
    problem: str = ""


def deck_step(network: Network, stop: float, tolerance: float = 1e-5) -> DeckStep:
    """The step ceiling for a deck of `network` over [0, stop] whose states are to be within `tolerance`.

    Never longer than what the drives ask for. Misuse raises; what the theory cannot integrate is a `problem`.
    """
    check_tolerance(tolerance)
    h = first_step(network, stop)
    if not network.stateful.any():
        return DeckStep(h, None)
    try:
        trajectory = solve(network, stop)
    except SpiceBridgeError as refusal:
        return DeckStep(h, None, UNKNOWN.format(refusal))
    if not trajectory.complete:
        return DeckStep(h, None, UNKNOWN.format(trajectory.reason))
    target = tolerance * (UNEVEN_SHARE if trajectory.events else SHARE)
    most = min(MOST_STEPS, EFFORT // network.n_edges)
    if stop / h > most:
        return DeckStep(
            h, None, "the step is the usual one: what it costs was not computed for so many edges and steps"
        )
    error, ratio = trapezoidal_error(trajectory, h), math.inf
    while error > target and 2.0 * stop / h <= most and not SECOND_ORDER[0] <= ratio <= SECOND_ORDER[1]:
        h /= 2.0
        coarse, error = error, trapezoidal_error(trajectory, h)
        ratio = coarse / error if math.isfinite(coarse) else math.inf
    further = max(0, math.ceil(0.5 * math.log2(error / target))) if 0.0 < error < math.inf else 0
    if error <= target or (SECOND_ORDER[0] <= ratio <= SECOND_ORDER[1] and stop / h * 2.0**further <= MAX_STEPS):
        return DeckStep(h / 2.0**further, error / 4.0**further)
    return DeckStep(
        h,
        error,
        f"a run at its step of {h:.3g} s may be off by more than the tolerance {tolerance:g} in a state: the rule of "
        f"integration alone costs {error:.2g}; ask for a smaller step, a larger tolerance or a shorter span",
    )


def netlist(
    network: Network,
    t: ArrayLike,
    dialect: str = "ngspice",
    *,
    step: float | None = None,
    tolerance: float = 1e-5,
    form: str = "readable",
) -> str:
    """Return the circuit of `network` as text for a simulator.

    Parameters
    ----------
    network : Network
    t : array_like (n_t,)
        Times in s; the last one is the end of the transient.
    dialect : str
        "ngspice", "ltspice", "xyce", "hspice", "pspice", "spectre" or "vacask".
    step : float, optional
        Step ceiling in s; None takes one at which the trapezoidal rule has the states within `tolerance`, where such a
        one is found.
    tolerance : float
        Of the states; without meaning where `step` is given.
    form : str
        "readable" or "fast" circuit.

    Returns
    -------
    str

    Raises
    ------
    DeckError
        For a dialect that is not known, or what it cannot say.
    """
    if step is None:
        step = deck_step(network, float(grid_span(t)[-1]), tolerance).step
    return format_netlist(network, t, dialect, step=step, form=form)
