"""The exact laws of the papers hold on integrated networks, and fail on mutants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.errors import NetworkError
from spicebridge.theory import integrate
from spicebridge.theory.results import conservation

from .networks import graph_edges, random_network

HOLDS, FAILS = 1e-8, 1e-4
T = np.linspace(0, 1.2, 121)
EDGES = [*graph_edges("complete_graph", 5), (0, 1), (4, 5), (3, 3)]


def network(seed: int, *, mixed: bool = False, law: str = "caravelli2017", **changes) -> sb.Network:
    rng = np.random.default_rng(seed)
    m = len(EDGES)
    values = dict(r_on=1.0 + rng.random(m), r_off=5.0 + 5.0 * rng.random(m), alpha=0.0, beta=1.0 + rng.random(m))
    values.update(changes)
    return random_network(EDGES, seed, device=getattr(sb.LinearMemristor, law)(**values), mixed=mixed)


CASES = [
    (conservation.flux_linkage, "current", True, (0.0, 0.3, -0.4)),
    (conservation.loop_balance, "voltage", True, (0.0, 0.3, -0.4)),
    (conservation.log_balance, "voltage", True, (0.0,)),
]


@pytest.mark.parametrize(
    ("law", "control", "mixed", "alpha"),
    [(law, control, mixed, a) for law, control, both, rates in CASES for mixed in {False, both} for a in rates],
)
@pytest.mark.parametrize("family", ["caravelli2017", "tunneling"])
def test_law_holds_and_a_mutant_breaks_it(law, control, mixed, alpha, family):
    system = network(0, mixed=mixed, alpha=alpha, control=control, law=family)
    waves = integrate(system, T)
    assert np.abs(law(system, waves)).max() < HOLDS
    off = np.where(np.arange(len(EDGES)) == 1, 1.05, 1.0)
    mutant = replace(waves, state=waves.state[:1] + off * (waves.state - waves.state[:1]))
    assert np.abs(law(system, mutant)).max() > FAILS
    flipped = system.with_polarity(np.where(np.arange(len(EDGES)) == 1, -1, 1) * system.J)
    assert np.abs(law(flipped, waves)).max() > FAILS


def test_eq_27_without_its_linear_term_is_wrong():
    """The printed law keeps (xi/2)(w^2 - w0^2) only."""
    system = network(3)
    waves = integrate(system, T)
    device = system.groups[0].device
    quadratic = 0.5 * device.kappa * (waves.state**2 - waves.state[0] ** 2) * system.J * system.P / device.g
    flux = system.bank.integral(T)
    from spicebridge.theory.currents.topology import Topology

    residual = Topology.of(system).A @ (quadratic - flux).T
    assert np.abs(residual).max() > 0.02 * np.abs(flux).max()


def test_alternating_drive_without_loss_is_exactly_periodic():
    system = network(2).with_drive(sb.Sine(0.3, 1.0, phase=0.4))
    waves = integrate(system, [0.0, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(waves.state[2:], waves.state[[0, 0]], atol=1e-9)
    assert np.abs(waves.state[1] - waves.state[0]).max() > 1e-3


def test_laws_refuse_networks_they_do_not_hold_for():
    waves = integrate(network(0), T[:5])
    with pytest.raises(NetworkError, match="control"):
        conservation.log_balance(network(0), waves)
    with pytest.raises(NetworkError, match="alpha = 0"):
        conservation.log_balance(network(0, control="voltage", alpha=0.1), waves)
    with pytest.raises(NetworkError, match="one decay rate"):
        conservation.flux_linkage(network(0, alpha=np.linspace(0, 1, len(EDGES))), waves)
    resistor = sb.Network.from_edges(EDGES, device=sb.Resistor(1.0))
    with pytest.raises(NetworkError, match="Resistor"):
        conservation.flux_linkage(resistor, waves)
