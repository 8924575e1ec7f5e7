"""What people see of a comparison: text, Markdown, JSON, one HTML page, plots, and folders of them.

Names below are loaded on first use, so that a command which prints two lines imports no plotting.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
