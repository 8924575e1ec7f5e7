"""A law is one text: formulas, parameters with unit and rule, the state and its range. All else is derived.

    v = P R(s) i   (`resistance`)   or   i = J i+(J v, s)   (`current`)
    ds/dt = F(s, decay(s), rate(s, J v, J i))               F is the window, which leaves `decay` alone

In the formulas v and i are those of a device of polarity +1; P is called `active`. A state with a range
[low, high] that is not [0, 1] is reduced, s = low + (high - low) z: the program's state is z, in every branch.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spicebridge.errors import DeviceError, LawError, QuantityError, nearest
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.dimensions import (
    Dimension,
    Dimensions,
    format_dimension,
    parse_physical,
    unit_in_si,
)
from spicebridge.expressions.evaluate import depends
from spicebridge.expressions.tree import Call, Expression, Number, Parameter, rebuild
from spicebridge.laws.checks import check_examples, check_names, check_units, check_values
from spicebridge.laws.formulas import Formulas, Helper, signature
from spicebridge.laws.parameters import ParameterRule, read_parameter
from spicebridge.laws.state import State, read_state
from spicebridge.laws.verilog import Module, module_entries, read_module
from spicebridge.laws.write import ORDER, law_text
from spicebridge.windows import WINDOWS, NoWindow, Window

if TYPE_CHECKING:
    from spicebridge.laws.card import Card
    from spicebridge.laws.device import LawDevice

KEYS = ORDER
TABLES = ("parameters", "options", "variants", "let", "tables", "example")
ENDS = ("start", "end")
"""`up_start` and `up_end` are the first and last x of a table `up`."""
_QUANTITY = re.compile(r"\s*[+-]?[\d.]+(?:[eE][+-]?\d+)?[a-zA-Zµ]*\s+[A-Za-zΩ1(%][^+*?]*")
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Equations:
    """Formulas of one choice of options and tables, over the reduced state, helpers put in, limexp still named.

    `conduction` is R (`ohmic`) or i; `drift` what the window acts on; `decay` the rest of the rate or None.
    """

    ohmic: bool
    conduction: Expression
    drift: Expression
    decay: Expression | None

    @property
    def trees(self) -> tuple[Expression, ...]:
        """All formulas."""
        return (self.conduction, self.drift, *(() if self.decay is None else (self.decay,)))


@dataclass(frozen=True, eq=False, init=False)
class Law:
    """One law, from text.

    Parameters
    ----------
    name : str
        Its name: of the file, the subcircuit and the word in a case file.
    resistance, current : str
        R(s) in ohm, or i(v, s) in A: one of the two.
    rate, decay : str
        ds/dt in 1/s (times the unit of the state); a window acts on `rate` and leaves `decay` alone.
    parameters : mapping
        Name -> default: a number, (value, "unit") or text such as "16k ohm, > r_on".
    state : str or mapping
        Its name, or name, unit, range.
    window : str or Window
        The default bound handling.
    let, tables, options, variants, title, kind, source, notes, example
        As in the text.

    Raises
    ------
    LawError
        With key, line, column and a caret: unknown names, units that do not fit, formulas that are not finite.
    """

    name: str
    text: str
    data: Mapping[str, Any] = field(repr=False)

    def __init__(self, name: str, **entries: Any) -> None:
        window = entries.get("window")
        if isinstance(window, Window):
            import dataclasses

            kind: Any = window
            numbers = dataclasses.asdict(kind)
            entries["window"] = {"kind": window.name, **numbers} if numbers else window.name
        entries = {key: value for key, value in entries.items() if value is not None}
        self._fill(name, law_text(entries), entries)

    def _fill(self, name: str, text: str, data: Mapping[str, object], *, check: bool = True) -> None:
        for key, value in (("name", name), ("text", text), ("data", data)):
            object.__setattr__(self, key, value)
        if not re.fullmatch(r"[A-Za-z][\w-]*", name):
            raise LawError(f"law {name!r}: a name is letters, digits, _ and -, and begins with a letter")
        unknown = [key for key in data if key not in (*KEYS, *TABLES)]
        if unknown:
            raise self.fail(f"key {unknown[0]!r} is unknown{nearest(unknown[0], (*KEYS, *TABLES))}")
        if ("resistance" in data) == ("current" in data):
            raise self.fail("give `resistance` (v = R i) or `current` (i = f(v, s)), one of the two")
        if "rate" not in data and "decay" not in data:
            raise self.fail("give `rate`, ds/dt")
        check_names(self)
        if check:
            self.check()

    @classmethod
    def load(cls, path: str | Path) -> Law:
        """The law of a file, named after it: a law text, or a Verilog-A module (`.va`). Raises `LawError`."""
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LawError(f"{path}: cannot read the law: {error}") from None
        if path.suffix.lower() == ".va":
            return cls.from_veriloga(text, path.stem)
        return cls.from_text(text, path.name.removesuffix(".toml").removesuffix(".law"))

    @classmethod
    def from_text(cls, text: str, name: str = "law") -> Law:
        """The law of a text. Raises `LawError`."""
        return _from_text(text, name)

    @classmethod
    def from_veriloga(cls, text: str, name: str = "law", module: str = "") -> Law:
        """The law of a Verilog-A module, which then is its circuit where a simulator compiles it.

        Raises `LawError`, and `HiddenState` for a variable that keeps a value from one evaluation to the next.
        """
        try:
            entries = module_entries(text, module)
        except LawError as error:
            raise type(error)(f"{name}: {error}") from None
        return cls(re.sub(r"[^\w-]+", "_", name), **entries)

    @cached_property
    def module(self) -> Module | None:
        """The Verilog-A module that is its circuit, where the law is of one."""
        text = self.data.get("veriloga")
        return None if text is None else read_module(str(text), str(self.data.get("module", "")))

    def check(self) -> None:
        """Read all formulas of all choices and check their units and their values. Raises `LawError`."""
        check_examples(self)
        for choice in self.choices():
            check_units(self, choice)
            self.written(choice, only=(*self.entries("let"), *self.variants))
            check_values(self, choice)

    def __call__(self, **values: Any) -> LawDevice:
        """A device: parameters, tables and options by name, `window` as in a device of the library."""
        for name in values:
            if name not in self.keys:
                raise self.fail(f"{name!r} is unknown{nearest(name, self.keys)}; known are {', '.join(self.keys)}")
        return self.device(**values)

    def fail(self, message: str) -> LawError:
        """An error that names the law."""
        return LawError(f"law {self.name}: {message}")

    @property
    def kind(self) -> str:
        """Name of the devices in messages."""
        return str(self.data.get("kind", self.name))

    @property
    def ohmic(self) -> bool:
        """Whether v = P R(s) i."""
        return "resistance" in self.data

    @cached_property
    def device(self) -> type[LawDevice]:
        """The class of its devices."""
        from spicebridge.laws.device import device_class

        return device_class(self)

    @cached_property
    def card(self) -> Card:
        """What the law says about itself."""
        from spicebridge.laws.card import law_card

        return law_card(self)

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
        from spicebridge.laws.tables import table_points

        try:
            return {name: table_points(points, name) for name, points in self.entries("tables").items()}
        except DeviceError as error:
            raise self.fail(str(error)) from None

    @cached_property
    def window(self) -> Window:
        """The default bound handling."""
        given = self.data.get("window", "none")
        kind, numbers = (given.get("kind"), dict(given)) if isinstance(given, Mapping) else (given, {})
        numbers.pop("kind", None)
        if kind not in WINDOWS:
            raise self.fail(f"window {kind!r} is unknown{nearest(str(kind), WINDOWS)}; known are {', '.join(WINDOWS)}")
        known = [f.name for f in fields(WINDOWS[kind])]
        if unknown := [key for key in numbers if key not in known]:
            has = f"has {', '.join(known)}" if known else "takes no numbers"
            raise self.fail(f"window {kind}: {unknown[0]!r} is unknown{nearest(unknown[0], known)}; it {has}")
        made: Window = WINDOWS[kind](**numbers)
        if self.state.low is None and not isinstance(made, NoWindow):
            raise self.fail("a state without range has no bounds, so it takes no window")
        return made

    @cached_property
    def examples(self) -> dict[str, dict[str, Any]]:
        """Name -> drive ("1 V"), frequency ("1 Hz"), initial, and parameters that make the law work."""
        for name, entry in self.entries("example").items():
            if not isinstance(entry, Mapping):
                raise self.fail(f'`example.{name}` must be a table such as {name} = {{ drive = "1 V" }}, not {entry!r}')
        return {name: dict(entry) for name, entry in self.entries("example").items()}

    @cached_property
    def variants(self) -> dict[str, Expression]:
        """Name -> condition on the parameters that tells subcircuits apart."""
        written = self.written(self.choices()[0], only=tuple(self.entries("variants")))
        for name, tree in written.items():
            if depends(tree, self.moving):
                raise self.fail(f"variant `{name}` must depend on parameters alone")
        return written

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

    def choices(self) -> list[dict[str, str]]:
        """Every combination of option words."""
        out: list[dict[str, str]] = [{}]
        for name, words in self.options.items():
            out = [{**choice, name: word} for choice in out for word in words]
        return out

    @cached_property
    def state(self) -> State:
        """What the text says about the state."""
        return read_state(self.data.get("state", "s"), self.fail)

    @cached_property
    def _checked(self) -> tuple[Dimensions, bool]:
        return check_units(self, self.choices()[0])

    @property
    def moving(self) -> frozenset[str]:
        """Names of the state, v and i in lower case."""
        return frozenset((self.state.name.lower(), "v", "i"))

    def equations(
        self, choice: Mapping[str, str] | None = None, tables: Mapping[str, Points] | None = None
    ) -> Equations:
        """The formulas of one choice of options (default: the first words) and of tables (default: the text's)."""
        chosen = {name: words[0] for name, words in self.options.items()} | dict(choice or {})
        points = self.tables | dict(tables or {})
        return self._equations(tuple(chosen.items()), tuple(points.items()))

    def called_tables(self) -> tuple[Expression, ...]:
        """The formulas of the first choice with tables still called by name, conduction first."""
        written = self.written(self.choices()[0])
        return tuple(written[key] for key in ("resistance", "current", "rate", "decay") if key in written)

    @functools.cache  # noqa: B019 - laws live as long as the program
    def _equations(self, choice: tuple[tuple[str, str], ...], tables: tuple[tuple[str, Points], ...]) -> Equations:
        read = self.written(dict(choice))
        points = {name.lower(): tuple(Number(v) for xy in p for v in xy) for name, p in tables}

        numbers = {name: value for name, (value, _) in self.quantities.items()}
        for name, pairs in tables:
            numbers |= {f"{name}_{end}".lower(): pairs[at][0] for end, at in zip(ENDS, (0, -1), strict=True)}

        def put_in(e: Expression) -> Expression | None:
            match e:
                case Parameter(name) if name.lower() in numbers:
                    return Number(numbers[name.lower()])
                case Call(name, (x,)) if name.lower() in points:
                    return Call("table", (x, *points[name.lower()]))
                case Parameter(name) if self.state.reduced and name.lower() == self.state.name.lower():
                    return Parameter(self.state.name) * self.state.span + float(self.state.low or 0.0)
            return None

        trees = {key: simplify(rebuild(tree, put_in)) for key, tree in read.items()}
        speed = {key: trees[key] / self.state.span if self.state.reduced else trees[key] for key in trees}
        decay = speed.get("decay")
        return Equations(
            self.ohmic, trees["resistance" if self.ohmic else "current"], speed.get("rate", Number(0.0)), decay
        )

    def entries(self, key: str) -> Mapping[str, Any]:
        """What stands in one table of the text."""
        given = self.data.get(key, {})
        if not isinstance(given, Mapping):
            raise self.fail(f"`{key}` must be a table [{key}]")
        return given

    @cached_property
    def formulas(self) -> Formulas:
        """What read its formulas and knows where each stands."""
        return Formulas(self.name, self.text)

    def written(self, choice: Mapping[str, str], only: tuple[str, ...] | None = None) -> dict[str, Expression]:
        """Formulas by key with the helpers put in; nodes keep their places. `only` names helpers to give instead."""
        read = functools.partial(self._chosen, choice)
        helpers: dict[str, Helper] = {}
        for key, given in (*self.entries("let").items(), *self.entries("variants").items()):
            name, arguments = signature(key)
            if name.lower() not in self.quantities:
                helpers[name.lower()] = Helper(arguments, read(f"let.{key}", given))
        ends = (f"{name}_{end}" for name in self.tables for end in ENDS)
        names = (self.state.name, *self.parameters, *self.quantities, *ends, "active")
        known = frozenset(name.lower() for name in names)
        tables = frozenset(name.lower() for name in self.tables)
        expand = functools.partial(self.formulas.expand, helpers=helpers, tables=tables, moving=self.moving)
        if only is not None:
            asked = {
                name: helpers[name.lower()] for name in (signature(key)[0] for key in only) if name.lower() in helpers
            }
            return {name: expand(h.body, known=known | {"v", "i", *h.arguments}) for name, h in asked.items()}
        out = {}
        for key in ("resistance", "current", "rate", "decay"):
            if key in self.data:
                allowed = known | {"resistance": set(), "decay": set(), "current": {"v"}}.get(key, {"v", "i"})
                tree = read(key, self.data[key])
                out[key] = expand(tree, known=frozenset(allowed))
        return out

    def _chosen(self, choice: Mapping[str, str], key: str, given: object) -> Expression:
        if isinstance(given, Mapping):
            words = [word for word in choice.values() if word in given]
            if len(words) != 1:
                raise self.fail(f"`{key}` must have one formula for each word of an option, it has {', '.join(given)}")
            return self.formulas.read(f"{key}.{words[0]}", given[words[0]])
        return self.formulas.read(key, given)

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

    # The same interface as `RecordLaw`, for case files.

    @property
    def build(self) -> type[LawDevice]:
        """What makes a device from keyword arguments."""
        return self.device

    @property
    def keys(self) -> tuple[str, ...]:
        """All arguments, in order."""
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

    @property
    def stateful(self) -> bool:
        """Whether its devices have memory."""
        return True

    def unit(self, key: str) -> str | None:
        """The unit of a numeric argument, stated or implied; None where none follows."""
        found = self.parameters[key].unit if key in self.parameters else None
        if found is not None:
            return unit_in_si(found)
        implied = self.dimensions.get(key)
        return None if implied is None else format_dimension(implied).replace("no unit", "1")

    def describes(self, device: object) -> bool:
        """Whether `device` is of this law."""
        return type(device) is self.device

    def arguments(self, device: object) -> dict[str, Any]:
        """The keyword arguments that build `device` again."""
        return {key: getattr(device, key) for key in self.keys}


@functools.lru_cache(maxsize=512)
def _from_text(text: str, name: str) -> Law:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"law {name}: no TOML: {error}") from None
    law = object.__new__(Law)
    law._fill(str(data.pop("name", name)), text, data)
    return law
