"""Behavioural sources as Verilog-A modules, one for every shape of expression.

``B1 a 0 I=2*V(x)*V(x)`` becomes an instance of

    module b1(p, n, c1);  I(p, n) <+ k1*V(c1)*V(c1);

with k1 = 2: numbers are parameters of the instance and nodes its pins, so that the edges of a network share a few
modules and the compiler sees each once. Numbers as parameters also keep apart what Verilog-A does not: 1/2 between
literals is an integer division there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from spicebridge.circuit.dialects.dialect import has_signals
from spicebridge.circuit.dialects.expression_style import ExpressionStyle
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.tree import (
    Binary,
    BranchCurrent,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Time,
    Unary,
    Value,
    children,
    with_children,
)

# OpenVAF crashes on ceil(V(x)) - k.
NATIVE = frozenset(FUNCTIONS) - {"u", "uramp", "limit", "nint", "table", "sgn", "int", "ceil"}
STYLE = ExpressionStyle(
    native=NATIVE,
    functions={"log10": "log"},
    powers={
        "real": "pow({0},{1})",
        "abs": "pow(abs({0}),{1})",
        "signed": "(({0}) < 0.0 ? -pow(abs({0}),{1}) : pow(abs({0}),{1}))",
    },
    time="$abstime",
    truth="(({0}) ? 1.0 : 0.0)",
    sides=True,
    brackets=True,
    plain_truth=False,
    exponent_limit=230.0,
)
_WHOLE = re.compile(r"(?<![\w.])(?<![eE][+-])(\d+)(?![\w.])")
"""A number without a point, which is an integer of 32 bits in Verilog-A."""
SMALLEST = 1e-32
"""What stands for zero where a value is divided by it, or its logarithm taken; ngspice has the same."""
CURRENT_PREFIX = "i_of_"
"""Behind it the name of a source whose current is wanted; a helper outside makes it a node voltage."""


@dataclass(frozen=True)
class Use:
    """One instance: its module, the nodes behind p and n, its numbers; `sources` whose current it needs."""

    module: str
    nodes: tuple[str, ...]
    numbers: tuple[float, ...]


@dataclass
class Modules:
    """The modules of one netlist, made as they are needed."""

    texts: dict[str, str] = field(default_factory=dict)

    def use(self, kind: str, expression: Value) -> Use:
        """A module for `expression` as the current "I" or the voltage "V" between its first two pins."""
        body, lifted = _shape(expression)
        return self._use(f"{kind}(p,n) <+ {body};", lifted.pins, lifted.numbers)

    def conductor(self, resistance: Value) -> Use:
        """A resistor whose value is an expression: v/R."""
        body, lifted = _shape(resistance)
        return self._use(f"I(p,n) <+ V(p,n)/({body});", lifted.pins, lifted.numbers)

    def switch(self, plus: str, minus: str, threshold: float, on: float, off: float) -> Use:
        """An abrupt conductance, `on` S where the control exceeds `threshold` and `off` S below."""
        control, lifted = _shape(NodeVoltage(plus, minus))
        numbers = [threshold, on, off]
        return self._use(f"I(p,n) <+ V(p,n)*({control} > k1 ? k2 : k3);", lifted.pins, numbers)

    def _use(self, statement: str, pins: Mapping[str, str], numbers: list[float]) -> Use:
        names = ["p", "n", *pins.values()]
        counted = [f"k{k}" for k in range(1, len(numbers) + 1)]
        lines = [f"({', '.join(names)});", f"  inout {', '.join(names)};", f"  electrical {', '.join(names)};"]
        lines += [f'  (* type="instance" *) parameter real {name} = 0.0;' for name in counted]
        text = "\n".join([*lines, f"  analog {statement}", "endmodule"])
        module = self.texts.setdefault(text, f"b{len(self.texts) + 1}")
        return Use(module, tuple(pins), tuple(numbers))

    def source(self) -> str:
        """The file of all modules."""
        parts = ['`include "disciplines.vams"']
        parts += [f"module {name}{text}" for text, name in self.texts.items()]
        return "\n".join(parts) + "\n"


def _shape(expression: Value) -> tuple[str, _Lifted]:
    """The text of an expression without its numbers and nodes, and those."""
    lifted = _Lifted()
    tree = lifted.lift(Number(float(expression)) if isinstance(expression, (int, float)) else expression)
    return real_numbers(STYLE.format(tree)), lifted


def real_numbers(text: str) -> str:
    """An expression whose numbers all have a point or an exponent."""
    return _WHOLE.sub(r"\1.0", text)


def _not_zero(divisor: Expression) -> Expression:
    """A divisor that is tiny instead of zero: iterations begin at zero volts, and one infinity ends the run."""
    return Conditional(Binary("<", Call("abs", (divisor,)), Number(SMALLEST)), Number(SMALLEST), divisor)


class _Lifted:
    """Takes numbers and nodes out of an expression; what is left is its shape."""

    def __init__(self) -> None:
        self.pins: dict[str, str] = {}
        self.numbers: list[float] = []

    def lift(self, e: Expression) -> Expression:
        match e:
            case Number(value):
                self.numbers.append(float(value))
                return Parameter(f"k{len(self.numbers)}")
            case NodeVoltage("0", minus) if minus != "0":
                return Unary("-", NodeVoltage(self._pin(minus)))
            case NodeVoltage(plus, minus):
                return NodeVoltage(self._pin(plus), self._pin(minus))
            case BranchCurrent(source):
                return NodeVoltage(self._pin(CURRENT_PREFIX + source.lower()))
            case Binary("-", x, y) | Binary("+", x, Unary("-", y)) if x == y:
                # Where OpenVAF sees a contribution cancel to nothing, the run ends with NaN (0.3.4.dev3).
                return self.lift(Number(0.0))
            case Binary("/", x, y) if has_signals(y):
                return self.lift(x) / _not_zero(self.lift(y))
            case Power(base, Number(y), kind) if y < 0.0:
                return Number(1.0) / _not_zero(self.lift(Power(base, Number(-y), kind)))
            case Call("ln" | "log10" as name, (x,)) if has_signals(x):
                return Call(name, (Call("max", (self.lift(x), Number(SMALLEST))),))
            case Power(base, Number() as exponent, kind):
                return Power(self.lift(base), exponent, kind)
            case Time() | Parameter():
                return e
        below = children(e)
        return with_children(e, tuple(self.lift(x) for x in below)) if below else e

    def _pin(self, node: str) -> str:
        if node == "0":
            return node
        return self.pins.setdefault(node.lower(), f"c{len(self.pins) + 1}")
