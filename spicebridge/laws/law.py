"""A law is one text: all else is derived from it, the devices of a network first.

`Law` is the text, checked; `LawDevice` a frozen record whose fields are the law's parameters.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, LawError, nearest
from spicebridge.expressions.dimensions import unit_in_si
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import Expression
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.laws.card import Card, law_card
from spicebridge.laws.law_checks import check_examples, check_names, check_values
from spicebridge.laws.law_equations import Equations
from spicebridge.laws.law_text import LawText, format_law
from spicebridge.laws.parameters import check_rules
from spicebridge.laws.tables import table_points
from spicebridge.laws.verilog import Module, module_entries, read_module
from spicebridge.windows import NoWindow, Window, window_entry

Slopes = tuple[Array, Array, Array]
NO_WINDOW = NoWindow()


class LawDevice:
    """One law with parameters: what `Law` returns. Fields and their order are those of `Law.keys`.

    Raises `DeviceError` for values that break a rule of the law.
    """

    definition: ClassVar[Law]
    kind: ClassVar[str]
    stateful: ClassVar[bool] = True
    ohmic: ClassVar[bool]
    if TYPE_CHECKING:
        window: Window

        def __init__(self, *arguments: object, **values: object) -> None: ...

        def __getattr__(self, name: str) -> Array: ...

    def __init_subclass__(cls, law: Law | None = None) -> None:
        if law is None:
            return
        cls.definition, cls.kind, cls.ohmic = law, law.kind, law.ohmic
        cls.__annotations__ = dict.fromkeys(law.keys, "object")
        for name in law.keys:
            if name in law.parameters:
                rule = law.parameters[name]
                unit = None if rule.unit is None else unit_in_si(rule.unit)
                setattr(cls, name, parameter(unit) if rule.typical else parameter(unit, default=rule.default))
            elif name in law.tables:
                setattr(cls, name, dataclasses.field() if name in law.required else law.tables[name])
            else:
                setattr(cls, name, law.options[name][0] if name in law.options else law.window)
        dataclasses.dataclass(frozen=True, eq=False)(cls)
        _CLASSES[law.name, law.text] = cls

    def __post_init__(self) -> None:
        law = self.definition
        if self.__dict__.get("window") is None:
            object.__setattr__(self, "window", NO_WINDOW)
        if not isinstance(self.window, Window):
            raise DeviceError(f"{self.kind}: window {self.window!r} must be a window such as Hard()")
        for name, rule in law.parameters.items():
            try:
                object.__setattr__(self, name, rule.value(getattr(self, name), law.implied))
            except DeviceError as error:
                raise DeviceError(f"{self.kind}: {error}") from None
        freeze_parameters(self)
        check_rules(self.kind, law.parameters, self.parameters)
        for name in law.tables:
            object.__setattr__(self, name, table_points(getattr(self, name), name))
        for name, words in law.options.items():
            word = getattr(self, name)
            if word not in words:
                raise DeviceError(
                    f"{self.kind}: {name} {word!r} must be one of {', '.join(words)}{nearest(str(word), words)}"
                )

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[object, ...]:
        law = self.definition
        return _restored, (law.name, law.text, {name: getattr(self, name) for name in law.keys})

    @property
    def card(self) -> Card:
        """What the law says about itself."""
        return self.definition.card

    @property
    def state_range(self) -> tuple[float, float]:
        """Where initial states lie."""
        return (0.0, 1.0) if self.definition.state.low is not None else (-np.inf, np.inf)

    @property
    def parameters(self) -> dict[str, Array]:
        """Name -> value in SI, () or (n_g,)."""
        return {name: getattr(self, name) for name in self.definition.parameters}

    @property
    def choice(self) -> dict[str, str]:
        """The words of the options."""
        return {name: getattr(self, name) for name in self.definition.options}

    @property
    def equations(self) -> Equations:
        """The formulas of this device, over the reduced state."""
        return self.definition.equations(self.choice, {name: getattr(self, name) for name in self.definition.tables})

    @cached_property
    def _taken(self) -> Equations:
        """The formulas without the branches that these parameters never take."""
        return self.equations.pruned(self.parameters)

    @cached_property
    def _conduction(self) -> Callable[..., Array]:
        return self._taken.conduction_value.bind(self.parameters)

    @cached_property
    def _conduction_slopes(self) -> Callable[..., tuple[Array, ...]]:
        return self._taken.conduction_slopes.bind(self.parameters)

    @cached_property
    def _rate(self) -> Callable[..., Array]:
        return self._taken.rate.bind(self.parameters)

    @cached_property
    def _rate_parts(self) -> Callable[..., tuple[Array, ...]]:
        return self._taken.rate_parts.bind(self.parameters)

    @cached_property
    def _rate_slopes(self) -> Callable[..., tuple[Array, ...]]:
        return self._taken.rate_slopes.bind(self.parameters)

    @property
    def smooth(self) -> bool:
        """Whether nothing of the law bends or jumps, for these parameters."""
        return self._taken.smooth

    def affine(self) -> tuple[Array, Array] | None:
        found = self._taken.affine
        return None if found is None else (self._value(found[0]), self._value(found[1]))

    def linear_rate(self, P: Array, J: Array) -> Slopes | None:
        found = self._taken.linear_rate
        if found is None:
            return None
        a, b, c = (self._value(e, active=P) for e in found)
        return a, np.asarray(J * b), np.asarray(J * c)

    def _value(self, e: Expression, **signals: Array) -> Array:
        values = {name.lower(): value for name, value in (self.parameters | signals).items()}
        return np.asarray(evaluate(e, Environment({}, {}, values)), float)

    def check_state(self, s: Array) -> str | None:
        s = np.asarray(s, float)
        state = self.definition.state
        if not np.isfinite(s).all():
            return "must be finite"
        outside = ((s < 0.0) | (s > 1.0)).any()
        if state.inside == "not negative" and (s < 0.0).any():
            return "must not be negative"
        if outside and (state.inside == "range" or not isinstance(self.window, NoWindow)):
            with_window = "" if state.inside == "range" else f" with the {self.window.name} window"
            return f"must lie in [0, 1]{with_window}{self.meaning()}"
        if self.ohmic and (self.resistance(s) <= 0.0).any():
            return "makes the resistance zero or negative; keep it nearer to [0, 1]"
        return None

    def meaning(self) -> str:
        """What 0 and 1 stand for in the law's own unit; nothing where they are the law's own."""
        state = self.definition.state
        if not state.reduced:
            return ""
        low, high = (float(x) / state.unit.factor for x in (state.low or 0.0, state.high or 1.0))
        return f": 0 stands for {low:g} {state.unit.text}, 1 for {high:g} {state.unit.text}"

    def physical_state(self, s: Array) -> Array:
        """The state in the law's own unit, of program states s in [0, 1]."""
        state = self.definition.state
        return np.asarray((np.asarray(s) * state.span + (state.low or 0.0)) / state.unit.factor)

    def program_state(self, x: Array) -> Array:
        """The program's state, of values in the law's own unit."""
        state = self.definition.state
        return np.asarray((np.asarray(x) * state.unit.factor - (state.low or 0.0)) / state.span)

    def resistance(self, s: Array) -> Array:
        return self._conduction(s, s)

    def resistance_slope(self, s: Array) -> Array:
        return self._conduction_slopes(s, s)[0]

    def current(self, v: Array, s: Array) -> Array:
        return self._conduction(s, v)

    def current_partials(self, v: Array, s: Array) -> tuple[Array, Array]:
        by_s, by_v = self._conduction_slopes(s, v)
        return by_v, by_s

    def bulk_rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        return self._rate(s, v, i, P, J)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        if self.window is NO_WINDOW or isinstance(self.window, NoWindow):
            return self.bulk_rate(s, v, i, P, J)
        decay, drift = self._rate_parts(s, v, i, P, J)
        return np.asarray(self.window.rate(s, decay, drift))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        decay, drift, decay_s, drift_s, drift_v, drift_i = self._rate_slopes(s, v, i, P, J)
        by_s, by_decay, by_drift = self.window.partials(s, decay, drift)
        d_s = by_s + by_decay * decay_s + by_drift * drift_s
        return np.asarray(d_s), np.asarray(by_drift * J * drift_v), np.asarray(by_drift * J * drift_i)


_CLASSES: dict[tuple[str, str], type[LawDevice]] = {}
"""One class of devices per text."""
DEVICE_NAMES = frozenset(name for name in dir(LawDevice) if not name.startswith("_"))
"""The quantities of a device, which no parameter may be called by."""


@dataclasses.dataclass(frozen=True, eq=False, init=False)
class Law(LawText):
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

    def __init__(self, name: str, **entries: object) -> None:
        window = entries.get("window")
        if isinstance(window, Window):
            entries["window"] = window_entry(window)
        entries = {key: value for key, value in entries.items() if value is not None}
        self._fill(name, format_law(entries), entries)

    def _fill(self, name: str, text: str, data: Mapping[str, object], *, check: bool = True) -> None:
        super().__init__(name, text, data)
        check_names(self, DEVICE_NAMES)
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
        return law_from(name, text)

    @classmethod
    def from_veriloga(cls, text: str, name: str = "law", module: str = "") -> Law:
        """The law of a Verilog-A module, which then is its circuit where a simulator compiles it.

        Raises `LawError`, and `HiddenState` for a variable that keeps a value from one evaluation to the next.
        """
        try:
            entries = module_entries(text, module, DEVICE_NAMES)
        except LawError as error:
            raise type(error)(f"{name}: {error}") from None
        return cls(re.sub(r"[^\w-]+", "_", name), **entries)

    def check(self) -> None:
        """Read all formulas of all choices and check their units and their values. Raises `LawError`."""
        check_examples(self)
        for choice in self.choices():
            self.checked_units(choice)
            self.written(choice, only=(*self.entries("let"), *self.variants))
            check_values(self, choice)

    def __call__(self, **values: object) -> LawDevice:
        """A device: parameters, tables and options by name, `window` as in a device of the library."""
        for name in values:
            if name not in self.keys:
                raise self.fail(f"{name!r} is unknown{nearest(name, self.keys)}; known are {', '.join(self.keys)}")
        return self.device(**values)

    @cached_property
    def module(self) -> Module | None:
        """The Verilog-A module that is its circuit, where the law is of one."""
        text = self.data.get("veriloga")
        return None if text is None else read_module(str(text), str(self.data.get("module", "")), DEVICE_NAMES)

    @cached_property
    def device(self) -> type[LawDevice]:
        """The class of its devices."""
        known = _CLASSES.get((self.name, self.text))
        return known or type(self.kind, (LawDevice,), {"__doc__": self.data.get("title", "")}, law=self)

    @cached_property
    def card(self) -> Card:
        """What the law says about itself."""
        return law_card(self)

    # The same interface as `RecordLaw`, for case files.

    @property
    def build(self) -> type[LawDevice]:
        """What makes a device from keyword arguments."""
        return self.device

    @property
    def stateful(self) -> bool:
        """Whether its devices have memory."""
        return True

    def describes(self, device: object) -> bool:
        """Whether `device` is of this law."""
        return type(device) is self.device

    def arguments(self, device: object) -> dict[str, object]:
        """The keyword arguments that build `device` again."""
        return {key: getattr(device, key) for key in self.keys}


@functools.lru_cache(maxsize=512)
def law_from(name: str, text: str, *, check: bool = True) -> Law:
    """The law of a text, `name` where it has none of its own. Raises `LawError`; formulas are not checked if `check` is
    False."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LawError(f"law {name}: no TOML: {error}") from None
    law = object.__new__(Law)
    law._fill(str(data.pop("name", name)), text, data, check=check)
    return law


def _restored(name: str, text: str, values: Mapping[str, object]) -> LawDevice:
    device = law_from(name, text, check=False).device
    return device(**{key: value for key, value in values.items() if key in device.definition.keys})
