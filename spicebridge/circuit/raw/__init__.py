"""Raw files as simulators leave them; how they are read stands in `spicebridge.tables.raw`."""

from spicebridge.tables.raw.file import RawPlot, read_raw

__all__ = ["RawPlot", "read_raw"]
