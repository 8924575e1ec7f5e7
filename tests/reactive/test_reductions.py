"""Loops of capacitors and cutsets of inductors and current sources: what is right, and what is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import spicebridge as sb
from spicebridge.errors import ScreenError
from spicebridge.reactive import explain, reductions
from tests.reactive.tableau import Tableau

R, C, L = sb.Resistor(2.0), sb.Capacitor(0.3), sb.Inductor(0.4)
C2, L2 = sb.Capacitor(0.1), sb.Inductor(0.9)
M = sb.LinearMemristor.caravelli2017(1.0, 6.0, 0.1, 4.0)
I0, IS = sb.CurrentSource(0.3), sb.CurrentSource(sb.Sine(0.4, 0.7))
SINE = sb.Sine(1.0, 0.5)
RAMP = sb.PWL((0.5, 1.0, 1.5), (0.0, 1.0, 0.4))

Topology = tuple[list[tuple[int, int]], list[Any], dict[str, Any]]

FORBIDDEN: dict[str, tuple[Topology, str]] = {
    "two capacitors in parallel with different voltages": (
        ([(0, 1), (0, 1), (1, 0)], [C, C2, R], {"initial_state": {0: 1.0}}),
        r"index 1\), edge 0-1 \(index 0\): a loop of capacitors .* -1 V at t = 0.* initial state 1 V",
    ),
    "a triangle of capacitors": (
        ([(0, 1), (1, 2), (2, 0), (0, 1)], [C, C, C2, R], {"initial_state": [0.5, 0.1, 0.0, 0.0]}),
        r"edge 1-2, .*loop of capacitors.* add up to 0.6 V",
    ),
    "a capacitor across a source": (
        ([(0, 0), (0, 1), (1, 0)], [C, R, R], {"drive": {0: 2.0}}),
        "edge 0-0: a loop.*2 V",
    ),
    "a loop whose sources do not cancel": (
        ([(0, 1), (0, 1), (1, 0)], [C, C, R], {"drive": {0: 1.0, 1: sb.Sine(1.0, 1.0)}}),
        r"loop of capacitors whose voltages less sources add up to 1 V",
    ),
    "inductors in series with different currents": (
        ([(0, 1), (1, 2), (2, 0)], [L, L2, R], {"initial_state": {0: 0.2}}),
        r"edge 1-2.*cutset of inductors whose currents add up to|edge 0-1, edge 1-2: a cutset of inductors",
    ),
    "an inductor that leads nowhere": (
        ([(0, 1), (0, 2), (2, 0)], [L, M, R], {"initial_state": {0: 0.1, 1: 0.5}}),
        r"edge 0-1: a cutset of inductors whose currents add up to 0.1 A.* initial state 0 A",
    ),
    "a star of inductors": (
        ([(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)], [L, L, L2, R, R], {"initial_state": [0.1, 0.2, 0.0, 0.0, 0.0]}),
        r"cutset of inductors whose currents add up to .*0.3 A",
    ),
    "a current source in series with an inductor at rest": (
        ([(0, 1), (1, 2), (2, 0)], [I0, L, R], {}),
        r"edge 1-2, edge 0-1: a cutset of inductors and current sources.*0.3 A",
    ),
    "two current sources in series": (([(0, 1), (1, 2), (2, 0)], [I0, I0, R], {}), "cutset of current sources alone"),
    "a current source with no way back": (([(0, 1), (1, 2), (2, 1)], [I0, R, M], {}), "edge 0-1: a cutset of current"),
    "current sources around a node": (
        ([(0, 1), (0, 2), (1, 2), (1, 2)], [I0, IS, R, C], {}),
        "edge 0-1, edge 0-2: a cutset of current sources alone",
    ),
    "current sources between two parts": (
        ([(0, 1), (0, 1), (2, 3), (2, 3), (0, 2), (3, 1)], [R, C, R, M, I0, I0], {}),
        "edge 0-2, edge 3-1: a cutset of current sources alone",
    ),
}

REDUCIBLE: dict[str, tuple[Topology, int]] = {
    "capacitors in parallel": (([(0, 1), (0, 1), (1, 0)], [C, C2, M], {"drive": {2: SINE}}), 1),
    "capacitors in parallel, charged": (([(0, 1), (1, 0), (1, 0)], [C, C2, R], {"initial_state": [0.7, -0.7, 0.0]}), 1),
    "a triangle of capacitors": (([(0, 1), (1, 2), (2, 0), (0, 2)], [C, C2, C, M], {"drive": {3: SINE}}), 1),
    "a source drives a loop": (([(0, 1), (0, 1), (1, 0)], [C, C2, R], {"drive": {0: SINE}}), 1),
    "straight lines drive a loop": (([(0, 1), (0, 1), (1, 0)], [C, C2, M], {"drive": {1: RAMP}}), 1),
    "a capacitor across a source": (([(0, 0), (0, 1), (1, 0)], [C, R, M], {"drive": {0: SINE, 1: SINE}}), 1),
    "three capacitors in parallel": (([(0, 1), (0, 1), (0, 1), (1, 0)], [C, C2, C, L], {"initial_state": {3: 0.5}}), 2),
    "inductors in series": (([(0, 1), (1, 2), (2, 0)], [L, L2, M], {"drive": {0: SINE, 1: 0.2}}), 1),
    "inductors in series, running": (([(0, 1), (2, 1), (2, 0)], [L, L2, R], {"initial_state": [0.5, -0.5, 0.0]}), 1),
    "a star of inductors": (([(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)], [L, L2, L, R, M], {"drive": {0: SINE}}), 1),
    "a current source in series with an inductor": (([(0, 1), (1, 2), (2, 0)], [IS, L, M], {"drive": {1: 0.1}}), 1),
    "an inductor that leads nowhere": (([(0, 1), (0, 2), (2, 0)], [L, R, C], {"drive": {1: SINE, 0: 0.4}}), 1),
}


def build(topology: Topology) -> sb.Network:
    edges, devices, kwargs = topology
    state = kwargs.get("initial_state", {k: 0.4 for k, device in enumerate(devices) if device is M})
    return sb.Network.from_edges(edges, device=devices, **{**kwargs, "initial_state": state})


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_topologies_are_refused_by_name(name: str) -> None:
    topology, message = FORBIDDEN[name]
    network = build(topology)
    for door in (lambda: sb.integrate(network, [1.0]), lambda: sb.netlist(network, [0.0, 1.0])):
        with pytest.raises(ScreenError, match=message):
            door()


@pytest.mark.parametrize("name", REDUCIBLE)
def test_reducible_topologies_are_right(name: str) -> None:
    topology, dependent = REDUCIBLE[name]
    network = build(topology)
    found = reductions(network)
    assert len(found.loops) + len(found.cutsets) == dependent == len(explain(network))
    with threadpool_limits(1):
        t, states = Tableau(network).run(2.0, 400)
    waves = sb.integrate(network, t)
    np.testing.assert_allclose(waves.state, states, atol=1e-7)
    S = network.bank(t)
    for law in found.loops:
        assert np.abs((waves.state - S)[:, list(law.edges)] @ np.array(law.signs)).max() < 1e-9
    for law in found.cutsets:
        assert np.abs(waves.current[:, list(law.edges)] @ np.array(law.signs)).max() < 1e-9


@pytest.mark.parametrize("name", REDUCIBLE)
def test_reducible_circuits_agree_from_the_first_row_on(name: str) -> None:
    network = build(REDUCIBLE[name][0])
    verdict = sb.validate(network, [0.0, 2.0], tolerance=1e-4)
    assert verdict.agrees, verdict.reason
    for signal in ("state", "current", "voltage"):
        spice, theory = getattr(verdict.spice, signal), getattr(verdict.theory, signal)
        np.testing.assert_allclose(spice[0], theory[0], atol=1e-8, err_msg=signal)
