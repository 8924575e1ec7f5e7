"""One patch as a circuit of its own inside the theory of the whole, and its judgement in whatever process."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.drives import PWL, Sum, terms
from spicebridge.errors import SpiceBridgeError
from spicebridge.laws.base import OhmicDevice
from spicebridge.network import Network
from spicebridge.pools import OneAtATime
from spicebridge.theory import Topology, Trajectory, integrate
from spicebridge.verify.against_theory import Comparison, against_theory, silent
from spicebridge.verify.patches.cover import Patch
from spicebridge.verify.verdict import CONFIRMATION, Outcome, Verdict
from spicebridge.waveforms import Waveforms

SAMPLES = 512
"""Most straight lines of a border potential over the span, …"""
FEWEST = 16
"""… and fewest; so many are taken that the patch departs from the whole by less than a tenth of the tolerance."""
DEPARTURE = 0.1
STEPS_PER_LINE = 4
"""Steps of the coarsest rung in a straight line: every sample is a corner of a source, and a ladder whose steps do not
fit between corners refines nothing."""
TRIES = 3
"""Ladders, each four times finer, before a patch is given up or called wrong."""
THEORY_RTOL = 1e-10
CHUNK = 4_000_000
"""Potentials held at a time while those of the borders are picked."""


@dataclass(frozen=True, kw_only=True)
class PatchResult:
    """What one patch says: E and U of its ladder and D against the whole, dimensionless; the edge that breaks its law,
    else that of the largest error, by its index in the network, -1 where no run was compared; and the patch's size and
    processor time in s."""

    number: int
    outcome: str
    reason: str
    edges: int
    error: float = math.nan
    uncertainty: float = math.nan
    departure: float = math.nan
    edge: int = -1
    seconds: float = 0.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """One patch, ready for another process.

    The networks of `comparison`, theory and circuit, lack what holds the border: edge `ends[k][0]` has to get the
    potential `p` (n_t, n_border) of column `ends[k][1]` with sign `ends[k][2]`. `states` (n_t, n) are those of the
    whole at `t`; `corners` (n_t,) marks breakpoints of sources.
    """

    patch: Patch
    comparison: Comparison
    t: Array
    p: Array
    ends: tuple[tuple[int, int, float], ...]
    states: Array
    corners: BoolArray

    @property
    def tolerance(self) -> float:
        return self.comparison.settings.tolerance

    def held(self, network: Network, stride: int) -> Network:
        """`network` with its border held along straight lines between every `stride`-th sample and the corners."""
        chosen = self.corners.copy()
        chosen[::stride] = chosen[-1] = True
        t = tuple(self.t[chosen].tolist())
        lines = [PWL(t, tuple(column.tolist())) for column in self.p[chosen].T]
        drives = list(network.drives)
        for k, column, sign in self.ends:
            line, own = lines[column].scaled(sign), terms(drives[k])
            drives[k] = Sum((*own, line)) if own else line
        return network.with_drive(drives)


def tasks(asked: Comparison, whole: Trajectory, todo: Sequence[Patch]) -> Iterator[Task]:
    """The patches as networks of their own, made as they are asked for."""
    network, stop = asked.network, whole.stop
    breaks = {c for drive in network.waveforms_of_sources for c in drive.breakpoints(stop)}
    even = np.linspace(0.0, stop, SAMPLES + 1)
    t = np.union1d(even, list(breaks))
    corners = ~np.isin(t, even)
    nodes = _nodes(network, todo)
    edges = np.unique(np.concatenate([patch.edges for patch in todo]))
    p, states = _sampled(network, whole, t, nodes, edges)
    for patch in todo:
        border = np.setdiff1d(_nodes(network, [patch]), patch.inner)
        column = {node: k for k, node in enumerate(border.tolist())}
        ends = tuple(
            (position, column[node], sign)
            for position, k in enumerate(patch.edges.tolist())
            # A source of current does not see what voltage stands in series with it.
            if network.device(k).kind != "CurrentSource"
            for node, sign in ((int(network.tail[k]), 1.0), (int(network.head[k]), -1.0))
            if node in column
        )
        yield Task(
            patch=patch,
            # Nobody hears what is said in another process.
            comparison=replace(
                asked, network=_cut(network, patch), circuit=_cut(asked.tried, patch), stop=float(t[-1]), say=silent
            ),
            t=t,
            p=p[:, np.searchsorted(nodes, border)],
            ends=ends,
            states=states[:, np.searchsorted(edges, patch.edges)],
            corners=corners,
        )


def _nodes(network: Network, patches: Sequence[Patch]) -> IntArray:
    """All nodes of some patches, ascending."""
    edges = np.concatenate([patch.edges for patch in patches])
    return np.asarray(np.union1d(network.tail[edges], network.head[edges]), dtype=np.intp)


def _parts(network: Network, times: int) -> int:
    return max(1, math.ceil(times * network.n_edges / CHUNK))


def _sampled(network: Network, whole: Trajectory, t: Array, nodes: IntArray, edges: IntArray) -> tuple[Array, Array]:
    """Potentials (n_t, n) in V of some nodes (rises v - S added up along the spanning forest), states of some edges."""
    forest = Topology.of(network).forest
    order = np.argsort(forest.depth, kind="stable")
    cuts = np.flatnonzero(np.diff(forest.depth[order])) + 1
    levels = np.split(order, cuts)[1:]
    potentials, states = [], []
    for part in np.array_split(t, _parts(network, t.size)):
        waves = whole.waveforms(part)
        fall = waves.voltage - network.bank(part)
        p = np.zeros((part.size, network.n_nodes))
        for level in levels:
            edge = forest.parent_edge[level]
            # fall = p_tail - p_head
            sign = np.where(network.head[edge] == level, -1.0, 1.0)
            p[:, level] = p[:, forest.parent[level]] + sign * fall[:, edge]
        potentials.append(p[:, nodes])
        states.append(waves.state[:, edges])
    return np.concatenate(potentials), np.concatenate(states)


BORDER = "border"
"""Name of the node that all border nodes of a patch become."""


def _cut(network: Network, patch: Patch) -> Network:
    """The network of a patch, its border one node; inner nodes keep their names."""
    inner = {node: network.nodes[node] for node in patch.inner.tolist()}
    edges = patch.edges
    ends = zip(network.tail[edges].tolist(), network.head[edges].tolist(), strict=True)
    return Network.from_edges(
        [(inner.get(a, BORDER), inner.get(b, BORDER)) for a, b in ends],
        device=[network.device(k) for k in edges.tolist()],
        drive=[network.drives[k] for k in edges.tolist()],
        initial_state=network.initial_state[edges],
        active=np.flatnonzero(network.P[edges] < 0).tolist(),
        polarity=network.J[edges],
    )


def judge_patch(task: Task) -> PatchResult:
    """One patch, in whatever process: its theory against that of the whole, and its circuit against its theory."""
    began = time.process_time()
    patch, asked = task.patch, task.comparison
    counted = np.flatnonzero(np.isin(patch.edges, patch.counted))
    departure = math.nan
    try:
        stride = SAMPLES // FEWEST
        while True:
            theory = task.held(asked.network, stride)
            own = integrate(theory, task.t, rtol=THEORY_RTOL, atol=1e-2 * THEORY_RTOL).state
            departure = float(np.abs(own - task.states)[:, counted].max(initial=0.0))
            # The last stride leaves samples between the corners, on which a departure shows.
            if departure <= DEPARTURE * task.tolerance or stride == 2:
                break
            stride //= 2
        circuit, engine = task.held(asked.tried, stride), OneAtATime(asked.door)
        step = asked.stop * stride / SAMPLES / STEPS_PER_LINE
        for _ in range(TRIES):
            verdict, _ours = against_theory(replace(asked, network=theory, circuit=circuit, engine=engine, step=step))
            outcome, error, reason, edge = _counted(verdict, patch, counted, theory)
            if outcome is Outcome.AGREES or (
                outcome is Outcome.DISAGREES and error > CONFIRMATION * verdict.uncertainty
            ):
                break
            step /= 4.0
    except SpiceBridgeError as trouble:
        return replace(lost_patch(task, str(trouble)), departure=departure)
    return PatchResult(
        number=patch.number,
        outcome=outcome.value,
        reason=reason,
        error=error,
        uncertainty=verdict.uncertainty,
        departure=departure,
        edge=edge,
        edges=int(patch.edges.size),
        seconds=time.process_time() - began,
    )


def lost_patch(task: Task, reason: str) -> PatchResult:
    """A patch that no worker brought back, or that cannot be judged."""
    size, unresolved = int(task.patch.edges.size), Outcome.UNRESOLVED.value
    return PatchResult(number=task.patch.number, outcome=unresolved, reason=reason, edges=size)


def _counted(verdict: Verdict, patch: Patch, counted: IntArray, network: Network) -> tuple[Outcome, float, str, int]:
    """(outcome, E, reason, edge that breaks its law or has the largest error) for the edges that count."""
    if verdict.signal is None or verdict.spice is None or verdict.theory is None:
        return verdict.outcome, verdict.max_error, verdict.reason, -1
    if counted.size == patch.edges.size:
        broken = culprit(network, verdict) if verdict.outcome is Outcome.DISAGREES else None
        place = verdict.signal.index if broken is None else broken
        return verdict.outcome, verdict.max_error, verdict.reason, int(patch.edges[place])
    # Only the middle edge of a sampled patch counts: an error elsewhere in it is another patch's to find.
    errors = {
        name: float(np.abs(getattr(verdict.spice, name) - getattr(verdict.theory, name))[:, counted].max())
        / signal.scale
        for name, signal in verdict.signals.items()
    }
    worst = max(errors, key=lambda name: errors[name] / verdict.signals[name].uncertainty)
    middle = int(patch.edges[counted[0]])
    if verdict.outcome is not Outcome.DISAGREES or errors[worst] > verdict.signals[worst].uncertainty:
        return verdict.outcome, errors[worst], verdict.reason, middle
    reason = f"the middle edge differs by {errors[worst]:.3g}, an edge around it by more"
    return Outcome.AGREES, errors[worst], reason, middle


def culprit(network: Network, verdict: Verdict) -> int | None:
    """Edge (index) of a circuit that disagrees which breaks its own law the most; None where none exceeds U.

    An error of one edge moves its neighbours, and near a held border moves them more than itself. But they obey their
    laws, with the signals of the circuit itself and up to what the same sums give for the theory:

        v - P R(s) i = 0,      s(t) - s(0) - int F(s, v, i) dt = 0
    """
    if verdict.spice is None or verdict.theory is None:
        return None
    ours, theirs = _breaches(network, verdict.theory), _breaches(network, verdict.spice)
    breach = np.zeros(network.n_edges)
    for mine, other, name in zip(ours, theirs, ("voltage", "state"), strict=True):
        scale = verdict.signals[name].scale if name in verdict.signals else 1.0
        breach = np.maximum(breach, np.abs(other - mine).max(axis=0) / scale)
    worst = int(breach.argmax())
    return worst if breach[worst] > verdict.uncertainty else None


def _breaches(network: Network, waves: Waveforms) -> tuple[Array, Array]:
    """Both sums (n_t, n_e), zero for edges that are not v = P R(s) i or have no state."""
    shape = waves.state.shape
    ohm, rate = np.zeros(shape), np.zeros(shape)
    for group in network.groups:
        device, edges = group.device, group.edges
        s, i, v = waves.state[:, edges], waves.current[:, edges], waves.voltage[:, edges]
        P, J = network.P[edges], network.J[edges]
        if device.ohmic and isinstance(device, OhmicDevice):
            ohm[:, edges] = v - P * device.resistance(s) * i
        if device.stateful:
            rate[:, edges] = device.rate(s, v, i, P, J)
    step = np.diff(waves.t)[:, None]
    moved = np.concatenate([np.zeros((1, shape[1])), np.cumsum(0.5 * step * (rate[1:] + rate[:-1]), axis=0)])
    return ohm, np.where(network.stateful, waves.state - waves.state[0] - moved, 0.0)
