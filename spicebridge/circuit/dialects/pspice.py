"""PSpice (OrCAD, 17.4 and later).

Sources: PSpice User Guide 17.4, table 3-3 (operators; relational and logical ones inside IF only) and table 3-4
(functions: LOG is natural, STP(0) is 0, SGN(0) is 0, LIMIT, TABLE, IF, CEIL, FLOOR), "EVALUE and GVALUE parts" (E and
G with VALUE; currents through voltage sources only); second source: PSpice A/D User's Guide 8.0, table 3-2, and the
Xyce Reference Guide's "Incompatibilities with PSpice". From memory alone, and so for the conformance deck to confirm:
PWR is |x|^y and PWRS is signed, ATAN2, hyperbolic functions, the VSWITCH card with VT and VH, the sine before its
delay, the source of 0.0002 ohm behind .IC. Not run here.

By construction: behavioural sources and resistors are E and G elements with VALUE under names of their own;
powers are products; tests in arithmetic become IF(test,1,0); switches are behavioural sources (``switches.py``),
because the native one is smooth in log R; one with hysteresis is native. PSpice has no option for the method (it
integrates by the trapezoidal rule) and none that switches truncation error off: its steps may be shorter than the
ceiling, never longer. `.IC` is held through 0.0002 ohm: a state whose rate is f starts 2e-4 f away.
"""

from __future__ import annotations

import functools

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.adapt import (
    as_controlled_sources,
    lines_from_zero,
    require_voltage_sources,
    resistors_as_sources,
)
from spicebridge.circuit.dialects.dialect import wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules
from spicebridge.circuit.dialects.solver_options import method, wanted_options, without_truncation_error
from spicebridge.circuit.dialects.spice import Lines, SpiceStyle, SpiceWriter, model_card, transient_card
from spicebridge.circuit.dialects.switches import WIDEST, smooth_switches, switch_model
from spicebridge.errors import DeckError
from spicebridge.expressions.functions import FUNCTIONS

STYLE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"u", "uramp", "int", "nint", "table", "asinh", "acosh", "atanh"},
    functions={"ln": "LOG"},
    conditional="IF({0},{1},{2})",
    powers={
        "real": "(IF(({0}) < 0,COS(3.141592653589793*({1})),1)*PWR({0},{1}))",
        "abs": "PWR({0},{1})",
        "signed": "PWRS({0},{1})",
    },
    operators={"&&": "&", "||": "|"},
    truth="IF({0},1,0)",
    sides=True,
    brackets=True,
    negation="",
    plain_truth=False,
    time="TIME",
    exponent_limit=700.0,
)
OPTIONS = frozenset(("method", "reltol", "vntol", "abstol", "trtol", "chgtol", "gmin", "itl1", "itl2", "itl4", "tnom"))


def _options(writer: SpiceWriter, deck: ir.Deck) -> Lines:
    options = wanted_options(deck, OPTIONS, "PSpice")
    lines: Lines = []
    if method(options) == "gear":
        lines.append("* method gear cannot be set in PSpice, which integrates by the trapezoidal rule")
    if without_truncation_error(options, "PSpice"):
        lines.append("* step control by truncation error stays on: steps are at most the ceiling")
    kept = [(n, v) for n, v in options.items() if n not in ("method", "trtol")]
    return lines + wrapped(".options", writer.settings([*kept, ("numdgt", 8.0)]))


def _model(writer: SpiceWriter, model: ir.Model) -> str:
    s = switch_model(model).within(WIDEST)
    return model_card(model.name, "vswitch", {"ron": s.ron, "roff": s.roff, "vt": s.vt, "vh": s.vh})


def _adapted(deck: ir.Deck) -> ir.Deck:
    require_voltage_sources(deck, "PSpice")
    for sub in deck.subcircuits:
        if sub.initial_conditions:
            raise DeckError(f"subcircuit {sub.name!r}: PSpice takes .IC at the top level only; flatten the deck first")
    deck = smooth_switches(lines_from_zero(deck), hysteresis=True, simulator="PSpice")
    return as_controlled_sources(resistors_as_sources(deck))


_FUNCTIONS = """
    abs acos arctan asin atan atan2 cos cosh ddt exp if img limit log log10 m max min p pwr pwrs r sdt sgn sin sinh sqrt
    stp table tan tanh
"""
DIALECT = SpiceWriter(
    SpiceStyle(
        name="pspice",
        title="PSpice",
        behavioural=STYLE,
        constant=STYLE,
        names=NameRules(
            parameters=frozenset(("gmin", "vt", "frequency", "s")), functions=frozenset(_FUNCTIONS.split())
        ),
        options=_options,
        saves=(".print tran", ".probe"),
        transient=functools.partial(transient_card, uic="skipbp"),
        voltage="{name} {plus} {minus} VALUE={{{expression}}}",
        current="{name} {plus} {minus} VALUE={{{expression}}}",
        lead="PARAMS:",
        adapt=(_adapted,),
        model=_model,
    )
)
