"""Columns of a table -> signals of every edge of a network, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import TableError, nearest
from spicebridge.network import Graph, Network
from spicebridge.tables.names import SIGNALS, Signal, parse_signal, signal_of
from spicebridge.tables.table import Table

MOST_NAMED = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class EdgeSignals:
    """`state`, `current`, `voltage` (n_t, n_e) at `t` (s), in the order of `labels`; NaN for a signal of no column.

    `units` (n_e,) are those of the states; `unused` are the columns that mean no signal of an edge.
    """

    t: Array
    labels: tuple[str, ...]
    state: Array
    current: Array
    voltage: Array
    units: tuple[str, ...]
    unused: tuple[str, ...] = ()


def edge_number(name: str, labels: Sequence[str], network: Network | None = None) -> int:
    """The index of an edge called by its label or its index. Raises `TableError`."""
    if name in labels:
        return labels.index(name)
    if name.isdigit():
        if int(name) < len(labels):
            return int(name)
        raise TableError(f"edge {name} does not exist; edges are numbered 0 to {len(labels) - 1}")
    parallel = [label for label in labels if label.startswith(f"{name}#")]
    if parallel:
        raise TableError(f"edge {name!r} stands for parallel edges; name one of {', '.join(parallel)}")
    if network is not None and isinstance(network.structure, Graph):
        plain = [f"{a}-{b}" for a, b in network.structure.pairs]
        turned = [k for k, (a, b) in enumerate(network.structure.pairs) if f"{b}-{a}" == name]
        if name in plain:
            return plain.index(name)
        if turned:
            raise TableError(
                f"edge {name!r} does not exist, but edge {labels[turned[0]]!r} goes the other way: map the column to "
                "it, currents and voltages with *-1"
            )
    known = ", ".join(labels[:MOST_NAMED]) + (", …" if len(labels) > MOST_NAMED else "")
    raise TableError(f"edge {name!r} does not exist{nearest(name, labels)}; there are {known}, or use the index")


def signals_of(table: Table, mapping: Mapping[str, str] | None) -> dict[str, Signal]:
    """Column -> signal: by `mapping` {column: signal}, and columns that are named after a signal of an edge."""
    chosen: dict[str, Signal] = {}
    for name, text in (mapping or {}).items():
        column = table.find(name)
        if column in chosen:
            raise TableError(f"{table.source}: column {column!r} is mapped twice")
        chosen[column] = parse_signal(text)
    for column in table.columns:
        found = signal_of(column)
        if column not in chosen and found is not None:
            chosen[column] = found
    return chosen


def columns_to_edges(
    table: Table, network: Network | None = None, mapping: Mapping[str, str] | None = None
) -> EdgeSignals:
    """The signals of every edge from columns that are named after them, or mapped to them.

    Parameters
    ----------
    table
        What `read_table` gave.
    network
        Its edges give the order, and every one that has a state must have it here where any has; None takes the edges
        that the columns name, in their order.
    mapping
        {column: signal}, such as ``{"V(x1)": "w[0-1]", "CH2": "current[3]*-82.5"}``; the column is divided by the
        factor. Columns that are named after a signal need no entry.

    Raises
    ------
    TableError
        For a column or edge that does not exist, an edge named twice, a missing edge, or no signal at all.
    """
    signals = {c: s for c, s in signals_of(table, mapping).items() if s.kind in SIGNALS}
    if not signals:
        known, first = ", ".join(table.columns), next(iter(table.columns))
        raise TableError(
            f"{table.source}: no column of {known} is named after a signal of an edge (state[edge], current[edge], "
            f"voltage[edge]); say which is which with a map such as {{{first!r}: 'state[0]'}}, on the command line "
            f"--map '{first}=state[0]'"
        )
    labels = network.edge_labels if network is not None else tuple(dict.fromkeys(s.name for s in signals.values()))
    n_e = len(labels)
    values = {name: np.full((table.t.size, n_e), np.nan) for name in SIGNALS.values()}
    source: dict[tuple[str, int], str] = {}
    units = list(network.state_units) if network is not None else ["1"] * n_e
    for column, signal in signals.items():
        try:
            k = edge_number(signal.name, labels, network)
        except TableError as error:
            raise TableError(f"{table.source}: column {column!r}: {error}") from None
        if (signal.kind, k) in source:
            raise TableError(f"{table.source}: {source[signal.kind, k]!r} and {column!r} are one signal; leave one out")
        source[signal.kind, k] = column
        values[SIGNALS[signal.kind]][:, k] = table.columns[column] / signal.factor
        if signal.kind == "w" and network is None and table.units.get(column):
            units[k] = str(table.units[column])
    _complete(table, labels, source, network)
    if network is not None and any(kind == "w" for kind, _ in source):
        values["state"][:, ~network.stateful] = 0.0
    unused = tuple(column for column in table.columns if column not in signals)
    return EdgeSignals(t=table.t, labels=labels, units=tuple(units), unused=unused, **values)


def _complete(
    table: Table, labels: Sequence[str], found: Mapping[tuple[str, int], str], network: Network | None
) -> None:
    for kind, signal in SIGNALS.items():
        have = {k for other, k in found if other == kind}
        needed = set(range(len(labels)))
        if kind == "w" and network is not None:
            needed &= set(np.flatnonzero(network.stateful).tolist())
        missing = sorted(needed - have)
        if have and missing:
            named = ", ".join(labels[k] for k in missing[:MOST_NAMED]) + (", …" if len(missing) > MOST_NAMED else "")
            raise TableError(
                f"{table.source}: {signal} of edge {named} is missing; give every edge or none, or map a column to it"
            )
