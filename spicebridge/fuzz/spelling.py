"""Expressions as people type them: conventional precedence, one sign for powers, parameters in braces.

Nothing here knows what a simulator makes of them; that is the point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spicebridge.expressions.tree import (
    Binary,
    Call,
    Conditional,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Power,
    Unary,
    walk,
)
from spicebridge.quantities import format_number

_LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2}
_UNARY, _POWER, _ATOM = 2, 4, 5


@dataclass(frozen=True, kw_only=True)
class PlainSpelling:
    """How powers are written ("^", "**", "pow"), and what is written around instead of trusted.

    `bracketed` puts a bracket around every brace, `products` writes whole powers as products, `steps` writes u(x) by
    comparison, `reals` gives every number a point. `ternary` and `braces` say what the language has.
    """

    power: str = "^"
    bracketed: bool = False
    products: bool = False
    steps: bool = False
    reals: bool = False
    braces: bool = True

    def text(self, e: Expression) -> str:
        """The expression as one line."""
        return self._write(e)[0]

    def _write(self, e: Expression) -> tuple[str, int]:
        if self.braces and not isinstance(e, Number) and self._constant(e):
            inner = replace(self, braces=False).text(e)
            return (f"({{{inner}}})" if self.bracketed else f"{{{inner}}}"), _ATOM
        match e:
            case Number(value):
                return self._number(value)
            case Parameter(name):
                return name, _ATOM
            case NodeVoltage(plus, _):
                return f"V({plus})", _ATOM
            case Unary("-", x):
                return f"-{self._inside(x, _UNARY)}", _UNARY
            case Binary(op, x, y):
                level = _LEVEL[op]
                return f"{self._inside(x, level)}{op}{self._inside(y, level + 1)}", level
            case Power(x, Number(y), _) if self.products and y.is_integer() and y != 0.0:
                factors = "*".join([f"({self.text(x)})"] * int(abs(y)))
                return f"({factors})" if y > 0.0 else f"(1/({factors}))", _ATOM
            case Power(x, y, _) if self.power == "pow":
                return f"pow({self.text(x)},{self.text(y)})", _ATOM
            case Power(x, y, _):
                return f"{self._inside(x, _ATOM)}{self.power}{self._inside(y, _ATOM)}", _POWER
            case Call("u", (x,)) if self.steps:
                return f"(0.5*(1+sgn({self.text(x)})))", _ATOM
            case Call(name, arguments):
                return f"{name}({','.join(map(self.text, arguments))})", _ATOM
            case Conditional(Binary(op, x, y), yes, no):
                return f"({self.text(x)}{op}{self.text(y)} ? {self.text(yes)} : {self.text(no)})", _ATOM
        raise AssertionError(f"{e!r} has no plain spelling")

    def _number(self, value: float) -> tuple[str, int]:
        text = format_number(abs(value))
        if self.reals and text.isdigit():
            text += ".0"
        return (f"(-{text})", _ATOM) if value < 0.0 else (text, _ATOM)

    def _inside(self, e: Expression, level: int) -> str:
        text, own = self._write(e)
        return text if own >= level else f"({text})"

    @staticmethod
    def _constant(e: Expression) -> bool:
        parts = list(walk(e))
        return any(isinstance(x, Parameter) for x in parts) and not any(isinstance(x, NodeVoltage) for x in parts)
