"""Many imperfect copies of one circuit, integrated together.

Every copy has its own resistances, converter gains and sources::

    R = (1 + rho) R(w),   S = (1 + sigma) S + so,   A R i = A S
    dw/dt = F(w, v', i'; P, J),   i' = (1 + rho)(1 + g) i + o/R(w),   v' = P R(w) i'

because an emulator infers its current from the voltage it reads (gain error g, offset o in V) and from the resistance
it believes to have set. On a capacitor or an inductor rho is the error of C or L. Fixed steps, all copies at once: the
classical Runge-Kutta method, or one that takes capacitors and inductors implicitly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.equipment import Equipment
from spicebridge.lab.design.parts import capacitors, e96_pair
from spicebridge.lab.design.plan import Plan, gyrator, node_voltages
from spicebridge.lab.design.reactances import (
    AT_ONCE,
    Reactances,
    amount,
    conducting,
    memristive,
    quantity,
    resistances,
    ringing,
)
from spicebridge.lab.design.wiring import target_offset
from spicebridge.laws.plain import ohms
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.ensembles.batched_currents import BatchCurrents
from spicebridge.theory.ensembles.equal_steps import ARS443, RK4, EqualSteps
from spicebridge.theory.ensembles.field import SIGNAL_RESIDUAL

KINDS = ("resistance", "reading gain", "source gain", "reading offset", "source offset")
"""What `Errors` holds, in order; the first is the capacitance or inductance of what has no resistance."""
STEPS = 400
STEPS_PER_TIMESCALE = 40
"""At least so many steps over the span and over the shortest time scale of a drive or of ringing."""
MOST_STEPS = 20_000
"""Beyond, ringing of inductors with capacitors is not resolved."""


def error_name(network: Network, kind: int, k: int) -> str:
    """Of the error number `kind` of `KINDS` on edge k."""
    return KINDS[kind] if kind else quantity(network, k)


@dataclass(frozen=True, eq=False, kw_only=True)
class Errors:
    """Relative errors (n_b, n_e) of resistance, reading and source; offsets (n_b, n_e) in V.

    `flipped` (n_b, n_e) is -1 where a memristor is connected the wrong way round, else 1; None is nowhere.
    """

    resistance: Array
    reading: Array
    source: Array
    reading_offset: Array
    source_offset: Array
    flipped: Array | None = None

    @property
    def tables(self) -> tuple[Array, ...]:
        """The five arrays in the order of `KINDS`."""
        return (self.resistance, self.reading, self.source, self.reading_offset, self.source_offset)

    @classmethod
    def of(cls, tables: Iterable[Array]) -> Errors:
        """The five arrays in the order of `KINDS`."""
        resistance, reading, source, reading_offset, source_offset = tables
        return cls(
            resistance=resistance,
            reading=reading,
            source=source,
            reading_offset=reading_offset,
            source_offset=source_offset,
        )

    @classmethod
    def none(cls, n_builds: int, n_edges: int) -> Errors:
        """All zero."""
        return cls.of(np.zeros((n_builds, n_edges)) for _ in KINDS)

    @classmethod
    def drawn(cls, plan: Plan, n_builds: int, seed: int | Sequence[int]) -> Errors:
        """Every part uniform within its limits by itself; fixed resistors also carry the rounding to E96 values."""
        rng = np.random.default_rng(seed)
        limits = error_limits(plan.network, plan.bench, plan.gauge.driven)
        parts = [rng.uniform(-1.0, 1.0, (n_builds, plan.network.n_edges)) * limit for limit in limits]
        parts[0] = np.zeros((n_builds, plan.network.n_edges)) + rounding(plan)
        for k in range(plan.network.n_edges):
            shares = part_tolerances(plan, k)
            parts[0][:, k] += rng.uniform(-1.0, 1.0, (n_builds, len(shares))) @ shares
        return cls.of(parts)


def error_limits(network: Network, bench: Equipment, driven: tuple[int, ...]) -> tuple[Array, ...]:
    """Largest error of every kind, (n_e,) each, in the order of `Errors`; `driven` edges carry a source."""
    discrete = bench.memristor is not None
    memory = memristive(network)
    emulated = memory & (not discrete)
    rho = np.where(memory, bench.memristor_tolerance if discrete else bench.pot_tolerance, bench.resistor_tolerance)
    imposed = np.array(network.imposed)
    rho = np.where(imposed == "voltage", bench.capacitor_tolerance, rho)
    # L = C R R R/R of the simulated inductor.
    rho = np.where(imposed == "current", bench.capacitor_tolerance + 4.0 * bench.resistor_tolerance, rho)
    rho = rho + np.where(network.P < 0, 2.0 * bench.resistor_tolerance, 0.0)
    sourced = np.isin(np.arange(network.n_edges), driven)
    return (
        rho,
        np.where(emulated, bench.chain_gain, 0.0),
        np.where(sourced, bench.source_gain, 0.0),
        np.where(emulated, bench.chain_offset, 0.0),
        np.where(sourced, bench.source_offset, 0.0),
    )


def part_tolerances(plan: Plan, k: int) -> Array:
    """Limits (n,) of what each part of edge k, independent of the others, changes its resistance, C or L by, relative;
    their sum is the edge's limit."""
    network, bench = plan.network, plan.bench
    resistor, capacitor = bench.resistor_tolerance, bench.capacitor_tolerance

    def of(values: Sequence[float], tolerance: float) -> list[float]:
        return [tolerance * value / sum(values) for value in values]

    if network.imposed[k] == "voltage":
        out = of(capacitors(amount(network, k)), capacitor)
    elif network.imposed[k] == "current":
        parts = gyrator(plan, k)
        out = [
            *of(capacitors(parts.farad), capacitor),
            resistor,
            resistor,
            resistor,
            *of(e96_pair(parts.shunt), resistor),
        ]
    elif network.stateful[k]:
        out = [bench.pot_tolerance if plan.memristor is None else bench.memristor_tolerance]
    else:
        out = of(e96_pair(ohms(network.device(k)) + target_offset(plan, k)), resistor)
    return np.array(out + ([resistor, resistor] if network.P[k] < 0 else []))


def rounding(plan: Plan) -> Array:
    """Relative error (n_e,) of resistors and capacitors made from series of values; 0 on memristors."""
    out = np.zeros(plan.network.n_edges)
    for k, what in enumerate(plan.network.imposed):
        if what == "voltage":
            wanted = amount(plan.network, k)
            out[k] = sum(capacitors(wanted)) / wanted - 1.0
        elif what == "current":
            out[k] = gyrator(plan, k).inductance / amount(plan.network, k) - 1.0
    for k in np.flatnonzero(conducting(plan.network) & ~plan.network.stateful).tolist():
        wanted = ohms(plan.network.device(k))
        offset = target_offset(plan, k)
        out[k] = (sum(e96_pair(wanted + offset)) - offset) / wanted - 1.0
    return out


@dataclass(frozen=True, eq=False, kw_only=True)
class Ensemble:
    """Signals of all copies: `t` (n_t,), the others (n_b, n_t, n_e) or (n_b, n_t, n) for `nodes`."""

    t: Array
    state: Array
    current: Array
    voltage: Array
    nodes: Array


class Moment(NamedTuple):
    """Of all copies, (n_b, n_e) each: states, currents (A), drops (V), and the rates of the states in 1/s."""

    state: Array
    current: Array
    drop: Array
    rate: Array


def integrate_builds(network: Network, stop: float, errors: Errors, *, ground: int = 0, steps: int = 0) -> Ensemble:
    """Integrate every copy over 0 … `stop` (s), fixed steps.

    Copies that run away or are singular, or have a resistance of 0, end as infinities or NaN.

    The network's devices are those of `laws`.
    """
    t = build_times(network, stop, steps)
    h = float(t[1])
    w = np.broadcast_to(network.initial_state, errors.resistance.shape).copy()
    builds = Builds(network, errors)
    marching = EqualSteps(RK4 if builds.reactances.none else ARS443, builds.reactances.edges, hard_bounds(network))
    state, current, voltage = (np.empty((len(w), t.size, network.n_edges)) for _ in range(3))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        soon = AT_ONCE * h
        now = builds.stage(w, 0.0 if builds.reactances.none else soon, soon)._replace(state=w)
        for n, time in enumerate(t.tolist()):
            if n:
                now = marching.step(builds.stage, now, time - h, h)
            state[:, n], current[:, n], voltage[:, n] = now[:3]
        nodes = node_voltages(network, ground, voltage - builds.sources(t))
    return Ensemble(t=t, state=state, current=current, voltage=voltage, nodes=nodes)


class Builds:
    """Kirchhoff's laws and the rates of all copies."""

    def __init__(self, network: Network, errors: Errors) -> None:
        self.network, self.errors = network, errors
        self.reactances = Reactances(network, errors.resistance)
        self.kirchhoff = BatchCurrents(Topology.of(network))
        self.guess = np.zeros((len(errors.resistance), self.kirchhoff.unknowns))

    def sources(self, t: Array) -> Array:
        """(n_b, n_t, n_e) in V."""
        off = self.errors
        return self.network.bank(t) * (1.0 + off.source[:, None]) + off.source_offset[:, None]

    def stage(self, past: Array, t: float, length: float) -> Moment:
        """After an implicit stage of `length` s of capacitors and inductors; the memristors' states are in `past`."""
        off, reactances = self.errors, self.reactances
        nominal = resistances(self.network, past)
        S = self.network.bank(t) * (1.0 + off.source) + off.source_offset
        R, S = reactances.stage(self.network.P * nominal * (1.0 + off.resistance), S, past, length)
        i, self.guess = self.kirchhoff.solve(R, S, self.guess, SIGNAL_RESIDUAL)
        state, drop = reactances.settle(R, i, past)
        read = (1.0 + off.resistance) * (1.0 + off.reading) * i + off.reading_offset / nominal
        rate = rates(self.network, state, read, nominal, off.flipped)
        if not reactances.none:
            rate = np.where(reactances.edges, (state - past) / length, rate)
        return Moment(state, i, drop, rate)


def hard_bounds(network: Network) -> NDArray[np.bool_]:
    """(n_e,) edges whose states are cut to [0, 1]."""
    out = np.zeros(network.n_edges, dtype=bool)
    for group in network.groups:
        out[group.edges] = group.device.stateful and group.device.window.hard
    return out


def build_times(network: Network, stop: float, steps: int = 0) -> Array:
    """(n_t,) of equal steps, as many as the drives and ringing ask for."""
    fast = min((d.timescale() for d in set(network.drives) if d is not None), default=np.inf)
    fast = min(fast, max(ringing(network), STEPS_PER_TIMESCALE * stop / MOST_STEPS))
    least = int(max(STEPS, np.ceil(STEPS_PER_TIMESCALE * stop / fast) if np.isfinite(fast) else 0))
    return np.linspace(0.0, stop, (steps or least) + 1)


def rates(network: Network, w: Array, read: Array, nominal: Array, flipped: Array | None = None) -> Array:
    """ds/dt (…, n_e) that controllers compute from the currents `read` and the resistances they believe in."""
    out = np.zeros_like(w)
    J = network.J if flipped is None else network.J * flipped
    for group in network.groups:
        if not (group.device.stateful and group.device.ohmic):
            continue
        e = group.edges
        i = read[..., e]
        v = network.P[e] * nominal[..., e] * i
        out[..., e] = group.device.rate(w[..., e], v, i, network.P[e], J[..., e])
    return out
