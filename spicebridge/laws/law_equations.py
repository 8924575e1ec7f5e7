"""The equations of one law, and the functions that follow from them, each compiled once.

v = P R(s) i   or   i = i(v, s),        ds/dt = F(s, decay(s), drift(s, J v, J i))
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array
from spicebridge.expressions.calculus import differentiate, simplify
from spicebridge.expressions.compile import Compiled, compile_trees, depends
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.kinks import kinks
from spicebridge.expressions.tree import Conditional, Expression, Number, Parameter, rebuild
from spicebridge.laws.formulas import unlimited

POLARITY = "J of the edge"
"""A name that no text can hold."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Equations:
    """Formulas of one choice of options and tables, over the reduced state, helpers put in, limexp still named.

    `conduction` is R (`ohmic`) or i; `drift` what the window acts on; `decay` the rest of the rate or None; `state` the
    name of s. Conduction is compiled as a function of (s, v), rates as functions of (s, v, i, P, J) with J v and J i in
    them.
    """

    ohmic: bool
    conduction: Expression
    drift: Expression
    decay: Expression | None
    state: str

    @property
    def trees(self) -> tuple[Expression, ...]:
        """All formulas."""
        return (self.conduction, self.drift, *(() if self.decay is None else (self.decay,)))

    @property
    def moving(self) -> frozenset[str]:
        """Names of the state, v and i in lower case."""
        return frozenset((self.state.lower(), "v", "i"))

    @cached_property
    def smooth(self) -> bool:
        """Whether nothing bends or jumps."""
        return not any(True for tree in self.trees for _ in kinks(tree, self.moving))

    @cached_property
    def conduction_value(self) -> Compiled[Array]:
        """R in ohm or i in A."""
        return compile_trees(unlimited(self.conduction), (self.state, "v"), shape=0 if self.ohmic else 1)

    @cached_property
    def conduction_slopes(self) -> Compiled[tuple[Array, ...]]:
        """(d/ds, d/dv) of it."""
        slopes = [_slope(self.conduction, self.state), _slope(self.conduction, "v")]
        return compile_trees(slopes, (self.state, "v"), shape=0 if self.ohmic else 1)

    @cached_property
    def rate(self) -> Compiled[Array]:
        """decay + drift."""
        whole = self.drift if self.decay is None else self.decay + self.drift
        return compile_trees(_turned(whole), self._signals)

    @cached_property
    def rate_parts(self) -> Compiled[tuple[Array, ...]]:
        """(decay, drift)."""
        return compile_trees([_turned(self._decay), _turned(self.drift)], self._signals)

    @cached_property
    def rate_slopes(self) -> Compiled[tuple[Array, ...]]:
        """(decay, drift, d decay/ds, d drift/ds, d drift/dv, d drift/di)."""
        by = (_slope(self.drift, x) for x in (self.state, "v", "i"))
        trees = (self._decay, self.drift, _slope(self._decay, self.state), *by)
        return compile_trees([_turned(tree) for tree in trees], self._signals)

    @cached_property
    def affine(self) -> tuple[Expression, Expression] | None:
        """(R at s = 0, dR/ds) where R has no jump and its slope does not depend on s."""
        e, slope = unlimited(self.conduction), _slope(self.conduction, self.state)
        moving = frozenset((self.state.lower(),))
        if not self.ohmic or depends(slope, moving) or any(True for _ in kinks(e, moving)):
            return None
        return _at_zero(e, self.state), slope

    @cached_property
    def linear_rate(self) -> tuple[Expression, Expression, Expression] | None:
        """(a, b, c) of decay = a s and drift = b i + c v, where they are that and have no jump."""
        drift, decay = unlimited(self.drift), unlimited(self._decay)
        a, b, c = _slope(decay, self.state), _slope(drift, "i"), _slope(drift, "v")
        zeros = (_at_zero(decay, self.state), _at_zero(drift, "v", "i"))
        if any(depends(x, self.moving) for x in (a, b, c)) or any(x != Number(0.0) for x in zeros):
            return None
        return None if any(True for tree in (drift, decay) for _ in kinks(tree, self.moving)) else (a, b, c)

    @property
    def _decay(self) -> Expression:
        return Number(0.0) if self.decay is None else self.decay

    @property
    def _signals(self) -> tuple[str, ...]:
        return (self.state, "v", "i", "active", POLARITY)

    def pruned(self, parameters: Mapping[str, Array]) -> Equations:
        """The formulas without the branches that these parameters never take."""
        values = {name.lower(): value for name, value in parameters.items()} | {"active": 1.0}
        environment = Environment({}, {}, values)

        def change(e: Expression) -> Expression | None:
            match e:
                case Conditional(test, yes, no) if not depends(test, self.moving):
                    taken = np.abs(np.asarray(evaluate(test, environment))) > 0.5
                    return yes if taken.all() else no if not taken.any() else None
            return None

        trees = [rebuild(tree, change) for tree in self.trees]
        if all(tree is old for tree, old in zip(trees, self.trees, strict=True)):
            return self
        return _simplified(self.ohmic, self.state, *trees)


@functools.lru_cache(maxsize=1024)
def _simplified(
    ohmic: bool, state: str, conduction: Expression, drift: Expression, decay: Expression | None = None
) -> Equations:
    """One record for equal formulas, so that they are compiled once."""
    return Equations(
        ohmic=ohmic,
        conduction=simplify(conduction),
        drift=simplify(drift),
        decay=None if decay is None else simplify(decay),
        state=state,
    )


def _turned(tree: Expression) -> Expression:
    """With J v and J i for v and i."""

    def turn(e: Expression) -> Expression | None:
        return Parameter(POLARITY) * e if isinstance(e, Parameter) and e.name.lower() in ("v", "i") else None

    return rebuild(unlimited(tree), turn)


def _slope(tree: Expression, name: str) -> Expression:
    return differentiate(unlimited(tree), Parameter(name))


def _at_zero(tree: Expression, *names: str) -> Expression:
    folded = {name.lower() for name in names}

    def zero(e: Expression) -> Expression | None:
        return Number(0.0) if isinstance(e, Parameter) and e.name.lower() in folded else None

    return simplify(rebuild(tree, zero))
