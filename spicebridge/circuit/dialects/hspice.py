"""HSPICE (Synopsys).

Sources: Star-Hspice Manual 2001.2, "Understanding the Control Options" (METHOD, LVLTIM, DELMAX, TRTOL, RELTOL,
ABSTOL, VNTOL), "Independent Source Functions"; Biolek, Di Ventra and Pershin 2013 (listings with cur='…');
functions: Sentaurus Device Utilities, "HSPICE Netlist Files" (log and log10 keep the sign of x, sqrt(-x) is
-sqrt(x), pow(x,y) is x to the integer part of y, pwr(x,y) is sgn(x)|x|^y, int, nint, sgn, floor, ceil, min, max;
``$`` comments, quotes around expressions). From memory alone, and so for the conformance deck to confirm: RUNLVL=0
and LVLTIM=1 (steps by voltage slopes, not by truncation error), GMAX, PARHIER, the sine before its delay, R='…' of
voltages, ?: and ||. Not run here.

By construction: behavioural sources are E and G elements under names of their own; whole powers are products; a test
in arithmetic becomes a conditional; tables, atan2, inverse hyperbolic functions are written with others; S would be
an S-parameter element and ``vcr pwl(1)`` is linear in R, so switches are behavioural sources (``switches.py``);
initial conditions are held by GMAX, raised from 100 S to `HOLD` because a state node is fed with amperes.
"""

from __future__ import annotations

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.adapt import as_controlled_sources, lines_from_zero, require_voltage_sources
from spicebridge.circuit.dialects.dialect import wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules
from spicebridge.circuit.dialects.solver_options import method, wanted_options, without_truncation_error
from spicebridge.circuit.dialects.spice import Lines, Setting, SpiceStyle, SpiceWriter
from spicebridge.circuit.dialects.switches import smooth_switches
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.quantities import format_number

STYLE = ExpressionStyle(
    native=frozenset(FUNCTIONS) - {"u", "uramp", "limit", "table", "atan2", "nint", "asinh", "acosh", "atanh"},
    functions={"ln": "log"},
    powers={"real": "(({0}) < 0 ? pow({0},{1}) : pwr({0},{1}))", "abs": "pwr(abs({0}),{1})", "signed": "pwr({0},{1})"},
    truth="({0} ? 1 : 0)",
    sides=True,
    brackets=True,
    negation="",
    plain_truth=False,
    exponent_limit=700.0,
)
OPTIONS = frozenset(("method", "reltol", "vntol", "abstol", "trtol", "chgtol", "gmin", "itl1", "itl2", "itl4", "tnom"))
HOLD = 1e9
"""S: GMAX, the conductance that holds .ic nodes during the operating point; a state starts rate/HOLD away."""


def _options(writer: SpiceWriter, deck: ir.Deck) -> Lines:
    options = wanted_options(deck, OPTIONS, "HSPICE")
    tran = deck.transient
    items: list[Setting] = [("post", 2.0), ("ingold", 2.0), ("numdgt", 10.0), ("parhier", "local")]
    chosen = method(options)
    if chosen is not None:
        items.append(("method", chosen))
    items += [(n, v) for n, v in options.items() if n not in ("method", "trtol")]
    if without_truncation_error(options, "HSPICE"):
        items += [("runlvl", 0.0), ("lvltim", 1.0)]
    if tran is not None and tran.max_step is not None:
        items.append(("delmax", tran.max_step))
    if deck.initial_conditions:
        items.append(("gmax", HOLD))
    return wrapped(".option", writer.settings(items))


def _transient(tran: ir.Transient) -> str:
    text = f".tran {format_number(tran.step)} {format_number(tran.stop)}"
    text += f" start={format_number(tran.start)}" if tran.start else ""
    return text + (" uic" if tran.uic else "")


def _adapted(deck: ir.Deck) -> ir.Deck:
    require_voltage_sources(deck, "HSPICE")
    deck = smooth_switches(lines_from_zero(deck), hysteresis=False, simulator="HSPICE")
    return as_controlled_sources(deck)


_FUNCTIONS = """
    abs acos agauss asin atan aunif cos cosh db exp gauss int limit log log10 max min nint pow pwr sgn sign sin sinh
    sqrt tan tanh unif
"""
DIALECT = SpiceWriter(
    SpiceStyle(
        name="hspice",
        suffix=".sp",
        title="HSPICE",
        behavioural=STYLE,
        constant=STYLE,
        names=NameRules(
            nodes=frozenset(("gnd", "gnd!", "ground")),
            parameters=frozenset(("m", "i", "v", "dtemp", "scale")),
            functions=frozenset(_FUNCTIONS.split()),
        ),
        options=_options,
        saves=(".print tran",),
        transient=_transient,
        resistor="{name} {plus} {minus} R='{expression}'",
        voltage="{name} {plus} {minus} vol='{expression}'",
        current="{name} {plus} {minus} cur='{expression}'",
        value="'{0}'",
        comment=" $ {0}",
        function=".param {name}({arguments})='{body}'",
        adapt=(_adapted,),
    )
)
