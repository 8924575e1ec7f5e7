"""Devices of a law text: frozen records whose fields are the law's parameters, and the functions that follow from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, nearest
from spicebridge.expressions.calculus import differentiate, simplify
from spicebridge.expressions.dimensions import unit_in_si
from spicebridge.expressions.evaluate import Compiled, compile_trees, depends
from spicebridge.expressions.kinks import kinks
from spicebridge.expressions.tree import Conditional, Environment, Expression, Number, Parameter, evaluate, rebuild
from spicebridge.laws.base import freeze_parameters, parameter, same_device
from spicebridge.laws.card import Card
from spicebridge.laws.formulas import unlimited
from spicebridge.laws.parameters import check_values
from spicebridge.laws.tables import table_points
from spicebridge.windows import NoWindow, Window

if TYPE_CHECKING:
    from spicebridge.laws.law import Equations, Law

Slopes = tuple[Array, Array, Array]
NO_WINDOW = NoWindow()


@dataclass(frozen=True)
class Kernels:
    """The compiled functions of one `Equations`: of (s, v), the rates of (s, v, i, P, J) with J v and J i in them."""

    equations: Equations
    names: tuple[str, str, str, str]

    def _conducting(self, *trees: Expression) -> Compiled:
        return compile_trees([unlimited(tree) for tree in trees], self.names[:2], 0 if self.equations.ohmic else 1)

    def _moving(self, *trees: Expression) -> Compiled:
        """The polarity has a name that no text can hold."""
        polarity, turned = "J of the edge", {name.lower() for name in self.names[1:3]}

        def turn(e: Expression) -> Expression | None:
            return Parameter(polarity) * e if isinstance(e, Parameter) and e.name.lower() in turned else None

        return compile_trees([rebuild(unlimited(tree), turn) for tree in trees], (*self.names, polarity))

    def _slope(self, tree: Expression, name: str) -> Expression:
        return differentiate(unlimited(tree), Parameter(name))

    @cached_property
    def conduction(self) -> Compiled:
        """R in ohm or i in A."""
        return self._conducting(self.equations.conduction)

    @cached_property
    def conduction_slopes(self) -> Compiled:
        """(d/ds, d/dv) of it."""
        e, (s, v, _, _) = self.equations.conduction, self.names
        return self._conducting(self._slope(e, s), self._slope(e, v))

    @cached_property
    def decay(self) -> Expression:
        """The part of the rate that no window changes."""
        return Number(0.0) if self.equations.decay is None else self.equations.decay

    @cached_property
    def bulk(self) -> Compiled:
        """decay + drift."""
        e = self.equations
        return self._moving(e.drift if e.decay is None else e.decay + e.drift)

    @cached_property
    def parts(self) -> Compiled:
        """(decay, drift)."""
        return self._moving(self.decay, self.equations.drift)

    @cached_property
    def rate_slopes(self) -> Compiled:
        """(decay, drift, d decay/ds, d drift/ds, d drift/dv, d drift/di)."""
        drift, (s, v, i, _) = self.equations.drift, self.names
        by = [self._slope(drift, x) for x in (s, v, i)]
        return self._moving(self.decay, drift, self._slope(self.decay, s), *by)

    @cached_property
    def affine(self) -> tuple[Expression, Expression] | None:
        """(R at s = 0, dR/ds) where R has no jump and its slope does not depend on s."""
        e, s = unlimited(self.equations.conduction), self.names[0]
        slope, moving = differentiate(e, Parameter(s)), frozenset((s.lower(),))
        if not self.equations.ohmic or depends(slope, moving) or any(True for _ in kinks(e, moving)):
            return None
        return self._at_zero(e, (s,)), slope

    @cached_property
    def linear_rate(self) -> tuple[Expression, Expression, Expression] | None:
        """(a, b, c) of decay = a s and drift = b i + c v, where they are that and have no jump."""
        drift, decay, (s, v, i, _) = unlimited(self.equations.drift), unlimited(self.decay), self.names
        a = differentiate(decay, Parameter(s))
        b, c = (differentiate(drift, Parameter(x)) for x in (i, v))
        moving = frozenset(x.lower() for x in (s, v, i))
        zeros = (self._at_zero(decay, (s,)), self._at_zero(drift, (v, i)))
        if any(depends(x, moving) for x in (a, b, c)) or any(x != Number(0.0) for x in zeros):
            return None
        if any(True for tree in (drift, decay) for _ in kinks(tree, moving)):
            return None
        return a, b, c

    def _at_zero(self, tree: Expression, names: tuple[str, ...]) -> Expression:
        folded = {name.lower() for name in names}

        def zero(e: Expression) -> Expression | None:
            return Number(0.0) if isinstance(e, Parameter) and e.name.lower() in folded else None

        return simplify(rebuild(tree, zero))


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

        def __init__(self, *arguments: object, **values: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, law: Law | None = None) -> None:
        if law is None:
            return
        cls.definition, cls.kind, cls.ohmic = law, law.kind, law.ohmic
        cls.__annotations__ = dict.fromkeys(law.keys, "Any")
        for name in law.keys:
            if name in law.parameters:
                rule = law.parameters[name]
                unit = None if rule.unit is None else unit_in_si(rule.unit)
                setattr(cls, name, parameter(unit) if rule.typical else parameter(unit, default=rule.default))
            elif name in law.tables:
                setattr(cls, name, field() if name in law.required else field(default=law.tables[name]))
            elif name in law.options:
                setattr(cls, name, law.options[name][0])
            else:
                setattr(cls, name, field(default=law.window))
        dataclass(frozen=True, eq=False)(cls)
        _CLASSES[law.name, law.text] = cls

    def __post_init__(self) -> None:
        law = self.definition
        if "window" in self.__dict__:
            self._check_window()
        else:
            object.__setattr__(self, "window", NO_WINDOW)
        for name, rule in law.parameters.items():
            try:
                object.__setattr__(self, name, rule.value(getattr(self, name), law.implied))
            except DeviceError as error:
                raise DeviceError(f"{self.kind}: {error}") from None
        freeze_parameters(self)
        check_values(self.kind, law.parameters, self.parameters)
        for name in law.tables:
            object.__setattr__(self, name, table_points(getattr(self, name), name))
        for name, words in law.options.items():
            word = getattr(self, name)
            if word not in words:
                raise DeviceError(
                    f"{self.kind}: {name} {word!r} must be one of {', '.join(words)}{nearest(str(word), words)}"
                )

    def _check_window(self) -> None:
        if self.window is None:
            object.__setattr__(self, "window", NO_WINDOW)
        if not isinstance(self.window, Window):
            raise DeviceError(f"{self.kind}: window {self.window!r} must be a window such as Hard()")

    def __eq__(self, other: object) -> bool:
        return same_device(self, other)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        law = self.definition
        values = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return _restored, (law.name, law.text, values)

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
    def _kernels(self) -> Kernels:
        return kernels(self._taken, self.definition.state.name)

    @cached_property
    def _taken(self) -> Equations:
        """The formulas without the branches that these parameters never take."""
        whole, moving = self.equations, self.definition.moving
        trees = [pruned(tree, self.parameters, moving) for tree in whole.trees]
        if all(tree is old for tree, old in zip(trees, whole.trees, strict=True)):
            return whole
        return _equations(whole.ohmic, *trees)

    @cached_property
    def _conduction(self) -> Callable[..., Array]:
        return self._kernels.conduction.bind(self.parameters)

    @cached_property
    def _conduction_slopes(self) -> Callable[..., tuple[Array, ...]]:
        return self._kernels.conduction_slopes.bind(self.parameters)

    @cached_property
    def _bulk(self) -> Callable[..., Array]:
        return self._kernels.bulk.bind(self.parameters)

    @cached_property
    def _parts(self) -> Callable[..., tuple[Array, ...]]:
        return self._kernels.parts.bind(self.parameters)

    @cached_property
    def _rate_slopes(self) -> Callable[..., tuple[Array, ...]]:
        return self._kernels.rate_slopes.bind(self.parameters)

    @cached_property
    def smooth(self) -> bool:
        """Whether nothing of the law bends or jumps, for these parameters."""
        moving = self.definition.moving
        return not any(True for tree in self._taken.trees for _ in kinks(tree, moving))

    def affine(self) -> tuple[Array, Array] | None:
        found = self._kernels.affine
        return None if found is None else (self._value(found[0]), self._value(found[1]))

    def linear_rate(self, P: Array, J: Array) -> Slopes | None:
        found = self._kernels.linear_rate
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
        return self._bulk(s, v, i, P, J)

    def rate(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Array:
        if self.window is NO_WINDOW or isinstance(self.window, NoWindow):
            return self.bulk_rate(s, v, i, P, J)
        decay, drift = self._parts(s, v, i, P, J)
        return np.asarray(self.window.rate(s, decay, drift))

    def rate_partials(self, s: Array, v: Array, i: Array, P: Array, J: Array) -> Slopes:
        decay, drift, decay_s, drift_s, drift_v, drift_i = self._rate_slopes(s, v, i, P, J)
        by_s, by_decay, by_drift = self.window.partials(s, decay, drift)
        d_s = by_s + by_decay * decay_s + by_drift * drift_s
        return np.asarray(d_s), np.asarray(by_drift * J * drift_v), np.asarray(by_drift * J * drift_i)


@functools.lru_cache(maxsize=1024)
def kernels(equations: Equations, state: str) -> Kernels:
    """The functions of one set of formulas, compiled once."""
    return Kernels(equations, (state, "v", "i", "active"))


@functools.lru_cache(maxsize=1024)
def _equations(ohmic: bool, conduction: Expression, drift: Expression, decay: Expression | None = None) -> Equations:
    """One record for equal formulas, so that they are compiled once."""
    from spicebridge.laws.law import Equations

    return Equations(ohmic, simplify(conduction), simplify(drift), None if decay is None else simplify(decay))


def pruned(tree: Expression, parameters: Mapping[str, Array], moving: frozenset[str]) -> Expression:
    """The tree without the branches that these parameters never take."""
    environment = Environment({}, {}, {name.lower(): value for name, value in parameters.items()} | {"active": 1.0})

    def change(e: Expression) -> Expression | None:
        match e:
            case Conditional(test, yes, no) if not depends(test, moving):
                taken = np.abs(np.asarray(evaluate(test, environment))) > 0.5
                return yes if taken.all() else no if not taken.any() else None
        return None

    made: Expression = rebuild(tree, change)
    return made


_CLASSES: dict[tuple[str, str], type[LawDevice]] = {}


def device_class(law: Law) -> type[LawDevice]:
    """The class of a law's devices: one per text."""
    known = _CLASSES.get((law.name, law.text))
    return known or type(law.kind, (LawDevice,), {"__doc__": law.data.get("title", "")}, law=law)


def _restored(name: str, text: str, values: Mapping[str, object]) -> LawDevice:
    from spicebridge.laws.registry import law_from

    device = law_from(name, text).device
    return device(**{key: value for key, value in values.items() if key in device.definition.keys})
