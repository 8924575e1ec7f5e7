"""What is asked of every law text: names that are free, units that fit, formulas that have values.

Values are asked for at the default parameters, over the range of the state and the drops of the examples. A state
without range has no place where formulas would have to hold; there they must have a value for some state at every drop.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import DeviceError, QuantityError, nearest
from spicebridge.expressions.dimensions import NONE, format_dimension, parse_physical
from spicebridge.expressions.tree import Expression
from spicebridge.laws.formulas import signature
from spicebridge.laws.hazards import DROPS, STATES, hazard, touches_zero, value_at
from spicebridge.laws.law_text import PER_SECOND, VOLT, LawText
from spicebridge.laws.parameters import check_rules
from spicebridge.laws.words import CALLED, IN_CIRCUITS, SIGNALS, taken

FREE_STATES = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, STATES // 2), -np.geomspace(1e-3, 1e4, STATES // 2)])
"""Where a state without range is tried, in SI."""


def check_names(law: LawText, of_device: frozenset[str]) -> None:
    """Raise `LawError` for names that are taken, and for rules about parameters that are none or do not hold.

    `of_device` are the quantities of a device, which its parameters may not hide.
    """
    seen: dict[str, str] = {}
    helpers = [signature(key)[0] for key in (*law.entries("let"), *law.entries("variants"))]
    fields = taken(of_device)
    names = [(name, fields) for name in (*law.parameters, *law.options)]
    called = [(name, fields | CALLED) for name in law.tables] + [(name, SIGNALS | CALLED) for name in helpers]
    for name, words in ((law.state.name, IN_CIRCUITS), *names, *called):
        folded = name.lower()
        if folded in words:
            raise law.fail(f"{name!r} is a word of the language; take another name")
        if folded in seen:
            raise law.fail(f"{name!r} and {seen[folded]!r} are one name, case does not tell them apart")
        seen[folded] = name
    for name, parameter in law.parameters.items():
        for rule in parameter.rules:
            if isinstance(rule.bound, str) and rule.bound not in law.parameters:
                raise law.fail(f"parameter `{name}`: rule names {rule.bound!r}, which is no parameter")
    try:
        check_rules("its default", law.parameters, {name: np.asarray(p.default) for name, p in law.parameters.items()})
    except DeviceError as error:
        raise law.fail(str(error)) from None
    assert law.window is not None  # what is wrong with it is said now


def check_examples(law: LawText) -> None:
    """Raise `LawError` for examples with a key that is none, or a drive that is no voltage."""
    for name, entry in law.examples.items():
        units = {"drive": VOLT, "frequency": PER_SECOND, "initial": NONE}
        for key, given in entry.items():
            if key not in units and key not in law.keys:
                known = (*units, *law.keys)
                raise law.fail(f"example {name}: {key!r} is unknown{nearest(key, known)}; known are {', '.join(known)}")
            if key in units:
                try:
                    value, unit = parse_physical(str(given))
                except QuantityError as error:
                    raise law.fail(f"example {name}: `{key}`: {error}") from None
                if unit.text != "1" and unit.dimension != units[key]:
                    raise law.fail(f"example {name}: `{key}` is in {format_dimension(units[key])}, not in {unit.text}")
                if key == "frequency" and value <= 0.0:
                    raise law.fail(f"example {name}: `frequency` {value:g} must be positive")


def check_values(law: LawText, choice: Mapping[str, str]) -> None:
    """Raise `LawError` where a formula divides by zero or is not finite, or a resistance passes through zero."""
    trees, s = law.written(choice), law.state
    ranged = s.low is not None and s.high is not None
    states = np.linspace(s.low or 0.0, s.high or 1.0, STATES) if ranged else FREE_STATES
    if not ranged:
        states = np.unique(
            [*states, *(float(e["initial"]) * s.unit.factor for e in law.examples.values() if "initial" in e)]
        )
    peaks = [parse_physical(str(e["drive"]))[0] for e in law.examples.values() if "drive" in e]
    drops = np.array([sign * part for part in DROPS for sign in (-1.0, 1.0)]) * max(peaks, default=1.0)
    state, drop = np.meshgrid(states, np.unique(drops), indexing="ij")
    values = {name.lower(): np.asarray(p.default) for name, p in law.parameters.items()}
    values |= {name: np.asarray(value) for name, (value, _) in law.quantities.items()}
    tables = {n.lower(): (np.array(p)[:, 0], np.array(p)[:, 1]) for n, p in law.tables.items()}
    for name, (x, _) in tables.items():
        values |= {f"{name}_start": x[0], f"{name}_end": x[-1]}
    values |= {s.name.lower(): state, "v": drop, "active": np.asarray(1.0), "i": np.zeros_like(state)}
    for key, tree in trees.items():
        told = {"resistance": (s.name,), "decay": (s.name,), "current": (s.name, "v")}.get(key, (s.name, "v", "i"))
        found = hazard(tree, values, told, tables, everywhere=not ranged)
        if found is not None:
            raise law.formulas.at(found.node, found.message)
        if key == "current":
            values["i"] = value_at(tree, values, tables)
        elif key == "resistance":
            R = np.broadcast_to(value_at(tree, values, tables), state.shape)
            if ranged:
                touched = touches_zero(tree, values, s.name, tables, np.ones(state.shape, bool))
                _check_sign(law, tree, R[:, 0], states, touched)
            values["i"] = np.asarray(drop / np.where(R > 0.0, R, 1.0))


def _check_sign(law: LawText, tree: Expression, R: Array, states: Array, touched: float | None) -> None:
    """A resistance that vanishes inside the range divides a voltage by zero there."""
    inside = (R[1:-1] <= 0.0) & ((R.max() > 0.0) | (R[1:-1] == 0.0))
    if inside.any() or touched is not None:
        at = states[1:-1][int(np.argmax(inside))] if inside.any() else touched
        raise law.formulas.at(
            tree,
            f"the resistance is zero or negative at {law.state.name} = {at:.4g}, inside the range; where only forced "
            'currents pass that is physics, and the law says so by state = { range = "none" }',
        )
