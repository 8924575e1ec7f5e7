"""Kirchhoff's laws as a linear response: unit sources one after the other, currents read in ngspice.

With frozen states a network answers i = T S. The measured matrix T (A/V) is taken from two independent
decks of the same circuit, the fast and the readable form; their difference, and rounding, is what it is
uncertain by. States are frozen by a transform of the deck that makes every state capacitor `FROZEN` F.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spicebridge.analysis.runner import Runner
from spicebridge.arrays import Array
from spicebridge.circuit.deck.elements import CapacitorElement, Deck, Element
from spicebridge.drives import Pulse
from spicebridge.network import Network

FROZEN = 1e15
"""F of a frozen state: a rate of 1/s then moves it by 1e-15 a second."""
WINDOW = 1.0
"""s for which every source is on."""
POINTS = 20
"""Time points a window."""
ROUNDING = 1e-12
"""Relative rounding of a solve in double precision on circuits of this size and condition."""


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


def measure_response(network: Network, run: Runner, edges: NDArray[np.intp] | None = None) -> Response:
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
