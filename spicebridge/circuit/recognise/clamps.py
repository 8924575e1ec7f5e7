"""What holds a state in a range: two switches at its node, or a rate that is cut off where it points outward.

The second is the bound of many published subcircuits,

    ds/dt = f(s, v) if (s < high or f < 0) and (s > low or f > 0) else 0

and the same bound, up to the step by which a simulator passes the wall before it looks.
"""

from __future__ import annotations

import numpy as np

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.recognise.characteristic import Characteristic, Formula, Range
from spicebridge.circuit.recognise.equations import CURRENT, STATE, EdgeEquations, NotLocal, put
from spicebridge.circuit.recognise.potentials import ONE, expression_of
from spicebridge.circuit.recognise.refusals import Refusal
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.tree import COMPARISONS, Binary, Call, Expression, Number, Parameter, rebuild, walk

TRIED = 64
"""States and drops at which the control of a clamp is tried."""
GATED = 200
"""States and drops in and on either side of the range at which a gated rate is tried."""
CLAMP_RATIO = 1e9
"""Least ratio of a clamp's open to its closed resistance; below, a clamp is a leak and no bound."""


def clamped_range(equations: EdgeEquations, law: Characteristic, drop: float) -> Range | None:
    """The range in which switches hold the state, None without switches; raises `Refusal` for others.

    A control may be the state alone, or the state while its rate points outward: then it is tried at drops up to
    `drop` in V.
    """
    body, state = equations.body, equations.state
    assert state is not None
    clamps = body.clamps[state]
    if not clamps:
        return None
    walls = dict(_wall(equations, switch, law, drop) for switch in clamps)
    if set(walls) != {-1, 1}:
        raise Refusal(clamps[0].name, "bounds the state on one side; bound both, or none")
    if not walls[-1] < walls[1]:
        raise Refusal(clamps[0].name, f"bounds the state from {walls[-1]:g} to {walls[1]:g}, which is no range")
    return Range(walls[-1], walls[1])


def _wall(equations: EdgeEquations, switch: ir.Switch, law: Characteristic, drop: float) -> tuple[int, float]:
    """(-1 for the lower wall, 1 for the upper one, its level)."""
    found = [m for m in equations.body.deck.models if m.name.lower() == switch.model.lower()]
    numbers = {"vt": 0.0, "ron": 1.0, "roff": 1e12}
    for key, value in found[0].parameters if found else ():
        numbers[key.lower()] = float(value)  # type: ignore[arg-type]
    vt, ron, roff = (numbers[key] for key in ("vt", "ron", "roff"))
    try:
        control = equations.at(expression_of(equations.difference(switch.control_plus, switch.control_minus)))
        plus, minus = switch.plus, switch.minus
        level = equations.potential(minus if plus == equations.state else plus)
    except NotLocal as error:
        raise Refusal(switch.name, f"bounds a state by {error}; bounds are constant levels") from None
    wall = level.get(ONE, 0.0)
    if set(level) <= {ONE} and roff >= CLAMP_RATIO * ron:
        for side in (1, -1):
            if _closes(Formula(put(control, CURRENT, law.current), "v"), law, side, wall, vt, drop):
                return side, wall
    raise Refusal(
        switch.name,
        "is no clamp of a state: it has to close exactly where the state passes its wall, to a level that is the wall, "
        f"with roff at least {CLAMP_RATIO:g} ron",
    )


def _closes(control: Formula, law: Characteristic, side: int, wall: float, vt: float, drop: float) -> bool:
    """Whether the control passes vt with the state at the wall, where the rate points outward or rests."""
    random = np.random.default_rng(3)
    s = wall + random.uniform(-1.0, 1.0, TRIED)
    v = drop * np.concatenate([np.zeros(TRIED // 2), random.uniform(-1.0, 1.0, TRIED - TRIED // 2)])
    with np.errstate(all="ignore"):
        outward = side * law.ds_dt(s, v) >= 0.0
        found = control(s, v) - vt
    if not outward.any():
        s, v, outward = s[:1], v[:1], np.ones(1, bool)
        found = control(s, v) - vt
    return bool((np.abs(found - side * (s - wall)) <= 1e-12)[outward].all())


def gated_range(law: Characteristic, drop: float) -> tuple[Range, Expression] | None:
    """(the range, the rate without its gates) of a rate that is cut off outward at two walls; None for any other."""
    assert law.rate is not None
    gates = {e: wall for e in walk(law.rate) if _is_gate(e) and (wall := _wall_of(e)) is not None}
    walls = sorted(set(gates.values()))
    if len(walls) != 2:
        return None
    bounds = Range(*walls)
    middle = np.array([0.5 * (bounds.low + bounds.high)])
    inside = {e: Number(float(Formula(e, "v")(middle, np.zeros(1))[0])) for e in gates}
    bulk = simplify(rebuild(law.rate, inside.get))
    random = np.random.default_rng(6)
    v = drop * random.uniform(-1.0, 1.0, GATED)
    cut = Formula(law.rate, "v")
    free = Formula(bulk, "v")
    for side, low, high in ((0, 0.0, 1.0), (1, 1.0, 1.5), (-1, -0.5, 0.0)):
        s = bounds.low + bounds.span * random.uniform(low, high, GATED)
        with np.errstate(all="ignore"):
            wanted = free(s, v)
            wanted = np.where(side * wanted > 0.0, 0.0, wanted)
            off = np.abs(cut(s, v) - wanted) > 1e-9 * np.abs(wanted).max(initial=0.0)
        if off.any():
            return None
    return bounds, bulk


def _is_gate(e: Expression) -> bool:
    test = (isinstance(e, Binary) and e.op in COMPARISONS) or (isinstance(e, Call) and e.function == "u")
    return test and {x for x in walk(e) if isinstance(x, Parameter)} == {STATE}


def _wall_of(e: Expression) -> float | None:
    """The state at which a test of the state alone changes, if it does at one."""
    difference = e.arguments[0] if isinstance(e, Call) else Binary("-", e.left, e.right)  # type: ignore[union-attr]
    g = Formula(difference, "v")(np.array([0.0, 1.0, 2.0]), np.zeros(3))
    slope = float(g[1] - g[0])
    if slope == 0.0 or abs(float(g[2] - g[1]) - slope) > 1e-9 * abs(slope):
        return None
    return 0.0 - float(g[0]) / slope
