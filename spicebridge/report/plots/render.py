"""Pictures of a comparison, one file each.

A maker takes a `Report` and returns a `Drawn`, or None where there is nothing to draw; a new picture is
a new file and one line in `_MAKERS`. Drawing never touches pyplot, so that reports can be made in any
thread and beside any other plotting.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from spicebridge.report.plots.style import Drawn, look
from spicebridge.report.plots.vector import format_svg, palette_css
from spicebridge.report.summary import Report

_MAKERS = ("states", "ladder", "network_graph", "loops")


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A picture as an `<svg>` element, its file name without suffix and the words that go with it."""

    name: str
    title: str
    caption: str
    svg: str
    wide: bool

    @property
    def file(self) -> str:
        """The picture as a file of its own, with the colours of paper."""
        return self.svg.replace(">", f"><style>{palette_css()}</style>", 1)


def draw(report: Report) -> tuple[Plot, ...]:
    """Draw every picture for which the verdict holds data, in the order of the page."""

    def maker(name: str) -> Callable[[], Drawn | None]:
        return lambda: importlib.import_module(f"spicebridge.report.plots.{name}").figure(report)

    return render_all([maker(name) for name in _MAKERS])


def render_all(makers: Iterable[Callable[[], Drawn | None]]) -> tuple[Plot, ...]:
    """Call every maker in the common look and render what it returns; None is left out."""
    plots = []
    with look(), warnings.catch_warnings():
        # node names may hold letters that the font lacks; a box in their place is good enough
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        for make in makers:
            drawn = make()
            if drawn is not None:
                plots.append(_rendered(drawn))
    return tuple(plots)


def _rendered(drawn: Drawn) -> Plot:
    return Plot(name=drawn.name, title=drawn.title, caption=drawn.caption, svg=format_svg(drawn), wide=drawn.wide)
