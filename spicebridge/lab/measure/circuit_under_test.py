"""What `compare` knows about the circuit it judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.case.case import Case
from spicebridge.lab.design.builds import KINDS
from spicebridge.lab.design.equipment import LabError
from spicebridge.lab.design.laws import check_laws
from spicebridge.lab.measure.discrepancy import Discrepancy
from spicebridge.network import Network
from spicebridge.theory.results.stability import require_regular

PARTS = 2e-3
"""Tolerance of every resistance when neither a kit nor the user states one."""


@dataclass(frozen=True, eq=False, kw_only=True)
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
    def of(cls, network: Network, stop: float, *, parts: float | None = None) -> CircuitUnderTest:
        """A circuit of which only the tolerance `parts` of its resistances is known; its ground is the first node."""
        zero = np.zeros(network.n_edges)
        limits = (zero + (PARTS if parts is None else parts), *(zero for _ in KINDS[1:]))
        return cls(network=network, stop=stop, ground=0, limits=limits)


def as_given(case: Case, parts: float | None = None) -> CircuitUnderTest:
    """The unscaled case.

    Raises `LabError` for a loop matrix and for laws without R(s), `ScreenError` where the currents are undetermined.
    """
    if not case.network.is_graph:
        raise LabError("a loop matrix has no nodes to measure; give a graph")
    check_laws(case.network)
    require_regular(case.network, case.network.initial_state)
    return CircuitUnderTest.of(case.network, case.stop, parts=parts)
