"""What the text of a law says: parameters with unit and rule, the state and its range, options, formulas.

    v = P R(s) i   (`resistance`)   or   i = J i+(J v, s)   (`current`)
    ds/dt = F(s, decay(s), rate(s, J v, J i))               F is the window, which leaves `decay` alone

In the formulas v and i are those of a device of polarity +1; P is called `active`. A state with a range
[low, high] that is not [0, 1] is reduced, s = low + (high - low) z: the program's state is z, in every branch.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import SupportsFloat

from spicebridge.errors import DeviceError, LawError, QuantityError, nearest
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.compile import depends
from spicebridge.expressions.dimensions import (
    NONE,
    Dimension,
    Dimensions,
    UnitError,
    format_dimension,
    parse_physical,
    parse_unit,
    unit_in_si,
)
from spicebridge.expressions.tree import Call, Expression, Number, Parameter, rebuild
from spicebridge.laws.formulas import CONSTANTS, Formulas, Helper, Names, signature
from spicebridge.laws.law_equations import Equations
from spicebridge.laws.parameters import ParameterRule, read_parameter
from spicebridge.laws.state import State, read_state
from spicebridge.laws.tables import Points, table_points
from spicebridge.windows import WINDOWS, NoWindow, Window, make_window, window_fields

KEYS = (
    *("title", "kind", "source", "notes", "state", "resistance", "current", "rate", "decay", "window"),
    *("module", "veriloga"),
)
"""Keys that are no tables; `veriloga` is the text of the module `module` that is the law's circuit."""
TABLES = ("parameters", "options", "variants", "let", "tables", "example")
FORMULAS = ("resistance", "current", "rate", "decay")
ENDS = ("start", "end")
"""`up_start` and `up_end` are the first and last x of a table `up`."""
VOLT, AMPERE, OHM, PER_SECOND = (parse_unit(text).dimension for text in ("V", "A", "ohm", "1/s"))
_QUANTITY = re.compile(r"\s*[+-]?[\d.]+(?:[eE][+-]?\d+)?[a-zA-Zµ]*\s+[A-Za-zΩ1(%][^+*?]*")


def format_law(entries: Mapping[str, object]) -> str:
    """The TOML text of a law given by arguments: plain keys first, then its tables."""
    plain = [key for key in KEYS if key in entries]
    lines = [f"{key} = {_toml(entries[key])}" for key in plain]
    for key, table in entries.items():
        if key in plain:
            continue
        if not isinstance(table, Mapping):
            raise LawError(f"law: `{key}` must be a mapping, not {table!r}")
        lines += ["", f"[{key}]", *(f"{_key(k)} = {_toml(v)}" for k, v in table.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else _string(name)


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    try:
        if isinstance(value, SupportsFloat):
            return repr(float(value))
    except (TypeError, ValueError):
        pass
    raise LawError(f"law: {value!r} is no text, number, list or table")


@dataclass(frozen=True, eq=False)
class LawText:
    """One text, read part by part when it is asked for; every part raises `LawError` with the law's name.

    `data` is the text as tables, `name` that of the file, the subcircuit and the word in a case file.
    """

    name: str
    text: str
    data: Mapping[str, object] = field(repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z][\w-]*", self.name):
            raise LawError(f"law {self.name!r}: a name is letters, digits, _ and -, and begins with a letter")
        unknown = [key for key in self.data if key not in (*KEYS, *TABLES)]
        if unknown:
            raise self.fail(f"key {unknown[0]!r} is unknown{nearest(unknown[0], (*KEYS, *TABLES))}")
        if ("resistance" in self.data) == ("current" in self.data):
            raise self.fail("give `resistance` (v = R i) or `current` (i = f(v, s)), one of the two")
        if "rate" not in self.data and "decay" not in self.data:
            raise self.fail("give `rate`, ds/dt")

    def fail(self, message: str) -> LawError:
        """An error that names the law."""
        return LawError(f"law {self.name}: {message}")

    def entries(self, key: str) -> Mapping[str, object]:
        """What stands in one table of the text."""
        given = self.data.get(key, {})
        if not isinstance(given, Mapping):
            raise self.fail(f"`{key}` must be a table [{key}]")
        return given

    @property
    def kind(self) -> str:
        """Name of the devices in messages."""
        return str(self.data.get("kind", self.name))

    @property
    def ohmic(self) -> bool:
        """Whether v = P R(s) i."""
        return "resistance" in self.data

    @cached_property
    def parameters(self) -> dict[str, ParameterRule]:
        """Name -> what the text says about it."""
        return {n: read_parameter(self.name, n, v) for n, v in self.entries("parameters").items()}

    @cached_property
    def options(self) -> dict[str, tuple[str, ...]]:
        """Name -> words; the first is the default."""
        out = {}
        for name, words in self.entries("options").items():
            if not isinstance(words, (list, tuple)) or not words or not all(isinstance(w, str) for w in words):
                raise self.fail(f"option `{name}` must be a list of words, the first is the default")
            out[name] = tuple(words)
        return out

    @cached_property
    def tables(self) -> dict[str, Points]:
        """Name -> points ((x, y), …) of a function by straight lines; a device may bring its own."""
        try:
            return {name: table_points(points, name) for name, points in self.entries("tables").items()}
        except DeviceError as error:
            raise self.fail(str(error)) from None

    @cached_property
    def state(self) -> State:
        """What the text says about the state."""
        return read_state(self.data.get("state", "s"), self.fail)

    @cached_property
    def window(self) -> Window:
        """The default bound handling."""
        given = self.data.get("window", "none")
        numbers = {key: value for key, value in given.items() if key != "kind"} if isinstance(given, Mapping) else {}
        kind = given.get("kind") if isinstance(given, Mapping) else given
        if not isinstance(kind, str) or kind not in WINDOWS:
            raise self.fail(f"window {kind!r} is unknown{nearest(str(kind), WINDOWS)}; known are {', '.join(WINDOWS)}")
        known = window_fields(kind)
        if unknown := [key for key in numbers if key not in known]:
            has = f"has {', '.join(known)}" if known else "takes no numbers"
            raise self.fail(f"window {kind}: {unknown[0]!r} is unknown{nearest(unknown[0], known)}; it {has}")
        made = make_window(kind, numbers)
        if self.state.low is None and not isinstance(made, NoWindow):
            raise self.fail("a state without range has no bounds, so it takes no window")
        return made

    @cached_property
    def examples(self) -> dict[str, dict[str, str | float]]:
        """Name -> drive ("1 V"), frequency ("1 Hz"), initial, and parameters that make the law work."""
        out = {}
        for name, entry in self.entries("example").items():
            if not isinstance(entry, Mapping):
                raise self.fail(f'`example.{name}` must be a table such as {name} = {{ drive = "1 V" }}, not {entry!r}')
            out[name] = dict(entry)
        return out

    @cached_property
    def quantities(self) -> dict[str, tuple[float, Dimension]]:
        """Helpers that are a constant with a unit, "1 V": name in lower case -> value in SI and dimension."""
        out = {}
        for key, given in self.entries("let").items():
            if isinstance(given, str) and _QUANTITY.fullmatch(given):
                try:
                    value, unit = parse_physical(given)
                except QuantityError as error:
                    raise self.fail(f"`let.{key}`: {error}") from None
                out[key.lower()] = value, unit.dimension
        return out

    @property
    def keys(self) -> tuple[str, ...]:
        """All arguments of a device, in order."""
        window = () if self.state.low is None else ("window",)
        ordered = sorted(self.parameters, key=lambda name: not self.parameters[name].typical)
        return (*self.tables, *ordered, *self.options, *window)

    @property
    def required(self) -> tuple[str, ...]:
        """Arguments without a default."""
        typical = tuple(name for name, p in self.parameters.items() if p.typical)
        return (*self.tables, *typical) if typical else ()

    @property
    def numeric(self) -> tuple[str, ...]:
        """Arguments that hold one number or one per edge."""
        return tuple(self.parameters)

    def choices(self) -> list[dict[str, str]]:
        """Every combination of option words."""
        out: list[dict[str, str]] = [{}]
        for name, words in self.options.items():
            out = [{**choice, name: word} for choice in out for word in words]
        return out

    @property
    def moving(self) -> frozenset[str]:
        """Names of the state, v and i in lower case."""
        return frozenset((self.state.name.lower(), "v", "i"))

    # Formulas

    @cached_property
    def formulas(self) -> Formulas:
        """What read its formulas and knows where each stands."""
        return Formulas(self.name, self.text)

    @cached_property
    def variants(self) -> dict[str, Expression]:
        """Name -> condition on the parameters that tells subcircuits apart."""
        written = self.written(self.choices()[0], only=tuple(self.entries("variants")))
        for name, tree in written.items():
            if depends(tree, self.moving):
                raise self.fail(f"variant `{name}` must depend on parameters alone")
        return written

    def written(self, choice: Mapping[str, str], only: tuple[str, ...] | None = None) -> dict[str, Expression]:
        """Formulas by key with the helpers put in; nodes keep their places. `only` names helpers to give instead."""
        helpers: dict[str, Helper] = {}
        for key, given in (*self.entries("let").items(), *self.entries("variants").items()):
            name, arguments = signature(key)
            if name.lower() not in self.quantities:
                helpers[name.lower()] = Helper(arguments, self._read(choice, f"let.{key}", given))
        ends = (f"{name}_{end}" for name in self.tables for end in ENDS)
        names = (self.state.name, *self.parameters, *self.quantities, *ends, "active")
        known = frozenset(name.lower() for name in names)
        tables = frozenset(name.lower() for name in self.tables)

        def expand(tree: Expression, *more: str) -> Expression:
            allowed = Names(helpers=helpers, known=known | {*more}, tables=tables, moving=self.moving)
            return self.formulas.expand(tree, allowed)

        if only is not None:
            asked = {name: helpers[name.lower()] for name, _ in map(signature, only) if name.lower() in helpers}
            return {name: expand(h.body, "v", "i", *h.arguments) for name, h in asked.items()}
        signals = {"resistance": (), "decay": (), "current": ("v",), "rate": ("v", "i")}
        return {
            key: expand(self._read(choice, key, self.data[key]), *signals[key]) for key in FORMULAS if key in self.data
        }

    def _read(self, choice: Mapping[str, str], key: str, given: object) -> Expression:
        if isinstance(given, Mapping):
            words = [word for word in choice.values() if word in given]
            if len(words) != 1:
                raise self.fail(f"`{key}` must have one formula for each word of an option, it has {', '.join(given)}")
            return self.formulas.read(f"{key}.{words[0]}", given[words[0]])
        return self.formulas.read(key, given)

    def called_tables(self) -> tuple[Expression, ...]:
        """The formulas of the first choice with tables still called by name, conduction first."""
        return tuple(self.written(self.choices()[0]).values())

    def equations(
        self, choice: Mapping[str, str] | None = None, tables: Mapping[str, Points] | None = None
    ) -> Equations:
        """The formulas of one choice of options (default: the first words) and of tables (default: the text's)."""
        chosen = {name: words[0] for name, words in self.options.items()} | dict(choice or {})
        points = self.tables | dict(tables or {})
        return self._equations(tuple(chosen.items()), tuple(points.items()))

    @functools.cache  # noqa: B019 - laws live as long as the program
    def _equations(self, choice: tuple[tuple[str, str], ...], tables: tuple[tuple[str, Points], ...]) -> Equations:
        points = {name.lower(): tuple(Number(v) for xy in p for v in xy) for name, p in tables}
        numbers = {name: value for name, (value, _) in self.quantities.items()}
        for name, pairs in tables:
            numbers |= {f"{name}_{end}".lower(): pairs[at][0] for end, at in zip(ENDS, (0, -1), strict=True)}
        state = self.state

        def put_in(e: Expression) -> Expression | None:
            match e:
                case Parameter(name) if name.lower() in numbers:
                    return Number(numbers[name.lower()])
                case Call(name, (x,)) if name.lower() in points:
                    return Call("table", (x, *points[name.lower()]))
                case Parameter(name) if state.reduced and name.lower() == state.name.lower():
                    return Parameter(state.name) * state.span + float(state.low or 0.0)
            return None

        trees = {key: simplify(rebuild(tree, put_in)) for key, tree in self.written(dict(choice)).items()}
        speed = {key: tree / state.span for key, tree in trees.items()} if state.reduced else trees
        return Equations(
            ohmic=self.ohmic,
            conduction=trees["resistance" if self.ohmic else "current"],
            drift=speed.get("rate", Number(0.0)),
            decay=speed.get("decay"),
            state=state.name,
        )

    # Units

    def checked_units(self, choice: Mapping[str, str]) -> tuple[Dimensions, bool]:
        """What the formulas imply, and whether literal numbers had to be given units.

        Raises `LawError` at the node whose unit does not fit.
        """
        trees, state = self.written(choice), self.state.unit.dimension
        bare = self.state.unit.text == "1" and all(p.unit is None for p in self.parameters.values())
        known = {n.lower(): p.unit.dimension for n, p in self.parameters.items() if p.unit is not None}
        known |= {self.state.name.lower(): state, "v": VOLT, "i": AMPERE, "active": NONE}
        known |= {name: dimension for name, (_, dimension) in (CONSTANTS | self.quantities).items()}
        speed: Dimension = tuple(x + y for x, y in zip(state, PER_SECOND, strict=True))  # type: ignore[assignment]
        wanted = {"resistance": OHM, "current": AMPERE, "rate": speed, "decay": speed}
        if bare:
            try:
                return self._units(Dimensions(known), trees, wanted), False
            except UnitError:
                pass
        try:
            return self._units(Dimensions(known, loose=bare), trees, wanted), bare
        except UnitError as error:
            raise self.formulas.at(error.node, f"{error}") from None

    @staticmethod
    def _units(checker: Dimensions, trees: Mapping[str, Expression], wanted: Mapping[str, Dimension]) -> Dimensions:
        for key, tree in trees.items():
            try:
                checker.check(tree, wanted[key])
            except UnitError as error:
                # Of a law without any unit a factor of 1 may stand for one of each.
                if not checker.loose or error.node is not tree or error.inside:
                    raise
        return checker

    @cached_property
    def _checked(self) -> tuple[Dimensions, bool]:
        return self.checked_units(self.choices()[0])

    @cached_property
    def dimensions(self) -> dict[str, Dimension | None]:
        """Parameter -> its dimension, stated or implied by the formulas; None where none follows."""
        checked = self._checked[0]
        return {name: checked.parameter(name) for name in self.parameters}

    def implied(self, name: str) -> Dimension | None:
        """The dimension of a parameter whose unit is not stated."""
        return self.dimensions[name]

    @property
    def units_checked(self) -> bool:
        """False where literal numbers had to be given units of their own, or a parameter's follows from nothing."""
        return not self._checked[1] and None not in self.dimensions.values()

    def unit(self, key: str) -> str | None:
        """The unit of a numeric argument, stated or implied; None where none follows."""
        found = self.parameters[key].unit if key in self.parameters else None
        if found is not None:
            return unit_in_si(found)
        implied = self.dimensions.get(key)
        return None if implied is None else format_dimension(implied).replace("no unit", "1")
