"""Sources and parameters chosen so that the states end where they should; the answer is run as a circuit.

    least squares   sum_k (s_k(T) - target_k)^2,   derivatives ds(T)/dp by the adjoint, one column a target
    a loss          least L(waveforms) within limits, gradient by the adjoint                    (paper 1, section 4)

What cannot be reached: for current control, alpha = 0 and no hit of a bound the charges B J (s - s0)/(g r0) = 0 are
kept whatever the sources do (Eqs. 12-14), so that the target's distance from that plane bounds every design. There,
and only there, the answer is "unreachable", with the distance; elsewhere a search that fails is "not found".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares, minimize

from spicebridge.analysis import variables as names_of
from spicebridge.analysis.affine import missing
from spicebridge.analysis.flow import Flow, whole_run
from spicebridge.analysis.gradient import differentiate, unchecked
from spicebridge.analysis.loss import Loss
from spicebridge.analysis.memory import conserved, projection_gap
from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.circuit.circuit_run import grid_span
from spicebridge.errors import NetworkError, RunFailed, SpiceBridgeError
from spicebridge.network import Network
from spicebridge.network.entries import per_edge
from spicebridge.shown import brief
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results.stability import require_regular
from spicebridge.theory.threads import one_blas_thread
from spicebridge.verify import validate
from spicebridge.verify.verdict import Verdict

REACHED = 1e-4
"""A design is found when every state with a target is this near to it."""
RTOL = 1e-9
STARTS = 6
"""Starts of the search, the first from the network as it is."""
SEARCH_STEPS = 80
"""Runs of one search."""
PENALTY = 10.0
"""What a run that does not reach the end counts as, in every state."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Design:
    """What was found.

    ``status`` is "found", "not found" or "unreachable"; ``reason`` a sentence. ``network`` carries the best sources and
    parameters, ``distance`` is the largest difference of a state from its target (for a loss: NaN), ``loss`` the value
    of the least squares or of the loss. ``bound`` is the distance below which nothing can come, 0 where none is known.
    ``values`` holds the variables by name, ``verdict`` that of the circuit, None unless found.
    """

    status: str
    reason: str
    network: Network
    distance: float
    loss: float
    bound: float = 0.0
    values: dict[str, Array]
    evaluations: int
    verdict: Verdict | None = field(default=None, repr=False)

    __repr__ = brief

    @property
    def found(self) -> bool:
        return self.status == "found"

    def __str__(self) -> str:
        return f"{self.status.upper()}: {self.reason}"


def design(
    network: Network,
    t: ArrayLike,
    target: object,
    variables: str | Sequence[str] | Mapping[str, object] = "drive",
    *,
    tolerance: float = REACHED,
    starts: int = STARTS,
    seed: int = 0,
    polarities: bool = False,
    validated: bool = True,
    engine: str = "ngspice",
) -> Design:
    """Choose sources and parameters so that the network does what it should.

    Parameters
    ----------
    network
        Where the search starts. Laws, bounds and graph stay as they are.
    t
        Output grid (n_t,) in s; the target is meant at t[-1].
    target
        States (n_e,) at t[-1], NaN where free; ``{edge: state}`` by index or (tail, head); or a loss (see ``sb.loss``)
        to make least.
    variables
        Names (see ``sb.gradient``): "drive" levels, "drive.values" of PWL drives, "r_on", "beta", … A mapping gives
        limits, ``{"drive": (-1.0, 1.0), "beta": (0.5, 2.0)}``, each bound one number or one per edge.
    tolerance
        How near every state has to come.
    starts
        Searches from different starts, the first from the network as it is; `seed` makes the others.
    polarities
        Try also other polarities, one edge turned after another, where the search fails.
    validated
        Run the found circuit in `engine` and give its verdict.

    Returns
    -------
    Design
        Found, not found with the best distance, or unreachable with the distance that no sources can undercut.

    Raises
    ------
    NetworkError
        For a target, a variable or a limit that fits no edge.
    SingularNetwork
        Where the currents are not determined at the start.
    """
    times = grid_span(t)
    if network.reactive:
        raise NetworkError("design: capacitors, inductors and current sources are not differentiated; leave them out")
    require_regular(network, network.initial_state)
    space = _Space.of(network, variables)
    with one_blas_thread():
        if callable(target):
            best = _least_loss(space, times, target, starts, seed)
        else:
            best = _reached(space, times, _target(network, target), tolerance, starts, seed, polarities)
    if best.found and validated:
        best = replace(best, verdict=validate(best.network, times, engine=engine))
    return best


@dataclass(frozen=True, eq=False, kw_only=True)
class _Space:
    """The variables as one vector: the entries of every name that are `used`, with their sizes and limits."""

    network: Network
    used: dict[str, BoolArray]
    start: Array
    low: Array
    high: Array
    size: Array

    @classmethod
    def of(cls, network: Network, wanted: str | Sequence[str] | Mapping[str, object]) -> _Space:
        limits = wanted if isinstance(wanted, Mapping) else {}
        used: dict[str, BoolArray] = {}
        columns = [np.zeros((4, 0))]
        for name in names_of.checked(network, tuple(limits) or wanted):
            own = names_of.values(network, name)
            used[name] = np.isfinite(own) & (network.stateful if name == "initial_state" else True)
            low, high = _limits(name, own, limits.get(name), used[name])
            size = np.full(own.shape, _size(network, name, own[used[name]]))
            columns.append(np.array([np.clip(own, low, high), low, high, size])[:, used[name]])
        start, low, high, size = np.hstack(columns)
        if start.size == 0:
            raise NetworkError("variables: nothing can be chosen; name drives or parameters that the network has")
        return cls(network=network, used=used, start=start, low=low, high=high, size=size)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.used)

    def named(self, point: Array) -> dict[str, Array]:
        """The values (n_e, …) by name, NaN where a name means nothing on an edge."""
        out = {}
        pieces = np.split(point, np.cumsum([used.sum() for used in self.used.values()]))
        for (name, used), piece in zip(self.used.items(), pieces, strict=False):
            out[name] = np.full(used.shape, np.nan)
            out[name][used] = piece
        return out

    def at(self, point: Array) -> Network:
        """The network with these values."""
        network = self.network
        for name, value in self.named(point).items():
            change = np.where(self.used[name], value - names_of.values(network, name), 0.0)
            network = names_of.moved(network, name, change)
        return network

    def flat(self, arrays: Mapping[str, Array]) -> Array:
        """Derivatives by the entries of the vector (n, …) from arrays (n_e, …) by name."""
        return np.concatenate([arrays[name][used] for name, used in self.used.items()])

    def starts(self, count: int, seed: int, inside: Array | float = 0.0) -> Iterator[Array]:
        """Vectors in units of `size`: the network as it is, then others further and further away.

        All keep `inside` from the limits.
        """
        rng = np.random.default_rng(seed)
        for k in range(max(1, count)):
            y = self.start / self.size + (rng.normal(0.0, 0.3 * k, self.start.size) if k else 0.0)
            yield np.clip(y, self.low / self.size + inside, self.high / self.size - inside)


def _limits(name: str, own: Array, given: object, used: BoolArray) -> tuple[Array, Array]:
    """(low, high) shaped like `own`."""
    if given is None:
        if name == "initial_state":
            return np.zeros(own.shape), np.ones(own.shape)
        if name.startswith("drive"):
            return np.full(own.shape, -np.inf), np.full(own.shape, np.inf)
        spread = np.where(own == 0.0, 1.0, np.abs(own))
        return np.where(own > 0.0, own / 10.0, own - spread), np.where(own > 0.0, own * 10.0, own + spread)
    try:
        if not isinstance(given, Iterable):
            raise TypeError
        low, high = given
        bottom, top = (np.broadcast_to(np.asarray(x, float), own.shape).copy() for x in (low, high))
    except (TypeError, ValueError):
        raise NetworkError(f"variables: limits of {name!r} are (low, high), each one number or one per edge") from None
    if not (bottom[used] < top[used]).all():
        raise NetworkError(f"variables: limits of {name!r}: low must be below high on every edge")
    return bottom, top


def _size(network: Network, name: str, own: Array) -> float:
    largest = float(np.abs(own).max(initial=0.0))
    if name.startswith("drive") and largest == 0.0:
        return _usual_source(network)
    return largest or 1.0


def _usual_source(network: Network) -> float:
    """V on every edge that move the fastest state by about 1 in 1 s, from the network's own answer to 1 V."""
    flow = Flow(network.with_drive(0.0))
    here = flow.at(network.initial_state)
    gain = float(np.abs(flow.by_source(here)).max()) if network.n_edges <= 400 else 1.0
    return 1.0 / gain if gain > 0.0 else 1.0


def _target(network: Network, target: object) -> Array:
    """(n_e,), NaN where free. Raises `NetworkError`."""
    n = network.n_edges
    if isinstance(target, Mapping):
        out = per_edge(target, network.structure.keys, "target", np.nan)
    else:
        try:
            out = np.array(np.broadcast_to(np.asarray(target, float), (n,)))
        except (TypeError, ValueError):
            raise NetworkError(f"target: give states ({n},), {{edge: state}} or a loss") from None
    if np.isinf(out).any() or not np.isfinite(out[network.stateful]).any():
        raise NetworkError("target: at least one edge with memory needs a finite target state")
    out[~network.stateful] = np.nan
    k = int(np.nanargmax(np.abs(out - 0.5)))
    if _bounds_matter(network) and not -1e-12 <= out[k] <= 1.0 + 1e-12:
        raise NetworkError(f"{network.edge_name(k)}: target {out[k]:g} lies outside the hard bounds 0 and 1")
    return out


def _charges_bind(network: Network) -> bool:
    """Whether the plane of conserved charges is known: current control, alpha = 0, memristors only."""
    try:
        if missing(network, "memory", "current", "no alpha"):
            return False
        law = conserved(network)
    except NetworkError:
        return False
    return law is not None


def _bounds_matter(network: Network) -> bool:
    return any(group.device.stateful and group.device.window.hard for group in network.groups)


def _reached(
    space: _Space, times: Array, wanted: Array, tolerance: float, starts: int, seed: int, polarities: bool
) -> Design:
    """The states (n_e,) that are wanted at the end, NaN where free, as near as they come."""
    network, bound = space.network, 0.0
    if all(name.startswith("drive") for name in space.names) and _charges_bind(network):
        bound, _ = projection_gap(network, wanted)
        if bound > tolerance and not _bounds_matter(network):
            return _unreachable(space, bound)
    best = _search(space, times, wanted, tolerance, starts, seed)
    if polarities and best.distance > tolerance:
        best = _turned(space, times, wanted, tolerance, seed, best)
    if best.distance <= tolerance:
        return replace(best, status="found", reason=f"every target within {best.distance:.2g}", bound=bound)
    known = f"in the bulk no sources come nearer than {bound:.3g}" if bound > 0.0 else ""
    reason = (
        f"best distance {best.distance:.3g} after {best.evaluations} runs from {starts} starts; "
        f"{known or 'that does not prove it unreachable'}"
    )
    return replace(best, reason=reason, bound=bound)


def _unreachable(space: _Space, bound: float) -> Design:
    reason = (
        "current control with alpha = 0 keeps B J (s - s0)/(g r0) = 0 whatever the sources do; the target is "
        f"{bound:.3g} away from the states that this allows (effective memory "
        f"{Topology.of(space.network).effective_memory:.3g})"
    )
    return Design(
        status="unreachable",
        reason=reason,
        network=space.network,
        distance=bound,
        loss=np.nan,
        bound=bound,
        values=space.named(space.start),
        evaluations=0,
    )


def _search(space: _Space, times: Array, wanted: Array, tolerance: float, starts: int, seed: int) -> Design:
    """Levenberg-Marquardt in a trust region from several starts; the best end, "not found" so far."""
    given = np.flatnonzero(np.isfinite(wanted))
    size = space.size

    @lru_cache(maxsize=1)
    def both(y: bytes) -> tuple[Array, Array]:
        return _states(space, np.frombuffer(y) * size, float(times[-1]), wanted, given)

    def residual(y: Array) -> Array:
        return both(y.tobytes())[0]

    def slope(y: Array) -> Array:
        return both(y.tobytes())[1]

    # the trust region wants its start inside the limits
    width = np.minimum(space.high - space.low, 1e9 * size) / size
    best: Design | None = None
    for y in space.starts(starts, seed, 1e-9 * width):
        out = least_squares(
            residual,
            y,
            jac=slope,
            bounds=(space.low / size, space.high / size),
            xtol=1e-14,
            ftol=1e-14,
            gtol=1e-14,
            max_nfev=SEARCH_STEPS,
        )
        distance = float(np.abs(out.fun).max())
        if best is None or distance < best.distance:
            best = Design(
                status="not found",
                reason="",
                network=space.at(out.x * size),
                distance=distance,
                loss=float((out.fun**2).sum()),
                values=space.named(out.x * size),
                evaluations=0,
            )
        if best.distance <= 0.1 * tolerance:
            break
    assert best is not None
    return replace(best, evaluations=both.cache_info().misses)


def _states(space: _Space, point: Array, stop: float, wanted: Array, given: IntArray) -> tuple[Array, Array]:
    """(s(T) - target, its derivatives by the scaled variables); a penalty where the run does not reach the end."""
    try:
        network = space.at(point)
        path = whole_run(network, stop, RTOL)
        apart = path(stop)[given] - wanted[given]
        seeds = np.eye(network.n_edges)[:, given]
        zero = np.zeros_like(seeds)
        adjoint = differentiate(path, space.names, {stop: (seeds, zero, zero)}, given.size, RTOL, grazing=True)
    except SpiceBridgeError:
        return np.full(given.size, PENALTY), np.zeros((given.size, point.size))
    return apart, (space.flat(adjoint.found) * space.size[:, None]).T


def _turned(space: _Space, times: Array, wanted: Array, tolerance: float, seed: int, best: Design) -> Design:
    """Turn one edge after another while that brings the states nearer to the target."""
    J = np.array(space.network.J)
    for k in np.flatnonzero(np.isfinite(wanted)).tolist():
        J[k] = -J[k]
        turned = replace(space, network=space.network.with_polarity(J))
        tried = _search(turned, times, wanted, tolerance, 1, seed)
        if tried.distance < best.distance:
            best = replace(tried, evaluations=best.evaluations + tried.evaluations)
        else:
            J[k] = -J[k]
        if best.distance <= tolerance:
            break
    return best


def _least_loss(space: _Space, times: Array, loss: Loss, starts: int, seed: int) -> Design:
    """Least loss by L-BFGS-B within the limits."""
    count = 0

    def value(y: Array) -> tuple[float, Array]:
        nonlocal count
        count += 1
        try:
            found = unchecked(space.at(y * space.size), times, loss, space.names, RTOL, grazing=True)
        except RunFailed:
            return PENALTY * 1e6, np.zeros(y.size)
        return found.value, space.flat(found.arrays) * space.size

    bounds = list(zip(space.low / space.size, space.high / space.size, strict=True))
    ends = [
        minimize(value, y, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200, "ftol": 1e-15})
        for y in space.starts(starts, seed)
    ]
    best = min(ends, key=lambda end: float(end.fun))
    point = best.x * space.size
    return Design(
        status="found",
        reason=f"loss {best.fun:.4g}, a local minimum after {count} runs from {starts} starts",
        network=space.at(point),
        distance=np.nan,
        loss=float(best.fun),
        values=space.named(point),
        evaluations=count,
    )
