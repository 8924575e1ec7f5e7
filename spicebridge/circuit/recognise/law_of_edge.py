"""The law of one edge from its equations: a known device with signs and window, or the equations themselves.

    v = P R(s) i  or  i = i(v, s),   ds/dt = f(s, v)

In this order:

named     the subcircuit of the library that the deck calls gives the device and its numbers
affine    R = R0 + (R1 - R0) s and ds/dt = a s + W(s, g q), q = R0 i or v, a window W of `windows`
general   the deck's own expressions are the law

A known device is a promise until it equals the deck's expressions at every sample: over the drops that the deck can
produce, at the walls and, where the state can pass them, beyond, on both sides of every switching point. From R and
ds/dt alone a description is not unique; of equal ones this is taken: R that grows with s is caravelli2017, R that falls
is tunneling; control "current" before "voltage"; the weakest window that fits.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any, cast

import numpy as np

from spicebridge.arrays import Array, BoolArray
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.recognise.affine_fit import AffineFit, close
from spicebridge.circuit.recognise.characteristic import Characteristic, EdgeLaw, Formula, Range
from spicebridge.circuit.recognise.clamps import clamped_range, gated_range
from spicebridge.circuit.recognise.deck_structure import CircuitParts
from spicebridge.circuit.recognise.equations import CURRENT, DROP, STATE, EdgeEquations, NotLocal, put
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.circuit.recognise.sampling import (
    TrialPoints,
    samples,
    switches,
    zeros_over_drop,
    zeros_over_state,
)
from spicebridge.errors import DeviceError, SpiceBridgeError
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.tree import Expression, Number, Parameter, Unary
from spicebridge.laws import Law, LawDevice, Resistor
from spicebridge.laws.base import GeneralDevice, OhmicDevice
from spicebridge.windows import Hard, NoWindow

VERIFIED = 1e-9
"""Largest difference from the deck's own expressions, relative to the terms that make the value."""
JUMP = 1e-5
"""Step of the rate or the current, relative to its largest value, from which on it is a jump."""
SMALL = 1e-2
"""Least resistance beyond the walls that is looked at, relative to that at the start."""
BEYOND = 0.5
"""How far beyond its walls a state is tried, where nothing keeps it inside."""
STYLE = ExpressionStyle()
UNITS = {"one_volt": (1.0, "V"), "one_ampere": (1.0, "A"), "one_ohm": (1.0, "ohm"), "one_hertz": (1.0, "1/s")}
"""A deck's numbers carry no units, so the formulas of a general law are of v/(1 V) and give amperes, ohms and 1/s by
factors of one."""


class EdgeReader:
    """Reads one edge; `named` is the law that its subcircuit's name promises, `start` the initial state."""

    def __init__(self, body: CircuitParts, number: int, named: EdgeLaw | None, start: float) -> None:
        self.branch = body.branches[number]
        self.drop = body.largest_drop
        self.named = named
        self.equations = EdgeEquations(body, number)
        self.points: dict[bool, TrialPoints] = {}
        self.nearest = ""
        self.start = start
        self.free = None if 0.0 <= start <= 1.0 else Range(*sorted((0.5 * start, 1.5 * start)))
        """Where a state is tried that starts outside [0, 1] and has no walls: it has a unit, and no range is named."""

    def refuse(self, reason: str) -> Refusal:
        return Refusal(self.branch.name, reason)

    def read(self) -> EdgeLaw:
        """The law; raises `Refusal`."""
        law = self._characteristic()
        if self.branch.state is None:
            return self._memoryless(law)
        bounds = clamped_range(self.equations, law, self.drop)
        if bounds is None:
            gated = gated_range(law, self.drop)
            if gated is not None:
                bounds, rate = gated
                law = replace(law, rate=rate)
        if bounds is None and self.free is not None:
            return self._general(law, None)
        if self.named is not None:
            found = self._named(self.named, law, bounds)
            if found is not None:
                return found
        return self._affine(law, bounds) or self._general(law, bounds)

    def _characteristic(self) -> Characteristic:
        equations = self.equations
        try:
            equations.solve()
        except NotLocal as error:
            raise self.refuse(f"has a law that depends on {error}; an edge's law may know its own alone") from None
        rate = None if self.branch.state is None else equations.rate()
        if equations.conducts:
            per_volt = simplify(put(equations.i, DROP, Number(1.0)))
            ohmic = self._proportional(Formula(equations.i, "v"), Formula(per_volt, "v"))
            resistance = simplify(Number(1.0) / per_volt) if ohmic else None
            return Characteristic(equations.i, rate, resistance)
        per_ampere = simplify(put(equations.v, CURRENT, Number(1.0)))
        if not self._proportional(Formula(equations.v, "i"), Formula(per_ampere, "i")):
            what = "is neither a constant resistance nor one of a state; edges without memory are linear"
            raise self.refuse("has a current that is not proportional to its voltage" if self.branch.state else what)
        current = DROP / per_ampere
        return Characteristic(current, None if rate is None else put(rate, CURRENT, current), per_ampere)

    def _proportional(self, formula: Formula, unit: Formula) -> bool:
        points = samples([formula.tree], formula.symbol, (0.0, 1.0), self.drop)
        value, line = formula(points.s, points.x), unit(points.s, points.x) * points.x
        return bool(np.isfinite(value).all() and (np.abs(value - line) <= VERIFIED * np.abs(line)).all())

    def _memoryless(self, law: Characteristic) -> EdgeLaw:
        if law.resistance is None:
            raise self.refuse("is neither a constant resistance nor one of a state; edges without memory are linear")
        R = float(law.R(np.zeros(1))[0])
        if not math.isfinite(R) or R == 0.0:
            raise self.refuse("has no resistance that is finite and not zero")
        return EdgeLaw(Resistor(np.abs(np.float64(R))), math.copysign(1.0, R), 1.0)

    # known devices

    def _named(self, named: EdgeLaw, law: Characteristic, bounds: Range | None) -> EdgeLaw | None:
        """The law that the name promises with the window that fits, if the elements keep the promise."""
        if bounds is not None and not bounds.unit:
            return None
        device: Any = named.device
        fit = AffineFit(law, self.drop, self.equations)
        windows = [Hard()] if bounds else [NoWindow(), *fit.windows()]
        for window in windows:
            try:
                made = replace(named, device=replace(device, window=window))
            except DeviceError:
                continue
            if fit.near(made, bounds is not None) and self.equal(made, law, bounds is not None) is None:
                return made
        return None

    def _affine(self, law: Characteristic, bounds: Range | None) -> EdgeLaw | None:
        if law.resistance is None or (bounds is not None and not bounds.unit):
            return None
        for made in AffineFit(law, self.drop, self.equations).candidates(bounds is not None):
            wrong = self.equal(made, law, bounds is not None)
            if wrong is None:
                return made
            if not self.nearest:
                device = cast(LawDevice, made.device)
                words = f"{device.law} with {device.control} control and window {device.window.name}"
                self.nearest = f"; nearest is {words}, but {wrong}"
        return None

    def _general(self, law: Characteristic, bounds: Range | None) -> EdgeLaw:
        at_rest = law.ds_dt(*_grid(self.drop))
        still = law.ds_dt(_grid(self.drop)[0], np.zeros(_grid(self.drop)[0].size))
        if np.array_equal(at_rest, still) and not switches([law.rate or DROP]):
            raise self.refuse("has a state that neither its current nor its voltage moves; make it a resistor")
        curved = law.resistance is None or switches([law.resistance]) or not self._straight(law)
        what = (
            "a resistance that is not linear in its state"
            if curved
            else "a state whose rate is no known law (a s + g q, q current or voltage, under a window of windows.py)"
        )
        try:
            self._no_jump(law, self._walls(bounds))
            around = bounds or self.free
            made = _general_law(
                self.branch.name, law, around, clamped=bounds is not None, kept=self._stays(law), start=self.start
            )
            wrong = self.equal(made, law, bounds is not None, bounds)
        except SpiceBridgeError as error:
            raise self.refuse(f"has {what}{self.nearest}; its expressions are no law of their own: {error}") from None
        if wrong is not None:
            raise self.refuse(f"has {what}{self.nearest}; its expressions are no law of their own: {wrong}")
        return made

    def _walls(self, bounds: Range | None) -> tuple[float, float]:
        found = bounds or self.free or Range(0.0, 1.0)
        return found.low, found.high

    def _stays(self, law: Characteristic) -> bool:
        """Whether the rate itself keeps the state in [0, 1]."""
        if self.free is not None:
            return False
        return self._kept(law, samples(law.trees, "v", (0.0, 1.0), self.drop), 0.0, 1.0)

    def _no_jump(self, law: Characteristic, walls: tuple[float, float]) -> None:
        """Raise where the rate or the current jumps: no error bar of a simulator's steps holds across a jump, and what
        a state does that rests on one is the step."""
        low, high = walls
        reach = BEYOND * (high - low)
        for tree in law.trees:
            formula = Formula(tree, "v")
            size = np.nanmax(np.abs(formula(*_grid(self.drop, walls))), initial=0.0)
            for test in switches([tree]):
                switch = Formula(test, "v")
                usual = np.nanmax(np.abs(switch(*_grid(self.drop, walls))), initial=0.0)
                for s, v, ds, dv in (
                    (*zeros_over_state(test, (low - reach, high + reach), self.drop), 1e-9 * (high - low), 0.0),
                    (*zeros_over_drop(test, (low, high), self.drop), 0.0, 1e-9 * self.drop),
                ):
                    with np.errstate(all="ignore"):
                        below, above = formula(s - ds, v - dv), formula(s + ds, v + dv)
                        # A test that changes its sign through a pole has no zero there.
                        pole = np.minimum(np.abs(switch(s - ds, v - dv)), np.abs(switch(s + ds, v + dv))) > usual
                    off = (np.abs(above - below) > JUMP * size) & ~pole
                    if off.any():
                        k = int(np.flatnonzero(off)[0])
                        what = "its rate" if tree is law.rate else "its current"
                        raise DeviceError(
                            f"{what} jumps from {below[k]:.6g} to {above[k]:.6g} at state {s[k]:.6g} and {v[k]:.6g} V, "
                            "and what the circuit does there is the simulator's step; write a transition, or bound "
                            "the state by two switches"
                        )

    def _straight(self, law: Characteristic) -> bool:
        s = np.linspace(0.0, 1.0, 9)
        R = law.R(s)
        return bool(np.isfinite(R).all() and close(R, R[0] + (R[-1] - R[0]) * s))

    # the check of all

    def equal(self, made: EdgeLaw, law: Characteristic, clamped: bool, bounds: Range | None = None) -> str | None:
        """None where the device is the deck's expressions at every sample; else where it is not."""
        if clamped not in self.points:
            self.points[clamped] = self._points(law, clamped, bounds)
        points = self.points[clamped]
        s, v = points.s, points.x
        reduced = s if bounds is None else bounds.reduced(s)
        device, P, J = made.device, np.full(s.size, made.P), np.full(s.size, made.J)
        with np.errstate(all="ignore"):
            i = law.i(s, v)
            if device.ohmic:
                ours = v / (made.P * cast(OhmicDevice, device).resistance(reduced))
            else:
                ours = made.J * cast(GeneralDevice, device).current(made.J * v, reduced)
            off = ~(np.abs(ours - i) <= VERIFIED * np.maximum(np.abs(i), np.abs(ours)))
            if off.any():
                return _place("its current", points, off, i, ours)
            bulk = device.bulk_rate(reduced, v, ours, P, J)
            rate = bulk if clamped else device.rate(reduced, v, ours, P, J)
            span = 1.0 if bounds is None else bounds.span
            theirs = law.ds_dt(s, v) / span
            floor = 1e-3 * VERIFIED * _largest(theirs, points)
            off = ~(np.abs(rate - theirs) <= VERIFIED * (np.abs(bulk) + np.abs(theirs)) + floor)
            off &= ~(np.isnan(rate) & np.isnan(theirs))
        return _place("the rate of its state", points, off, theirs, rate) if off.any() else None

    def _points(self, law: Characteristic, clamped: bool, bounds: Range | None) -> TrialPoints:
        low, high = self._walls(bounds)
        inside = samples(law.trees, "v", (low, high), self.drop)
        if clamped or self._kept(law, inside, low, high):
            return inside
        reach = BEYOND * (high - low)
        points = samples(law.trees, "v", (low - reach, high + reach), self.drop)
        # A resistance that comes near zero has left the law: the circuit has failed before, and figures cancel.
        good = law.R(points.s) / law.R(np.array([self.start])) > SMALL
        return TrialPoints(
            np.concatenate([inside.s, points.s[good]]),
            np.concatenate([inside.x, points.x[good]]),
            np.concatenate([inside.group, points.group[good]]),
        )

    def _kept(self, law: Characteristic, points: TrialPoints, low: float, high: float) -> bool:
        """Whether no drop drives the state out of its range, so that what lies beyond is never met."""
        down = law.ds_dt(np.full_like(points.x, low), points.x)
        up = law.ds_dt(np.full_like(points.x, high), points.x)
        size = 1e-12 * np.nanmax(np.abs(law.ds_dt(points.s, points.x)), initial=0.0)
        return bool((down >= -size).all() and (up <= size).all())


def _general_law(
    name: str, law: Characteristic, around: Range | None, *, clamped: bool, kept: bool, start: float
) -> EdgeLaw:
    """The deck's own expressions as a law of text; raises `SpiceBridgeError` for what is no law.

    `around` is where the state moves, by `clamped` its walls; `kept`: it stays in [0, 1] by its own rate. At
    `start` the resistance has its sign.
    """
    assert law.rate is not None
    volts = DROP / Parameter("one_volt")

    def text(e: Expression, unit: str) -> str:
        return f"{unit}*({STYLE.format(simplify(put(e, DROP, volts)))})"

    P = 1.0
    entries: dict[str, object] = {"rate": text(law.rate, "one_hertz")}
    if law.resistance is None:
        entries["current"] = text(law.current, "one_ampere")
    else:
        R = law.R(np.array([start]))
        P = -1.0 if R[0] < 0.0 else 1.0
        resistance = law.resistance if P > 0.0 else Unary("-", law.resistance)
        entries["resistance"] = text(resistance, "one_ohm")
        # Where only forced currents pass, a resistance may pass zero; a stated range would say that it does not.
        kept = kept and bool((law.R(np.linspace(0.0, 1.0, 33)) * R[0] > 0.0).all())
    if clamped and around is not None:
        entries["state"] = {"name": STATE.name, "range": [around.low, around.high]}
        entries["window"] = "hard"
    else:
        entries["state"] = {"name": STATE.name, "range": [0.0, 1.0] if kept else "none"}
    formulas = " ".join(value for value in entries.values() if isinstance(value, str))
    entries["parameters"] = {unit: value for unit, value in UNITS.items() if unit in formulas}
    label = "deck_" + (re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "law")
    made = Law(label, **entries)
    note = f"{name}: no law of the library; its own expressions are the law {label}"
    return EdgeLaw(
        made(), P, 1.0, note + ("; the deck names no range of its state" if around is not None and not clamped else "")
    )


def _largest(values: Array, points: TrialPoints) -> Array:
    out = np.zeros_like(values)
    for number in np.unique(points.group):
        here = points.group == number
        out[here] = np.fmax.reduce(np.abs(values[here]), initial=0.0)
    return out


def _place(what: str, points: TrialPoints, off: BoolArray, theirs: Array, ours: Array) -> str:
    k = int(np.flatnonzero(off)[0])
    return f"{what} at state {points.s[k]:.6g} and {points.x[k]:.6g} V is {theirs[k]:.6g}, the law gives {ours[k]:.6g}"


def _grid(drop: float, walls: tuple[float, float] = (0.0, 1.0)) -> tuple[Array, Array]:
    random = np.random.default_rng(2)
    return random.uniform(*walls, 64), random.uniform(-drop, drop, 64)
