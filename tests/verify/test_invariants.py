"""Residuals of conservation laws are noise on true waveforms and visible on spoiled ones."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from spicebridge.verify.invariants import measure

NOISE = 1e-8


def network() -> sb.Network:
    rng = np.random.default_rng(2)
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, alpha=0.1, beta=1.0)
    return sb.Network.from_graph(
        nx.complete_graph(5), device=device, drive=rng.uniform(-0.1, 0.1, 10), initial_state=0.4, active=(3,)
    )


def loops() -> sb.Network:
    A = np.random.default_rng(1).uniform(0, 1, (3, 8))
    device = sb.LinearMemristor.tunneling(100.0, 1000.0, alpha=1.0, beta=1.0)
    return sb.Network.from_loop_matrix(A, device=device, drive=0.1, initial_state=0.2)


@pytest.mark.parametrize("make", [network, loops])
@pytest.mark.parametrize("run", [sb.integrate, sb.simulate])
def test_both_branches_obey_kirchhoff(make: object, run: object) -> None:
    net = make()  # type: ignore[operator]
    found = measure(net, run(net, np.linspace(0, 2, 41)))  # type: ignore[operator]
    assert max(found.kcl, found.kvl, found.device, found.tellegen) < NOISE
    assert 0 < found.lowest_state <= found.highest_state < 1


@pytest.mark.parametrize(
    ("signal", "residuals"),
    [("current", ("kcl", "device")), ("voltage", ("kvl", "device")), ("state", ("device",))],
)
@pytest.mark.parametrize("make", [network, loops])
def test_a_signal_off_by_a_thousandth_shows(make: object, signal: str, residuals: tuple[str, ...]) -> None:
    net = make()  # type: ignore[operator]
    waves = sb.integrate(net, np.linspace(0, 2, 41))
    spoiled = getattr(waves, signal).copy()
    edge = int(np.argmax(np.abs(waves.current).max(axis=0)))
    spoiled[:, edge] *= 1.001
    found = measure(net, replace(waves, **{signal: spoiled}))
    for name in residuals:
        assert getattr(found, name) > 1e-5, name
