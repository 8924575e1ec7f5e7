"""The networks that this integration covers, as six numbers an edge.

v = q i,   q = P (level + slope s),      ds/dt = a s + u(s) (b i + c v),      u = 1, or Joglekar's window

s is free, or held at 0 or 1 by hard bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spicebridge.arrays import Array, IntArray
from spicebridge.laws.base import imposes
from spicebridge.network import Network
from spicebridge.windows import Joglekar, NoWindow


@dataclass(frozen=True, eq=False, kw_only=True)
class AffineLaw:
    """Coefficients of the law of every edge, (n_e,) each; `level` and `slope` carry the sign P, in ohm.

    `c` is None where no edge's rate needs its drop. `stateful` and `hard` (n_e,) mark edges with a state and with
    hard bounds; `windows` are the edges of every order p of Joglekar's window.
    """

    level: Array
    slope: Array
    a: Array
    b: Array
    c: Array | None
    stateful: NDArray[np.bool_]
    hard: NDArray[np.bool_]
    windows: tuple[tuple[int, IntArray], ...] = ()

    @classmethod
    def of(cls, network: Network) -> AffineLaw | None:
        """The law of a network without windows, or None where an edge has another one."""
        law = cls.with_windows(network)
        return None if law is None or law.windows else law

    @classmethod
    def with_windows(cls, network: Network) -> AffineLaw | None:
        """The law of a network, or None where an edge has another one; kept while the network lives."""
        if network not in _KNOWN:
            _KNOWN[network] = cls._read(network)
        return _KNOWN[network]

    @classmethod
    def _read(cls, network: Network) -> AffineLaw | None:
        n = network.n_edges
        level, slope, a, b, c = (np.zeros(n) for _ in range(5))
        hard = np.zeros(n, dtype=bool)
        windows: dict[int, list[IntArray]] = {}
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
            window = device.window
            if rate is None or not (window.hard or isinstance(window, NoWindow | Joglekar)):
                return None
            if isinstance(window, Joglekar):
                windows.setdefault(window.p, []).append(edges)
            a[edges], b[edges], c[edges] = rate
            hard[edges] = device.window.hard
        found = tuple((order, np.concatenate(edges)) for order, edges in windows.items())
        return cls(
            level=level,
            slope=slope,
            a=a,
            b=b,
            c=c if c.any() else None,
            stateful=network.stateful,
            hard=hard,
            windows=found,
        )


_KNOWN: WeakKeyDictionary[Network, AffineLaw | None] = WeakKeyDictionary()
