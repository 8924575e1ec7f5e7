"""Specimens of one kind: expressions of constant voltages, several in a deck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects import get_dialect
from spicebridge.expressions.evaluate import Environment, evaluate
from spicebridge.expressions.tree import Expression, NodeVoltage, Parameter, walk
from spicebridge.fuzz import trees
from spicebridge.fuzz.specimen import OURS, PLAIN, NoAnswer, Outcome, Run, Specimen, compare
from spicebridge.fuzz.spelling import PlainSpelling

STOP, STEP = 1.0, 0.25
RTOL = 1e-6
PER_DECK = 6
_POWERS = ("^", "**", "pow")


@dataclass(frozen=True, kw_only=True)
class Expressions:
    """Node b<k> has the value of the k-th tree; x, y, z and the parameters a and b are given."""

    dialect: str
    trees: tuple[Expression, ...]
    inputs: tuple[tuple[str, float], ...]
    parameters: tuple[tuple[str, float], ...]
    plain: PlainSpelling | None = None

    kind = "expression"

    @property
    def spelling(self) -> str:
        return OURS if self.plain is None else PLAIN

    @property
    def signals(self) -> tuple[str, ...]:
        return tuple(f"v(b{k})" for k in range(len(self.trees)))

    @property
    def env(self) -> Environment:
        return trees.environment(dict(self.inputs), dict(self.parameters))

    @property
    def sources(self) -> list[tuple[str, float]]:
        """Nodes that the trees ask for, and their voltages."""
        used = {part.plus for tree in self.trees for part in walk(tree) if isinstance(part, NodeVoltage)}
        return [(n, value) for n, value in self.inputs if n in used]

    @property
    def constants(self) -> list[tuple[str, float]]:
        """Parameters that the trees name, and their values."""
        named = {part.name for tree in self.trees for part in walk(tree) if isinstance(part, Parameter)}
        return [(n, value) for n, value in self.parameters if n in named]

    def check(self, run: Run) -> Outcome:
        record = run(self.deck("expressions"), self.signals, STOP)
        if isinstance(record, NoAnswer):
            return record
        signals = {
            node: (record.vector(node), np.full(record.time.size, float(evaluate(tree, self.env))))
            for node, tree in zip(self.signals, self.trees, strict=True)
        }
        return compare(signals, record.time, RTOL, 1e-9)

    def deck(self, remark: str) -> str:
        if self.plain is not None:
            return _plain_deck(self, self.plain, remark)
        elements: list[ir.Element] = [
            ir.VoltageSourceElement(f"V{n}", n, "0", ir.DcWave(value)) for n, value in self.sources
        ]
        elements += [ir.BehaviouralVoltage(f"B{k}", f"b{k}", "0", tree) for k, tree in enumerate(self.trees)]
        deck = ir.Deck(
            title=remark,
            elements=tuple(elements),
            parameters=tuple(self.constants),
            transient=ir.Transient(step=STEP, stop=STOP, start=0.0, max_step=STEP),
            save=self.signals,
        )
        return get_dialect(self.dialect).format_deck(deck)

    def split(self) -> list[Expressions]:
        """One specimen per tree."""
        return [replace(self, trees=(tree,)) for tree in self.trees]

    def smaller(self) -> Iterator[Specimen]:
        if len(self.trees) > 1:
            yield from self.split()
            return
        (tree,) = self.trees
        options = trees.simpler(tree) if self.plain is None else trees.simpler_plain(tree)
        for option in sorted(options, key=lambda e: sum(1 for _ in walk(e))):
            if isinstance(option, (NodeVoltage, Parameter)) or trees.determined(option, self.env) is None:
                continue
            yield replace(self, trees=(option,))

    def repairs(self) -> Mapping[str, Specimen]:
        if self.plain is None:
            return {}
        around = {
            "a brace expands without parentheses": replace(self.plain, bracketed=True),
            "a power of a negative base": replace(self.plain, products=True),
            "u(0)": replace(self.plain, steps=True),
            "whole numbers divide as integers": replace(self.plain, reals=True),
        }
        return {cause: replace(self, plain=spelling) for cause, spelling in around.items()}

    def shape(self) -> str:
        return "; ".join(trees.shape(tree, self.env) for tree in self.trees)


def random_expressions(rng: np.random.Generator, dialect: str, *, plain: bool) -> Expressions:
    """A deck of well determined expressions."""
    inputs = tuple((n, float(rng.choice(trees.VALUES))) for n in trees.NODES[:-1])
    inputs = (*inputs, (trees.NODES[-1], 0.0 if rng.random() < 0.5 else 2.0))
    parameters = tuple((n, float(rng.choice((1.0, 2.0, 3.0, 0.5)))) for n in trees.PARAMETERS)
    env = trees.environment(dict(inputs), dict(parameters))
    chosen: list[Expression] = []
    for _ in range(200):
        tree = trees.grow_plain(rng, 3) if plain else trees.grow(rng, 4)
        asks = not isinstance(tree, NodeVoltage) and any(isinstance(part, NodeVoltage) for part in walk(tree))
        if asks and trees.determined(tree, env) is not None:
            chosen.append(tree)
        if len(chosen) == PER_DECK:
            break
    spelling = PlainSpelling(power=str(rng.choice(_POWERS)), braces=dialect != "vacask") if plain else None
    return Expressions(dialect=dialect, trees=tuple(chosen), inputs=inputs, parameters=parameters, plain=spelling)


def _plain_deck(e: Expressions, spelling: PlainSpelling, remark: str) -> str:
    texts = [spelling.text(tree) for tree in e.trees]
    parameters = [f"{n}={value!r}" for n, value in e.constants]
    if e.dialect == "vacask":
        return _plain_module(remark, texts, e.sources, e.parameters)
    quote = "{{{0}}}" if e.dialect == "xyce" else "{0}"
    lines = [f"* {remark}"]
    lines += [f".param {' '.join(parameters)}"] if parameters else []
    lines += [f"V{n} {n} 0 {value!r}" for n, value in e.sources]
    lines += [f"B{k} b{k} 0 V={quote.format(text)}" for k, text in enumerate(texts)]
    save = ".print tran" if e.dialect == "xyce" else ".save"
    lines += [f"{save} {' '.join(e.signals)}", f".tran {STEP!r} {STOP!r} 0 {STEP!r}", ".end"]
    return "\n".join(lines) + "\n"


def _plain_module(
    remark: str, texts: list[str], sources: list[tuple[str, float]], parameters: tuple[tuple[str, float], ...]
) -> str:
    pins = [*(f"b{k}" for k in range(len(texts))), *(n for n, _ in sources)]
    names = ", ".join(pins)
    lines = [f"// {remark}", "ground 0", 'embed "plain.va" <<<FILE', '`include "disciplines.vams"']
    lines += [f"module plain({names}); inout {names}; electrical {names};"]
    lines += [f"parameter real {n} = {value!r};" for n, value in parameters]
    lines += [f"analog begin {' '.join(f'V(b{k}) <+ {text};' for k, text in enumerate(texts))} end", "endmodule"]
    lines += [">>>FILE", 'load "plain.va"', "model plain plain", "model vsource vsource"]
    lines += [f"v{n} ({n} 0) vsource dc={value!r}" for n, value in sources]
    lines += [f"m1 ({' '.join(pins)}) plain", "control", "abort always", 'options rawfile="binary"']
    lines += [f'analysis out tran step={STEP!r} stop={STOP!r} maxstep={STEP!r} icmode="op"', "endc"]
    return "\n".join(lines) + "\n"
