"""Ensembles: many trajectories of one network, integrated together.

Names below are loaded on first use, so that importing the package stays cheap.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
