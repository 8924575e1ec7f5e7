"""The bench on which claims are measured: SPICE runs at two steps, and numbers with uncertainties.

A claim asks for a pair of runs of one circuit, at h and h/2, and evaluates a function of the waveforms on
both, at the simulator's own time points. Trapezoidal errors are C h^2, so the difference of the two is
three times the error of the finer one::

    U = max |f(h) - f(h/2)| + noise

The noise is what Newton's iteration leaves: f is evaluated once more on waveforms with `SOLVER_FLOOR`
added at random, so that the noise of a derivative or of a quotient is propagated and not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import make_interp_spline

from spicebridge.analysis.circuit_matrices import Response, Transition, measure_response, measure_transition
from spicebridge.arrays import Array, IntArray
from spicebridge.atlas.bars import Row, largest
from spicebridge.atlas.circuits import NamedCircuit, Standard
from spicebridge.circuit.circuit_run import Transform, run_lowered, usable
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.engines.engine import Engine
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.errors import NetworkError, RunFailed
from spicebridge.laws import LinearMemristor
from spicebridge.network import Network
from spicebridge.theory import integrate
from spicebridge.verify.comparison import validate
from spicebridge.verify.trial import SOLVER_FLOOR
from spicebridge.waveforms import Waveforms

Function = Callable[[Waveforms], ArrayLike]
PerNetwork = Callable[[Network, Waveforms], Array]
Kept = TypeVar("Kept")

STEPS = 400
"""Steps of the coarser run of a pair."""
FINER = 4
"""Times as many steps on a network of the user, whose span and sources were not made for the claim."""
BULK_TRAVEL = 0.25
"""How far the fastest state may move on a network of the user when no span is given."""
WALL = 1e-3
"""A state within this of 0 or 1 counts as having left the bulk."""


@dataclass(frozen=True)
class Pair:
    """The same circuit at a step h (coarse) and h/2 (fine), on the simulator's own time points."""

    circuit: NamedCircuit
    coarse: Waveforms
    fine: Waveforms
    step: float

    @property
    def network(self) -> Network:
        return self.circuit.network

    def value(self, function: Function) -> tuple[Array, float]:
        """f on the finer run, and U; f maps waveforms to a number or to an array with time first."""
        fine = np.asarray(function(self.fine), float)
        coarse = np.asarray(function(self.coarse), float)
        return fine, self._gap(coarse, fine) + noise_of(function, self.fine, fine)

    def number(self, function: Function) -> tuple[float, float]:
        """As `value`, of one number."""
        value, U = self.value(function)
        return float(value), U

    def row(self, function: Function, name: str = "") -> Row:
        """(name of the circuit, max |f|, U)."""
        return largest(name or self.circuit.name, *self.value(function))

    def residual(self, function: PerNetwork) -> Row:
        """As `row`, of a function of the network and its waveforms."""
        return self.row(partial(function, self.network))

    def rise(self, function: Callable[[Array], Array], words: str = "largest rise") -> Row:
        """The largest rise of f(states) between 101 times, and U."""

        def most(waves: Waveforms) -> float:
            states = waves.resample(np.linspace(0.0, waves.t[-1], 101)).state
            return float(np.diff(function(states)).max())

        return f"{self.circuit.name}, {words}", *self.number(most)

    def _gap(self, coarse: Array, fine: Array) -> float:
        if fine.ndim > 0 and fine.shape[0] == self.fine.t.size and coarse.shape[0] == self.coarse.t.size:
            flat = fine.reshape(fine.shape[0], -1)
            fine = on_times(self.coarse.t, self.fine.t, flat)
            coarse = coarse.reshape(coarse.shape[0], -1)
        return float(np.abs(coarse - fine).max(initial=0.0))


def on_times(t: Array, own: Array, columns: Array) -> Array:
    """Samples (n_own, n) at other times, by straight lines."""
    return np.column_stack([np.interp(t, own, column) for column in columns.T])


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

    def own(self, stop: float | None = None) -> NamedCircuit:
        """The user's network over the span asked for, `stop` s, or one in which its states stay in the bulk."""
        assert self.network is not None
        span = self.stop if self.stop is not None else bulk_span(self.network) if stop is None else stop
        return NamedCircuit(self.network.title or "the network given", self.network, span)

    def cases(self, made: Iterable[NamedCircuit] | None = None) -> list[NamedCircuit]:
        """The user's network if there is one, else the circuits `made` for the claim, or its standard ones."""
        if self.network is not None:
            return [self.own()]
        if made is not None:
            return list(made)
        assert self.on is not None
        return self.on.circuits(quick=self.quick)

    def pairs(self, *, steps: int = STEPS, bulk: bool = False) -> list[Pair]:
        """`pair` for each of the claim's circuits."""
        return [self.pair(case, steps=steps, bulk=bulk) for case in self.cases()]

    def rows(self, function: PerNetwork, *, steps: int = STEPS, bulk: bool = False) -> list[Row]:
        """(circuit, max |f|, U) for every circuit of the claim; f takes the network and its waveforms."""
        return [pair.residual(function) for pair in self.pairs(steps=steps, bulk=bulk)]

    def respond(self, network: Network, edges: IntArray | None = None) -> Response:
        """The linear response of a network in its initial state (``analysis/circuit_matrices``)."""
        return measure_response(network, self.run, edges)

    def response_row(self, name: str, network: Network, function: Callable[[Array], Array]) -> Row:
        """(name, max |f(T)|, U) of the measured response T = di/dS."""
        return largest(name, *self.respond(network).value(function))

    def transition(self, case: NamedCircuit, *, steps: int = STEPS) -> Transition:
        """Phi of a circuit over its span, measured once (``analysis/circuit_matrices``)."""
        return self.keep(
            f"{case.name} {case.stop:g} {steps} {case.network.initial_state.tolist()} {case.network.devices()[0]!r}",
            lambda: measure_transition(case.network, case.stop, self.run, steps=steps),
        )

    def against_theory(self, case: NamedCircuit, theory: Network, method: str = "auto", *, steps: int = 200) -> Row:
        """(name, max |w_spice - w_theory|, U) of the states, by the ladder of `validate`."""
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

    def pair(self, circuit: NamedCircuit, *, steps: int = STEPS, bulk: bool = False) -> Pair:
        """The circuit at two steps; with `bulk` the states must not reach a bound."""
        h = circuit.stop / (steps if self.network is None else FINER * steps)
        coarse, fine = (self.run(circuit.network, circuit.stop, size) for size in (h, h / 2))
        states = fine.state[:, circuit.network.stateful]
        low, high = float(states.min(initial=0.5)), float(states.max(initial=0.5))
        if bulk and (low < WALL or high > 1.0 - WALL):
            raise NetworkError(
                f"{circuit.name}: the states cover {low:.3g} to {high:.3g}; this claim holds in the bulk 0 < w < 1 "
                "only: give a shorter span, weaker sources or other initial states"
            )
        return Pair(circuit, coarse, fine, h)


def bulk_span(network: Network) -> float:
    """A span in s over which no state moves by more than `BULK_TRAVEL`, by the theory; less where all come to rest."""
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


def rough_residuals(bench: Bench, cases: Iterable[NamedCircuit], function: PerNetwork, *, steps: int) -> list[Row]:
    """(circuit, max |f|, U) for circuits that meet bounds, where errors scatter around their order.

    Three steps; the finest value, and U from the larger of both differences, without trust in an order.
    """
    rows = []
    for case in cases:
        (_, _, change), (name, value, U) = (bench.pair(case, steps=n).residual(function) for n in (steps, 2 * steps))
        rows.append((name, value, max(U, change)))
    return rows


def integral(t: Array, values: Array) -> Array:
    """int_0^t of samples (n_t, ...), by a quintic spline."""
    spline = make_interp_spline(t, values, k=5).antiderivative()
    return np.asarray(spline(t) - spline(t[0]))


def slope(t: Array, values: Array) -> Array:
    """The time derivative of samples (n_t, ...), by a quintic spline."""
    spline = make_interp_spline(t, values, k=5).derivative()
    return np.asarray(spline(t))


def difference(bench: Bench, case: NamedCircuit, other: Network, sign: float | Array = 1.0) -> Row:
    """(name, max |w - w'| and |i - sign i'| relative, U) of a circuit and another network that should do the same."""
    first, second = bench.pair(case), bench.pair(replace(case, network=other))

    def gaps(one: Waveforms, two: Waveforms) -> Array:
        found, top = two.resample(one.t), float(np.abs(one.current).max())
        return np.hstack([one.state - found.state, (one.current - sign * found.current) / top])

    coarse, fine = gaps(first.coarse, second.coarse), gaps(first.fine, second.fine)
    changed = on_times(first.coarse.t, first.fine.t, fine) - coarse
    return largest(case.name, fine, float(np.abs(changed).max()) + 2.0 * SOLVER_FLOOR)


def mirrored(
    bench: Bench,
    case: NamedCircuit,
    laws: Sequence[LinearMemristor],
    twins: Sequence[LinearMemristor],
    *,
    steps: int = STEPS,
) -> Row:
    """(name, max |w + w' - 1|, U) of two descriptions of one circuit whose states are exchanged."""
    exchanged = case.network.with_device(twins).with_initial_state(1.0 - case.network.initial_state)
    first = bench.pair(replace(case, network=case.network.with_device(laws)), steps=steps)
    second = bench.pair(replace(case, network=exchanged), steps=steps)

    def total(one: Waveforms, two: Waveforms) -> Waveforms:
        return replace(one, state=one.state + two.resample(one.t).state)

    both = Pair(case, total(first.coarse, second.coarse), total(first.fine, second.fine), first.step)
    return both.row(lambda waves: waves.state - 1.0)
