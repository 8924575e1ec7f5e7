"""Files of signals over time, whoever wrote them: read by name, in SI units, onto the edges of a network.

`read_table` knows them by their content and suffix; `columns_to_edges` gives every edge its state, current, voltage.
Names are loaded on first use, so that reading a raw file needs no network.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
