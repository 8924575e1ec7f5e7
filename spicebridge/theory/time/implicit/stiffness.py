"""Explicit or implicit: whether the fastest rate of a network forces many more steps than its solution needs.

An explicit step is at most a few times 1 / |lambda|, lambda the largest eigenvalue of the Jacobian; its size is
found by the power method on the right-hand side itself. Only networks with capacitors or inductors are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.errors import NetworkError, SingularNetwork, nearest
from spicebridge.theory.currents.linearised import DENSE_NODES, AdmittancePattern, Linearised
from spicebridge.theory.time.dynamics import Dynamics
from spicebridge.theory.time.implicit.stepper import CollocationStepper
from spicebridge.theory.time.problem import Control, MakeStepper

STEPPING = ("auto", "explicit", "implicit")

STIFF = 60.0
"""Products of span and fastest rate above which the implicit method is taken: measured, RC ladders of 10 edges
gain 4 times at 100 and 60 times at 10,000, random networks of 10 edges break even at 30 to 60."""
STIFF_SPARSE = 1500.0
"""The same where admittance matrices are sparse: a grid of 3,000 edges gains 5 times by the explicit method at 400."""
ITERATIONS = 30
PERTURBATION = 1e-6
"""Of the states, for the power method."""


def check_stepping(stepping: str) -> None:
    """Raise `NetworkError` for a way of stepping that there is not."""
    if stepping not in STEPPING:
        known = ", ".join(STEPPING)
        raise NetworkError(f"stepping {stepping!r} must be one of {known}{nearest(str(stepping), STEPPING)}")


def is_stiff(dynamics: Dynamics, scale: Array | float, stop: float) -> bool:
    """Whether the span holds more than so many times the shortest time of the network at its start."""
    if not dynamics.network.reactive or stop == 0.0:
        return False
    network = dynamics.network
    large = network.n_nodes - 1 > DENSE_NODES
    return fastest_rate(dynamics, scale) * stop > (STIFF_SPARSE if large else STIFF)


def fastest_rate(dynamics: Dynamics, scale: Array | float) -> float:
    """|lambda| of the Jacobian at the start, in 1/s, within some ten percent from below."""
    network = dynamics.network
    state = network.initial_state
    unit = np.broadcast_to(np.asarray(scale, float), state.shape)
    rng = np.random.default_rng(0)
    direction = np.where(network.stateful, rng.choice([-1.0, 1.0], state.size), 0.0)
    rate = 0.0
    try:
        base = dynamics(state, 0.0)
        for _ in range(ITERATIONS):
            size = float(np.abs(direction).max(initial=0.0))
            if size == 0.0:
                return rate
            step = PERTURBATION * direction / size
            change = (dynamics(state + unit * step, 0.0) - base) / unit / PERTURBATION
            before, rate = rate, float(np.abs(change).max(initial=0.0))
            if not np.isfinite(rate):
                return 0.0
            direction = change
            if abs(rate - before) < 0.02 * rate:
                break
    except SingularNetwork:
        return 0.0
    return rate


def implicit_stepper(dynamics: Dynamics) -> MakeStepper:
    """The maker of implicit steppers of one network."""
    pattern = AdmittancePattern(dynamics.network)

    def make(
        field: Callable[[float, Array], Array],
        t: float,
        y: Array,
        bound: float,
        *,
        state_of: Callable[[Array], Array] | None,
        held: BoolArray | None,
        **control: Unpack[Control],
    ) -> CollocationStepper:
        def about(time: float, unknowns: Array) -> Linearised:
            state = unknowns if state_of is None else state_of(unknowns)
            return Linearised(dynamics.network, pattern, state, *dynamics.branch(state, time), held)

        return CollocationStepper(field, t, y, bound, linearise=about, **control)

    return make
