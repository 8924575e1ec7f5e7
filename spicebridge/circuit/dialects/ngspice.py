"""ngspice (36 and later, default compatibility mode).

By construction: powers become products or state their absolute value, parameters inside behavioural
expressions stand in ``({…})`` because ngspice pastes braces without parentheses, the argument of a table is
clamped because its ``pwl`` goes on with the last slope, functions that only one of its two languages has are
written with others, no ``.control`` section.

Measured on ngspice 39: B sources take |x|^y for ``pow``, ``^`` and ``**`` and sgn(x)|x|^y for ``pwr``;
parameters take x^y for ``pow`` and |x|^y for ``pwr``, ``^`` and ``**``. An EXP whose first delay is 0 rises after one
step of .tran instead: 1e-30 s stands for none.
"""

from __future__ import annotations

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.dialect import NAME, wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules
from spicebridge.circuit.dialects.spice import Lines, SpiceStyle, SpiceWriter
from spicebridge.expressions.functions import FUNCTIONS

_COMMON = frozenset(FUNCTIONS) - {"limit", "atan2", "int", "table", "u", "uramp", "nint"}

_REAL = "(({0}) < 0 ? cos(3.141592653589793*({1})) : 1)*pow(abs({0}),{1})"
"""x^y of either sign: its real part, which for whole y is the power with its sign. Both languages read it alike."""

BEHAVIOURAL = ExpressionStyle(
    native=_COMMON | {"u", "uramp", "nint"},
    parameter="({{{0}}})",
    powers={"real": f"({_REAL})", "abs": "pow(abs({0}),{1})", "signed": "pwr({0},{1})"},
    line_table="pwl",
)
CONSTANT = ExpressionStyle(
    native=_COMMON | {"int", "nint"},
    powers={"real": "pow({0},{1})", "abs": "pwr({0},{1})", "signed": "(sgn({0})*pwr({0},{1}))"},
    products=False,
)

# A function of the deck comes before a built-in one of the same name (39: sqrt, max, table, if, limit, pwl), so that
# no function name is reserved. A function is pasted where it is used, in either language: only what both read alike
# may stand in it.
BODY = ExpressionStyle(
    native=BEHAVIOURAL.native,
    line_table="pwl",
    powers={"real": f"({_REAL})", "abs": "pow(abs({0}),{1})", "signed": "(sgn({0})*pow(abs({0}),{1}))"},
)


def _options(writer: SpiceWriter, deck: ir.Deck) -> Lines:
    return wrapped(".options", writer.settings(deck.options)) if deck.options else []


DIALECT = SpiceWriter(
    SpiceStyle(
        name="ngspice",
        title="ngspice",
        behavioural=BEHAVIOURAL,
        constant=CONSTANT,
        body=BODY,
        names=NameRules(nodes=frozenset({"gnd"}), characters=NAME),
        options=_options,
        resistor="{name} {plus} {minus} R='{expression}'",
        exp_delay=1e-30,
    )
)
