"""What the name and the parameters of a subcircuit call promise about the edge inside it.

A promise only: `laws` believes it when the elements of the flat deck keep it, so that a stranger's
subcircuit of the same name is read by what it does.

For readers of other decks: `promised` takes the name of a subcircuit, its numbers and its tables, and gives the
device that writes such a subcircuit; `spicebridge.laws.LAWS` holds every law that has a name, and
`Law.equations(choice, tables)` its formulas as trees over parameters, state, v and i, to match expressions against.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.parameter_scopes import constant
from spicebridge.circuit.lower.calls import subcircuit_call
from spicebridge.circuit.recognise.characteristic import EdgeLaw
from spicebridge.circuit.recognise.deck_structure import Branch
from spicebridge.errors import DeckError, DeviceError
from spicebridge.expressions.tree import Call, Number, Value, walk
from spicebridge.laws import LAWS, Device, Law, RecordLaw
from spicebridge.laws.base import parameter_names

_INSIDE = re.compile(r"^[a-z]\.([^.]+)\.[^.]+$")
_OWN_TABLES = re.compile(r"_t[0-9a-f]{8}$")
Points = tuple[tuple[float, float], ...]


def promises(deck: ir.Deck, branches: Iterable[Branch]) -> list[EdgeLaw | None]:
    """The law of every branch by the name of the subcircuit that a call at the top of `deck` means, without its window;
    None for a branch without a state or from elsewhere, for other names, and for unfit numbers."""
    calls = {e.name.lower(): e for e in deck.elements if isinstance(e, ir.Instance)}
    bodies = {sub.name.lower(): sub for sub in reversed(deck.subcircuits)}
    found: list[EdgeLaw | None] = []
    for branch in branches:
        match = None if branch.state is None else _INSIDE.match(branch.name)
        call = None if match is None else calls.get(match[1].lower())
        found.append(None if call is None else _promise(deck, call, bodies.get(call.subcircuit.lower())))
    return found


def _promise(deck: ir.Deck, call: ir.Instance, body: ir.Subcircuit | None) -> EdgeLaw | None:
    given: dict[str, Value] = {} if body is None else {name.lower(): value for name, value in body.parameters}
    given |= {name.lower(): value for name, value in call.parameters}
    try:
        numbers = {name: constant(value, deck.parameters, deck.functions) for name, value in given.items()}
    except DeckError:
        return None
    P, J = numbers.pop("active", 1.0), numbers.pop("polarity", 1.0)
    device = promised(call.subcircuit.lower(), numbers, [] if body is None else list(_tables(body)))
    return None if device is None or abs(P) != 1.0 or abs(J) != 1.0 else EdgeLaw(device, P, J)


def promised(name: str, numbers: Mapping[str, float], tables: list[Points]) -> Device | None:
    """The device whose subcircuit is called `name` (lower case) with these numbers; None if no law writes it.

    `tables` are the points of the tables in its body, in order, for laws that have tables.
    """
    base = _OWN_TABLES.sub("", name)
    for word, law in LAWS.items():
        if isinstance(law, RecordLaw):
            if not law.subcircuit or word != name:
                continue
            fixed: list[dict[str, object]] = [{}]
        elif not base.startswith(word.lower().replace("-", "_")):
            continue
        else:
            fixed = [dict(choice) | _own_tables(law, tables, base != name) for choice in law.choices()]
        for other in fixed:
            made = _made(law, numbers, other)
            if made is not None and any(model.name.lower() == name for model in subcircuit_call(made).models):
                return made
    return None


def _own_tables(law: Law, tables: list[Points], own: bool) -> dict[str, object]:
    """The law's tables with those of the deck, which stand in the order of their use."""
    found: dict[str, object] = dict(law.tables)
    if own:
        used = [e.function for tree in law.called_tables() for e in walk(tree) if isinstance(e, Call)]
        order = list(dict.fromkeys(name for name in used if name in found))
        found |= dict(zip(order, tables, strict=False))
    return found


def _made(law: Law | RecordLaw, numbers: Mapping[str, float], other: Mapping[str, object]) -> Device | None:
    names = parameter_names(law.device)
    folded = {name.lower(): name for name in names}
    if not set(numbers) <= set(folded):
        return None
    try:
        made: Device = law.build(**{folded[name]: value for name, value in numbers.items()}, **other)
    except (DeviceError, TypeError):
        return None
    return made


def _tables(body: ir.Subcircuit) -> Iterator[Points]:
    """The points of the tables of a subcircuit, each once."""
    seen = []
    for element in body.elements:
        if isinstance(element, ir.BehaviouralCurrent):
            for e in walk(element.expression):
                if isinstance(e, Call) and e.function == "table":
                    numbers = [n.value for n in e.arguments[1:] if isinstance(n, Number)]
                    points = tuple(zip(numbers[0::2], numbers[1::2], strict=False))
                    if points not in seen:
                        seen.append(points)
                        yield points
