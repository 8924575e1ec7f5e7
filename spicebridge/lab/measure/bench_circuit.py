"""Which circuit was measured: the case as it is, or the scaled and regauged one of a kit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from spicebridge.case.case import Case
from spicebridge.lab.design.builds import error_limits
from spicebridge.lab.design.equipment import Equipment, LabError
from spicebridge.lab.design.laws import check_laws
from spicebridge.lab.design.scaling import Scaling
from spicebridge.lab.design.sources import choose_gauge
from spicebridge.lab.kit.kit import FORMAT, KIT, digest
from spicebridge.lab.measure.circuit_under_test import PARTS, CircuitUnderTest
from spicebridge.lab.measure.discrepancy import Discrepancy


def as_given(case: Case, parts: float | None = None) -> CircuitUnderTest:
    """The unscaled case; ground is the first node."""
    if not case.network.is_graph:
        raise LabError("a loop matrix has no nodes to measure; give a graph")
    check_laws(case.network)
    return CircuitUnderTest.of(case.network, case.stop, parts=PARTS if parts is None else parts)


def as_built(case: Case, folder: str | Path, parts: float | None = None) -> CircuitUnderTest:
    """The circuit of the kit in `folder`. Raises `LabError` if it is of another case."""
    path = Path(folder) / KIT
    try:
        kit = json.loads(path.read_text(encoding="utf-8"))
        scaling = Scaling(**kit["scaling"])
        bench = Equipment(**kit["bench"]).tightened(kit["precision_factor"])
        discrepancy = Discrepancy.from_record(kit["built_minus_ideal"])
        known = kit["format"] == FORMAT, kit["digest"], kit["chords"], kit["ground"]
    except (OSError, ValueError, KeyError, TypeError):
        raise LabError(f"{path}: not a kit; write one with spicebridge lab") from None
    gauge = choose_gauge(case.network, case.stop, bench)
    if known != (True, digest(case), list(gauge.chords), gauge.ground):
        raise LabError(f"{path}: the kit is of another case or version; write it again")
    network = scaling.network(gauge.network)
    limits = error_limits(network, bench, gauge.driven)
    if parts is not None:
        limits = (np.full(network.n_edges, parts), *limits[1:])
    return CircuitUnderTest(network, case.stop * scaling.time, gauge.ground, limits, discrepancy)
