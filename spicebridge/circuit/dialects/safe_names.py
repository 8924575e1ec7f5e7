"""Names that survive a simulator: its reserved words, its characters, its separator of levels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import Scope, element_nodes, scopes, trees
from spicebridge.circuit.deck.rename import rename
from spicebridge.expressions.tree import NodeVoltage, walk

PLAIN = re.compile(r"[A-Za-z0-9_]+\Z")
"""Letters, digits and underscores: what every simulator reads, inside expressions too."""


@dataclass(frozen=True, kw_only=True)
class NameRules:
    """What a simulator does not take. Words are in lower case.

    `nodes`, `parameters`, `subcircuits` and `functions` are reserved; `characters` is what a name must match;
    `separator` stands between an instance and a node inside it.
    """

    nodes: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    subcircuits: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    characters: re.Pattern[str] = PLAIN
    separator: str = "."


def safe_names(deck: ir.Deck, rules: NameRules) -> ir.Deck:
    """The deck with every name that `rules` forbid replaced, or the deck itself.

    A node becomes ``n_…``, a parameter ``p_…``, a subcircuit ``s_…``, a function ``f_…``, with other characters as
    underscores and a number at the end where that is taken; elements keep their letter.
    """
    parts = list(scopes(deck))
    nodes = _Table("n_", rules.nodes, rules.characters)
    parameters = _Table("p_", rules.parameters, rules.characters)
    subcircuits = _Table("s_", rules.subcircuits, rules.characters)
    functions = _Table("f_", rules.functions, rules.characters)
    for scope in parts:
        nodes.meet(dict.fromkeys(n for e in scope.elements for n in element_nodes(e)))
        if isinstance(scope, ir.Subcircuit):
            nodes.meet(scope.pins)
            subcircuits.meet((scope.name,))
            parameters.meet(name for name, _ in scope.local_parameters)
        parameters.meet(name for name, _ in scope.parameters)
        functions.meet(f.name for f in scope.functions)
        for f in scope.functions:
            parameters.meet(f.arguments)
    paths = {}
    if rules.separator != ".":
        paths = {p: p.replace(".", rules.separator) for p in _paths(deck, parts, set(nodes.names))}
    clean = all(rules.characters.match(e.name) for scope in parts for e in scope.elements)
    tables = (nodes.changes(), parameters.changes(), subcircuits.changes(), functions.changes())
    if clean and not paths and not any(tables):
        return deck

    def label(elements: Iterable[ir.Element]) -> dict[str, str]:
        table = _Table("", frozenset(), rules.characters)
        table.meet(e.name for e in elements)
        return table.changes()

    return rename(
        deck, nodes=tables[0] | paths, parameters=tables[1], subcircuits=tables[2], functions=tables[3], label=label
    )


def _paths(deck: ir.Deck, parts: list[Scope], nodes: set[str]) -> Iterator[str]:
    """Nodes that are named from outside their instance: x1.w."""
    named = [n for scope in parts for n, _ in scope.initial_conditions]
    for vector in deck.save:
        if vector[:1].lower() == "v":
            named += vector[2:-1].split(",")
    for scope in parts:
        for e in scope.elements:
            for tree in trees(e).values():
                named += [n for v in walk(tree) if isinstance(v, NodeVoltage) for n in (v.plus, v.minus)]
    for name in named:
        if "." in name and name.lower() not in nodes:
            yield name.lower()


@dataclass
class _Table:
    """Names of one kind: what each of them becomes."""

    prefix: str
    reserved: frozenset[str]
    characters: re.Pattern[str]
    names: dict[str, str] = field(default_factory=dict)

    def meet(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.setdefault(name.lower(), name)

    def changes(self) -> dict[str, str]:
        """Lower-case name -> new name, for those that must change."""
        out: dict[str, str] = {}
        taken = set(self.names) | self.reserved
        for folded, name in self.names.items():
            reserved = folded in self.reserved
            if name == "0" or (not reserved and self.characters.match(name)):
                continue
            fits = self.prefix if reserved or not self.prefix else ""
            base = fits + re.sub(r"[^A-Za-z0-9_]", "_", name)
            if not self.characters.match(base):
                base = self.prefix + base
            fresh, count = base, 1
            while fresh.lower() in taken:
                count += 1
                fresh = f"{base}_{count}"
            taken.add(fresh.lower())
            out[folded] = fresh
        return out
