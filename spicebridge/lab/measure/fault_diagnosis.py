"""What one change beyond the stated limits would explain a disagreement: a part, a flip, a channel, its sign, the
clock.

It says where to look first; and where one change explains much better than nuisances of the instrument, these do not
excuse the measurement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.reactances import memristive, quantity
from spicebridge.lab.measure.calibration import Calibration, Curve, Estimate, ForwardModel, bounded
from spicebridge.network import Network

WRONG_PART = 0.75
"""Largest relative error of a resistance that is looked for."""
CURVED = 0.1
"""Relative error of a part from which it is fitted along its curve."""
WRONG_CLOCK = 0.05
WRONG_GAIN = 0.5
EXPLAINS = 1.5
"""A change explains what is left within this many bars; it is found by a straight line through a curved law."""
BETTER = 4.0
"""Ratio of sums of squares from which one change explains better than nuisances do."""


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """One change: its sum of squares `cost` and largest residual `left`, in bars, `words`, and the `edge` of a part
    that is `value` off."""

    cost: float
    left: float
    words: str
    edge: int | None = None
    value: float = 0.0


def diagnose(fit: Calibration, point: Estimate, nuisance: float = math.inf) -> tuple[str, ...]:
    """Sentences, the best explanation first; empty when no single change explains the measurement, or none better than
    nuisances of the instrument do, which leave the sum of squares `nuisance` (bars)."""
    found = sorted((x for x in alternatives(fit, point) if x.cost < nuisance), key=lambda x: (x.left, x.words))
    near = [_along_its_curve(fit, point, x) for x in found if x.left <= EXPLAINS]
    if not near:
        far = min((x for x in found if x.edge is not None), key=lambda x: x.cost, default=None)
        tried = [*([] if far is None else [_refitted(fit, point, far)]), *_turned(fit)]
        near = sorted((x for x in tried if x.left <= EXPLAINS), key=lambda x: (x.left, x.words))
    return tuple(x.words for x in near)


def _along_its_curve(fit: Calibration, point: Estimate, straight: Alternative) -> Alternative:
    """The same, fitted anew where it is a part so far off that a straight line misleads about its value."""
    if straight.edge is None or abs(straight.value) < CURVED:
        return straight
    curved = _refitted(fit, point, straight)
    return curved if curved.left <= straight.left or curved.left <= 1.0 else straight


def _refitted(fit: Calibration, point: Estimate, far: Alternative) -> Alternative:
    """The change of the part of `far`, along its curve: a fit in which that part alone may be `WRONG_PART` off."""
    old, k = fit.model, far.edge
    assert k is not None
    circuit, column = old.circuit, old.picks.index((0, k))
    rho = circuit.limits[0].copy()
    rho[k] = WRONG_PART
    model = ForwardModel(replace(circuit, limits=(rho, *circuit.limits[1:])), old.signals)
    theta = point.theta.copy()
    theta[column] *= old.limit[column] / WRONG_PART
    wide = Calibration(model, fit.data, fit.tool, fit.nuisances)
    start = wide.point(theta, point.gain, point.offset, point.t0, point.clock, nuisance=point.nuisance)
    best = wide.descend(start)
    value = 100.0 * WRONG_PART * float(best.theta[column])
    return Alternative(
        cost=best.cost,
        left=float(np.abs(best.residual).max()),
        words=_part_words(circuit.network, k).format(f"{value:+.3g} %"),
        edge=k,
    )


def _turned(fit: Calibration) -> list[Alternative]:
    """Every channel with the other sign, fitted anew."""
    found = []
    for j, c in enumerate(fit.data):
        data = [replace(x, y=-x.y, mean=-x.mean) if k == j else x for k, x in enumerate(fit.data)]
        best = Calibration(fit.model, data, fit.tool).solve()
        left = float(np.abs(best.residual).max())
        found.append(Alternative(cost=best.cost, left=left, words=f"the probe of {c.column} the wrong way round"))
    return found


def _part_words(network: Network, k: int) -> str:
    what = quantity(network, k)
    return f"{'an' if what == 'inductance' else 'a'} {what} of {network.edge_name(k)} that is {{}} off"


def beaten(found: Estimate, fit: Calibration, point: Estimate) -> bool:
    """Whether one change beyond the limits explains so much better than the nuisances of `found` what `point` leaves
    that these, with their many unknowns, only imitate it."""
    return any(x.left <= EXPLAINS and BETTER * x.cost < found.cost for x in alternatives(fit, point))


def alternatives(fit: Calibration, point: Estimate) -> list[Alternative]:
    """Every single change, each with calibration and parts moved along within their limits."""
    network, n_p, n_c = fit.model.circuit.network, point.theta.size, len(fit.data)
    matrix = fit.matrix(point)
    _, low, high = fit.room(point)
    found: list[Alternative] = []

    def trial(
        column: Array, reach: float, words: str, now: float, unit: str, scale: float, edge: int | None = None
    ) -> None:
        wide = np.column_stack([matrix, column])
        y = bounded(wide, point.residual, np.array([*low, -reach]), np.array([*high, reach]))
        value = float(now + y[-1])
        found.append(_left(point.residual - wide @ y, words.format(f"{scale * value:+.3g}{unit}"), edge, value))

    for column, (kind, k) in enumerate(fit.model.picks):
        if kind == 0:
            limit = fit.model.limit[column]
            now = float(point.theta[column]) * limit
            trial(matrix[:, column] / limit, WRONG_PART, _part_words(network, k), now, " %", 100.0, k)
    for j, c in enumerate(fit.data):
        if fit.tool.shift(c.range):
            now = fit.tool.shift(c.range) * float(point.offset[j])
            words = f"an offset of {{}} on {c.column} (AC coupling? --offset states a wider limit)"
            column_ = matrix[:, n_p + n_c + j] / fit.tool.shift(c.range)
            trial(column_, 2.0 * c.range, words, now, "", 1.0)
        if fit.tool.gain:
            words = f"a gain of {c.column} that is {{}} off (--gain states a wider limit)"
            now = fit.tool.gain * float(point.gain[j])
            trial(matrix[:, n_p + j] / fit.tool.gain, WRONG_GAIN, words, now, " %", 100.0)
    words = "a time base that is {} off (--clock states a wider limit)"
    trial(matrix[:, -1], WRONG_CLOCK, words, point.clock, " ppm", 1e6)
    return found + _flips(fit, point, matrix, low, high)


def _left(residual: Array, words: str, edge: int | None = None, value: float = 0.0) -> Alternative:
    return Alternative(
        cost=float((residual**2).sum()), left=float(np.abs(residual).max()), words=words, edge=edge, value=value
    )


def _flips(fit: Calibration, point: Estimate, matrix: Array, low: Array, high: Array) -> list[Alternative]:
    network = fit.model.circuit.network
    edges = np.flatnonzero(memristive(network))
    if not edges.size:
        return []
    flipped = np.ones((edges.size, network.n_edges))
    flipped[np.arange(edges.size), edges] = -1.0
    change = fit.model.changes(point.theta, np.zeros_like(flipped), flipped)
    blocks = block_changes(fit, point, change)
    found = []
    for column, k in enumerate(edges.tolist()):
        target = point.residual - blocks[:, column] / fit.bar
        residual = target - matrix @ bounded(matrix, target, low, high)
        found.append(_left(residual, f"the memristor of {network.edge_name(k)} the wrong way round"))
    return found


def block_changes(fit: Calibration, point: Estimate, change: Curve) -> Array:
    """Block means (n, n_b) of the changes that `ForwardModel.changes` gives."""
    parts = []
    for j, c in enumerate(fit.data):
        u = fit.time(c, point.t0, point.clock)
        parts.append(c.blocks(change(u)[..., j]))
    return np.concatenate(parts)
