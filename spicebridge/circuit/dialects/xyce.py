"""Xyce (7.8 and later).

Sources: Xyce Reference Guide, "Expressions" (tests stand inside IF and ?: only; LOG is the decimal logarithm,
LN the natural one; PWRS is sign corrected; STP(0) is 0; ATAN2(x,y) is the angle of x/y), "Nonlinear Dependent
Source", "Resistor" (R={expression of voltages}), "Controlled Switch" (smooth between VOFF and VON; |VON-VOFF|
of 1e-12 and ROFF/RON of 1e12 recommended as limits), ".TRAN", ".IC", ".OPTIONS TIMEINT, NONLIN", "Incompatibilities";
second source, its code: ``ast.h`` (pow is std::pow, sgn(0) is 0, nint rounds halves away from zero),
``N_DEV_SourceData.C`` (a sine holds its value at `phase` before the delay, against the guide's table; a PWL rises
from 0 at t = 0 if its first point is later), ``N_DEV_SW.C``. Met Xyce 7.10.0: docs/dialects.md says with what result.

By construction: LN and LOG10 are written, never LOG; tests in arithmetic become IF(test,1,0); expressions stand in
braces; powers are products; the arguments of exponentials and the bases of powers are clamped (its Newton iterates
overflow in VTEAM and TEAM otherwise); PWL starts at 0; switches are behavioural sources
(``switches.py``), because the native one is smooth in log R; one with hysteresis is native. Their slope is g times
27/16 at most, and Xyce cuts slopes at 1e10, hence `STEEPEST`. ``trtol`` that
switches truncation error off becomes ERROPTION=1 (steps by Newton iterations, up to the ceiling), ``vntol`` the
ABSTOL of TIMEINT and ``abstol`` that of the nonlinear solver. The first step of a transient is what .TRAN names first,
and a whole ceiling there costs an order (K4 at .01 s: error 1.06e-4; with a hundredth of it 1.555e-5, ngspice
1.557e-5). A function of the deck may not be called like one of Xyce's: ``.func stp(x)`` silently gives Xyce's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.adapt import lines_from_zero, require_voltage_sources
from spicebridge.circuit.dialects.dialect import wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules
from spicebridge.circuit.dialects.solver_options import method, plain_number, wanted_options, without_truncation_error
from spicebridge.circuit.dialects.spice import Lines, SpiceStyle, SpiceWriter, model_card, transient_card
from spicebridge.circuit.dialects.switches import WIDEST, smooth_switches, switch_model
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.quantities import format_number

STYLE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"u", "nint", "table"},
    conditional="IF({0},{1},{2})",
    powers={"real": "(({0})**({1}))", "abs": "((ABS({0}))**({1}))", "signed": "PWRS({0},{1})"},
    operators={"&&": "&&", "||": "||"},
    truth="IF({0},1,0)",
    sides=True,
    brackets=True,
    negation="",
    plain_truth=False,
    time="TIME",
    exponent_limit=230.0,
    power_limit=100,
)
OPTIONS = frozenset(("method", "reltol", "vntol", "abstol", "trtol", "gmin", "temp", "tnom", "maxord"))
STEEPEST = 5e9
"""S: the most a switch conducts."""
FIRST_STEP = 0.01
"""First step of a transient in units of the ceiling."""
_FUNCTIONS = """
    abs acos acosh agauss akima arctan asin asinh atan atan2 atanh aunif bli blifile ceil cos cosh cubic ddt ddx exp
    fasttable floor fmod gauss if int limit ln log log10 max min nint poly pow pwr pwrs rand schedule sdt sgn sign sin
    sinh spice_exp spice_pulse spice_sffm spice_sin spline sqrt stp table tan tanh unif uramp wodicka akimafile
    cubicfile fasttablefile splinefile tablefile wodickafile
"""
HYSTERESIS_EDGE = 1e-9
"""V: how far inside its window a switch with hysteresis lets go, so that no slope is infinite."""


def _options(writer: SpiceWriter, deck: ir.Deck) -> Lines:
    options = wanted_options(deck, OPTIONS, "Xyce")
    tran = deck.transient
    time: list[str] = []
    chosen = method(options)
    if chosen is not None:
        time.append(f"method={chosen}")
    for ours, theirs in (("reltol", "reltol"), ("vntol", "abstol"), ("maxord", "maxord")):
        if ours in options:
            time += writer.settings([(theirs, options[ours])])
    if without_truncation_error(options, "Xyce"):
        time.append("erroption=1")
        if tran is not None and tran.max_step is not None:
            time.append(f"delmax={format_number(tran.max_step)}")
    lines = wrapped(".options timeint", time) if time else []
    abstol = plain_number(options, "abstol")
    if abstol is not None:
        lines += [f".options {package} abstol={format_number(abstol)}" for package in ("nonlin", "nonlin-tran")]
    device = writer.settings([(n, options[n]) for n in ("gmin", "temp", "tnom") if n in options])
    if device:
        lines += wrapped(".options device", device)
    return lines


def _transient(tran: ir.Transient) -> str:
    first = tran.step if tran.max_step is None else min(tran.step, FIRST_STEP * tran.max_step)
    return transient_card(replace(tran, step=first))


def _model(writer: SpiceWriter, model: ir.Model) -> str:
    s = switch_model(model).within(WIDEST)
    values = {"ron": s.ron, "roff": s.roff, "von": s.vt + s.vh, "voff": s.vt - s.vh}
    values |= {"vhon": s.vt - s.vh + HYSTERESIS_EDGE, "vhoff": s.vt + s.vh - HYSTERESIS_EDGE}
    return model_card(model.name, "vswitch", values)


def _conditions(items: Sequence[str]) -> Lines:
    return [f".ic {item}" for item in items]


def _adapted(deck: ir.Deck) -> ir.Deck:
    require_voltage_sources(deck, "Xyce")
    return smooth_switches(lines_from_zero(deck), hysteresis=True, simulator="Xyce", steepest=STEEPEST)


DIALECT = SpiceWriter(
    SpiceStyle(
        name="xyce",
        title="Xyce",
        behavioural=STYLE,
        constant=STYLE,
        names=NameRules(
            nodes=frozenset(("gnd", "gnd!", "ground")),
            parameters=frozenset(("exp", "vt", "freq", "gmin", "dt", "ctok", "constctok", "i", "v", "n")),
            functions=frozenset(_FUNCTIONS.split()),
            separator=":",
        ),
        options=_options,
        saves=(".print tran precision=15 width=24",),
        transient=_transient,
        resistor="{name} {plus} {minus} R={{{expression}}}",
        voltage="{name} {plus} {minus} V={{{expression}}}",
        current="{name} {plus} {minus} I={{{expression}}}",
        adapt=(_adapted,),
        model=_model,
        conditions=_conditions,
    )
)
