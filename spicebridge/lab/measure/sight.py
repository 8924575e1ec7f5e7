"""What a measurement would show of one wrong part, in all channels together.

d_k (n,) is what a change of part k does to the block means, in bars, and e_k what is left of it when calibration and
parts move within twice their limits (K, convex). With the residual r of the fit and W the bars' shares,

    a_k = <e_k, r>/<e_k, e_k>,   u_k = (z |e_k s| + <|e_k|, q>)/<e_k, e_k>

z: of the false alarms that all changes together may raise; s: standard deviation of the noise of a block mean, q: what
does not average, both in bars. A right circuit leaves |a_k| <= u_k but for false alarms, because the fit makes r
orthogonal to what moves. A circuit with the change leaves a_k >= 1 less noise: r = d - y with y in K, and <d - P d, P d
- y> >= 0 by the projection theorem. So |a_k| > u_k is a disagreement, and part k is seen when 2 u_k < 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.lab.design.reactances import memristive
from spicebridge.lab.measure.calibration import Calibration, Curve, Estimate, bounded
from spicebridge.lab.measure.channels import quantile
from spicebridge.lab.measure.fault_diagnosis import block_changes

BOTH_ENDS = 2.0
"""A wrong part may be met by calibration from one limit to the other: twice its half-width."""
CLEAR = 2.0
"""A change counts as seen when it stands out by so many bars, so that noise cannot hide it."""

LARGEST = 1.5
"""No nuisance of any channel is taken for larger than so many times the largest that was found."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Changes one at a time: +`resolve` of every resistance, then -`resolve`, then every memristor turned round.

    `curves` is the spline that `ForwardModel.changes` gives, `memory` the edges of the memristors.
    """

    resolve: float
    n_edges: int
    memory: NDArray[np.intp]
    curves: Curve

    @classmethod
    def of(cls, fit: Calibration, point: Estimate, resolve: float) -> Changes:
        """Around the circuit that fits best."""
        network = fit.model.circuit.network
        n_e, memory = network.n_edges, np.flatnonzero(memristive(network))
        resistance = np.vstack([resolve * np.eye(n_e), -resolve * np.eye(n_e), np.zeros((memory.size, n_e))])
        flipped = np.ones_like(resistance)
        flipped[2 * n_e + np.arange(memory.size), memory] = -1.0
        return cls(resolve, n_e, memory, fit.model.changes(point.theta, resistance, flipped))


@dataclass(frozen=True, eq=False)
class Sight:
    """`share` a_k and `bar` u_k of the module, and `seen`, of the columns of `changes`."""

    changes: Changes
    share: Array
    bar: Array
    seen: NDArray[np.bool_]

    @property
    def blind(self) -> tuple[int, ...]:
        """Edges whose resistance could be off unseen, in one direction or both."""
        n = self.changes.n_edges
        return tuple(k for k in range(n) if not (self.seen[k] and self.seen[n + k]))

    @property
    def unsigned(self) -> tuple[int, ...]:
        """Edges whose memristor could be turned round unseen."""
        turned = self.seen[2 * self.changes.n_edges :]
        return tuple(k for j, k in enumerate(self.changes.memory.tolist()) if not turned[j])

    @property
    def worst(self) -> int:
        """The change that the residual shows most clearly."""
        return int(np.argmax(np.abs(self.share) / self.bar))

    @property
    def clear(self) -> bool:
        """Whether the residual shows none of the changes."""
        return bool((np.abs(self.share) <= self.bar).all())


def sight(fit: Calibration, point: Estimate, changes: Changes) -> Sight:
    """What the measurement says about every one of the changes."""
    targets = block_changes(fit, point, changes.curves) / fit.bar[:, None]
    matrix = fit.matrix(point)
    reach = np.full(matrix.shape[1], BOTH_ENDS)
    reach[-2:] = 2.0 * fit.reach, 2.0 * fit.tool.clock
    reach = np.where(np.abs(matrix).max(axis=0) > 0, reach, 0.0)
    low, high = -reach, reach.copy()
    # The data determine nuisances: what was found may be the part's doing, but none is much larger than the largest
    # found.
    taken = slice(matrix.shape[1] - 2 - point.nuisance.size, matrix.shape[1] - 2)
    most = min(LARGEST * float(np.abs(point.nuisance).max(initial=0.0)), 1.0)
    low[taken], high[taken] = -most - point.nuisance, most - point.nuisance
    left = np.column_stack([x - matrix @ bounded(matrix, x, low, high) for x in targets.T])
    square = np.maximum((left**2).sum(axis=0), 1e-30)
    random = np.concatenate([c.random for c in fit.data])
    spread = np.concatenate([_together(fit, point, j) * c.random for j, c in enumerate(fit.data)])
    # The bars of `random` are for as many blocks as there are, these for as many changes.
    fewer = min(quantile(left.shape[1]) / quantile(random.size), 1.0)
    noise = fewer * np.sqrt(((left * (spread / fit.bar)[:, None]) ** 2).sum(axis=0))
    fixed = np.abs(left).T @ (1.0 - random / fit.bar)
    bar = (noise + fixed) / square
    share = left.T @ point.residual / square
    return Sight(changes, share, bar, (np.abs(left).max(axis=0) > CLEAR) | (CLEAR * bar < 1.0))


def _together(fit: Calibration, point: Estimate, j: int) -> float:
    """Growth of a sum of block means by what neighbours have in common, where noise is correlated."""
    if fit.data[j].colour <= 1.0:
        return 1.0
    r = fit.split(point.residual)[j]
    common = float(r[1:] @ r[:-1]) / max(float(r @ r), 1e-300)
    return float(np.sqrt(1.0 + 2.0 * max(common, 0.0)))
