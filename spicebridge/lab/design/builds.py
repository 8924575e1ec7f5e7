"""Many imperfect copies of one circuit, integrated together.

Every copy has its own resistances, converter gains and sources::

    R = (1 + rho) R(w),   S = (1 + sigma) S + so,   A R i = A S
    dw/dt = F(w, v', i'; P, J),   i' = (1 + rho)(1 + g) i + o/R(w),   v' = P R(w) i'

because an emulator infers its current from the voltage it reads (gain error g, offset o in V) and from the
resistance it believes to have set. Classical fourth-order Runge-Kutta with fixed steps, all copies at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.equipment import Bench
from spicebridge.lab.design.parts import e96_pair
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.wiring import target_offset
from spicebridge.laws.resistor import ohms
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology

KINDS = ("resistance", "reading gain", "source gain", "reading offset", "source offset")
"""What `Errors` holds, in order."""
STEPS = 400
STEPS_PER_TIMESCALE = 40
"""At least so many steps over the span and over a drive's shortest time scale."""


@dataclass(frozen=True, eq=False)
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
    def none(cls, n_builds: int, n_edges: int) -> Errors:
        """All zero."""
        return cls(*(np.zeros((n_builds, n_edges)) for _ in range(5)))

    @classmethod
    def drawn(cls, plan: Plan, n_builds: int, seed: int) -> Errors:
        """Uniform within the bench's limits; fixed resistors also carry the rounding to E96 values."""
        rng = np.random.default_rng(seed)
        limits = error_limits(plan.network, plan.bench, plan.gauge.driven)
        parts = [rng.uniform(-1.0, 1.0, (n_builds, plan.network.n_edges)) * limit for limit in limits]
        parts[0] = parts[0] + rounding(plan)
        return cls(*parts)


def error_limits(network: Network, bench: Bench, driven: tuple[int, ...]) -> tuple[Array, ...]:
    """Largest error of every kind, (n_e,) each, in the order of `Errors`; `driven` edges carry a source."""
    discrete = bench.memristor is not None
    emulated = network.stateful & (not discrete)
    rho = np.where(
        network.stateful, bench.memristor_tolerance if discrete else bench.pot_tolerance, bench.resistor_tolerance
    )
    rho = rho + np.where(network.P < 0, 2.0 * bench.resistor_tolerance, 0.0)
    sourced = np.isin(np.arange(network.n_edges), driven)
    return (
        rho,
        np.where(emulated, bench.chain_gain, 0.0),
        np.where(sourced, bench.source_gain, 0.0),
        np.where(emulated, bench.chain_offset, 0.0),
        np.where(sourced, bench.source_offset, 0.0),
    )


def rounding(plan: Plan) -> Array:
    """Relative error (n_e,) of fixed resistors made from E96 values; 0 on memristors."""
    out = np.zeros(plan.network.n_edges)
    for k in np.flatnonzero(~plan.network.stateful).tolist():
        wanted = ohms(plan.network.device(k))
        offset = target_offset(plan, k)
        out[k] = (sum(e96_pair(wanted + offset)) - offset) / wanted - 1.0
    return out


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Signals of all copies: `t` (n_t,), the others (n_b, n_t, n_e) or (n_b, n_t, n) for `nodes`."""

    t: Array
    state: Array
    current: Array
    voltage: Array
    nodes: Array


def integrate_builds(network: Network, stop: float, errors: Errors, *, ground: int = 0, steps: int = 0) -> Ensemble:
    """Integrate every copy over 0 … `stop` (s), fixed steps. Copies that run away end as infinities or NaN.

    The network's devices are those of `laws`.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _march(network, stop, errors, ground, steps)


def _march(network: Network, stop: float, errors: Errors, ground: int, steps: int) -> Ensemble:
    topology = Topology.of(network)
    A = topology.A.toarray()
    B = np.delete(topology.B.toarray(), ground, axis=0)
    potentials = np.linalg.pinv(-B.T)
    count = steps or _steps(network, stop)
    t = np.linspace(0.0, stop, count + 1)
    h = t[1]
    base = [network.bank(x) for x in (t, t[:-1] + h / 2)]
    sources = [s[None] * (1.0 + errors.source[:, None]) + errors.source_offset[:, None] for s in base]
    n_b = errors.resistance.shape[0]
    shape = (n_b, t.size, network.n_edges)
    state, current, voltage, forced = (np.empty(shape) for _ in range(4))
    hard = [g.edges for g in network.groups if g.device.stateful and g.device.window.hard]
    w = np.broadcast_to(network.initial_state, (n_b, network.n_edges)).copy()

    def solve(w: Array, S: Array) -> tuple[Array, Array, Array]:
        nominal = network.resistance(w)
        R = network.P * nominal * (1.0 + errors.resistance)
        mesh = (A[None] * R[:, None, :]) @ A.T
        i = np.linalg.solve(mesh, (S @ A.T)[..., None])[..., 0] @ A
        return i, R * i, nominal

    def rate(w: Array, S: Array) -> Array:
        i, _, nominal = solve(w, S)
        read = (1.0 + errors.resistance) * (1.0 + errors.reading) * i + errors.reading_offset / nominal
        return rates(network, w, read, nominal, errors.flipped)

    for n in range(t.size):
        state[:, n] = w
        current[:, n], voltage[:, n], _ = solve(w, sources[0][:, n])
        forced[:, n] = sources[0][:, n]
        if n == count:
            break
        k1 = rate(w, sources[0][:, n])
        k2 = rate(w + 0.5 * h * k1, sources[1][:, n])
        k3 = rate(w + 0.5 * h * k2, sources[1][:, n])
        k4 = rate(w + h * k3, sources[0][:, n + 1])
        w = w + (h / 6.0) * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        for edges in hard:
            w[:, edges] = np.clip(w[:, edges], 0.0, 1.0)
    nodes = np.insert((voltage - forced) @ potentials.T, ground, 0.0, axis=-1)
    return Ensemble(t, state, current, voltage, nodes)


def _steps(network: Network, stop: float) -> int:
    fast = min((d.timescale() for d in set(network.drives) if d is not None), default=np.inf)
    return int(max(STEPS, np.ceil(STEPS_PER_TIMESCALE * stop / fast) if np.isfinite(fast) else 0))


def rates(network: Network, w: Array, read: Array, nominal: Array, flipped: Array | None = None) -> Array:
    """ds/dt (…, n_e) that controllers compute from the currents `read` and the resistances they believe in."""
    out = np.zeros_like(w)
    J = network.J if flipped is None else network.J * flipped
    for group in network.groups:
        if not group.device.stateful:
            continue
        e = group.edges
        i = read[..., e]
        v = network.P[e] * nominal[..., e] * i
        out[..., e] = group.device.rate(w[..., e], v, i, network.P[e], J[..., e])
    return out
