"""Formulas of a law as a circuit can solve them: over nodes, guarded, with what occurs twice made a node of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spicebridge.circuit.lower.law_variants import LawVariant
from spicebridge.expressions.compile import depends, not_negative
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import (
    Binary,
    Call,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Unary,
    call,
    rebuild,
    walk,
)
from spicebridge.laws.formulas import unlimited
from spicebridge.laws.law import Law

LEAST_SIZE = 1e-3
"""Of a part that becomes a node as it is."""
ARGUMENT = 200.0
"""Largest argument of an exponential that the law means; exp(200) is 7e86."""
LARGE = 8
"""Nodes of a tree that becomes a node of the circuit where it stands twice."""


@dataclass(frozen=True, kw_only=True)
class CircuitFormulas:
    """What a subcircuit is made of, over its state, turn (J v) and flow (J i).

    conduction   R in ohm or i in A
    by_current   the rate needs the current
    by_voltage   it needs the voltage, in other ways than as c v
    linear       (a, b, c) of a rate a s + b i + c v, over parameters; None where it is none
    parts        a node, its formula and the size by which that is divided, of what the rate has twice
    rates        drift and decay, if it has one, where the rate is not linear
    """

    conduction: Expression
    by_current: bool
    by_voltage: bool = False
    linear: tuple[Expression, Expression, Expression] | None
    parts: tuple[tuple[str, Expression, float], ...] = ()
    rates: tuple[Expression, ...] = ()


def circuit_formulas(variant: LawVariant) -> CircuitFormulas:
    """The formulas of one variant."""
    law, e = variant.law, variant.equations
    linear = e.linear_rate
    conduction = circuit_formula(law, e.conduction, variant.state)
    if linear is not None:
        return CircuitFormulas(conduction=conduction, by_current=linear[1] != Number(0.0), linear=linear)
    trees = list(e.trees[1:])
    if not law.ohmic:
        current: dict[Expression, Expression] = {Parameter("i"): e.conduction}
        trees = [rebuild(t, current.get) for t in trees]
    parts, rates = _shared(variant, trees)
    return CircuitFormulas(
        conduction=conduction,
        by_current=depends(e.drift, frozenset(("i",))),
        by_voltage=depends(e.drift, frozenset(("v",))),
        linear=None,
        parts=parts,
        rates=rates,
    )


def _shared(
    variant: LawVariant, trees: list[Expression]
) -> tuple[tuple[tuple[str, Expression, float], ...], tuple[Expression, ...]]:
    """What stands twice in the trees, and is large and moves, as nodes, and the trees with these.

    The parts of limexp and limsinh cancel to the last digit, so that they must not be solved for apart.
    """
    law = variant.law
    count: dict[Expression, int] = {}
    for tree in trees:
        for e in walk(tree):
            count[e] = count.get(e, 0) + 1
    sizes = {e: sum(1 for _ in walk(e)) for e, n in count.items() if n > 1 and depends(e, law.moving)}
    chosen: list[Expression] = []
    for e in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if sizes[e] >= LARGE and not any(count[e] == count[big] and e in walk(big) for big in chosen):
            chosen.append(e)
    parts: list[tuple[str, Expression, float]] = []
    done: dict[Expression, Expression] = {}
    for k, e in enumerate(reversed(chosen), start=1):
        body, node, scale = e, f"part{k}", _size_of(variant, e)
        for small in sorted(done, key=sizes.__getitem__, reverse=True):
            body = rebuild(body, {small: done[small]}.get)
        parts.append((node, circuit_formula(law, body, variant.state), scale))
        done[e] = NodeVoltage(node) if scale == 1.0 else scale * NodeVoltage(node)
    for e in chosen:
        trees = [rebuild(tree, {e: done[e]}.get) for tree in trees]
    return tuple(parts), tuple(circuit_formula(law, tree, variant.state) for tree in trees)


def _size_of(variant: LawVariant, tree: Expression) -> float:
    """1, or a power of ten near the value of a part that is far from 1: a node's voltage is solved for to 1e-12."""
    law = variant.law
    values = {name.lower(): value for name, value in variant.defaults.items()} | {"active": 1.0}
    sizes = []
    for v in (-0.3, 0.3):
        signals = {law.state.name.lower(): 0.5, "v": v, "i": 0.0}
        conduction = float(evaluate(unlimited(variant.equations.conduction), Environment({}, {}, values | signals)))
        signals["i"] = v / conduction if law.ohmic else conduction
        sizes.append(abs(float(evaluate(unlimited(tree), Environment({}, {}, values | signals)))))
    largest = max(sizes)
    usual = not 0.0 < largest < math.inf or LEAST_SIZE < largest < 1.0 / LEAST_SIZE
    return 1.0 if usual else 10.0 ** round(math.log10(largest))


def circuit_formula(law: Law, tree: Expression, state: str) -> Expression:
    """A formula of the law over the nodes `state`, turn (J v) and flow (J i)."""
    signals = {law.state.name.lower(): state, "v": "turn", "i": "flow"}

    def guard(e: Expression) -> Expression | None:
        # exp, sinh and cosh of what moves end in tangents: iterates of the simulator go where no solution is.
        match e:
            case Call("exp" | "sinh" as name, (x,)) if depends(x, law.moving) and not _falls(x):
                return Call(f"lim{name}", (x, Number(ARGUMENT)))
            case Call("cosh", (x,)) if depends(x, law.moving):
                return call("cosh", call("min", call("max", x, -ARGUMENT), ARGUMENT))
        return None

    def change(e: Expression) -> Expression | None:
        match e:
            case Parameter(name) if name.lower() in signals:
                return NodeVoltage(signals[name.lower()])
        return None

    return rebuild(rebuild(unlimited(rebuild(tree, guard)), change), _divided_one_by_one)


def _divided_one_by_one(e: Expression) -> Expression | None:
    """x/(a b) as (x/a)/b: ngspice adds 1e-32 to every divisor, which products of small quantities come near."""
    match e:
        case Binary("/", x, Binary("*", a, b)):
            first = _divided_one_by_one(x / a)
            return _divided_one_by_one((x / a if first is None else first) / b) or (first or x / a) / b
    return None


def _falls(x: Expression) -> bool:
    """Whether exp(x) is at most 1 for certain."""
    match x:
        case Unary("-", y):
            return not_negative(y)
        case Binary("*" | "/", Unary("-", y), z):
            return not_negative(y) and not_negative(z)
    return False
