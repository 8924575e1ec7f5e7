"""Crossbars with real lines: memristors where row wires cross column wires, line elements between the crossings.

    row i     source, driver -- crossing (i, 0) -- line -- crossing (i, 1) …
    column j  crossing (0, j) -- line -- … -- crossing (rows - 1, j) -- sense resistor -- ground

Each wire has one node per crossing. Row i is driven through the resistor `driver` by a source to ground; a column ends
in the resistor `sense`. A line is a resistor, an inductor, or with `capacitance` loaded at every node to ground.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.errors import NetworkError
from spicebridge.laws.base import Device, take
from spicebridge.laws.plain import Capacitor, Resistor
from spicebridge.network import Network
from spicebridge.network.entries import Source

GROUND = "ground"


def crossbar(
    rows: int,
    columns: int,
    *,
    device: Device,
    drive: Source | Sequence[Source],
    line: Device | float = 1.0,
    driver: float = 1.0,
    sense: float = 1.0,
    capacitance: float | None = None,
    initial_state: ArrayLike = 0.0,
    title: str = "",
) -> Network:
    """Return a crossbar of `rows` by `columns` memristors; edge i columns + j is the one at crossing (i, j).

    Parameters
    ----------
    rows, columns : int
        At least one of each.
    device : Device
        One law for all crossings; its parameters scalars or (rows columns,).
    drive : drive or list of drives
        In V, one for all rows or one per row (None: the row is held at 0 V through its driver).
    line : Device or float
        The element between two crossings of a wire, a number is ohm.
    driver, sense : float
        In ohm.
    capacitance : float, optional
        In F from every node of a wire to ground; none by default.
    title : str
        Of the network, in pages.
    initial_state : float or (rows columns,)
        Of the memristors; lines start at zero current and voltage.

    Returns
    -------
    Network
        Edges in this order: memristors, row lines, column lines, drivers, senses, capacitors. Nodes are
        ``"row i.j"``, ``"column i.j"`` and ``"ground"``.

    Raises
    ------
    NetworkError, DeviceError
        For counts that are none and elements that do not fit.
    """
    for name, count in (("rows", rows), ("columns", columns)):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise NetworkError(f"crossbar: {name} = {count!r} must be a whole number of at least 1")
    n = int(rows) * int(columns)
    wire = line if isinstance(line, Device) else Resistor(line)  # type: ignore[arg-type]
    row = [[f"row {i}.{j}" for j in range(columns)] for i in range(rows)]
    column = [[f"column {i}.{j}" for j in range(columns)] for i in range(rows)]
    edges = [(row[i][j], column[i][j]) for i in range(rows) for j in range(columns)]
    laws: list[Device] = [take(device, k) for k in range(n)]
    lines = [(row[i][j], row[i][j + 1]) for i in range(rows) for j in range(columns - 1)]
    lines += [(column[i][j], column[i + 1][j]) for j in range(columns) for i in range(rows - 1)]
    edges += lines
    laws += [wire] * len(lines)
    first = len(edges)
    edges += [(GROUND, row[i][0]) for i in range(rows)] + [(column[rows - 1][j], GROUND) for j in range(columns)]
    laws += [Resistor(driver)] * rows + [Resistor(sense)] * columns  # type: ignore[arg-type]
    if capacitance is not None:
        nodes = [node for part in (*row, *column) for node in part]
        edges += [(node, GROUND) for node in nodes]
        laws += [Capacitor(capacitance)] * len(nodes)  # type: ignore[arg-type]
    state = np.zeros(len(edges))
    try:
        state[:n] = initial_state
    except (TypeError, ValueError):
        raise NetworkError(f"crossbar: initial_state must be a number or {n} numbers, one per crossing") from None
    levels = list(drive) if isinstance(drive, (Sequence, np.ndarray)) else [drive] * rows
    if len(levels) != rows:
        raise NetworkError(f"crossbar: {len(levels)} drives for {rows} rows; give one for all or one per row")
    sources = {first + i: level for i, level in enumerate(levels) if level is not None}
    return Network.from_edges(
        edges, device=laws, drive=sources, initial_state=state, title=title or f"crossbar of {rows} by {columns}"
    )
