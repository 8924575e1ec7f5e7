"""The crossbar: its order of edges, its limit of ideal wires, and what counts are none."""

from __future__ import annotations

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.errors import NetworkError

DEVICE = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.0, 0.1)
DRIVES = [sb.Sine(1.0, 5.0), None, 0.3]


def test_edges_come_in_the_stated_order() -> None:
    network = sb.crossbar(3, 4, device=DEVICE, drive=DRIVES, line=2.5, driver=50.0, sense=20.0, capacitance=1e-9)
    kinds = [device.kind for device in network.devices()]
    lines, ends = 3 * 3 + 4 * 2, 3 + 4
    assert kinds == ["LinearMemristor"] * 12 + ["Resistor"] * (lines + ends) + ["Capacitor"] * 24
    assert network.edge_labels[:2] == ("row 0.0-column 0.0", "row 0.1-column 0.1")
    assert network.edge_labels[12 + lines] == "ground-row 0.0"
    assert [k for k, drive in enumerate(network.drives) if drive is not None] == [12 + lines, 12 + lines + 2]


def test_ideal_wires_are_the_limit_of_short_lines_to_first_order() -> None:
    """Complete bipartite graph with one node a wire: the difference falls with the line resistance."""
    rows, columns = 3, 2
    t = np.linspace(0.0, 0.2, 21)
    edges = [(f"r{i}", f"c{j}") for i in range(rows) for j in range(columns)]
    edges += [("g", f"r{i}") for i in range(rows)] + [(f"c{j}", "g") for j in range(columns)]
    ideal = sb.Network.from_edges(
        edges,
        device=[DEVICE] * 6 + [sb.Resistor(50.0)] * 5,
        drive={6: DRIVES[0], 8: DRIVES[2]},
        initial_state=[0.4] * 6 + [0.0] * 5,
    )
    reference = sb.integrate(ideal, t).state[:, :6]
    errors = []
    for line in (1.0, 0.1, 0.01):
        network = sb.crossbar(
            rows, columns, device=DEVICE, drive=DRIVES, line=line, driver=50.0, sense=50.0, initial_state=0.4
        )
        errors.append(float(np.abs(sb.integrate(network, t).state[:, :6] - reference).max()))
    assert errors[0] > 1e-4
    np.testing.assert_allclose(np.array(errors[1:]) / errors[:-1], 0.1, rtol=0.05)


def test_inductive_lines_and_node_capacitors_agree_with_the_circuit() -> None:
    network = sb.crossbar(
        2, 2, device=DEVICE, drive=[sb.Sine(1.0, 5.0), None], line=sb.Inductor(2.0), driver=50.0, sense=50.0,
        capacitance=2e-4, initial_state=0.4,
    )  # fmt: skip
    verdict = sb.validate(network, [0.0, 0.2], tolerance=1e-3)
    assert verdict.agrees, verdict.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows = 0"),
        ({"columns": 1.5}, "columns = 1.5"),
        ({"drive": [1.0]}, "1 drives for 2 rows"),
        ({"initial_state": [0.1, 0.2]}, "4 numbers"),
    ],
)
def test_misuse_is_refused(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"rows": 2, "columns": 2, "device": DEVICE, "drive": 1.0, **arguments}
    with pytest.raises(NetworkError, match=message):
        sb.crossbar(given.pop("rows"), given.pop("columns"), **given)  # type: ignore[arg-type]
