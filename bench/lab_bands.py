"""Bands of kits against fresh builds in ngspice.

    python -m bench.lab_bands [--builds 200] [--circuits k4 …]

Every build is the realistic deck of the kit with other parts: each resistor, sense resistor, capacitor, potentiometer, converter
and generator off by a random share of the limit that the bench states. A build counts as inside where all its node voltages (p),
all its currents as read over sense resistors of nominal ohms (i), or all its states (w) lie in the band at every time of it. The
half-width is the median, over times and test points, of the band's over half of the central 95 % of these builds. Beside them as many
builds of the firmware's loop, with the steps of its potentiometers and converters, averaged over the rows of the band.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

import networkx as nx
import numpy as np

from spicebridge.arrays import Array
from spicebridge.case.case import Case
from spicebridge.circuit.deck.elements import BehaviouralCurrent, CapacitorElement, Deck, ResistorElement, Subcircuit
from spicebridge.drives import DC, Sine
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number, rebuild
from spicebridge.lab.design.builds import Errors, integrate_builds
from spicebridge.lab.design.emulator import run_firmware
from spicebridge.lab.design.montecarlo import BATCH, loop_deviations, sense_errors, spread, test_points
from spicebridge.lab.design.plan import Plan, make_plan
from spicebridge.lab.design.realistic import BenchRun, realistic_deck, run_realistic
from spicebridge.network import Network
from tests.lab.networks import memristor, plan

KINDS = "piw"


def random_plan() -> Plan:
    """Seven nodes, ten memristors, three drives."""
    graph = nx.convert_node_labels_to_integers(nx.gnm_random_graph(7, 10, seed=3))
    assert nx.is_connected(graph)
    network = Network.from_graph(
        graph,
        device=memristor(),
        drive={0: Sine(0.6, 0.7), 4: DC(0.4), 8: Sine(0.4, 1.1, phase=0.5)},
        initial_state=0.5,
    )
    return make_plan(Case(title="random", what="random graph", network=network, stop=2.0, points=201))


CIRCUITS: dict[str, Callable[[], Plan]] = {
    "k4": lambda: plan("k4"),
    "grid3x3": lambda: plan("grid3x3"),
    "two_loops": lambda: plan("two_loops"),
    "random": random_plan,
}


def fresh(planned: Plan, errors: Errors, rng: np.random.Generator) -> BenchRun:
    """One build in ngspice; `errors` holds one row."""
    network = planned.network
    drives = [
        None if d is None else d.scaled(1.0 + errors.source[0, k]) + DC(float(errors.source_offset[0, k]))
        for k, d in enumerate(network.drives)
    ]
    moved = replace(planned, gauge=replace(planned.gauge, network=network.with_drive(drives)))
    deck = realistic_deck(moved)
    bench = planned.bench

    def passive(element: object) -> object:
        if isinstance(element, (ResistorElement, CapacitorElement)) and not element.name.startswith("RE"):
            tolerance = bench.resistor_tolerance if isinstance(element, ResistorElement) else bench.capacitor_tolerance
            return replace(element, value=float(element.value) * (1.0 + tolerance * rng.uniform(-1.0, 1.0)))
        return element

    pots = bench.pot_tolerance * rng.uniform(-1.0, 1.0, network.n_edges)
    subs = tuple(_off(sub, errors, pots) for sub in deck.subcircuits)
    other: Deck = replace(deck, elements=tuple(passive(e) for e in deck.elements), subcircuits=subs)  # type: ignore[arg-type]
    return run_realistic(moved, other)


def _off(sub: Subcircuit, errors: Errors, pots: Array) -> Subcircuit:
    """The potentiometer of another resistance, the controller of another gain and offset."""
    name, k = sub.name.rstrip("0123456789"), sub.name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ_")
    if name not in ("POT", "CTRL"):
        return sub
    edge = int(k)

    def read(e: Expression) -> Expression | None:
        if not (isinstance(e, NodeVoltage) and e == NodeVoltage("sp", "sn")):
            return None
        scaled = Binary("*", Number(1.0 + float(errors.reading[0, edge])), e)
        return Binary("+", scaled, Number(float(errors.reading_offset[0, edge])))

    def element(e: object) -> object:
        if not isinstance(e, BehaviouralCurrent):
            return e
        if name == "POT":
            return replace(e, expression=Binary("/", e.expression, Number(1.0 + float(pots[edge]))))
        return replace(e, expression=rebuild(e.expression, read))

    return replace(sub, elements=tuple(element(e) for e in sub.elements))  # type: ignore[arg-type]


def signals(planned: Plan, run: BenchRun, t: Array) -> Array:
    """(n_t, n_s) in the order of a band."""
    network, gauge = planned.network, planned.gauge
    at, first = np.unique(run.t, return_index=True)
    nodes = [n for n in range(network.n_nodes) if n != gauge.ground]
    columns = [run.nodes[first, n] for n in nodes]
    columns += [run.chord_current[k][first] for k in gauge.chords]
    columns += [run.state[first, k] for k in np.flatnonzero(planned.emulated).tolist()]
    return np.column_stack([np.interp(t, at, x) for x in columns])


def judge(planned: Plan, builds: int, seed: int = 9) -> tuple[list[dict[str, float]], float]:
    """Shares inside by kind and together, of the circuits in ngspice and of the firmware's loops; the median of the widths."""
    found = spread(planned, run=run_realistic(planned), loop=run_firmware(planned))
    band = found.band
    drawn = Errors.drawn(found.plan, builds, seed)
    rng = np.random.default_rng(seed)
    shown = []
    for n in range(builds):
        row = Errors.of(table[n : n + 1] for table in drawn.tables)
        shown.append(signals(found.plan, fresh(found.plan, row, rng), band.t))
    table = np.array(shown)
    low, high = np.percentile(table, [2.5, 97.5], axis=0, method="weibull")
    half = 0.5 * (high - low)
    live = half > 1e-3 * half.max(axis=0)
    width = float(np.median((band.half / np.where(live, half, 1.0))[live]))
    loops = []
    for first in range(0, builds, BATCH):
        count = min(BATCH, builds - first)
        errors = Errors.drawn(found.plan, count, [seed, first])
        runs = integrate_builds(found.plan.network, found.plan.stop, errors, ground=found.plan.gauge.ground)
        names, points = test_points(found.plan, runs)
        off = loop_deviations(found.plan, band.t, errors)
        loops.append((points + off) * sense_errors(found.plan, names, count, [seed, first]))
    shares = []
    for builds_of in (table, np.concatenate(loops)):
        inside = band.contains(builds_of)
        shares.append({kind: float(x.mean()) for kind, x in inside.items()})
        shares[-1]["all"] = float(np.all(list(inside.values()), axis=0).mean())
    return shares, width


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", type=int, default=200)
    parser.add_argument("--circuits", nargs="+", default=list(CIRCUITS))
    args = parser.parse_args()
    kinds = (*KINDS, "all")
    print(
        "| circuit | builds | ngspice: " + " | ".join(kinds) + " | half-width | firmware: " + " | ".join(kinds) + " |"
    )
    print("|---" * 11 + "|")
    for name in args.circuits:
        shares, width = judge(CIRCUITS[name](), args.builds)
        cells = [" | ".join(f"{100 * x.get(kind, 1.0):.1f} %" for kind in kinds) for x in shares]
        print(f"| {name} | {args.builds} | {cells[0]} | {width:.2f} | {cells[1]} |", flush=True)


if __name__ == "__main__":
    main()
