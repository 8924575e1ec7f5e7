"""The public names of this package, each with the module it is loaded from on first use."""

from .edges import EdgeSignals as EdgeSignals
from .edges import columns_to_edges as columns_to_edges
from .edges import edge_number as edge_number
from .edges import signals_of as signals_of
from .file_formats import read_table as read_table
from .names import Signal as Signal
from .names import parse_signal as parse_signal
from .names import signal_of as signal_of
from .table import Table as Table
