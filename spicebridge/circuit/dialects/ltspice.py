"""LTspice (XVII, 24 and later).

Sources: LTspice help, "B. Arbitrary Behavioral Voltage or Current Sources" (functions and operators: pow is the
real part of x**y, pwr is abs(x)**y, pwrs is sgn(x)*abs(x)**y; & | ! convert to Boolean at one half; u(x) is 1 if
x > 0); second source: LTwiki, "B sources (complete reference)" (if(x,y,z) takes y if x > .5, limit, table, atan2,
floor, ceil, sgn(0) is 0; == is listed and != is not); decks in the wild for ``plotwinsize`` and ``numdgt``. From
memory alone, and so for the conformance deck to confirm: the switch without hysteresis is abrupt, a sine holds its
value at the phase and a PWL its first value before they start, names of further options. Not run here.

By construction: ^ is never written (it is exclusive or), tests are compared and bracketed, u() is one half at
zero, parameters inside behavioural expressions stand in braces, and waveforms are stored uncompressed in double
precision (``plotwinsize``, ``numdgt``), without which data are good to 1e-3 only.
"""

from __future__ import annotations

from dataclasses import replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.dialect import NAME, wrapped
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.circuit.dialects.safe_names import NameRules
from spicebridge.circuit.dialects.solver_options import method, wanted_options
from spicebridge.circuit.dialects.spice import Lines, SpiceStyle, SpiceWriter, model_card
from spicebridge.circuit.dialects.switches import switch_model
from spicebridge.expressions.functions import FUNCTIONS

_NATIVE = frozenset(FUNCTIONS) - {"u", "nint"}
_POWERS = {"real": "pow({0},{1})", "abs": "pwr({0},{1})", "signed": "pwrs({0},{1})"}

BEHAVIOURAL = ExpressionStyle(
    native=_NATIVE,
    parameter="{{{0}}}",
    conditional="if({0},{1},{2})",
    powers=_POWERS,
    operators={"&&": "&", "||": "|"},
    sides=True,
    brackets=True,
    unequal=False,
    products=False,
)
CONSTANT = replace(BEHAVIOURAL, parameter="{0}")
OPTIONS = frozenset(
    ("method", "reltol", "vntol", "abstol", "trtol", "chgtol", "gmin", "itl1", "itl2", "itl4", "itl6")
).union(("maxstep", "pivrel", "pivtol", "sstol", "temp", "tnom", "gminsteps", "srcsteps", "noopiter", "cshunt"))
STORAGE: tuple[tuple[str, float], ...] = (("plotwinsize", 0.0), ("numdgt", 15.0))
"""Options that keep every point, in double precision."""


def _options(writer: SpiceWriter, deck: ir.Deck) -> Lines:
    stored = frozenset(name for name, _ in STORAGE)
    options = wanted_options(deck, OPTIONS | stored, "LTspice")
    chosen = method(options)
    items = [(n, chosen if n == "method" else v) for n, v in options.items()]
    items += [(name, value) for name, value in STORAGE if name not in options]
    return wrapped(".options", writer.settings(items))


def _model(writer: SpiceWriter, model: ir.Model) -> str:
    s = switch_model(model)
    return model_card(model.name, "sw", {"vt": s.vt, "vh": s.vh, "ron": s.ron, "roff": s.roff})


_FUNCTIONS = """
    abs absdelay acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atan2 atanh buf ceil cos cosh
    ddt delay dnlim exp fabs flat floor gauss hypot idt idtmod if int inv limit ln log log10 max mc min pow pwr pwrs
    rand random round sdt sgn sin sinh sqrt table tan tanh u uplim uramp white
"""
DIALECT = SpiceWriter(
    SpiceStyle(
        name="ltspice",
        title="LTspice",
        behavioural=BEHAVIOURAL,
        constant=CONSTANT,
        names=NameRules(
            nodes=frozenset({"gnd"}),
            parameters=frozenset({"gmin"}),
            functions=frozenset(_FUNCTIONS.split()),
            characters=NAME,
            separator=":",
        ),
        options=_options,
        model=_model,
    )
)
