"""The bench on which claims are measured: SPICE runs at two steps, and numbers with uncertainties.

A claim asks for a pair of runs of one circuit, at h and h/2, and evaluates a function of the waveforms on
both, at the simulator's own time points. Trapezoidal errors are C h^2, so the difference of the two is
three times the error of the finer one::

    U = max |f(h) - f(h/2)| + noise

The noise is what Newton's iteration leaves: f is evaluated once more on waveforms with `SOLVER_FLOOR`
added at random, so that the noise of a derivative or of a quotient is propagated and not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spicebridge.analysis.circuit_matrices import Response, Transition, measure_response, measure_transition
from spicebridge.arrays import Array
from spicebridge.atlas.claim import Evidence, Finding, Row, Series, at_most, refutes, vanishes
from spicebridge.circuit.circuit_run import run_lowered, usable
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.engines.engine import Engine
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.network import Network
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

if TYPE_CHECKING:
    from spicebridge.atlas.circuits import Standard

Function = Callable[[Waveforms], ArrayLike]
PerNetwork = Callable[[Network, Waveforms], Array]
Kept = TypeVar("Kept")
Transform = Callable[[Deck], Deck]

STEPS = 400
"""Steps of the coarser run of a pair."""
FINER = 4
"""Times as many steps on a network of the user, whose span and sources were not made for the claim."""
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


@dataclass(eq=False)
class Bench:
    """Runs circuits and keeps the waveforms, so that a claim and its mutant share them.

    `on` are the standard circuits of the claim; `quick` asks for fewer or smaller ones. `network` and `stop` put a
    network of the user in their place.
    """

    on: Standard | None = None
    quick: bool = False
    network: Network | None = None
    stop: float | None = None
    seed: int = 0
    _engine: Engine = field(default_factory=lambda: get_engine("ngspice"))
    _runs: dict[Hashable, Waveforms] = field(default_factory=dict)
    _kept: dict[str, object] = field(default_factory=dict)

    def rng(self, offset: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.seed, offset])

    def keep(self, name: str, make: Callable[[], Kept]) -> Kept:
        """The value of `make()`, computed once for a claim and its mutant."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast(Kept, self._kept[name])

    def own(self, stop: float | None = None) -> Circuit:
        """The user's network over the span asked for, `stop` s, or one in which its states stay in the bulk."""
        assert self.network is not None
        span = self.stop if self.stop is not None else bulk_span(self.network) if stop is None else stop
        return Circuit(self.network.title or "the network given", self.network, span)

    def cases(self, on: Standard | None = None) -> list[Circuit]:
        """The user's network if there is one, else the claim's circuits (or those of `on`), fewer if quick."""
        if self.network is not None:
            return [self.own()]
        chosen = on or self.on
        assert chosen is not None
        return chosen.circuits(quick=self.quick)

    def pairs(self, *, steps: int = STEPS, bulk: bool = False) -> list[Pair]:
        """`pair` for each of the claim's circuits."""
        return [self.pair(case, steps=steps, bulk=bulk) for case in self.cases()]

    def rows(self, function: PerNetwork, *, steps: int = STEPS, bulk: bool = False) -> list[Row]:
        """`residuals` of the claim's circuits."""
        return residuals(self.pairs(steps=steps, bulk=bulk), function)

    def respond(self, network: Network, edges: NDArray[np.intp] | None = None) -> Response:
        """The linear response of a network in its initial state (``analysis/response``)."""
        return measure_response(network, self.run, edges)

    def response_row(self, name: str, network: Network, function: Callable[[Array], Array]) -> Row:
        """(name, max |f(T)|, U) of the measured response T = di/dS."""
        return largest(name, *self.respond(network).value(function))

    def transition(self, case: Circuit, *, steps: int = STEPS) -> Transition:
        """Phi of a circuit over its span, measured once (``analysis/transition``)."""
        return self.keep(
            f"{case.name} {case.stop:g} {steps} {case.network.initial_state.tolist()} {case.network.devices()[0]!r}",
            lambda: measure_transition(case.network, case.stop, self.run, steps=steps),
        )

    def against_theory(self, case: Circuit, theory: Network, method: str = "auto", *, steps: int = 200) -> Row:
        """(name, max |w_spice - w_theory|, U) of the states, by the ladder of `validate`."""
        from spicebridge.verify.comparison import validate

        h = case.stop / (steps if self.network is None else FINER * steps)
        verdict = self.keep(
            f"{case.name} {case.stop:g} {theory.J.tolist()} {theory.devices()[0]!r} {theory.loop_matrix!r} {method}",
            lambda: validate(theory, [0.0, case.stop], circuit=case.network, method=method, step=h),
        )
        states = verdict.signals["state"]
        return case.name, states.error, states.uncertainty

    def run(
        self, network: Network, stop: float, step: float, *, transform: Transform | None = None, form: str = "fast"
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
        h = circuit.stop / (steps if self.network is None else FINER * steps)
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
    """A span in s over which no state moves by more than `BULK_TRAVEL`, by the theory; shorter where all come to rest."""
    from spicebridge.theory import integrate

    scales = [s for drive in set(network.drives) if drive is not None if np.isfinite(s := drive.timescale())]
    span, before = min([1.0, *scales]), 0.0
    for _ in range(40):
        try:
            t = np.linspace(0.0, span, 65)
            travel = np.abs(integrate(network, t).state - network.initial_state).max(axis=1)
        except RunFailed:
            span /= 4.0
            continue
        beyond = np.flatnonzero(~(travel <= BULK_TRAVEL))
        if beyond.size:
            if beyond[0] > 4:
                return float(t[beyond[0] - 1])
            span /= 8.0
        elif travel.max() <= 1.2 * before or travel.max() == 0.0:
            return span
        else:
            before = float(travel.max())
            span *= 2.0
    return span


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


def largest(name: str, value: Array, U: float) -> Row:
    """The row of an array that should vanish."""
    return name, float(np.abs(value).max(initial=0.0)), U


def residuals(pairs: Iterable[Pair], function: PerNetwork) -> list[Row]:
    """(circuit, max |f|, U) for every pair; f takes the network and its waveforms."""
    return [largest(pair.circuit.name, *value_of(partial(function, pair.network), pair)) for pair in pairs]


def rough_residuals(bench: Bench, cases: Iterable[Circuit], function: PerNetwork, *, steps: int) -> list[Row]:
    """As `residuals` for circuits that meet bounds, where errors scatter around their order.

    Three steps; the finest value, and U from the larger of both differences, without trust in an order.
    """
    rows = []
    for case in cases:
        first, second = bench.pair(case, steps=steps), bench.pair(case, steps=2 * steps)
        of = partial(function, case.network)
        change = value_of(of, first)[1]
        value, U = value_of(of, second)
        rows.append(largest(case.name, value, max(U, change)))
    return rows


def vanishing(what: str, rows: list[Row], *, resolution: float, **more: Any) -> Evidence:
    """Evidence of one residual on several circuits."""
    return Evidence(findings=(worst(what, rows, resolution=resolution),), rows=tuple(rows), **more)


def refuted(
    what: str, exact: list[Row], against: str, printed: list[Row], *, resolution: float, **more: Any
) -> Evidence:
    """Evidence against a printed statement: the corrected one vanishes, and the printed one does not."""
    named = [(name if "printed" in name else f"{name}, printed", value, U) for name, value, U in printed]
    findings = (worst(what, exact, resolution=resolution), least(against, printed))
    return Evidence(findings=findings, rows=(*exact, *named), **more)


def never_rises(what: str, rows: list[Row], *others: Finding, more_rows: Iterable[Row] = (), **more: Any) -> Evidence:
    """Evidence that the largest rise of a quantity on several circuits is none."""
    name, top, U = max(rows, key=lambda row: row[1])
    return Evidence(findings=(*others, at_most(f"{what} ({name})", top, U, 0.0)), rows=(*more_rows, *rows), **more)


def rise_of(waves: Waveforms, function: Callable[[Array], Array]) -> Array:
    """The largest rise of f(states) between 101 times."""
    states = waves.resample(np.linspace(0.0, waves.t[-1], 101)).state
    return np.asarray(np.diff(function(states)).max())


def integral(t: Array, values: Array) -> Array:
    """int_0^t of samples (n_t, ...), by a quintic spline."""
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(t, values, k=5).antiderivative()
    return np.asarray(spline(t) - spline(t[0]))


def slope(t: Array, values: Array) -> Array:
    """The time derivative of samples (n_t, ...), by a quintic spline."""
    from scipy.interpolate import make_interp_spline

    spline = make_interp_spline(t, values, k=5).derivative()
    return np.asarray(spline(t))


def difference(name: str, first: Pair, second: Pair, sign: float | Array = 1.0) -> Row:
    """(name, max |w - w'| and |i - sign i'| relative, U) of two circuits that should do the same."""
    gaps = []
    for a, b in ((first.coarse, second.coarse), (first.fine, second.fine)):
        other = b.resample(a.t)
        top = float(np.abs(a.current).max())
        gaps.append((a.t, np.hstack([a.state - other.state, (a.current - sign * other.current) / top])))
    (t, coarse), (fine_t, fine) = gaps
    on_coarse = np.column_stack([np.interp(t, fine_t, column) for column in fine.T])
    return largest(name, fine, float(np.abs(on_coarse - coarse).max()) + 2.0 * SOLVER_FLOOR)


def mirrored(name: str, first: Pair, second: Pair) -> Row:
    """(name, max |w + w' - 1|, U) of two descriptions of one circuit whose states are exchanged."""

    def total(one: Waveforms, two: Waveforms) -> Waveforms:
        other = two.resample(one.t)
        return Waveforms(one.t, one.state + other.state, one.current, one.voltage)

    both = Pair(first.circuit, total(first.coarse, second.coarse), total(first.fine, second.fine), first.step)
    return largest(name, *value_of(lambda waves: waves.state - 1.0, both))


def thinned(t: Array, columns: Array, names: Iterable[str], *, points: int = 100, style: str = "line") -> list[Series]:
    """Curves of a picture from samples (n_t, n)."""
    few = slice(None, None, max(1, t.size // points))
    return [Series(x=t[few], y=columns[few, k], label=name, style=style) for k, name in enumerate(names)]


def order_of(sizes: Iterable[float], errors: Iterable[float], U: Iterable[float]) -> tuple[float, float]:
    """Exponent of error ~ size^k as size -> 0, and U, from a halving sequence (coarse to fine).

    The slope between neighbours is k + c size; extrapolated from the last two. U is what the extrapolation
    moved, and what the uncertainties of the errors allow.
    """
    x, e, u = (np.asarray(list(values), float) for values in (sizes, errors, U))
    slope = np.diff(np.log(e)) / np.diff(np.log(x))
    allowed = float(((u[-2:] / e[-2:]).sum() + (u[-3:-1] / e[-3:-1]).sum()) / np.log(2.0))
    return float(2.0 * slope[-1] - slope[-2]), float(abs(slope[-1] - slope[-2])) + allowed
