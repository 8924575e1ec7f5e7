"""Switches: what a deck asks for, and the nearest thing where a simulator has no abrupt one.

A deck's switch is abrupt: resistance `ron` where the control v exceeds vt + vh, `roff` below vt - vh. Where that
does not exist, the conductance is

    g = 1/roff + (1/ron - 1/roff) s^2 (3 - 2 s),    s = (v - vt)/WIDTH clipped to [0, 1],

which is Spectre's relay, and elsewhere a behavioural source. Nothing changes at or below the threshold, so that
a state is released when its rate turns inward; a state pressed against a wall at `rate` overshoots by
(rate WIDTH^2 ron/3)^(1/3) V, 3e-6 for 1/s and 1e-10 ohm: the floor of hard bounds there. A voltage-controlled
switch that is smooth in log R (PSpice, Xyce) or in R (HSPICE) is worse: emulated in ngspice on the case
``hard_bounds``, the first needs a width of 1e-4 V to converge and is then 1.7e-4 off, the second never converges;
this one is 3e-5 off, as the abrupt switch is at the same step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import ScopeKind
from spicebridge.circuit.dialects.dialect import plain
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Call, NodeVoltage, Parameter, call

WIDTH = 1e-3
"""V: width of the transition, which begins at the threshold."""
NARROW = 1e-9
"""V: a hysteresis below this is there against rounding and has no meaning for a smooth switch."""
WIDEST = 1e12
"""Largest roff/ron of the native switches of Xyce and PSpice, used for hysteresis; their manuals' advice."""


@dataclass(frozen=True)
class SwitchModel:
    """Threshold and hysteresis in V, resistances in ohm."""

    vt: float
    vh: float
    ron: float
    roff: float

    @property
    def on(self) -> float:
        """Where a smooth switch is fully on, in V."""
        return self.vt + WIDTH

    def within(self, ratio: float) -> SwitchModel:
        """The same switch with roff/ron at most `ratio`, drawn together about their geometric mean."""
        excess = self.roff / self.ron / ratio
        if excess <= 1.0:
            return self
        pull = math.sqrt(excess)
        return replace(self, ron=self.ron * pull, roff=self.roff / pull)


def switch_model(model: ir.Model) -> SwitchModel:
    """Return what a ``sw`` model says, defaults filled in as SPICE does; raises `DeckError` naming it."""
    if model.kind.lower() != "sw":
        raise DeckError(f"model {model.name!r}: kind {model.kind!r} has no element here; only sw is written")
    known = {"vt": 0.0, "vh": 0.0, "ron": 1.0, "roff": 1e12}
    for name, value in model.parameters:
        if name.lower() not in known:
            raise DeckError(f"model {model.name!r}: parameter {name!r} is none of {', '.join(known)}")
        number = plain(value)
        if number is None:
            raise DeckError(f"model {model.name!r}: {name} must be a number here; flatten the deck first")
        known[name.lower()] = number
    made = SwitchModel(**known)
    if made.ron <= 0.0 or made.roff <= 0.0:
        raise DeckError(f"model {model.name!r}: ron and roff must be positive")
    if made.vh < 0.0:
        raise DeckError(f"model {model.name!r}: vh must not be negative, simulators differ on what it means")
    return made


def known_model(e: ir.Switch, models: Mapping[str, ir.Model]) -> ir.Model:
    """The model of a switch; raises `DeckError` if none of that name is in its scope."""
    found = models.get(e.model.lower())
    if found is None:
        raise DeckError(f"element {e.name!r}: switch model {e.model!r} is not in the deck; add it")
    return found


STEP = "smoothstep"
"""Name of the function s^2 (3 - 2 s) in a deck."""


def smooth_switches(deck: ir.Deck, *, hysteresis: bool, simulator: str, steepest: float = math.inf) -> ir.Deck:
    """Switches as behavioural sources ``v g_model(control)``, every model as a function ``g_model``.

    None conducts more than `steepest` S. Those with hysteresis stay where `hysteresis` says that there is a native
    one; elsewhere they raise `DeckError`, as does a name that is taken.
    """
    if not deck.models and not any(sub.models for sub in deck.subcircuits):
        return deck
    smoother = _Smoother(hysteresis, simulator, steepest)
    made = smoother.scope(deck, {})
    if smoother.used:
        part = Parameter("part")
        shape = part * part * (3.0 - 2.0 * part)
        made = replace(made, functions=(ir.Function(STEP, ("part",), shape), *made.functions))
    names = [f.name.lower() for f in made.functions]
    if len(set(names)) < len(names):
        raise DeckError(f"functions called {STEP} or g_<model> are needed for switches in {simulator}; rename yours")
    return made


@dataclass
class _Smoother:
    """Turns the switches of one scope after the other."""

    hysteresis: bool
    simulator: str
    steepest: float
    used: bool = False

    def scope(self, scope: ScopeKind, outer: Mapping[str, ir.Model]) -> ScopeKind:
        """The scope with its switches as functions and sources; models with hysteresis stay."""
        models = {**outer, **{m.name.lower(): m for m in scope.models}}
        taken = {e.name.lower() for e in scope.elements}
        elements = tuple(self.element(e, models, taken) for e in scope.elements)
        smooth: list[ir.Model] = [m for m in scope.models if switch_model(m).vh < NARROW]
        self.used |= bool(smooth)
        return replace(
            scope,
            elements=elements,
            models=tuple(m for m in scope.models if m not in smooth),
            functions=(*(conductance(m, self.steepest) for m in smooth), *scope.functions),
            subcircuits=tuple(self.scope(sub, models) for sub in scope.subcircuits),
        )

    def element(self, e: ir.Element, models: Mapping[str, ir.Model], taken: set[str]) -> ir.Element:
        if not isinstance(e, ir.Switch):
            return e
        model = known_model(e, models)
        if switch_model(model).vh >= NARROW:
            if self.hysteresis:
                return e
            raise DeckError(f"element {e.name!r}: switches of {self.simulator} have no hysteresis; give vh = 0")
        name = f"B{e.name}"
        if name.lower() in taken:
            raise DeckError(f"element {e.name!r} is written as {name!r} here, and that name is taken; rename one")
        gate = Call(f"g_{model.name}", (NodeVoltage(e.control_plus, e.control_minus),))
        current = NodeVoltage(e.plus, e.minus) * gate
        return ir.BehaviouralCurrent(name, e.plus, e.minus, current, e.comment)


def conductance(model: ir.Model, steepest: float = math.inf) -> ir.Function:
    """The conductance in S, at most `steepest`, of a smooth switch as a function of its control in V."""
    s = switch_model(model)
    x = Parameter("x")
    above = x - s.vt if s.vt else x
    part = call("min", call("max", above / WIDTH, 0.0), 1.0)
    off, on = 1.0 / s.roff, min(1.0 / s.ron, steepest)
    return ir.Function(f"g_{model.name}", ("x",), off + (on - off) * call(STEP, part))
