"""What a law says about itself: where it is from, in which units, where it holds, how smooth it is."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from spicebridge.expressions.kinks import describe, kinks
from spicebridge.laws.law_text import LawText
from spicebridge.laws.parameters import unit_text


@dataclass(frozen=True, kw_only=True)
class Card:
    """For people and for the check-up of a model.

    `law` is the pair of equations; `source` paper and equation; `units` of the parameters; `valid` where the
    law may be used; `smoothness` which derivatives exist and where they do not. No law hides a state: what
    persists is `s`, a node of the circuit.
    """

    law: str
    source: str
    units: str
    valid: str
    smoothness: str


def law_card(law: LawText) -> Card:
    """The card of a law text."""
    s = law.state.name
    conduction = (
        f"v = P ({_written(law.data['resistance'])}) i" if law.ohmic else f"i = {_written(law.data['current'])}"
    )
    parts = [_written(law.data[key]) for key in ("decay", "rate") if key in law.data]
    helpers = "".join(f";  {key} = {_written(text)}" for key, text in law.entries("let").items())
    rules = [f"{p.name} {rule.sign} {rule.bound}" for p in law.parameters.values() for rule in p.rules]
    units: dict[str, list[str]] = {}
    for p in law.parameters.values():
        units.setdefault(unit_text(p, law.dimensions[p.name]) or "not checked", []).append(p.name)
    return Card(
        law=f"{conduction};  d{s}/dt = F({s}, {', '.join(parts)}){helpers}",
        source=str(law.data.get("source", "")),
        units="; ".join(f"{', '.join(names)} {unit}" for unit, names in units.items()),
        valid="; ".join([_range(law), *rules]),
        smoothness=_smoothness(law),
    )


def _written(given: object) -> str:
    return ", ".join(f"{text} ({word})" for word, text in given.items()) if isinstance(given, Mapping) else str(given)


def _range(law: LawText) -> str:
    state = law.state
    if state.low is None or state.high is None:
        return f"every {state.name}"
    unit = "" if state.unit.text == "1" else f" {state.unit.text}"
    return f"{state.low / state.unit.factor:g} <= {state.name} <= {state.high / state.unit.factor:g}{unit}"


def _smoothness(law: LawText) -> str:
    found = [describe(e) for tree in law.equations().trees for e in kinks(tree, law.moving)]
    if not found:
        return "analytic without a window; else as smooth as the window"
    return f"kinks or jumps at {', '.join(dict.fromkeys(found))}; else as smooth as the window"


def law_header(law: LawText) -> list[str]:
    """What stands above the models of a law, for both languages."""
    s = law.state.name
    out = [f"{law.data.get('title', law.name)}.", f"Source: {law.data.get('source', 'none given')}."]
    out += [line.strip() for line in textwrap.wrap(str(law.data.get("notes", "")), 110)]
    for key in ("resistance", "current", "decay", "rate"):
        given = law.data.get(key, {})
        chosen = given.items() if isinstance(given, Mapping) else [("", given)]
        out += [f"{key} = {text}    ({word})" if word else f"{key} = {text}" for word, text in chosen]
    out += [f"  {key} = {text}" for table in ("variants", "let") for key, text in law.entries(table).items()]
    out += [
        "v and i are those of polarity +1; limexp(y, L) is exp(y) up to L, then its tangent, limsinh likewise.",
        f"pins: p, n  current flows p -> n;  {s}  the state, {_meaning(law)};",
        "      drift  receives the rate as a current; tie it to the state where no window acts.",
        f"Written from models/{law.name}.toml (make models).",
    ]
    return [line.replace("\n", " ") for line in out]


def _meaning(law: LawText) -> str:
    state = law.state
    if not state.reduced:
        return "1 V stands for 1"
    low, high = ((x or 0.0) / state.unit.factor for x in (state.low, state.high))
    return f"0 V stands for {low:g} {state.unit.text}, 1 V for {high:g} {state.unit.text}"
