"""The circuit as parts and nets: what is soldered, before any file format.

Nets: ``0`` is ground, ``n3`` a node of the network, ``m3`` behind the source of edge 3, ``s3`` behind its sense
resistor, ``r3`` inside a pair of resistors, ``h3`` before a source at the head, ``g3`` a generator output, ``o3``
``x3`` output and divider of a converter, ``p3`` ``q3`` its rails (or those of an isolated source), ``w3`` the
state as a voltage (1 V for 1), ``c3`` the controller's code to the potentiometer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spicebridge.lab.design.active import SHORT, Converter
from spicebridge.lab.design.laws import raises_resistance
from spicebridge.lab.design.parts import CERAMIC_UP_TO, MemristorPart, capacitors, e96_pair
from spicebridge.lab.design.plan import DIVIDER, Plan, gyrator
from spicebridge.lab.design.reactances import amount
from spicebridge.laws.plain import ohms
from spicebridge.quantities import format_quantity

GROUND, PLUS_RAIL, MINUS_RAIL = "0", "vcc", "vee"


@dataclass(frozen=True, kw_only=True)
class Component:
    """One part: `kind` (resistor, capacitor, opamp, pot, controller, memristor, generator, supply), reference, type,
    value, pins.

    `pins` are (number, name, net) in the order of the deck's element. `number` holds the value in SI units.
    """

    kind: str
    reference: str
    part: str
    value: str
    pins: tuple[tuple[str, str, str], ...]
    edge: int | None = None
    number: float = 0.0
    note: str = ""

    @property
    def nets(self) -> tuple[str, ...]:
        return tuple(net for _, _, net in self.pins)


def node_net(plan: Plan, node: int) -> str:
    """Net of a node of the network."""
    return GROUND if node == plan.gauge.ground else f"n{node}"


def wire(plan: Plan) -> tuple[Component, ...]:
    """Every part with its nets."""
    out = [_supply("0", PLUS_RAIL, GROUND, MINUS_RAIL, plan, "common rails")]
    versions = {x.edge: x for x in plan.realisation.converters}
    for k in range(plan.network.n_edges):
        out += _edge(plan, k, versions.get(k))
    return tuple(out)


def component(
    kind: str,
    reference: str,
    part: str,
    nets: Mapping[str, str],
    edge: int | None = None,
    *,
    value: str = "",
    number: float = 0.0,
    note: str = "",
) -> Component:
    """A part whose pins, in their order, have these names and `nets`; its value is its name where it has no other."""
    pins = tuple((str(n), name, net) for n, (name, net) in enumerate(nets.items(), start=1))
    return Component(
        kind=kind, reference=reference, part=part, value=value or part, pins=pins, edge=edge, number=number, note=note
    )


def _supply(mark: str, plus: str, middle: str, minus: str, plan: Plan, note: str) -> Component:
    part, nets = "isolated DC/DC" if mark != "0" else "bench supply", {"+": plus, "COM": middle, "-": minus}
    volts = plan.bench.supply
    return component("supply", f"PS{mark}", part, nets, value=f"+-{volts:g}V", number=volts, note=note)


def _resistor(reference: str, a: str, b: str, ohm: float, k: int, note: str) -> Component:
    nets = {"1": a, "2": b}
    return component("resistor", reference, "resistor", nets, k, value=format_quantity(ohm), number=ohm, note=note)


def _opamp(reference: str, part: str, nets: tuple[str, str, str, str, str], k: int, note: str) -> Component:
    named = dict(zip(("+IN", "-IN", "V+", "V-", "OUT"), nets, strict=True))
    return component("opamp", reference, part, named, k, note=note)


def _edge(plan: Plan, k: int, converter: Converter | None) -> list[Component]:
    network, gauge = plan.network, plan.gauge
    tail, head = node_net(plan, int(network.tail[k])), node_net(plan, int(network.head[k]))
    out: list[Component] = []
    if k in gauge.driven:
        at_head = k in gauge.grounded and tail != GROUND
        near, far = (head, f"h{k}") if at_head else (tail, f"m{k}")
        out += _drive(plan, k, near, far, "inverted: it stands at the head" if at_head else "")
        tail, head = (tail, far) if at_head else (far, head)
    if k in plan.sense:
        out.append(_resistor(f"RS{k}", tail, f"s{k}", plan.sense[k], k, "sense"))
        tail = f"s{k}"
    far_end, senses = head, (tail, head)
    if converter is not None:
        far_end, senses = f"o{k}", (tail, f"o{k}")
        out += _converter(plan, k, tail, head, converter)
    if network.imposed[k] == "voltage":
        out += _capacitors(f"{{}}{k}", tail, far_end, capacitors(amount(network, k)), k)
    elif network.imposed[k] == "current":
        out += _inductor(plan, k, tail, far_end)
    elif network.stateful[k] and plan.memristor is not None:
        out.append(_discrete(plan, k, tail, far_end, plan.memristor))
    elif network.stateful[k]:
        rails = (f"p{k}", f"q{k}") if converter is not None else (PLUS_RAIL, MINUS_RAIL)
        nets = {"B": tail, "W": far_end, "VDD": rails[0], "VSS": rails[1], "BUS": f"c{k}"}
        out.append(component("pot", f"UM{k}", plan.pot.name, nets, k, note="memristor"))
        nets = {"SENSE+": senses[0], "SENSE-": senses[1], "STATE": f"w{k}", "BUS": f"c{k}"}
        out.append(component("controller", f"UC{k}", "controller channel", nets, k, value="state equation"))
    else:
        out += _fixed(plan, k, tail, far_end)
    return out


def _discrete(plan: Plan, k: int, tail: str, head: str, part: MemristorPart) -> Component:
    """A two-terminal part; its top electrode is where positive current lowers the resistance."""
    law = plan.network.device(k)
    turned = (plan.network.J[k] < 0) != raises_resistance(law)
    nets = {"TE": head if turned else tail, "BE": tail if turned else head}
    return component("memristor", f"UM{k}", part.package, nets, k, value=part.name, note=f"memristor, {law.kind}")


def target_offset(plan: Plan, k: int) -> float:
    """Ohm to add to R so that edge k with its sense resistor in series is P R: -Rs, or +Rs if active.

    Zero for a capacitor, an inductor and a discrete memristor, from which nothing can be taken; the realistic deck
    shows what that does.
    """
    if plan.network.imposed[k] or (plan.memristor is not None and plan.network.stateful[k]):
        return 0.0
    return -float(plan.network.P[k]) * plan.sense.get(k, 0.0)


def _fixed(plan: Plan, k: int, a: str, b: str) -> list[Component]:
    wanted = ohms(plan.network.device(k)) + target_offset(plan, k)
    values = e96_pair(wanted)
    nets = [a, b] if len(values) == 1 else [a, f"r{k}", b]
    note = f"wanted {wanted:.6g} ohm"
    return [_resistor(f"R{'AB'[j]}{k}", nets[j], nets[j + 1], v, k, note) for j, v in enumerate(values)]


def _capacitors(reference: str, a: str, b: str, farads: Sequence[float], k: int) -> list[Component]:
    """In parallel; `reference` has a place for the letters."""
    out = []
    for j, farad in enumerate(farads):
        part = "capacitor, C0G, 1 %, 50 V" if farad <= CERAMIC_UP_TO * (1 + 1e-9) else "capacitor, film, 1 %, 63 V"
        name = reference.format(f"C{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[j]}")
        value = format_quantity(farad, "F")
        out.append(component("capacitor", name, part, {"1": a, "2": b}, k, value=value, number=farad))
    return out


def _inductor(plan: Plan, k: int, a: str, b: str) -> list[Component]:
    """Antoniou's circuit between a and b on rails of its own: a port l1 equal l2 equal l3 capacitor l4 shunt b."""
    parts, name = gyrator(plan, k), plan.bench.drive_opamp
    rails, inner = (f"p{k}", f"q{k}"), [f"l{k}{letter}" for letter in "abcd"]
    shunt = e96_pair(parts.shunt)
    ends = [inner[3], b] if len(shunt) == 1 else [inner[3], f"r{k}", b]
    return [
        _opamp(f"UGA{k}", name, (a, inner[1], *rails, inner[2]), k, "simulated inductor"),
        _opamp(f"UGB{k}", name, (inner[3], inner[1], *rails, inner[0]), k, "simulated inductor"),
        _resistor(f"RP{k}", a, inner[0], parts.port, k, "inductor"),
        _resistor(f"RF{k}", inner[0], inner[1], DIVIDER, k, "inductor"),
        _resistor(f"RG{k}", inner[1], inner[2], DIVIDER, k, "inductor"),
        *_capacitors(f"{{}}{k}", inner[2], inner[3], (parts.farad,), k),
        *(_resistor(f"R{'XY'[j]}{k}", ends[j], ends[j + 1], v, k, "inductor") for j, v in enumerate(shunt)),
        _supply(str(k), rails[0], b, rails[1], plan, "floats with the inductor"),
    ]


def _drive(plan: Plan, k: int, near: str, out: str, note: str) -> list[Component]:
    isolated = near != GROUND
    rails = (f"p{k}i", f"q{k}i") if isolated else (PLUS_RAIL, MINUS_RAIL)
    part, nets = "isolated generator channel" if isolated else "generator channel", {"OUT": f"g{k}", "COM": near}
    turn = -1.0 if note else 1.0
    parts = [component("generator", f"VG{k}", part, nets, k, value=f"S{k}", number=turn, note=note)]
    name = plan.bench.drive_opamp
    parts.append(_opamp(f"UA{k}", name, (f"g{k}", out, *rails, out), k, "source buffer"))
    if isolated:
        parts.append(_supply(f"{k}i", rails[0], near, rails[1], plan, "floats with the source"))
    return parts


def _converter(plan: Plan, k: int, a: str, b: str, converter: Converter) -> list[Component]:
    inputs = (a, f"x{k}") if converter.version == SHORT else (f"x{k}", a)
    rails = (f"p{k}", f"q{k}")
    return [
        _opamp(f"UN{k}", converter.part.name, (*inputs, *rails, f"o{k}"), k, converter.version),
        _resistor(f"RF{k}", f"o{k}", f"x{k}", DIVIDER, k, "converter"),
        _resistor(f"RG{k}", f"x{k}", b, DIVIDER, k, "converter"),
        _supply(str(k), rails[0], b, rails[1], plan, "floats with the converter"),
    ]
