"""Objects that show themselves: a line in a terminal, a picture in a notebook, axes of matplotlib.

What is shown is the report's business, and the report stands above everything it shows: it is looked up by name when
somebody looks, so that no object knows it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

Listener: TypeAlias = Callable[[Any], "Path | None"]
LISTENER: ContextVar[Listener | None] = ContextVar("LISTENER", default=None)
"""Who hears of every report that a test holds to its expectation; it returns the folder of the page if it wrote one."""


class Shown:
    """Mixin: `_repr_html_` for notebooks and `plot`, both made by ``report.notebook``."""

    def _repr_html_(self) -> str:
        return str(presenter().html(self))

    def plot(self, axes: Any = None) -> Any:
        """Draw into `axes` of matplotlib (new ones if None) and return them."""
        return presenter().plot(self, axes)


def presenter() -> Any:
    """The module that shows things."""
    return importlib.import_module("spicebridge.report.notebook")
