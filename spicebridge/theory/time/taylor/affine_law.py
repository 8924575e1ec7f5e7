"""The networks that this integration covers, as six numbers an edge.

v = q i,   q = P (level + slope s),      ds/dt = a s + u(s) (b i + c v),      u = 1, or Joglekar's window

s is free, or held at 0 or 1 by hard bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array, BoolArray, IntArray
from spicebridge.network import Network
from spicebridge.theory.edge_laws import EdgeLaws
from spicebridge.theory.keeping import kept
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
    stateful: BoolArray
    hard: BoolArray
    windows: tuple[tuple[int, IntArray], ...] = ()

    @classmethod
    def of(cls, network: Network) -> AffineLaw | None:
        """The law of a network without windows, or None where an edge has another one."""
        law = cls.with_windows(network)
        return None if law is None or law.windows else law

    @staticmethod
    @kept
    def with_windows(network: Network) -> AffineLaw | None:
        """The law of a network, or None where an edge has another one; kept while the network lives."""
        laws = EdgeLaws.of(network)
        if laws.affine is None:
            return None
        a, b, c = (np.zeros(network.n_edges) for _ in range(3))
        windows: dict[int, list[IntArray]] = {}
        for group in network.groups:
            device, edges = group.device, group.edges
            if not device.stateful:
                continue
            rate = device.linear_rate(network.P[edges], network.J[edges])
            window = device.window
            if rate is None or not (window.hard or isinstance(window, NoWindow | Joglekar)):
                return None
            if isinstance(window, Joglekar):
                windows.setdefault(window.p, []).append(edges)
            a[edges], b[edges], c[edges] = rate
        return AffineLaw(
            level=network.P * laws.affine[0],
            slope=network.P * laws.affine[1],
            a=a,
            b=b,
            c=c if c.any() else None,
            stateful=network.stateful,
            hard=laws.hard,
            windows=tuple((order, np.concatenate(edges)) for order, edges in windows.items()),
        )
