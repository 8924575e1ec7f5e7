"""A law as Verilog-A modules: the twin of its subcircuits, from the same formulas.

    I(p, n) <+ v/(P R)  or  P i;   I(drift) <+ -rate;   I(state) <+ ddt(V(state)) - decay

The state is the voltage of a node; no variable keeps a value from one evaluation to the next.
"""

from __future__ import annotations

import functools

from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.verilog_a_deck import real_numbers
from spicebridge.circuit.lower.law_variants import LawVariant, law_variants
from spicebridge.circuit.lower.models import variant_subcircuit
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import Expression, NodeVoltage, Parameter, rebuild
from spicebridge.laws.card import law_header
from spicebridge.laws.formulas import unlimited
from spicebridge.laws.law import Law
from spicebridge.laws.parameters import ParameterRule
from spicebridge.quantities import format_number

STYLE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"sgn", "u", "uramp", "limit", "table", "int", "nint"},
    functions={"log10": "log"},
    time="$abstime",
    negation="!{0}",
    products=True,
)
"""Expressions of Verilog-A."""


def format_modules(law: Law) -> str:
    """The Verilog-A text of every subcircuit of a law."""
    lines = [*(f"// {line}" for line in law_header(law)), "", '`include "disciplines.vams"']
    for variant in law_variants(law):
        lines += ["", *_module(variant)]
    return "\n".join(lines) + "\n"


def format_module(variant: LawVariant) -> str:
    """The Verilog-A text of one subcircuit, a file of its own."""
    if variant.law.module is not None:
        return variant.law.module.with_state_as_pin()
    return "\n".join(['`include "disciplines.vams"', "", *_module(variant)]) + "\n"


def _module(variant: LawVariant) -> list[str]:
    law, model = variant.law, variant_subcircuit(variant)
    defaults = {name: value for name, value in model.parameters if isinstance(value, (int, float))}
    pins = ", ".join(model.pins)
    lines = [f"module {model.name}({pins});", f"  inout {pins};", f"  electrical {pins};"]
    for name, value in defaults.items():
        lines.append(
            f"  parameter real {name} = {real_numbers(format_number(value))}{_range(law.parameters.get(name), name)};"
        )
    state = model.pins[2]
    put = functools.partial(_put, law.state.name.lower(), state)
    conduction = put(variant.equations.conduction)
    lines += ["  analog begin : law", "    real v__, i__;", "    v__ = polarity*V(p, n);"]
    if law.ohmic:
        lines += [f"    i__ = v__/(active*({conduction}));", "    I(p, n) <+ polarity*i__;"]
    else:
        lines += [f"    i__ = {conduction};", "    I(p, n) <+ polarity*i__;"]
    lines.append(f"    I(drift) <+ -({put(variant.equations.drift)});")
    decay = "" if variant.equations.decay is None else f" - ({put(variant.equations.decay)})"
    return [*lines, f"    I({state}) <+ ddt(V({state})){decay};", "  end", "endmodule"]


def _put(name: str, pin: str, tree: Expression) -> str:
    """A formula over the pin of the state, v__ and i__."""
    signals: dict[str, Expression] = {name: NodeVoltage(pin), "v": Parameter("v__"), "i": Parameter("i__")}
    made: Expression = rebuild(
        unlimited(tree), lambda e: signals.get(e.name.lower()) if isinstance(e, Parameter) else None
    )
    return real_numbers(STYLE.format(made))


def _range(parameter: ParameterRule | None, name: str) -> str:
    if parameter is None:
        return " from [-1:1] exclude (-1:1)" if name in ("active", "polarity") else ""
    low, high, inside = "(-inf", "inf)", ""
    for rule in parameter.rules:
        if isinstance(rule.bound, str):
            continue
        bound = format_number(rule.bound)
        if rule.sign == "+-":
            return f" from [-{bound}:{bound}] exclude (-{bound}:{bound})"
        if rule.sign[0] == ">":
            low = f"{'[' if '=' in rule.sign else '('}{bound}"
        else:
            high = f"{bound}{']' if '=' in rule.sign else ')'}"
        inside = f" from {low}:{high}"
    return inside
