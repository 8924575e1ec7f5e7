"""Random networks of memristors, resistors, capacitors, inductors and current sources, and how they are judged.

python -m bench.reactive [NETWORKS]
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

import spicebridge as sb
from spicebridge.circuit.circuit_run import run_lowered
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.errors import ScreenError
from spicebridge.reactive import reductions, require_consistent
from spicebridge.theory import solve

KINDS = ("memristor", "resistor", "capacitor", "inductor", "source")
SHARES = (0.4, 0.15, 0.2, 0.15, 0.1)
STOP = 2.0
"""s"""


def random_network(seed: int, *, reduced: bool | None = False) -> sb.Network:
    """One connected random multigraph with 4 to 8 nodes and every kind of element, driven.

    `reduced`: False draws networks whose states are all free, True such with a loop of capacitors or a cutset of
    inductors, None both.
    """
    rng = np.random.default_rng(seed)
    while True:
        n = int(rng.integers(4, 9))
        tree = [(int(rng.integers(0, k)), k) for k in range(1, n)]
        more = [tuple(int(x) for x in rng.choice(n, 2, replace=False)) for _ in range(int(rng.integers(3, 9)))]
        edges = [pair if rng.random() < 0.5 else pair[::-1] for pair in [*tree, *more]]
        kinds = list(rng.choice(KINDS, len(edges), p=SHARES))
        if set(kinds) != set(KINDS):
            continue
        devices, drives, state = [], {}, np.zeros(len(edges))
        for k, kind in enumerate(kinds):
            devices.append(_device(kind, rng))
            if kind != "source" and rng.random() < 0.6:
                drives[k] = _drive(rng, 1.0)
            if kind == "memristor":
                state[k] = rng.uniform(0.3, 0.7)
        network = sb.Network.from_edges(
            edges, device=devices, drive=drives, initial_state=state, polarity=rng.choice([-1, 1], len(edges))
        )
        found = reductions(network)
        if found.open_sources or (reduced is not None and reduced is found.none):
            continue
        if found.none:
            state[[k for k, kind in enumerate(kinds) if kind in ("capacitor", "inductor")]] = rng.uniform(-0.5, 0.5)
            return network.with_initial_state(state)
        try:
            network = consistent(network)
        except ScreenError:
            continue
        return network


def consistent(network: sb.Network) -> sb.Network:
    """The same network with the dependent states set as their loops and cutsets ask."""
    found, state = reductions(network), network.initial_state.copy()
    S, current = network.bank(0.0), network.initial_state + network.forced(0.0)
    for law in found.loops:
        state[law.dependent] -= float(np.array(law.signs) @ (network.initial_state - S)[list(law.edges)])
    for law in found.cutsets:
        state[law.dependent] -= float(np.array(law.signs) @ current[list(law.edges)])
    out = network.with_initial_state(state)
    require_consistent(out)
    return out


def _device(kind: str, rng: np.random.Generator) -> object:
    if kind == "memristor":
        return sb.LinearMemristor.caravelli2017(
            1.0, float(rng.uniform(2.0, 8.0)), float(rng.uniform(-0.2, 0.2)), float(rng.uniform(3.0, 8.0))
        )
    if kind == "resistor":
        return sb.Resistor(float(rng.uniform(0.5, 4.0)))
    if kind == "capacitor":
        return sb.Capacitor(float(rng.uniform(0.1, 1.0)))
    if kind == "inductor":
        return sb.Inductor(float(rng.uniform(0.2, 2.0)))
    return sb.CurrentSource(_drive(rng, 0.4))


def _drive(rng: np.random.Generator, size: float) -> sb.DC | sb.Sine:
    kind = rng.integers(0, 3)
    level = float(size * rng.uniform(0.2, 1.0) * rng.choice([-1, 1]))
    if kind == 0:
        return sb.DC(level)
    return sb.Sine(level, float(rng.uniform(0.5, 2.0)), phase=float(rng.uniform(0, 6.28)))


def population(count: int = 60) -> None:
    """Validate random networks and print one row each, then what the issue asks of them."""
    agreed, wrong, orders = 0, 0, []
    for seed in range(count):
        network = random_network(1000 + seed, reduced=None)
        verdict = sb.validate(network, [0.0, STOP], tolerance=1e-4)
        agreed += verdict.agrees and verdict.max_error <= verdict.uncertainty
        wrong += verdict.outcome is sb.Outcome.DISAGREES
        order = verdict.observed_order
        orders.append(float("nan") if order is None else order)
        found = reductions(network)
        print(
            f"{seed:4d}  {network.n_edges:2d} edges  {len(found.loops)} loops {len(found.cutsets)} cutsets  "
            f"{verdict.outcome!s:10s} E {verdict.max_error:.1e}  U {verdict.uncertainty:.1e}  order {orders[-1]:.2f}",
            flush=True,
        )
    known = np.array(orders)[np.isfinite(orders)]
    inside = int(((known >= 1.9) & (known <= 2.1)).sum())
    print(f"AGREES with E <= U: {agreed} of {count}; DISAGREES: {wrong}")
    print(
        f"observed order {known.min():.2f} to {known.max():.2f}, median {np.median(known):.3f}; {inside} within 1.9-2.1"
    )


def grid_with_capacitors(side: int, tau: float) -> sb.Network:
    """Memristors on a square grid, a capacitor from every node to one more; `tau` in s is capacitance times 100 ohm."""
    device = sb.LinearMemristor.caravelli2017(100.0, 1600.0, 0.05, 2.0)
    node = np.arange(side * side).reshape(side, side)
    right = np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], axis=1)
    down = np.stack([node[:-1].ravel(), node[1:].ravel()], axis=1)
    edges = [(int(a), int(b)) for a, b in np.concatenate([right, down])]
    n_m = len(edges)
    edges += [(int(k), side * side) for k in node.ravel()]
    rng = np.random.default_rng(1)
    drives = [sb.Sine(float(rng.uniform(-1.0, 1.0)), 0.5) for _ in range(n_m)]
    state = np.concatenate([rng.uniform(0.3, 0.7, n_m), np.zeros(side * side)])
    devices = [device] * n_m + [sb.Capacitor(tau / 100.0)] * (side * side)
    return sb.Network.from_edges(edges, device=devices, drive=drives + [None] * (side * side), initial_state=state)


def race(side: int = 32, stop: float = 5.0) -> None:
    """Theory against ngspice at one tolerance, for slow capacitors and for parasitic ones; times of the processor."""
    for tau, points in ((0.05, 1000), (5e-4, 1000)):
        network = grid_with_capacitors(side, tau)
        exact = solve(network, stop, rtol=1e-9, atol=1e-11)
        before = os.times()
        spice = run_lowered(lower(network, stop, stop / points), engine=get_engine("ngspice"))
        after = os.times()
        t_spice = after.children_user + after.children_system - before.children_user - before.children_system
        assert spice.waveforms is not None
        waves = spice.waveforms
        reference = exact(waves.t)
        e_spice = float(np.abs(waves.state - reference).max())
        begin = time.process_time()
        ours = solve(network, stop, rtol=e_spice, atol=e_spice)
        t_ours = time.process_time() - begin
        e_ours = float(np.abs(ours(waves.t) - reference).max())
        print(
            f"{network.n_edges} edges, RC {tau:g} s of {stop:g} s: ngspice (T/{points}) {t_spice:.2f} s, error {e_spice:.1e}; "
            f"theory ({ours.method}) {t_ours:.3f} s, error {e_ours:.1e}: {t_spice / t_ours:.0f} times faster",
            flush=True,
        )


if __name__ == "__main__":
    population(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    race()
