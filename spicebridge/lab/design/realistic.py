"""The realistic circuit as a deck: the wired parts with their macromodels.

An emulator is a resistance set by a code and a controller that integrates the state equation from the voltage
it senses. In the deck the controller's integration is continuous and the code follows it with the mean delay
of a sampled loop (half an update period of holding plus one of computing, a first-order lag); steps of the
potentiometer, of the converter and of time are in `emulator`, where the loop is run as firmware would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from spicebridge.arrays import Array
from spicebridge.circuit.deck.elements import (
    BehaviouralCurrent,
    CapacitorElement,
    CurrentControlledCurrent,
    DcWave,
    Deck,
    Element,
    Instance,
    Model,
    ResistorElement,
    Subcircuit,
    Transient,
    VoltageControlledVoltage,
    VoltageSourceElement,
)
from spicebridge.circuit.dialects import get_dialect
from spicebridge.circuit.engines import Job, get_engine
from spicebridge.circuit.lower.bounds import clamp_level, is_linear, windowed_rate
from spicebridge.circuit.lower.drive_waves import waves
from spicebridge.errors import RunFailed
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number
from spicebridge.lab.design.law_circuits import LawWriter, delayed, set_resistance
from spicebridge.lab.design.macros import opamp_macro, plus, times
from spicebridge.lab.design.parts import OPAMPS
from spicebridge.lab.design.plan import Plan, node_voltages
from spicebridge.lab.design.reactances import memristive, ringing
from spicebridge.lab.design.wiring import Component, node_net, wire
from spicebridge.laws import LinearMemristor
from spicebridge.theory import integrate
from spicebridge.waveforms import Waveforms

OPTIONS: tuple[tuple[str, str | float], ...] = (
    ("method", "gear"),
    ("reltol", 1e-6),
    ("vntol", 1e-9),
    ("abstol", 1e-12),
    ("trtol", 1e9),
)
"""Gear, because op-amp poles are far faster than the step and the trapezoidal rule would ring."""
STEPS = 1000
"""Steps over the span, and `STEPS_PER_TIMESCALE` over a drive's shortest time scale."""
STEPS_PER_TIMESCALE = 100
MOST_STEPS = 100_000
"""Beyond, ringing of inductors with capacitors is not resolved."""


ESR = 0.1
"""Ohm in series with a capacitor."""


def realistic_deck(plan: Plan, components: tuple[Component, ...] | None = None, *, lag: bool = True) -> Deck:
    """The deck of all parts; `lag` False takes the controllers as instantaneous."""
    parts = wire(plan) if components is None else components
    subcircuits: dict[str, Subcircuit] = {}
    elements: list[Element] = []
    conditions: list[tuple[str, float]] = []
    models: tuple[Model, ...] = ()
    laws = LawWriter(plan)
    for part in parts:
        elements += _elements(plan, part, laws, subcircuits, lag)
        if part.kind == "controller":
            w0 = float(plan.network.initial_state[part.edge or 0])
            conditions += [(part.nets[2], w0), (part.nets[3], w0)]
        elif part.kind == "capacitor":
            conditions.append((f"u{part.reference}".lower(), 0.0))
        elif part.kind == "memristor":
            conditions.append((f"w{part.edge}", float(plan.network.initial_state[part.edge or 0])))
    for k, clamp in laws.clamps.items():
        models += tuple(m for m in clamp.models() if m.name not in {x.name for x in models})
        if not laws.inside(k):
            elements += clamp.switches(k, f"w{k}")
    if laws.clamps:
        elements.insert(0, clamp_level())
    step = default_step(plan)
    return Deck(
        title=f"{plan.case.title}: realistic circuit",
        elements=tuple(elements),
        header=(
            f"scaling: {plan.scaling.law}",
            f"ground: node {plan.network.nodes[plan.gauge.ground]}",
            "parts have the references of netlist.net and bill.csv; see protocol.md",
        ),
        models=models,
        subcircuits=tuple(subcircuits.values()),
        initial_conditions=tuple(conditions),
        options=OPTIONS,
        transient=Transient(step=step, stop=plan.stop, start=0.0, max_step=step),
        save=vectors(plan),
    )


def default_step(plan: Plan) -> float:
    """Step ceiling in s."""
    scales = [d.timescale() for d in set(plan.network.drives) if d is not None]
    scales.append(max(ringing(plan.network), STEPS_PER_TIMESCALE * plan.stop / MOST_STEPS))
    return min([plan.stop / STEPS, *(s / STEPS_PER_TIMESCALE for s in scales)])


def vectors(plan: Plan) -> tuple[str, ...]:
    """Node voltages, both ends of every sense resistor, states; lower case, ground left out."""
    nets = [node_net(plan, n) for n in range(plan.network.n_nodes)]
    for part in wire(plan):
        if part.reference.startswith("RS"):
            nets += part.nets
        if part.kind in ("controller", "memristor"):
            nets.append(f"w{part.edge}")
    return tuple(f"v({net})" for net in dict.fromkeys(nets) if net != "0")


def _elements(plan: Plan, part: Component, laws: LawWriter, subs: dict[str, Subcircuit], lag: bool) -> list[Element]:
    match part.kind:
        case "resistor":
            first, second = part.nets
            return [ResistorElement(part.reference, first, second, part.number, part.note)]
        case "capacitor":
            return _capacitor(part)
        case "supply":
            up, middle, down = part.nets
            mark = part.reference.removeprefix("PS")
            return [
                VoltageSourceElement(f"VP{mark}", up, middle, DcWave(part.number), part.reference),
                VoltageSourceElement(f"VN{mark}", middle, down, DcWave(part.number), part.reference),
            ]
        case "generator":
            return _generator(plan, part)
        case "opamp":
            macro = opamp_macro(OPAMPS[part.part])
            subs.setdefault(macro.name, macro)
            return [Instance(name=f"X{part.reference}", nodes=part.nets, subcircuit=macro.name, comment=part.note)]
        case "pot":
            sub = _pot(plan, part.edge or 0)
        case "memristor":
            k = part.edge or 0
            sub = laws.part(k, subs)
            subs[sub.name] = sub
            return [
                Instance(name=f"X{part.reference}", nodes=(*part.nets, f"w{k}"), subcircuit=sub.name, comment=part.note)
            ]
        case _:
            k = part.edge or 0
            sub = laws.controller(k, subs, lag) if laws.inside(k) else _controller(plan, k, lag)
    subs[sub.name] = sub
    return [Instance(name=f"X{part.reference}", nodes=part.nets, subcircuit=sub.name, comment=part.note)]


def _generator(plan: Plan, part: Component) -> list[Element]:
    k = part.edge or 0
    drive = plan.network.drives[k]
    shapes = waves(drive.scaled(part.number) if drive is not None else None)
    out, common = part.nets
    nets = [out, *(f"{out}_{j}" for j in range(1, len(shapes))), common]
    names = [part.reference, *(f"{part.reference}_{j}" for j in range(1, len(shapes)))]
    return [
        VoltageSourceElement(n, nets[j], nets[j + 1], w) for j, (n, w) in enumerate(zip(names, shapes, strict=True))
    ]


def _capacitor(part: Component) -> list[Element]:
    """Its voltage is that of a grounded node, which alone an ``.ic`` sets: at the trigger it is not that of a run at
    rest."""
    a, b = part.nets
    name, state = part.reference, f"u{part.reference}".lower()
    return [
        ResistorElement(f"RE{name}", a, f"{state}a", ESR),
        VoltageSourceElement(f"VS{name}", f"{state}a", f"{state}b", DcWave(0.0)),
        VoltageControlledVoltage(f"E{name}", f"{state}b", b, state, "0", 1.0),
        CurrentControlledCurrent(f"F{name}", "0", state, f"VS{name}", 1.0),
        CapacitorElement(name, state, "0", part.number, comment=part.note),
    ]


def _pot(plan: Plan, k: int) -> Subcircuit:
    current = Binary("/", NodeVoltage("a", "b"), set_resistance(plan, k, NodeVoltage("code")))
    return Subcircuit(
        name=f"POT{k}",
        pins=("a", "b", "vp", "vn", "code"),
        elements=(BehaviouralCurrent("B1", "a", "b", current, f"{plan.pot.name} set by its code"),),
    )


def _controller(plan: Plan, k: int, lag: bool) -> Subcircuit:
    """Pins sp sn state code. i = V(sp, sn)/R(code) with the resistance it has set itself."""
    law = cast(LinearMemristor, plan.network.device(k))
    P, J = float(plan.network.P[k]), float(plan.network.J[k])
    code, state = NodeVoltage("code"), NodeVoltage("state")
    current = Binary("/", NodeVoltage("sp", "sn"), set_resistance(plan, k, code))
    if law.control == "current":
        q: Expression = times(Number(float(law.r0)), current)
    else:
        sign = P if law.control == "voltage" else 1.0
        nominal = plus(Number(float(law.r0)), times(Number(float(law.r0 * law.kappa)), code))
        q = times(Number(sign), times(nominal, current))
    drift = times(Number(J * float(law.g)), q)
    decay: Expression | None = times(Number(float(law.a)), state) if float(law.a) else None
    rate: Expression = drift if is_linear(law.window) else windowed_rate(law.window, "state", decay, drift)
    whole = law.window.name == "tanh"
    if decay is not None and not whole:
        rate = plus(decay, rate)
    elements: list[Element] = [
        BehaviouralCurrent("B1", "0", "state", rate, "ds/dt in 1/s"),
        CapacitorElement("C1", "state", "0", 1.0),
        *delayed(plan, "state", "code", lag),
    ]
    return Subcircuit(name=f"CTRL{k}", pins=("sp", "sn", "state", "code"), elements=tuple(elements))


@dataclass(frozen=True, eq=False, kw_only=True)
class BenchRun:
    """Test points over time: `nodes` (n_t, n) V, `chord_current` {chord: (n_t,) A}, `state` (n_t, n_e)."""

    t: Array
    nodes: Array
    chord_current: dict[int, Array]
    state: Array
    log: str


def run_realistic(plan: Plan, deck: Deck | None = None, *, engine: str = "ngspice", timeout: float = 120.0) -> BenchRun:
    """Run the realistic deck. Raises `RunFailed` with deck and log when it does not complete."""
    deck = deck or realistic_deck(plan)
    assert deck.transient is not None
    door = get_engine(engine)
    text = get_dialect(door.dialect).format_deck(deck)
    record = door.run(Job(text=text, vectors=vectors(plan), stop=deck.transient.stop, timeout=timeout))
    if not record.complete:
        raise RunFailed(f"{record.engine}: realistic circuit: {record.reason}", deck=record.text, log=record.log)

    def net(name: str) -> Array:
        return np.zeros(record.time.size) if name == "0" else record.vector(f"v({name})")

    nodes = np.column_stack([net(node_net(plan, n)) for n in range(plan.network.n_nodes)])
    state = np.zeros((record.time.size, plan.network.n_edges))
    chord: dict[int, Array] = {}
    for part in wire(plan):
        if part.reference.startswith("RS") and part.edge is not None:
            chord[part.edge] = (net(part.nets[0]) - net(part.nets[1])) / part.number
        if part.kind in ("controller", "memristor") and part.edge is not None:
            state[:, part.edge] = net(f"w{part.edge}")
    return BenchRun(t=np.minimum(record.time, plan.stop), nodes=nodes, chord_current=chord, state=state, log=record.log)


@dataclass(frozen=True)
class Difference:
    """Realistic against ideal: largest deviations of node voltages (V), chord currents (A) and states.

    `relative` is the largest of the node and current deviations over the largest ideal value of its kind.
    """

    voltage: float
    current: float
    state: float
    relative: float


def compare_with_ideal(plan: Plan, run: BenchRun) -> Difference:
    """The ideal circuit is the theory on the same scaled network, splined between its output times."""
    times_ = np.unique(np.clip(run.t, 0.0, plan.stop))
    ideal: Waveforms = integrate(plan.network, times_)
    at = np.searchsorted(times_, np.clip(run.t, 0.0, plan.stop))
    nodes = node_voltages(plan.network, plan.gauge.ground, ideal.voltage - plan.network.bank(times_))[at]
    dv = float(np.abs(run.nodes - nodes).max())
    di = max((float(np.abs(run.chord_current[k] - ideal.current[at, k]).max()) for k in run.chord_current), default=0.0)
    ds = float(np.abs(run.state - ideal.state[at])[:, memristive(plan.network)].max(initial=0.0))
    top_v, top_i = float(np.abs(nodes).max()), float(np.abs(ideal.current).max())
    ratios = [dv / top_v if top_v else 0.0, di / top_i if top_i else 0.0]
    return Difference(dv, di, ds, max(ratios))
