"""Which circuit was measured: the case as it is, or the scaled and regauged one of a kit."""

from __future__ import annotations

import json
from pathlib import Path

from spicebridge.case import Case
from spicebridge.devices import LinearMemristor, Resistor
from spicebridge.lab.bench import LabError
from spicebridge.lab.kit import FORMAT, KIT
from spicebridge.lab.scaling import Scaling
from spicebridge.lab.sources import choose_gauge
from spicebridge.network import Network


def as_given(case: Case) -> tuple[Network, float, int]:
    """Network, stop (s) and ground node of the unscaled case; ground is the first node."""
    if not case.network.is_graph:
        raise LabError("a loop matrix has no nodes to measure; give a graph")
    for k, law in enumerate(case.network.devices()):
        if not isinstance(law, LinearMemristor | Resistor):
            raise LabError(f"{case.network.edge_name(k)}: a {law.kind} cannot be compared; LinearMemristor and Resistor can")
    return case.network, case.stop, 0


def as_built(case: Case, folder: str | Path) -> tuple[Network, float, int]:
    """Network, stop (s) and ground node of the kit in `folder`. Raises `LabError` if it is of another case."""
    path = Path(folder) / KIT
    try:
        kit = json.loads(path.read_text(encoding="utf-8"))
        scaling = Scaling(**kit["scaling"])
        known = kit["format"] == FORMAT, kit["chords"], kit["ground"]
    except (OSError, ValueError, KeyError, TypeError):
        raise LabError(f"{path}: not a kit; write one with spicebridge lab") from None
    gauge = choose_gauge(case.network, case.stop)
    if known != (True, list(gauge.chords), gauge.ground):
        raise LabError(f"{path}: the kit is of another case or version; write it again")
    return scaling.network(gauge.network), case.stop * scaling.time, gauge.ground
