"""Two matrices of a network, measured on its circuit.

T, Kirchhoff's laws as a linear response: unit sources one after the other, currents read. With frozen states a network
answers i = T S. T (A/V) is taken from two independent decks of the same circuit, the fast and the readable form; their
difference, and rounding, is what it is uncertain by. States are frozen by a transform of the deck that makes every
state capacitor `FROZEN` F.

Phi, the state transition matrix, by perturbed runs: each state is started a little above and below; the difference at
the end, divided by that at the start, is a column of Phi. At a fixed point log(eig Phi)/T are the eigenvalues of the
Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from spicebridge.arrays import Array, ComplexArray, IntArray
from spicebridge.circuit.circuit_run import Transform, run_lowered, usable
from spicebridge.circuit.deck.elements import CapacitorElement, Deck, Element
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.drives import Pulse
from spicebridge.network import Network
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

FROZEN = 1e15
"""F of a frozen state: a rate of 1/s then moves it by 1e-15 a second."""
WINDOW = 1.0
"""s for which every source is on."""
POINTS = 20
"""Time points a window."""
ROUNDING = 1e-12
"""Relative rounding of a solve in double precision on circuits of this size and condition."""
PERTURBATION = 2e-3
"""How far each state is started from its place; half of it as well, to see what is not linear."""


class Runner(Protocol):
    """Runs one circuit at a step ceiling; the atlas has one that keeps its runs."""

    def __call__(
        self, network: Network, stop: float, step: float, *, transform: Transform | None = None, form: str = "fast"
    ) -> Waveforms:
        """Waveforms of `network` over [0, stop] (s) on the simulator's own points. Raises `RunFailed`."""
        ...


def circuit_runner(engine: str = "ngspice") -> Runner:
    """A runner on one simulator. Raises `SimulatorMissing`."""
    door = get_engine(engine)

    def run(
        network: Network, stop: float, step: float, *, transform: Transform | None = None, form: str = "fast"
    ) -> Waveforms:
        lowered = lower(network, stop, step, form=form)
        if transform is not None:
            lowered = Lowered(transform(lowered.deck), lowered.signals)
        return usable(network, run_lowered(lowered, engine=door))

    return run


def freeze(deck: Deck) -> Deck:
    """The deck with every state capacitor so large that no state moves."""

    # the only capacitors of a network, in the open or inside a device's subcircuit, are those of the states
    subs = tuple(replace(sub, elements=tuple(map(_frozen, sub.elements))) for sub in deck.subcircuits)
    return replace(deck, elements=tuple(map(_frozen, deck.elements)), subcircuits=subs)


def _frozen(element: Element) -> Element:
    return replace(element, value=FROZEN) if isinstance(element, CapacitorElement) else element


@dataclass(frozen=True)
class Response:
    """`T` (n_e, n_e) in A/V: T[i, j] is the current of edge i for 1 V in edge j; `q` (n_e,) signed ohm.

    `other` is the same matrix from the other form of the deck.
    """

    T: Array
    other: Array
    q: Array

    @property
    def Ob(self) -> Array:
        """T diag(q): the measured oblique projector A^t (A Q A^t)^-1 A Q of the frozen resistances."""
        return np.asarray(self.T * self.q)

    def value(self, function: Callable[[Array], Array]) -> tuple[Array, float]:
        """f(T) and U, from the difference of the two decks and rounding carried through f."""
        here = np.asarray(function(self.T), float)
        there = np.asarray(function(self.other), float)
        scale = float(np.abs(self.T - self.other).max()) + ROUNDING * float(np.abs(self.T).max())
        stir = scale * np.random.default_rng(1).uniform(-1.0, 1.0, self.T.shape)
        moved = np.asarray(function(self.T + stir), float)
        return here, float(np.abs(here - there).max(initial=0.0) + np.abs(moved - here).max(initial=0.0))


def measure_response(network: Network, run: Runner, edges: IntArray | None = None) -> Response:
    """Measure T of `network` in its initial state with `run`; `edges` limits the driven ones (other columns are 0)."""
    n = network.n_edges
    driven = np.arange(n) if edges is None else np.asarray(edges, dtype=np.intp)
    drives = {
        int(k): Pulse(0.0, 1.0, (slot + 0.2) * WINDOW, 0.05 * WINDOW, 0.05 * WINDOW, 0.6 * WINDOW)
        for slot, k in enumerate(driven)
    }
    probe = network.with_drive(drives)
    stop = driven.size * WINDOW
    found = []
    for form in ("fast", "readable"):
        waves = run(probe, stop, WINDOW / POINTS, transform=freeze, form=form)
        T = np.zeros((n, n))
        for slot, k in enumerate(driven):
            row = int(np.abs(waves.t - (slot + 0.5) * WINDOW).argmin())
            T[:, k] = waves.current[row]
        found.append(T)
    q = network.P * network.resistance(network.initial_state)
    return Response(found[0], found[1], q)


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
