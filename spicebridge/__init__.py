"""spicebridge: does the circuit really do what the equations say?

A graph becomes a circuit of memristors with series sources. Branch A runs it in SPICE, branch B
integrates the network ODE; ``validate`` measures their difference with an error bar.
Names below are loaded on first use, so that importing the package stays cheap.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
