"""A case: a network, a time span, a tolerance and what the run is expected to show.

A case file is a few lines of TOML::

    title = "K4 of paper 1"
    learn = "The circuit and the projector equation give the same states."
    stop  = "5"                                 # s; numbers, or text with a suffix such as "10m"

    [network]
    generator = "complete_graph"                # any networkx generator, with args and options
    args = [4]                                  # or edges = [["a", "b"], …], graphml = "net.graphml",
    initial_state = 0.4                         # loop_matrix = [[…], …] or random_loop_matrix = {…}

    [device]                                    # or several [[device]] blocks with edges = […]
    law = "caravelli2017"
    r_on = 100
    r_off = "1.6k"
    alpha = 0.1
    beta = 1.0

    [drive]                                     # [[drive]] blocks with edges = […]; blocks add up
    kind = "sine"
    amplitude = 1.0
    frequency = 2.0

    [validate]                                  # optional: tolerance, points, form, engine, expect
    tolerance = 1e-5

Every number may be one for all edges, a list with one per edge, or a seeded draw
``{random = [low, high], seed = 1}``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spicebridge.case.case_text import format_section, network_sections
from spicebridge.case.located_toml import Section, parse
from spicebridge.case.schema import KEYS, build_network
from spicebridge.errors import CaseError
from spicebridge.network import Network, same_parameters

SUFFIX = ".case.toml"
FORMS = ("fast", "readable")
EXPECTATIONS = ("agrees", "disagrees", "unresolved")


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One comparison of circuit and theory; cases are equal when all but `source` and `text` is.

    `stop` in s; `points` output times from 0 to `stop`; `tolerance` on every signal as in the
    verdict; `form` of the deck; `expect` is the outcome that the case is there to show. `what` says
    in one sentence what is learned, or is empty. Raises `CaseError`.
    """

    title: str
    what: str
    network: Network
    stop: float
    points: int = 201
    tolerance: float = 1e-5
    form: str = "fast"
    engine: str = "auto"
    expect: str = "agrees"
    source: Path | None = None
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for name, value in (("stop", self.stop), ("tolerance", self.tolerance)):
            if not (math.isfinite(value) and value > 0):
                raise CaseError(f"case {self.title!r}: {name} {value!r} must be positive and finite")
        if self.points < 2:
            raise CaseError(f"case {self.title!r}: points {self.points!r} must be at least 2, for 0 and stop")
        for name, choices in (("form", FORMS), ("expect", EXPECTATIONS)):
            if getattr(self, name) not in choices:
                raise CaseError(
                    f"case {self.title!r}: {name} {getattr(self, name)!r} must be one of {', '.join(choices)}"
                )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Case):
            return NotImplemented
        names = ("title", "what", "stop", "points", "tolerance", "form", "engine", "expect")
        same = all(getattr(self, name) == getattr(other, name) for name in names)
        return same and same_parameters(self.network, other.network)

    __hash__ = None  # type: ignore[assignment]

    @property
    def t(self) -> NDArray[np.float64]:
        """The output times, (points,) in s."""
        return np.linspace(0.0, self.stop, self.points)

    @property
    def name(self) -> str:
        """The file name without its suffix, or the title."""
        return self.source.name.removesuffix(SUFFIX).removesuffix(".toml") if self.source else self.title

    @classmethod
    def from_toml(cls, text: str, *, base: Path | str = ".", source: Path | None = None) -> Case:
        """Read a case. `base` is the folder that file names in it start from; `source` names it.

        Raises `CaseError` as ``file:line: key: what is wrong, the rule, the remedy``.
        """
        return cls.from_section(parse(text, str(source) if source else "case"), base=base, source=source)

    @classmethod
    def from_section(cls, root: Section, *, base: Path | str = ".", source: Path | None = None) -> Case:
        """Read a case from a table that holds one. Raises `CaseError`."""
        root.known(KEYS[""], elsewhere=KEYS)
        title, what = root.word("title"), "" if root.get("learn", None) is None else root.word("learn")
        settings = root.section("validate")
        settings.known(KEYS["validate"], elsewhere=KEYS)
        return cls(
            title=title,
            what=what,
            network=build_network(root, Path(base), title),
            stop=root.positive("stop", unit="s"),
            points=settings.whole("points", cls.points, least=2),
            tolerance=settings.positive("tolerance", cls.tolerance, unit="1"),
            form=settings.word("form", cls.form, among=FORMS),
            engine=settings.word("engine", cls.engine),
            expect=settings.word("expect", cls.expect, among=EXPECTATIONS),
            source=source,
            text=root.source.text,
        )

    def to_toml(self) -> str:
        """The case with every edge and number written out; reads back as an equal case."""
        what = {"learn": self.what} if self.what else {}
        head = format_section("", {"title": self.title, **what, "stop": self.stop}).lstrip()
        names = ("tolerance", "points", "form", "engine", "expect")
        settings = format_section("[validate]", {name: getattr(self, name) for name in names})
        return "\n".join([head, *network_sections(self.network), settings])


def _meant(place: Path) -> str:
    """The file beside `place` whose name was given without its end, as a question."""
    full = place.with_name(f"{place.name.removesuffix('.toml').removesuffix('.case')}{SUFFIX}") if place.name else place
    return f" (did you mean {str(full)!r}?)" if full != place and full.is_file() else ""


def load_case(path: str | Path) -> Case:
    """Read a case file.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Case

    Raises
    ------
    CaseError
        With the line and the key that is wrong.
    """
    source = Path(path)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CaseError(f"{source}: cannot read the case: {error.strerror}{_meant(source)}; check the path") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{source}: not UTF-8 at byte {error.start}; save the case as UTF-8 text") from None
    return Case.from_toml(text, base=source.parent, source=source)


def find_cases(path: str | Path) -> list[Path]:
    """The file itself, or the ``*.case.toml`` directly in a folder, sorted by name.

    Raises `CaseError` when there is nothing there.
    """
    place = Path(path)
    if not place.exists():
        raise CaseError(f"{place}: does not exist{_meant(place)}; give a case file or a folder of *{SUFFIX} files")
    if not place.is_dir():
        return [place]
    found = sorted(place.glob(f"*{SUFFIX}"))
    if not found:
        raise CaseError(f"{place}: holds no case; case files are named <name>{SUFFIX}")
    return found
