"""The networks that this integration covers, as six numbers an edge.

v = q i,   q = P (level + slope s),      ds/dt = a s + b i + c v,      s free or held at 0 or 1
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array
from spicebridge.laws.base import imposes
from spicebridge.network import Network
from spicebridge.windows import NoWindow


@dataclass(frozen=True, eq=False)
class AffineLaw:
    """Coefficients of the law of every edge, (n_e,) each; `level` and `slope` carry the sign P, in ohm.

    `c` is None where no edge's rate needs its drop. `stateful` and `hard` (n_e,) mark edges with a state and with
    hard bounds.
    """

    level: Array
    slope: Array
    a: Array
    b: Array
    c: Array | None
    stateful: NDArray[np.bool_]
    hard: NDArray[np.bool_]

    @classmethod
    def of(cls, network: Network) -> AffineLaw | None:
        """The law of a network, or None where an edge has another one; kept while the network lives."""
        if network not in _KNOWN:
            _KNOWN[network] = cls._read(network)
        return _KNOWN[network]

    @classmethod
    def _read(cls, network: Network) -> AffineLaw | None:
        n = network.n_edges
        level, slope, a, b, c = (np.zeros(n) for _ in range(5))
        hard = np.zeros(n, dtype=bool)
        for group in network.groups:
            device, edges = group.device, group.edges
            P, J = network.P[edges], network.J[edges]
            resistance = None if imposes(device) else device.affine()
            if resistance is None:
                return None
            level[edges], slope[edges] = P * resistance[0], P * resistance[1]
            if not device.stateful:
                continue
            rate = device.linear_rate(P, J)
            if rate is None or not (device.window.hard or isinstance(device.window, NoWindow)):
                return None
            a[edges], b[edges], c[edges] = rate
            hard[edges] = device.window.hard
        return cls(level, slope, a, b, c if c.any() else None, network.stateful, hard)


_KNOWN: WeakKeyDictionary[Network, AffineLaw | None] = WeakKeyDictionary()
