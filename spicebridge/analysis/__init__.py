"""What a network is and what it can do: analysed, differentiated, designed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
