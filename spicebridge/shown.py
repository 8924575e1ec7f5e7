"""Objects that show themselves: a line in a terminal, a picture in a notebook, axes of matplotlib; and work that tells
how far it is.

What is shown is the report's business, and the report stands above everything it shows: it is looked up by name when
somebody looks, so that no object knows it.
"""

from __future__ import annotations

import functools
import importlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

import numpy as np

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from matplotlib.axes import Axes

P = ParamSpec("P")
R = TypeVar("R")
Listener: TypeAlias = Callable[[Any], "Path | None"]
LISTENER: ContextVar[Listener | None] = ContextVar("LISTENER", default=None)
"""Who hears of every report that a test holds to its expectation; it returns the folder of the page if it wrote one."""


class Shown:
    """Mixin: `_repr_html_` for notebooks and `plot`, both made by ``report.notebook``."""

    def _repr_html_(self) -> str:
        return str(presenter().html(self))

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw into `axes` of matplotlib (new ones if None) and return them."""
        drawn: Axes = presenter().plot(self, axes)
        return drawn


FEW = 12
"""Numbers of an array, or things in a list, up to which they are shown one by one."""


def brief(record: DataclassInstance) -> str:
    """The repr of a record of arrays: names and values, of what is long the shape or the number."""
    shown = (f"{field.name}={_short(getattr(record, field.name))}" for field in fields(record) if field.repr)
    return f"{type(record).__name__}({', '.join(shown)})"


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        small = np.array2string(value, precision=4, separator=", ", max_line_width=10_000)
        return small if value.size <= FEW else f"<array {' x '.join(map(str, value.shape))}>"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_short(item)}" for key, item in list(value.items())[:FEW]) + "}"
    if isinstance(value, (tuple, list)) and value and (len(value) > FEW or is_dataclass(value[0])):
        return f"<{len(value)} of {type(value[0]).__name__}>"
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_short, value)) + ")"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)


def presenter() -> ModuleType:
    """The module that shows things."""
    return importlib.import_module("spicebridge.report.notebook")


DETAIL = " · "
"""Between what is being done and how far it is."""
SELDOM = 10.0
"""Seconds between two lines on how far the same work is, where lines stay (a pipe, a file)."""


def detailed(what: str, elapsed: float, fraction: float, so_far: str = "") -> str:
    """The words for work that is so far after `elapsed` seconds; what is left is in proportion."""
    known = f"{100.0 * fraction:.0f} %, " if fraction > 0.0 else ""
    left = f", about {duration(elapsed * (1.0 - fraction) / fraction)} left" if fraction > 0.0 else ""
    return f"{what}{DETAIL}{so_far}{known}{duration(elapsed)}{left}"


def counted(what: str, done: int, total: int, elapsed: float, *, outcomes: Iterable[str] = (), before: int = 0) -> str:
    """The same for work in pieces: `done` of `total`, `before` of them before the clock, and how many ended how."""
    ways = "".join(f"{count} {way}, " for way, count in sorted(Counter(outcomes).items()))
    return detailed(what, elapsed, (done - before) / max(total - before, 1), f"{done} of {total}, {ways}")


def duration(seconds: float) -> str:
    """'4 s', '1 min 04 s', '1 h 02 min'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class Lines:
    """Tells what goes on in lines: one that is written over where that can be seen, else a new one now and then."""

    def __init__(self, stream: IO[str], prefix: str = "", *, moving: bool = False) -> None:
        self.stream, self.prefix, self.moving = stream, prefix, moving
        self._what, self._said = "", float("-inf")

    def __call__(self, message: str) -> None:
        what = message.partition(DETAIL)[0]
        now = time.monotonic()
        if self.moving:
            self.stream.write(f"\r\033[K{self.prefix}{message}")
        elif what != self._what or now - self._said >= SELDOM:
            self.stream.write(f"{self.prefix}{message}\n")
        else:
            return
        self.stream.flush()
        self._what, self._said = what, now

    def end(self) -> None:
        """Wipe a line that was written over."""
        if self.moving:
            self.stream.write("\r\033[K")
            self.stream.flush()


def lines() -> Lines:
    """For the place this runs in: a terminal, a notebook, or a pipe."""
    notebook = "ipykernel" in sys.modules
    return Lines(sys.stderr, moving=notebook or sys.stderr.isatty())


def with_lines(function: Callable[P, R]) -> Callable[P, R]:
    """Let `progress=True` of a function stand for `lines()`."""

    @functools.wraps(function)
    def shown(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs.get("progress") is not True:
            return function(*args, **kwargs)
        kwargs["progress"] = say = lines()
        try:
            return function(*args, **kwargs)
        finally:
            say.end()

    return shown
