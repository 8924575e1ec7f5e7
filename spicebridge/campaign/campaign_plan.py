"""A campaign file read and checked: the base case, the axes, and every point with its resolved case.

A campaign file is a few lines of TOML::

    title = "How the ratio of resistances enters"
    case  = "k4.case.toml"                     # from this folder; or the case itself as [case]

    [sweep]                                    # every combination of these
    device.r_off = [200, "1.6k", "16k"]
    drive.amplitude = {from = 0.1, to = 10, count = 5, spacing = "log"}
    "network.args[0]" = {from = 4, to = 12, step = 2}
    engine = ["ngspice", "neospice"]           # also form, step and tolerance

    [[zip]]                                    # keys that move together, as one axis
    stop = [2, 1]
    drive.frequency = [2, 4]

    [random]                                   # seeds of the case drawn afresh at every point
    seed = 1
    keys = ["network.initial_state.seed"]
    repeats = 20
    same_along = ["device.r_off"]              # the same draws along this axis

    [run]                                      # optional: engine, form, step, tolerance, timeout
    timeout = 60

A point is known by the hash of its resolved case: everything that its numbers depend on, the content of
the files it reads included, and nothing else.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spicebridge.campaign.axes import REPEAT, RUN_KEYS, Axis, canonical, format_value, read_axes
from spicebridge.campaign.dotted import has_key, with_value
from spicebridge.campaign.seeds import Draws, read_draws
from spicebridge.case.case import FORMS, Case
from spicebridge.case.located_toml import CaseSource, KeyPath, Section, parse
from spicebridge.errors import CampaignError, CaseError, nearest

SUFFIX = ".campaign.toml"
RECORDS = ("final_state", "waveforms")
MOST_POINTS = 1_000_000
CHECKED_VALUES = 40
"""Values of one axis whose case is built when a campaign is loaded; wrong ones beyond become failed points."""

_WORDS_ONLY = ("title", "learn")
"""Keys of a case that no number depends on."""


@dataclass(frozen=True)
class Point:
    """One case of the sweep.

    `key` is the hash of the resolved case; `coordinates` the value on every axis, by its dotted key; `case`
    the resolved case as data; `run` what replaces its engine, form, step (s) and tolerance.
    """

    key: str
    coordinates: Mapping[str, object]
    case: Mapping[str, object] = field(repr=False)
    run: Mapping[str, object] = field(repr=False)

    @property
    def label(self) -> str:
        return ", ".join(f"{name} = {format_value(value)}" for name, value in self.coordinates.items())

    @property
    def engine(self) -> str:
        """The simulator that the point asks for."""
        settings = self.case.get("validate")
        own = settings.get("engine", Case.engine) if isinstance(settings, Mapping) else Case.engine
        return str(self.run.get("engine") or own)


@dataclass(frozen=True)
class Base:
    """The case before the sweep: its data, where its file names start, and its text for messages."""

    data: Mapping[str, object]
    folder: Path
    source: CaseSource
    path: KeyPath = ()

    def case(self, data: Mapping[str, object], elsewhere: Mapping[KeyPath, str]) -> Case:
        """The case that `data` describes. Raises `CaseError` at the line of the base case or of the axis."""
        places = {(*self.path, *path): where for path, where in elsewhere.items()}
        source = CaseSource(self.source.name, self.source.text, self.source.lines, places)
        return Case.from_section(Section(source, data, self.path), base=self.folder)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A sweep over a case; made by `load`. `timeout` limits one run of a simulator, in s."""

    name: str
    title: str
    what: str
    path: Path
    text: str = field(repr=False)
    base: Base = field(repr=False)
    axes: tuple[Axis, ...] = field(repr=False)
    draws: Draws | None
    run: Mapping[str, object]
    timeout: float | None
    record: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the results are unless another folder is named: beside the file."""
        return self.path.parent / f"{self.name}.campaign"

    @property
    def keys(self) -> tuple[str, ...]:
        """The dotted key of every coordinate."""
        return tuple(key for axis in self.axes for key in axis.keys)

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Every point, the last axis fastest."""
        return tuple(self._points())

    def __len__(self) -> int:
        return math.prod(len(axis) for axis in self.axes)

    def _points(self) -> Iterator[Point]:
        files: dict[str, str] = {}
        for places in itertools.product(*(axis.places for axis in self.axes)):
            yield self.point(places, files)

    def point(self, places: tuple[tuple[object, ...], ...], files: dict[str, str] | None = None) -> Point:
        """The point at one place of every axis; `files` remembers hashes of files between points."""
        coordinates: dict[str, object] = {}
        data = self.base.data
        run = dict(self.run)
        for axis, place in zip(self.axes, places, strict=True):
            for key, path, where, value in zip(axis.keys, axis.paths, axis.where, place, strict=True):
                coordinates[key] = value
                if path:
                    data = _placed(data, path, value, f"{where}: {key}")
                elif key != REPEAT:
                    run[key] = value
        for path, seed in self.draws.seeds(coordinates) if self.draws else ():
            assert self.draws is not None
            data = _placed(data, path, seed, f"{self.draws.where}: random.keys")
        what = {
            "case": {name: value for name, value in data.items() if name not in _WORDS_ONLY},
            "files": _file_hashes(data, self.base.folder, {} if files is None else files),
            "run": run,
            "record": sorted(self.record),
        }
        key = hashlib.sha256(canonical(what).encode("utf-8")).hexdigest()[:20]
        return Point(key, coordinates, data, run)

    @property
    def swept(self) -> dict[KeyPath, str]:
        """Where the value of a swept or drawn key of the case was written, by its path."""
        out: dict[KeyPath, str] = {}
        pairs = [pair for axis in self.axes for pair in zip(axis.paths, axis.where, strict=True)]
        if self.draws:
            pairs += [(path, self.draws.where) for path in self.draws.paths]
        for path, where in pairs:
            out[path] = where
            # complaints about a list name the list, and those about a table that the base lacks name the table
            for length in range(len(path) - 1, 0, -1):
                if isinstance(path[length], int) or not has_key(self.base.data, path[:length]):
                    out[path[:length]] = where
        return out


def load(path: str | Path) -> Campaign:
    """Read and check a campaign file.

    The case is built at the first point and along every axis. Raises `CaseError` or `CampaignError` as
    ``file:line: key: what is wrong, the rule, the remedy``.
    """
    source = Path(path)
    text = _read(source, "campaign")
    root = parse(text, str(source))
    root.known(("title", "learn", "case", "sweep", "zip", "random", "run", "record"))
    name = source.name.removesuffix(".toml").removesuffix(".campaign").lstrip(".") or "campaign"
    base = _base(root, source, name)
    axes = read_axes(root)
    if not axes and "random" not in root:
        root.fail(None, "sweeps nothing; add [sweep] with a key of the case and its values, such as stop = [1, 2]")
    draws, axes = read_draws(root, axes)
    run, timeout = _run(root)
    campaign = Campaign(
        name=name,
        title=root.word("title", name),
        what=root.word("learn") if "learn" in root else "",
        path=source,
        text=text,
        base=base,
        axes=axes,
        draws=draws,
        run=run,
        timeout=timeout,
        record=_record(root),
    )
    if len(campaign) > MOST_POINTS:
        root.fail("sweep", f"has {len(campaign)} points; at most {MOST_POINTS} are taken")
    _check_run_axes(axes)
    _check_cases(campaign)
    _check_points(campaign)
    return campaign


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CampaignError(f"{path}: cannot read the {what}: {error.strerror}; check the path") from None
    except UnicodeDecodeError as error:
        raise CampaignError(f"{path}: not UTF-8 at byte {error.start}; save the {what} as UTF-8 text") from None


def _base(root: Section, source: Path, name: str) -> Base:
    given = root.get("case")
    if isinstance(given, Mapping):
        words = {"title": root.data.get("title", name), "learn": root.data.get("learn", name)}
        return Base({**words, **given}, source.parent, root.source, ("case",))
    place = source.parent / root.word("case")
    try:
        text = _read(place, "base case")
    except CampaignError as error:
        root.fail("case", str(error))
    case = parse(text, str(place))
    return Base(case.data, place.parent, case.source)


def _run(root: Section) -> tuple[dict[str, object], float | None]:
    section = root.section("run")
    section.known((*RUN_KEYS, "timeout"))
    where = {key: section.source.where((*section.path, key)) for key in RUN_KEYS}
    run = {key: section.get(key) for key in RUN_KEYS if key in section}
    for key, value in run.items():
        _check_setting(key, value, f"{where[key]}: run.{key}")
    return run, section.positive("timeout", unit="s") if "timeout" in section else None


def _check_setting(key: str, value: object, where: str) -> None:
    """Refuse an engine, form, step or tolerance that no run could have."""
    if key in ("engine", "form"):
        from spicebridge.circuit.engines import AUTO, engine_names, known_engines

        known = FORMS if key == "form" else (*known_engines(), AUTO)
        own_program = key == "engine" and str(value).partition("=")[0] in engine_names()
        if value not in known and not own_program:
            raise CampaignError(f"{where}: {value!r} must be one of {', '.join(known)}{nearest(str(value), known)}")
    else:
        from spicebridge.campaign.axes import as_number

        number = as_number(value)
        if number is None or number <= 0:
            raise CampaignError(f"{where}: {value!r} must be a positive number, or its text with a suffix")


def _check_run_axes(axes: tuple[Axis, ...]) -> None:
    for axis in axes:
        for j, key in enumerate(axis.keys):
            if key in RUN_KEYS:
                for place in axis.places:
                    _check_setting(key, place[j], f"{axis.where[j]}: {key}")


def _record(root: Section) -> tuple[str, ...]:
    wanted = root.array("record") if "record" in root else []
    for name in wanted:
        if name not in RECORDS:
            root.fail("record", f"{name!r} must be one of {', '.join(RECORDS)}{nearest(str(name), RECORDS)}")
    return tuple(wanted)


def _check_cases(campaign: Campaign) -> None:
    """Build the case of the first point and, along every axis, of points that differ from it there only."""
    swept = campaign.swept
    first = tuple(axis.places[0] for axis in campaign.axes)
    tried = [first]
    for k, axis in enumerate(campaign.axes):
        if any(axis.paths):
            tried += [(*first[:k], axis.places[j], *first[k + 1 :]) for j in _spread(len(axis))]
    for places in tried:
        point = campaign.point(places)
        try:
            case = campaign.base.case(point.case, swept)
        except CaseError as error:
            message = str(error)
            if not message.startswith(f"{campaign.path}:") and places is not first:
                # a value of the sweep spoilt something that the base case says
                k = next(k for k, place in enumerate(places) if place is not first[k])
                where = f"{campaign.axes[k].where[0]}: {point.label}: "
                raise CampaignError(where + message) from None
            raise
        if "engine" not in point.run:
            settings = Section(campaign.base.source, point.case, campaign.base.path).section("validate")
            where = settings.source.where((*settings.path, "engine"))
            where = swept.get(("validate", "engine"), where)
            _check_setting("engine", case.engine, f"{where}: validate.engine")


def _spread(count: int) -> list[int]:
    """At most `CHECKED_VALUES` of 1 … count - 1, the last among them."""
    if count <= CHECKED_VALUES:
        return list(range(1, count))
    return sorted({round(1 + (count - 2) * k / (CHECKED_VALUES - 1)) for k in range(CHECKED_VALUES)})


def _check_points(campaign: Campaign) -> None:
    """Refuse two points with the same case: their results could not be told apart."""
    seen: dict[str, Point] = {}
    for point in campaign.points:
        other = seen.setdefault(point.key, point)
        if other is not point:
            raise CampaignError(
                f"{campaign.path}: the points ({other.label}) and ({point.label}) are the same case; "
                "remove one of the values, or a key that another one overrides"
            )


def _placed(data: Mapping[str, object], path: KeyPath, value: object, where: str) -> Mapping[str, object]:
    try:
        placed = with_value(data, path, value)
    except CampaignError as error:
        raise CampaignError(f"{where}: {error}") from None
    assert isinstance(placed, Mapping)
    return placed


def _file_hashes(data: Mapping[str, object], folder: Path, known: dict[str, str]) -> dict[str, str]:
    """Hash of the content of every file that a case reads, by its name in the case."""
    network = data.get("network")
    drives = data.get("drive", [])
    tables = [network, *(drives if isinstance(drives, list) else [drives])]
    names = [
        table[key]
        for table in tables
        if isinstance(table, Mapping)
        for key in ("graphml", "file")
        if isinstance(table.get(key), str)
    ]
    for name in names:
        if name not in known:
            try:
                known[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            except OSError:
                # a file that cannot be read is the case's own error, with its line
                known[name] = "unreadable"
    return {name: known[name] for name in names}


__all__ = ["SUFFIX", "Base", "Campaign", "CaseError", "Point", "load"]
