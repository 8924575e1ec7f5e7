"""The state transition matrix Phi of a circuit, measured by perturbed runs.

Each state is started a little above and below; the difference at the end, divided by that at the start, is a
column of Phi. At a fixed point log(eig Phi)/T are the eigenvalues of the Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.analysis.runner import Runner
from spicebridge.arrays import Array, ComplexArray
from spicebridge.network import Network
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

PERTURBATION = 2e-3
"""How far each state is started from its place; half of it as well, to see what is not linear."""


@dataclass(frozen=True)
class Transition:
    """Phi (n_e, n_e) over `stop` s and variants of it: a coarser step, a smaller perturbation."""

    Phi: Array
    variants: tuple[Array, ...]
    stop: float
    path: Waveforms

    @property
    def U(self) -> float:
        """Uncertainty of an element of Phi."""
        return float(max(np.abs(v - self.Phi).max() for v in self.variants)) + SOLVER_FLOOR / PERTURBATION

    def eigenvalues(self) -> tuple[ComplexArray, float]:
        """log(eig Phi)/stop in 1/s, in the order of (real, imaginary) part, and U."""
        found = [_rates(P, self.stop) for P in (self.Phi, *self.variants)]
        noise = SOLVER_FLOOR / PERTURBATION * np.random.default_rng(1).uniform(-1, 1, self.Phi.shape)
        found.append(_rates(self.Phi + noise, self.stop))
        return found[0], float(max(apart(other, found[0]) for other in found[1:]))


def _rates(Phi: Array, stop: float) -> ComplexArray:
    values = np.log(np.linalg.eigvals(Phi).astype(complex)) / stop
    return np.asarray(values[np.lexsort((values.imag, values.real))])


def apart(first: ComplexArray, second: ComplexArray) -> float:
    """Largest distance of two sets of eigenvalues under the best pairing."""
    from scipy.optimize import linear_sum_assignment

    cost = np.abs(first[:, None] - second[None, :])
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].max())


def measure_transition(
    network: Network, stop: float, run: Runner, *, steps: int = 400, directions: Array | None = None
) -> Transition:
    """Measure Phi of a circuit over [0, stop] (s) by central differences.

    `directions` (k, n_e) asks for Phi d of these alone, as the k columns of the result.
    """
    ways = np.eye(network.n_edges) if directions is None else directions

    def measure(delta: float, h: float) -> Array:
        columns = []
        for way in ways:
            ends = []
            for sign in (1.0, -1.0):
                start = network.initial_state + sign * delta * way
                waves = run(network.with_initial_state(start), stop, h)
                ends.append(waves.state[-1])
            columns.append((ends[0] - ends[1]) / (2.0 * delta))
        return np.array(columns).T

    h, d = stop / steps, PERTURBATION
    wide, small, coarse = measure(d, h), measure(d / 2, h), measure(d, 2 * h)
    # the error of a central difference is quadratic; so is that of the step
    Phi = (4.0 * small - wide) / 3.0
    path = run(network, stop, h)
    return Transition(Phi, (small, Phi + wide - coarse), stop, path)
