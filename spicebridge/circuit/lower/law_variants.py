"""Variants of a law: one choice of its options, one truth of its conditions and one set of tables, formulas settled."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import Number, Parameter, distinct, rebuild
from spicebridge.laws.law import Law
from spicebridge.laws.tables import Points

INNER = ("turn", "flow", "sense", "rate")
"""Nodes inside a subcircuit, beside those of shared parts."""


def law_variants(law: Law) -> list[LawVariant]:
    """Every variant of a law, with its own tables."""
    truths = [
        dict(zip(law.variants, t, strict=True)) for t in itertools.product((False, True), repeat=len(law.variants))
    ]
    return [LawVariant(law, choice, truth, law.tables) for choice in law.choices() for truth in truths]


class LawVariant:
    """The settled formulas of one variant, the `name` of its subcircuit and that of its `state`'s pin."""

    def __init__(
        self, law: Law, choice: Mapping[str, str], variants: Mapping[str, bool], tables: Mapping[str, Points]
    ) -> None:
        self.law = law
        self.choice = choice
        self.variants = variants
        self.name = law.module.name if law.module is not None else _name(law, choice, variants, tables)
        state = law.state.name.lower()
        self.state = f"{state}_" if state in ("p", "n", "drift", *INNER) else state
        written = law.equations(choice, tables)
        # Each condition is what it is here.
        settled = list(written.trees)
        for name, holds in variants.items():
            truth = {law.variants[name]: Number(float(holds))}
            settled = [rebuild(tree, truth.get) for tree in settled]
        conduction, drift, *decay = map(simplify, settled)
        self.equations = replace(written, conduction=conduction, drift=drift, decay=decay[0] if decay else None)

    @cached_property
    def defaults(self) -> dict[str, float]:
        """Of the parameters; those that decide about variants are of an example for which they are as here."""
        defaults = {name: parameter.default for name, parameter in self.law.parameters.items()}
        conditions = self.law.variants
        deciding = {e.name.lower() for c in conditions.values() for e in distinct(c) if isinstance(e, Parameter)}
        for entry in ({}, *self.law.examples.values()):
            own = {name: float(value) for name, value in entry.items() if name in defaults}
            values = {name.lower(): value for name, value in (defaults | own).items()}
            truth = {n: abs(float(evaluate(c, Environment({}, {}, values)))) > 0.5 for n, c in conditions.items()}
            if truth == self.variants:
                return defaults | {name: value for name, value in own.items() if name.lower() in deciding}
        return defaults


def _name(law: Law, choice: Mapping[str, str], variants: Mapping[str, bool], tables: Mapping[str, Points]) -> str:
    """Law, words of its options, variants that hold, and a mark of tables not its own."""
    words = (law.name.replace("-", "_"), *choice.values(), *(name for name, holds in variants.items() if holds))
    own = dict(tables) == law.tables
    mark = () if own else (f"t{zlib.crc32(repr(sorted(tables.items())).encode()):08x}",)
    return "_".join((*words, *mark))
