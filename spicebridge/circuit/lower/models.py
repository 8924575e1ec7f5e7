"""The subcircuit of a law, written from its formulas.

    pins       p, n (current i flows p -> n), the state (1 V stands for 1), drift (receives the rate as a current)
    v = P R i  Rmem, with a sense source before it where the rate needs i
    i(v, s)    Bmem
    rate       linear in i or v: controlled sources; else one behavioural source of V(turn) = J v and V(flow) = J i
    decay      at the state node, where no window sees it

A rate that is made of a branch current is made at a node of its own: ngspice keeps an .ic exactly only where no
branch current enters. What occurs twice in the rate becomes a node, so that it is evaluated once.
"""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

from spicebridge.circuit.deck import elements as ir
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.calculus import simplify
from spicebridge.expressions.evaluate import depends, not_negative
from spicebridge.expressions.tree import (
    Binary,
    Call,
    Environment,
    Expression,
    NodeVoltage,
    Number,
    Parameter,
    Unary,
    call,
    distinct,
    evaluate,
    rebuild,
    walk,
)
from spicebridge.laws.card import law_header
from spicebridge.laws.device import kernels
from spicebridge.laws.formulas import unlimited
from spicebridge.laws.law import Equations, Law, Points
from spicebridge.laws.registry import LAWS, models_folder, packaged

LEAST_SIZE = 1e-3
"""Of a part that becomes a node as it is."""
ARGUMENT = 200.0
"""Largest argument of an exponential that the law means; exp(200) is 7e86."""
LARGE = 8
"""Nodes of a tree that becomes a node of the circuit where it stands twice."""
INNER = ("turn", "flow", "sense", "rate")
"""Nodes inside a subcircuit, beside those of shared parts."""


def subcircuit_name(
    law: Law, choice: Mapping[str, str], variants: Mapping[str, bool], tables: Mapping[str, Points]
) -> str:
    """The name of one variant: law, words of its options, variants that hold, and a mark of tables not its own."""
    words = (law.name.replace("-", "_"), *choice.values(), *(name for name, holds in variants.items() if holds))
    own = dict(tables) == law.tables
    mark = () if own else (f"t{zlib.crc32(repr(sorted(tables.items())).encode()):08x}",)
    return "_".join((*words, *mark))


def law_subcircuit(
    law: Law, choice: Mapping[str, str], variants: Mapping[str, bool], tables: Mapping[str, Points] | None = None
) -> ir.Subcircuit:
    """The subcircuit of a law for one choice of options, one truth of its variants, and tables."""
    tables = law.tables | dict(tables or {})
    return _written(law, tuple(choice.items()), tuple(variants.items()), tuple(tables.items()))


@functools.lru_cache(maxsize=512)
def _written(
    law: Law,
    choice: tuple[tuple[str, str], ...],
    variants: tuple[tuple[str, bool], ...],
    tables: tuple[tuple[str, Points], ...],
) -> ir.Subcircuit:
    variant = LawVariant(law, dict(choice), dict(variants), dict(tables))
    made = variant.subcircuit()
    known = _made.setdefault(made.name.lower(), [])
    if all(other != made for other, _ in known):
        known.append((made, variant))
    return made


_made: dict[str, list[tuple[ir.Subcircuit, LawVariant]]] = {}
"""What was written, by name: laws of one name and different texts stand side by side."""


def variant_of(subcircuit: ir.Subcircuit) -> LawVariant | None:
    """The variant of a law that `subcircuit` was written from; None for one of another origin, or changed since."""
    known = _made.get(subcircuit.name.lower(), [])
    return next((variant for made, variant in known if made == subcircuit), None)


def law_subcircuits(law: Law) -> list[ir.Subcircuit]:
    """Every subcircuit of a law, with its own tables."""
    return [variant.subcircuit() for variant in law_variants(law)]


def law_variants(law: Law) -> list[LawVariant]:
    """Every variant of a law, with its own tables."""
    truths = [
        dict(zip(law.variants, t, strict=True)) for t in itertools.product((False, True), repeat=len(law.variants))
    ]
    return [LawVariant(law, choice, truth, law.tables) for choice in law.choices() for truth in truths]


class LawVariant:
    """One choice of options, truth of variants and tables of a law: its settled formulas and its subcircuit."""

    def __init__(
        self, law: Law, choice: Mapping[str, str], variants: Mapping[str, bool], tables: Mapping[str, Points]
    ) -> None:
        self.law = law
        self.choice = choice
        self.name = law.module.name if law.module is not None else subcircuit_name(law, choice, variants, tables)
        self.variants = variants
        self.equations = law.equations(choice, tables)
        state = law.state.name.lower()
        self.state = f"{state}_" if state in ("p", "n", "drift", *INNER) else state
        self.elements: list[ir.Element] = []
        e = self.equations
        self.conduction, self.drift = self._settled(e.conduction), self._settled(e.drift)
        self.decay = None if e.decay is None else self._settled(e.decay)

    def _settled(self, tree: Expression) -> Expression:
        """The tree where each variant's condition is what it is here."""
        made = tree
        for name, holds in self.variants.items():
            condition = self.law.variants[name]
            truth = Number(1.0 if holds else 0.0)
            made = _replace(made, condition, truth)
        return simplify(made)

    def subcircuit(self) -> ir.Subcircuit:
        """Pins p, n, state, drift; a module of somebody's own has the pins that it has."""
        module = self.law.module
        if module is not None:
            pins = tuple(dict.fromkeys((*module.pins, module.state)))
            defaults = tuple((own, self.law.parameters[name].default) for name, own in module.parameters.items())
            return ir.Subcircuit(name=self.name, pins=pins, parameters=defaults, veriloga=module.with_state_as_pin())
        self.elements = []
        linear = kernels(Equations(self.law.ohmic, self.conduction, self.drift, self.decay), self.law.state.name)
        found = linear.linear_rate
        moved = frozenset(("i",))
        by_current = not _zero(found[1]) if found is not None else depends(self.drift, moved)
        self._conduction(sense=by_current and self.law.ohmic)
        if found is not None:
            self._linear(*found)
        else:
            self._general()
        self.elements.append(ir.CapacitorElement("Cstate", self.state, "0", 1.0))
        return ir.Subcircuit(
            name=self.name,
            pins=("p", "n", self.state, "drift"),
            parameters=self._parameters(),
            elements=tuple(self.elements),
            header=tuple(law_header(self.law)),
        )

    def _parameters(self) -> tuple[tuple[str, float], ...]:
        values = {name: parameter.default for name, parameter in self.law.parameters.items()} | self._fitting()
        signs = {"active": 1.0, "polarity": 1.0} if self.law.ohmic else {"polarity": 1.0}
        order = [name for name in self.law.keys if name in values]
        return (*((name, values[name]) for name in order), *signs.items())

    def _fitting(self) -> dict[str, float]:
        """Defaults of the parameters that decide about variants: of an example for which they are as here."""
        defaults = {name: parameter.default for name, parameter in self.law.parameters.items()}
        for entry in ({}, *self.law.examples.values()):
            own = {name: float(value) for name, value in entry.items() if name in defaults}
            values = {name.lower(): value for name, value in (defaults | own).items()}
            truth = {n: abs(evaluate(c, Environment({}, {}, values))) > 0.5 for n, c in self.law.variants.items()}
            if truth == self.variants:
                names = {e.name for c in self.law.variants.values() for e in distinct(c) if isinstance(e, Parameter)}
                return {name: value for name, value in own.items() if name.lower() in {n.lower() for n in names}}
        return {}

    def _conduction(self, *, sense: bool) -> None:
        tree = self._circuit(self.conduction)
        if not self.law.ohmic:
            self._turn()
            self.elements.append(ir.BehaviouralCurrent("Bmem", "p", "n", Parameter("polarity") * tree))
            return
        first = "sense" if sense else "p"
        if sense:
            self.elements.append(ir.VoltageSourceElement("Vsense", "p", "sense", ir.DcWave(0.0)))
        self.elements.append(ir.ResistorElement("Rmem", first, "n", Parameter("active") * tree))

    def _turn(self) -> None:
        """V(turn) = J v."""
        if not any(element.name == "Gturn" for element in self.elements):
            self.elements.append(ir.VoltageControlledCurrent("Gturn", "0", "turn", "p", "n", Parameter("polarity")))
            self.elements.append(ir.ResistorElement("Rturn", "turn", "0", 1.0))

    def _linear(self, a: Expression, b: Expression, c: Expression) -> None:
        if not _zero(b):
            if self.law.ohmic:
                self.elements.append(
                    ir.CurrentControlledVoltage("Hrate", "rate", "0", "Vsense", Parameter("polarity") * b)
                )
            else:
                flow = Parameter("polarity") * b * self._circuit(self.conduction)
                self.elements += [
                    ir.BehaviouralCurrent("Brate", "0", "rate", flow),
                    ir.ResistorElement("Rrate", "rate", "0", 1.0),
                ]
            self.elements.append(ir.VoltageControlledCurrent("Gdrift", "0", "drift", "rate", "0", 1.0))
        if not _zero(c):
            gain = Parameter("polarity") * c
            self.elements.append(ir.VoltageControlledCurrent("Gpush", "0", "drift", "p", "n", gain))
        if not _zero(a):
            self.elements.append(ir.VoltageControlledCurrent("Gdecay", "0", self.state, self.state, "0", a))

    def _general(self) -> None:
        if depends(self.drift, frozenset(("v",))) or not self.law.ohmic:
            self._turn()
        if depends(self.drift, frozenset(("i",))) and self.law.ohmic:
            turned = Parameter("polarity")
            self.elements.append(ir.CurrentControlledVoltage("Hflow", "flow", "0", "Vsense", turned))
        trees = [self.drift, *(() if self.decay is None else (self.decay,))]
        if not self.law.ohmic:
            conduction = self.conduction
            trees = [rebuild(t, lambda e: conduction if e == Parameter("i") else None) for t in trees]
        for name, tree, node in zip(("Bdrift", "Bdecay"), self._shared(trees), ("drift", self.state), strict=False):
            self.elements.append(ir.BehaviouralCurrent(name, "0", node, self._circuit(tree)))

    def _shared(self, trees: list[Expression]) -> list[Expression]:
        """The trees with what stands twice in them, and is large and moves, made a node each.

        The parts of limexp and limsinh cancel to the last digit, so that they must not be solved for apart.
        """
        moving = self.law.moving
        count: dict[Expression, int] = {}
        for tree in trees:
            for e in walk(tree):
                count[e] = count.get(e, 0) + 1
        wanted = [e for e, n in count.items() if n > 1 and depends(e, moving) and _size(e) >= LARGE]
        chosen: list[Expression] = []
        for e in sorted(wanted, key=_size, reverse=True):
            inside = sum(count[e] == count[big] and any(x == e for x in walk(big)) for big in chosen)
            if not inside:
                chosen.append(e)
        done: dict[Expression, Expression] = {}
        for k, e in enumerate(reversed(chosen), start=1):
            body, node = e, f"part{k}"
            for small in sorted(done, key=_size, reverse=True):
                body = _replace(body, small, done[small])
            scale = self._size_of(e)
            whole = self._circuit(body)
            self.elements.append(ir.BehaviouralCurrent(f"B{node}", "0", node, whole if scale == 1.0 else whole / scale))
            self.elements.append(ir.ResistorElement(f"R{node}", node, "0", 1.0))
            done[e] = NodeVoltage(node) if scale == 1.0 else scale * NodeVoltage(node)
        out = []
        for tree in trees:
            for e in chosen:
                tree = _replace(tree, e, done[e])
            out.append(tree)
        return out

    def _size_of(self, tree: Expression) -> float:
        """1, or a power of ten near the value of a part that is far from 1: a node's voltage is solved for to 1e-12."""
        values = {name.lower(): parameter.default for name, parameter in self.law.parameters.items()} | self._fitting()
        values = {name.lower(): value for name, value in values.items()} | {"active": 1.0}
        sizes = []
        for v in (-0.3, 0.3):
            signals = {self.law.state.name.lower(): 0.5, "v": v, "i": 0.0}
            conduction = float(evaluate(unlimited(self.conduction), Environment({}, {}, values | signals)))
            signals["i"] = v / conduction if self.law.ohmic else conduction
            sizes.append(abs(float(evaluate(unlimited(tree), Environment({}, {}, values | signals)))))
        largest = max(sizes)
        usual = not 0.0 < largest < math.inf or LEAST_SIZE < largest < 1.0 / LEAST_SIZE
        return 1.0 if usual else 10.0 ** round(math.log10(largest))

    def _circuit(self, tree: Expression) -> Expression:
        return circuit_formula(self.law, tree, self.state)


def circuit_formula(law: Law, tree: Expression, state: str) -> Expression:
    """A formula of the law over the nodes `state`, turn (J v) and flow (J i)."""
    signals = {law.state.name.lower(): state, "v": "turn", "i": "flow"}

    def change(e: Expression) -> Expression | None:
        match e:
            case Parameter(name) if name.lower() in signals:
                return NodeVoltage(signals[name.lower()])
        return None

    def guard(e: Expression) -> Expression | None:
        # exp, sinh and cosh of what moves end in tangents: iterates of the simulator go where no solution is.
        match e:
            case Call("exp" | "sinh" as name, (x,)) if depends(x, law.moving) and not _falls(x):
                return Call(f"lim{name}", (x, Number(ARGUMENT)))
            case Call("cosh", (x,)) if depends(x, law.moving):
                return call("cosh", call("min", call("max", x, -ARGUMENT), ARGUMENT))
        return None

    made: Expression = rebuild(rebuild(unlimited(rebuild(tree, guard)), change), _divided_one_by_one)
    return made


def _divided_one_by_one(e: Expression) -> Expression | None:
    """x/(a b) as (x/a)/b: ngspice adds 1e-32 to every divisor, which products of small quantities come near."""
    match e:
        case Binary("/", x, Binary("*", a, b)):
            first = _divided_one_by_one(x / a)
            return _divided_one_by_one((x / a if first is None else first) / b) or (first or x / a) / b
    return None


def _falls(x: Expression) -> bool:
    """Whether exp(x) is at most 1 for certain."""
    match x:
        case Unary("-", y):
            return not_negative(y)
        case Binary("*" | "/", Unary("-", y), z):
            return not_negative(y) and not_negative(z)
    return False


def _zero(e: Expression) -> bool:
    return isinstance(e, Number) and e.value == 0.0


def _size(tree: Expression) -> int:
    return sum(1 for _ in walk(tree))


def _replace(tree: Expression, old: Expression, new: Expression) -> Expression:
    made: Expression = rebuild(tree, lambda e: new if e == old else None)
    return made


def load_model(name: str) -> ir.Subcircuit:
    """Return the subcircuit of a packaged law called `name`; `DeckError` names the nearest known one."""
    models = _models()
    found = models.get(name.lower())
    if found is None:
        raise DeckError(f"model {name!r} is unknown{nearest(name, models)}; known are {', '.join(models)}")
    return found[1]


def model_names() -> tuple[str, ...]:
    """Every model of the packaged laws, sorted."""
    return tuple(_models())


def model_twin(name: str) -> Path | None:
    """The Verilog-A file of the packaged law whose subcircuit is `name`."""
    found = _models().get(name.lower())
    return None if found is None else models_folder() / f"{found[0].name}.va"


@functools.cache
def _models() -> dict[str, tuple[Law, ir.Subcircuit]]:
    found: dict[str, tuple[Law, ir.Subcircuit]] = {}
    for name in LAWS.texts:
        law = packaged(name)
        for model in law_subcircuits(law):
            if model.name.lower() in found:
                raise DeckError(f"law {name}: model {model.name!r} is of another law too; rename one")
            found[model.name.lower()] = law, model
    return dict(sorted(found.items()))
