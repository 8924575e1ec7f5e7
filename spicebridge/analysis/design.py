"""Sources and parameters chosen so that the states end where they should; the answer is run as a circuit.

    least squares   sum_k (s_k(T) - target_k)^2,   derivatives ds(T)/dp by the adjoint, one column a target
    a loss          least L(waveforms) within limits, gradient by the adjoint                    (paper 1, section 4)

What cannot be reached: for current control, alpha = 0 and no hit of a bound the charges B J (s - s0)/(g r0) = 0 are
kept whatever the sources do (Eqs. 12-14), so that the target's distance from that plane bounds every design. There,
and only there, the answer is "unreachable", with the distance; elsewhere a search that fails is "not found".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares, minimize

from spicebridge.analysis import variables as names_of
from spicebridge.analysis.affine import missing
from spicebridge.analysis.gradient import differentiate, unchecked
from spicebridge.analysis.loss import Loss
from spicebridge.analysis.memory import conserved, projection_gap
from spicebridge.arrays import Array, IntArray
from spicebridge.circuit.circuit_run import grid_span
from spicebridge.errors import NetworkError, RunFailed, SpiceBridgeError
from spicebridge.network import Network
from spicebridge.network.entries import per_edge
from spicebridge.shown import brief
from spicebridge.theory import solve
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
    parameters, ``distance`` is the largest difference of a state from its target (for a loss: NaN), ``loss`` the value of
    the least squares or of the loss. ``bound`` is the distance below which nothing can come, 0 where none is known.
    ``values`` holds the variables by name, ``verdict`` that of the circuit, None unless found.
    """

    status: str
    reason: str
    network: Network
    distance: float
    loss: float
    bound: float
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
        States (n_e,) at t[-1], NaN where free; ``{edge: state}`` by index or (tail, head); or a loss (see ``sb.loss``) to make least.
    variables
        Names (see ``sb.gradient``): "drive" levels, "drive.values" of PWL drives, "r_on", "beta", … A mapping gives limits,
        ``{"drive": (-1.0, 1.0), "beta": (0.5, 2.0)}``, each bound one number or one per edge.
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
    if callable(target):
        return _least_loss(network, times, target, space, starts, seed, validated, engine)
    wanted = _target(network, target)
    with one_blas_thread():
        bound, only_drives = 0.0, all(name.startswith("drive") for name in space.names)
        if only_drives and _charges_bind(network):
            bound, _ = projection_gap(network, wanted)
            if bound > tolerance and not _bounds_matter(network):
                return _unreachable(network, space, bound)
        best = _search(network, times, wanted, space, tolerance, starts, seed)
        if polarities and best.distance > tolerance:
            best = _turned(network, times, wanted, space, tolerance, seed, best)
    found = best.distance <= tolerance
    reason = (
        f"every target within {best.distance:.2g}"
        if found
        else f"best distance {best.distance:.3g} after {best.evaluations} runs from {starts} starts; "
        + (
            f"in the bulk no sources come nearer than {bound:.3g}"
            if bound > 0.0
            else "that does not prove it unreachable"
        )
    )
    verdict = validate(best.network, times, engine=engine) if found and validated else None
    return Design(
        status="found" if found else "not found",
        reason=reason,
        network=best.network,
        distance=best.distance,
        loss=best.loss,
        bound=bound,
        values=space.named(best.point),
        evaluations=best.evaluations,
        verdict=verdict,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Space:
    """The variables as one vector: which entries of which name, scaled to their sizes, within limits."""

    network: Network
    names: tuple[str, ...]
    start: Array
    low: Array
    high: Array
    size: Array
    place: dict[str, tuple[slice, Array]]

    @classmethod
    def of(cls, network: Network, wanted: object) -> _Space:
        limits: dict[str, Any] = dict(wanted) if isinstance(wanted, Mapping) else {}
        names = names_of.checked(network, tuple(limits) if limits else wanted)
        start, low, high, size = [], [], [], []
        place: dict[str, tuple[slice, Array]] = {}
        count = 0
        for name in names:
            own = names_of.values(network, name)
            used = np.isfinite(own)
            if name == "drive":
                own = network.bank(0.0) if network.bank.constant else own
            if name == "initial_state":
                used = used & network.stateful
            bottom, top = _limits(name, own, limits.get(name), used)
            unit = _size(network, name, own[used])
            start.append(np.clip(own[used], bottom[used], top[used]))
            low.append(bottom[used])
            high.append(top[used])
            size.append(np.full(int(used.sum()), unit))
            place[name] = (slice(count, count + int(used.sum())), used)
            count += int(used.sum())
        if count == 0:
            raise NetworkError("variables: nothing can be chosen; name drives or parameters that the network has")
        vectors = [np.concatenate(x) for x in (start, low, high, size)]
        return cls(
            network=network,
            names=names,
            start=vectors[0],
            low=vectors[1],
            high=vectors[2],
            size=vectors[3],
            place=place,
        )

    def named(self, point: Array) -> dict[str, Array]:
        """The values (n_e, …) by name, NaN where a name means nothing on an edge."""
        out = {}
        for name in self.names:
            where, used = self.place[name]
            full = np.full(used.shape, np.nan)
            full[used] = point[where]
            out[name] = full
        return out

    def at(self, point: Array) -> Network:
        """The network with these values."""
        network = self.network
        for name in self.names:
            where, used = self.place[name]
            own = names_of.values(network, name)
            if name == "drive" and network.bank.constant:
                own = network.bank(0.0)
            change = np.zeros(used.shape)
            change[used] = point[where] - own[used]
            network = names_of.moved(network, name, change)
        return network

    def flat(self, arrays: Mapping[str, Array]) -> Array:
        """Derivatives by the entries of the vector (n, …) from arrays (n_e, …) by name."""
        return np.concatenate([arrays[name][self.place[name][1]] for name in self.names])


def _limits(name: str, own: Array, given: Any, used: Array) -> tuple[Array, Array]:
    """(low, high) shaped like `own`."""
    positive = not name.startswith("drive") and name != "initial_state"
    if given is None:
        if name == "initial_state":
            return np.zeros(own.shape), np.ones(own.shape)
        if positive:
            spread = np.where(own == 0.0, 1.0, np.abs(own))
            return np.where(own > 0.0, own / 10.0, own - spread), np.where(own > 0.0, own * 10.0, own + spread)
        return np.full(own.shape, -np.inf), np.full(own.shape, np.inf)
    try:
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
    from spicebridge.analysis.flow import Flow

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


def _unreachable(network: Network, space: _Space, bound: float) -> Design:
    reason = (
        f"current control with alpha = 0 keeps B J (s - s0)/(g r0) = 0 whatever the sources do; the target is {bound:.3g} "
        "away from the states that this allows (effective memory "
        f"{Topology.of(network).effective_memory:.3g})"
    )
    return Design(
        status="unreachable",
        reason=reason,
        network=network,
        distance=bound,
        loss=np.nan,
        bound=bound,
        values=space.named(space.start),
        evaluations=0,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Best:
    network: Network
    point: Array
    distance: float
    loss: float
    evaluations: int


def _search(
    network: Network, times: Array, wanted: Array, space: _Space, tolerance: float, starts: int, seed: int
) -> _Best:
    """Levenberg-Marquardt in a trust region from several starts; the best end."""
    given = np.flatnonzero(np.isfinite(wanted))
    stop, rng = float(times[-1]), np.random.default_rng(seed)
    known: dict[bytes, tuple[Array, Array]] = {}
    count = 0

    def both(y: Array) -> tuple[Array, Array]:
        nonlocal count
        key = y.tobytes()
        if key not in known:
            known.clear()
            count += 1
            known[key] = _states(space, y * space.size, stop, wanted, given)
        return known[key]

    def residual(y: Array) -> Array:
        return both(y)[0]

    def slope(y: Array) -> Array:
        return both(y)[1]

    # the trust region wants its start inside the limits
    width = np.minimum(space.high - space.low, 1e9 * space.size) / space.size
    inside = 1e-9 * width
    best: _Best | None = None
    for start in range(max(1, starts)):
        y = space.start / space.size
        if start > 0:
            y = y + rng.normal(0.0, 0.3 * start, y.size)
        y = np.clip(y, space.low / space.size + inside, space.high / space.size - inside)
        out = least_squares(
            residual,
            y,
            jac=slope,
            bounds=(space.low / space.size, space.high / space.size),
            xtol=1e-14,
            ftol=1e-14,
            gtol=1e-14,
            max_nfev=SEARCH_STEPS,
        )
        distance = float(np.abs(out.fun).max())
        if best is None or distance < best.distance:
            point = out.x * space.size
            best = _Best(
                network=space.at(point),
                point=point,
                distance=distance,
                loss=float((out.fun**2).sum()),
                evaluations=count,
            )
        if best.distance <= 0.1 * tolerance:
            break
    assert best is not None
    return replace(best, evaluations=count)


def _states(space: _Space, point: Array, stop: float, wanted: Array, given: IntArray) -> tuple[Array, Array]:
    """(s(T) - target, its derivatives by the scaled variables); a penalty where the run does not reach the end."""
    try:
        network = space.at(point)
        path = solve(network, stop, rtol=RTOL, atol=RTOL * 1e-2)
        if not path.complete:
            raise RunFailed(path.reason)
        apart = path(stop)[given] - wanted[given]
        seeds = np.eye(network.n_edges)[:, given]
        zero = np.zeros_like(seeds)
        adjoint = differentiate(path, space.names, {stop: (seeds, zero, zero)}, given.size, RTOL, grazing=True)
    except SpiceBridgeError:
        return np.full(given.size, PENALTY), np.zeros((given.size, point.size))
    return apart, (space.flat(adjoint.found) * space.size[:, None]).T


def _turned(
    network: Network, times: Array, wanted: Array, space: _Space, tolerance: float, seed: int, best: _Best
) -> _Best:
    """Turn one edge after another while that brings the states nearer to the target."""
    J = np.array(network.J)
    for k in np.flatnonzero(np.isfinite(wanted)).tolist():
        J[k] = -J[k]
        turned = replace(space, network=network.with_polarity(J))
        tried = _search(turned.network, times, wanted, turned, tolerance, 1, seed)
        if tried.distance < best.distance:
            best = replace(tried, evaluations=best.evaluations + tried.evaluations)
        else:
            J[k] = -J[k]
        if best.distance <= tolerance:
            break
    return best


def _least_loss(
    network: Network, times: Array, loss: Loss, space: _Space, starts: int, seed: int, validated: bool, engine: str
) -> Design:
    """Least loss by L-BFGS-B within the limits."""
    rng = np.random.default_rng(seed)
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
    best: Any = None
    for start in range(max(1, starts)):
        y = space.start / space.size + (rng.normal(0.0, 0.3 * start, space.start.size) if start else 0.0)
        y = np.clip(y, space.low / space.size, space.high / space.size)
        out = minimize(value, y, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 200, "ftol": 1e-15})
        if best is None or out.fun < best.fun:
            best = out
    point = best.x * space.size
    found = space.at(point)
    verdict = validate(found, times, engine=engine) if validated else None
    reason = f"loss {best.fun:.4g}, a local minimum after {count} runs from {starts} starts"
    return Design(
        status="found",
        reason=reason,
        network=found,
        distance=np.nan,
        loss=float(best.fun),
        bound=0.0,
        values=space.named(point),
        evaluations=count,
        verdict=verdict,
    )
