"""The bench on which claims are measured: SPICE runs at two steps, and numbers with uncertainties.

A claim asks for a pair of runs of one circuit, at h and h/2, and evaluates a function of the waveforms on
both, at the simulator's own time points. Trapezoidal errors are C h^2, so the difference of the two is
three times the error of the finer one::

    U = max |f(h) - f(h/2)| + noise

The noise is what Newton's iteration leaves: f is evaluated once more on waveforms with `SOLVER_FLOOR`
added at random, so that the noise of a derivative or of a quotient is propagated and not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from spicebridge.arrays import Array
from spicebridge.atlas.claim import Evidence, Finding, Row, refutes, vanishes
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.network import Lowered, lower
from spicebridge.circuit.simulate import run_lowered, usable
from spicebridge.errors import NetworkError
from spicebridge.network import Network
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

Function = Callable[[Waveforms], Any]
Transform = Callable[[Deck], Deck]

STEPS = 400
"""Steps of the coarser run of a pair."""
BULK_TRAVEL = 0.25
"""How far the fastest state may move on a network of the user when no span is given."""
WALL = 1e-3
"""A state within this of 0 or 1 counts as having left the bulk."""


@dataclass(frozen=True)
class Circuit:
    """A network, its name on the page (with seeds) and the span of its transient in s."""

    name: str
    network: Network
    stop: float


@dataclass(frozen=True)
class Pair:
    """The same circuit at a step h (coarse) and h/2 (fine), on the simulator's own time points."""

    circuit: Circuit
    coarse: Waveforms
    fine: Waveforms
    step: float

    @property
    def network(self) -> Network:
        return self.circuit.network


class Bench:
    """Runs circuits and keeps the waveforms, so that a claim and its mutant share them.

    `quick` asks for fewer or smaller circuits, `mutant` for the changed measurement. `network` and `stop`
    put a network of the user in the place of a claim's own circuits.
    """

    def __init__(
        self,
        *,
        quick: bool = False,
        mutant: bool = False,
        network: Network | None = None,
        stop: float | None = None,
        seed: int = 0,
    ) -> None:
        self.quick = quick
        self.mutant = mutant
        self.network = network
        self.stop = stop
        self.seed = seed
        self._engine: Any = get_engine("ngspice")
        self._runs: dict[Any, Waveforms] = {}
        self._kept: dict[str, Any] = {}

    def as_mutant(self) -> Bench:
        """The same bench, with the same runs, for the mutant."""
        other = Bench(quick=self.quick, mutant=True, network=self.network, stop=self.stop, seed=self.seed)
        other._runs, other._kept = self._runs, self._kept
        return other

    def rng(self, offset: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, offset])

    def keep(self, name: str, make: Callable[[], Any]) -> Any:
        """The value of `make()`, computed once for a claim and its mutant."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def circuits(self, makers: Iterable[Callable[[], Circuit]], *, quick: int = 2) -> list[Circuit]:
        """The user's network if there is one, else those of the claim (the first `quick` ones if quick)."""
        if self.network is not None:
            stop = bulk_span(self.network) if self.stop is None else self.stop
            return [Circuit(self.network.title or "the network given", self.network, stop)]
        chosen = list(makers)
        return [make() for make in (chosen[:quick] if self.quick else chosen)]

    def run(
        self,
        network: Network,
        stop: float,
        step: float,
        *,
        transform: Transform | None = None,
        form: str = "fast",
    ) -> Waveforms:
        """One transient at a fixed step, on the simulator's own time points. Raises `RunFailed`."""
        lowered = lower(network, stop, step, form=form)
        if transform is not None:
            lowered = Lowered(transform(lowered.deck), lowered.signals)
        key = (lowered.deck, network.n_edges)
        if key not in self._runs:
            self._runs[key] = usable(network, run_lowered(lowered, engine=self._engine))
        return self._runs[key]

    def pair(
        self,
        circuit: Circuit,
        *,
        steps: int = STEPS,
        transform: Transform | None = None,
        form: str = "fast",
        bulk: bool = False,
    ) -> Pair:
        """The circuit at two steps; with `bulk` the states must not reach a bound."""
        h = circuit.stop / steps
        runs = [self.run(circuit.network, circuit.stop, size, transform=transform, form=form) for size in (h, h / 2)]
        if bulk:
            _require_bulk(circuit, runs[1])
        return Pair(circuit, runs[0], runs[1], h)


def _require_bulk(circuit: Circuit, waves: Waveforms) -> None:
    states = waves.state[:, circuit.network.stateful]
    low, high = float(states.min(initial=0.5)), float(states.max(initial=0.5))
    if low < WALL or high > 1.0 - WALL:
        raise NetworkError(
            f"{circuit.name}: the states cover {low:.3g} to {high:.3g}; this claim holds in the bulk 0 < w < 1 "
            "only: give a shorter span, weaker sources or other initial states"
        )


def bulk_span(network: Network) -> float:
    """A span in s over which no state moves by more than `BULK_TRAVEL`, from the rates at the start."""
    from spicebridge.theory import integrate

    scales = [drive.timescale() for drive in set(network.drives) if drive is not None]
    probe = 1e-6 * min([1.0, *(s for s in scales if np.isfinite(s))])
    waves = integrate(network, [0.0, probe])
    rate = float(np.abs(waves.state[1] - waves.state[0]).max()) / probe
    return BULK_TRAVEL / rate if rate > 0.0 else 1.0


def value_of(function: Function, pair: Pair) -> tuple[Array, float]:
    """f on the finer run, and U; f maps waveforms to a number or to an array with time first."""
    fine = np.asarray(function(pair.fine), float)
    coarse = np.asarray(function(pair.coarse), float)
    return fine, _gap(coarse, fine, pair) + noise_of(function, pair.fine, fine)


def _gap(coarse: Array, fine: Array, pair: Pair) -> float:
    per_time = fine.ndim > 0 and fine.shape[0] == pair.fine.t.size and coarse.shape[0] == pair.coarse.t.size
    if per_time:
        flat = fine.reshape(fine.shape[0], -1)
        fine = np.column_stack([np.interp(pair.coarse.t, pair.fine.t, column) for column in flat.T])
        coarse = coarse.reshape(coarse.shape[0], -1)
    return float(np.abs(coarse - fine).max(initial=0.0))


def noise_of(function: Function, waves: Waveforms, value: Array) -> float:
    """How far f moves when every sample gets the noise of the simulator's iteration."""
    rng = np.random.default_rng(1)

    def stirred(signal: Array, scale: float) -> Array:
        return np.asarray(signal + scale * SOLVER_FLOOR * rng.uniform(-1.0, 1.0, signal.shape))

    top_i, top_v = (float(np.abs(x).max(initial=0.0)) for x in (waves.current, waves.voltage))
    other = replace(
        waves,
        state=stirred(waves.state, 1.0),
        current=stirred(waves.current, top_i),
        voltage=stirred(waves.voltage, top_v),
    )
    return float(np.abs(np.asarray(function(other), float) - value).max(initial=0.0))


def worst(what: str, rows: list[Row], *, resolution: float) -> Finding:
    """The largest of several residuals in units of its U; all must vanish."""
    name, measured, U = max(rows, key=lambda row: row[1] / row[2])
    return vanishes(f"{what} ({name})" if len(rows) > 1 else what, measured, U, resolution=resolution)


def least(what: str, rows: list[Row]) -> Finding:
    """The least of several differences from the printed statement in units of its U."""
    name, measured, U = min(rows, key=lambda row: row[1] / row[2])
    return refutes(f"{what} ({name})" if len(rows) > 1 else what, measured, U)


def side_by_side(exact: Iterable[Row], printed: Iterable[Row]) -> tuple[Row, ...]:
    """Rows of a refuted claim: those of the exact statement, then those against the printed one."""
    against = [(name if "printed" in name else f"{name}, printed", value, U) for name, value, U in printed]
    return (*exact, *against)


def residuals(bench: Bench, pairs: Iterable[Pair], function: Callable[[Network, Waveforms], Any]) -> list[Row]:
    """(circuit, max |f|, U) for every pair; f takes the network and its waveforms."""
    rows = []
    for pair in pairs:
        value, U = value_of(partial(function, pair.network), pair)
        rows.append((pair.circuit.name, float(np.abs(value).max(initial=0.0)), U))
    return rows


def rough_residuals(
    bench: Bench, cases: Iterable[Circuit], function: Callable[[Network, Waveforms], Any], *, steps: int
) -> list[Row]:
    """As `residuals` for circuits that meet bounds, where errors scatter around their order.

    Three steps; the finest value, and U from the larger of both differences, without trust in an order.
    """
    rows = []
    for case in cases:
        first, second = bench.pair(case, steps=steps), bench.pair(case, steps=2 * steps)
        of = partial(function, case.network)
        change = value_of(of, first)[1]
        value, U = value_of(of, second)
        rows.append((case.name, float(np.abs(value).max(initial=0.0)), max(U, change)))
    return rows


def vanishing(what: str, rows: list[Row], *, resolution: float, **more: Any) -> Evidence:
    """Evidence of one residual on several circuits."""
    return Evidence((worst(what, rows, resolution=resolution),), rows=tuple(rows), **more)


def order_of(sizes: Iterable[float], errors: Iterable[float], U: Iterable[float]) -> tuple[float, float]:
    """Exponent of error ~ size^k as size -> 0, and U, from a halving sequence (coarse to fine).

    The slope between neighbours is k + c size; extrapolated from the last two. U is what the extrapolation
    moved, and what the uncertainties of the errors allow.
    """
    x, e, u = (np.asarray(list(values), float) for values in (sizes, errors, U))
    slope = np.diff(np.log(e)) / np.diff(np.log(x))
    allowed = float(((u[-2:] / e[-2:]).sum() + (u[-3:-1] / e[-3:-1]).sum()) / np.log(2.0))
    return float(2.0 * slope[-1] - slope[-2]), float(abs(slope[-1] - slope[-2])) + allowed
