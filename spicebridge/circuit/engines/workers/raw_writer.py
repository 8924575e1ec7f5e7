"""Writes samples as a SPICE raw file, for the workers. Imports nothing of the package.

The workers are started as scripts in a process of their own, where the package need not be importable.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np


def append_plot(path: str, plotname: str, names: Sequence[str], columns: Sequence[np.ndarray]) -> None:
    """One plot: `columns` are arrays (n_t,), real or complex, the first one is the abscissa.

    Raises ValueError if they differ in length.
    """
    lengths = {column.size for column in columns}
    if len(lengths) != 1:
        raise ValueError(f"columns of {plotname} have different lengths {sorted(lengths)}")
    kind = {"t": "time", "v": "voltage", "i": "current"}
    dtype, flags = ("<c16", "complex") if any(map(np.iscomplexobj, columns)) else ("<f8", "real")
    head = ["Title: worker", f"Plotname: {plotname}", f"Flags: {flags}"]
    head += [f"No. Variables: {len(names)}", f"No. Points: {columns[0].size}", "Variables:"]
    head += [f"\t{k}\t{name}\t{kind.get(name[0], 'notype')}" for k, name in enumerate(names)]
    table = np.column_stack(columns).astype(dtype, copy=False)
    with Path(path).open("ab") as file:
        file.write("\n".join([*head, "Binary:", ""]).encode() + table.tobytes())
