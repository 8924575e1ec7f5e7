"""Files of signals over time, whoever wrote them: read by name, in SI units, onto the edges of a network.

`read_table` knows them by their content and suffix; `columns_to_edges` gives every edge its state, current, voltage.
"""

from spicebridge.tables.edges import EdgeSignals, columns_to_edges, edge_number, signals_of
from spicebridge.tables.names import Signal, parse_signal, signal_of
from spicebridge.tables.read import read_table
from spicebridge.tables.table import Table

__all__ = [
    "EdgeSignals",
    "Signal",
    "Table",
    "columns_to_edges",
    "edge_number",
    "parse_signal",
    "read_table",
    "signal_of",
    "signals_of",
]
