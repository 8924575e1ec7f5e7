"""What `compare` knows about the circuit it judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.builds import KINDS
from spicebridge.lab.measure.discrepancy import Discrepancy
from spicebridge.network import Network

PARTS = 2e-3
"""Tolerance of every resistance when neither a kit nor the user states one."""


@dataclass(frozen=True, eq=False)
class CircuitUnderTest:
    """`network` over 0 … `stop` (s), node voltages against `ground`, in the units of the measurement.

    `limits` (n_e,) each: how far parts may be off, in the order of `builds.KINDS`. `discrepancy`: by how much the
    circuit as built differs from the equations besides (None: not known).
    """

    network: Network
    stop: float
    ground: int
    limits: tuple[Array, ...]
    discrepancy: Discrepancy | None = None

    @classmethod
    def of(cls, network: Network, stop: float, *, ground: int = 0, parts: float = PARTS) -> CircuitUnderTest:
        """A circuit of which only the tolerance `parts` of its resistances is known."""
        zero = np.zeros(network.n_edges)
        return cls(network, stop, ground, (zero + parts, *(zero for _ in KINDS[1:])))
