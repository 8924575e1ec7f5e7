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
from pathlib import Path

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.lower.circuit_formulas import CircuitFormulas, circuit_formulas
from spicebridge.circuit.lower.law_variants import LawVariant, law_variants
from spicebridge.errors import DeckError, nearest
from spicebridge.expressions.tree import Expression, Number, Parameter
from spicebridge.laws.card import law_header
from spicebridge.laws.law import Law
from spicebridge.laws.registry import LAWS, models_folder, packaged
from spicebridge.laws.tables import Points

_POLARITY = Parameter("polarity")


@functools.lru_cache(maxsize=512)
def law_subcircuit(
    law: Law,
    choice: tuple[tuple[str, str], ...],
    variants: tuple[tuple[str, bool], ...],
    tables: tuple[tuple[str, Points], ...],
) -> ir.Subcircuit:
    """The subcircuit of a law for one choice of options, one truth of its variants, and tables, as pairs."""
    variant = LawVariant(law, dict(choice), dict(variants), dict(tables))
    made = variant_subcircuit(variant)
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
    return [variant_subcircuit(variant) for variant in law_variants(law)]


def variant_subcircuit(variant: LawVariant) -> ir.Subcircuit:
    """Pins p, n, state, drift; a module of somebody's own has the pins that it has."""
    law = variant.law
    if law.module is not None:
        pins = tuple(dict.fromkeys((*law.module.pins, law.module.state)))
        defaults = tuple((own, law.parameters[name].default) for name, own in law.module.parameters.items())
        veriloga = law.module.with_state_as_pin()
        return ir.Subcircuit(name=variant.name, pins=pins, parameters=defaults, veriloga=veriloga)
    formulas = circuit_formulas(variant)
    rate = _general_rate if formulas.linear is None else _linear_rate
    elements = (
        *_conduction(law.ohmic, formulas),
        *rate(law.ohmic, variant.state, formulas),
        ir.CapacitorElement("Cstate", variant.state, "0", 1.0),
    )
    signs = {"active": 1.0, "polarity": 1.0} if law.ohmic else {"polarity": 1.0}
    parameters = {name: variant.defaults[name] for name in law.keys if name in variant.defaults} | signs
    pins = ("p", "n", variant.state, "drift")
    return ir.Subcircuit(
        name=variant.name,
        pins=pins,
        parameters=tuple(parameters.items()),
        elements=elements,
        header=tuple(law_header(law)),
    )


def _conduction(ohmic: bool, formulas: CircuitFormulas) -> list[ir.Element]:
    if not ohmic:
        return [*_turn(), ir.BehaviouralCurrent("Bmem", "p", "n", _POLARITY * formulas.conduction)]
    resistance = Parameter("active") * formulas.conduction
    if not formulas.by_current:
        return [ir.ResistorElement("Rmem", "p", "n", resistance)]
    return [
        ir.VoltageSourceElement("Vsense", "p", "sense", ir.DcWave(0.0)),
        ir.ResistorElement("Rmem", "sense", "n", resistance),
    ]


def _turn() -> list[ir.Element]:
    """V(turn) = J v."""
    return [
        ir.VoltageControlledCurrent("Gturn", "0", "turn", "p", "n", _POLARITY),
        ir.ResistorElement("Rturn", "turn", "0", 1.0),
    ]


def _linear_rate(ohmic: bool, state: str, formulas: CircuitFormulas) -> list[ir.Element]:
    assert formulas.linear is not None
    a, b, c = formulas.linear
    out: list[ir.Element] = []
    if not _zero(b):
        if ohmic:
            out.append(ir.CurrentControlledVoltage("Hrate", "rate", "0", "Vsense", _POLARITY * b))
        else:
            out.append(ir.BehaviouralCurrent("Brate", "0", "rate", _POLARITY * b * formulas.conduction))
            out.append(ir.ResistorElement("Rrate", "rate", "0", 1.0))
        out.append(ir.VoltageControlledCurrent("Gdrift", "0", "drift", "rate", "0", 1.0))
    if not _zero(c):
        out.append(ir.VoltageControlledCurrent("Gpush", "0", "drift", "p", "n", _POLARITY * c))
    if not _zero(a):
        out.append(ir.VoltageControlledCurrent("Gdecay", "0", state, state, "0", a))
    return out


def _general_rate(ohmic: bool, state: str, formulas: CircuitFormulas) -> list[ir.Element]:
    out: list[ir.Element] = []
    if ohmic and formulas.by_voltage:
        out += _turn()
    if ohmic and formulas.by_current:
        out.append(ir.CurrentControlledVoltage("Hflow", "flow", "0", "Vsense", _POLARITY))
    for node, formula, scale in formulas.parts:
        out.append(ir.BehaviouralCurrent(f"B{node}", "0", node, formula if scale == 1.0 else formula / scale))
        out.append(ir.ResistorElement(f"R{node}", node, "0", 1.0))
    for name, node, rate in zip(("Bdrift", "Bdecay"), ("drift", state), formulas.rates, strict=False):
        out.append(ir.BehaviouralCurrent(name, "0", node, rate))
    return out


def _zero(e: Expression) -> bool:
    return e == Number(0.0)


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
