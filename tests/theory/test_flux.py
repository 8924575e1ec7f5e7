"""The flux law against integration in time, path independence and periodicity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.errors import NetworkError
from spicebridge.theory import integrate
from spicebridge.theory.results.flux import flux_objection, flux_states

from .networks import caravelli, edge_lists, graph_edges, random_network

T = np.linspace(0.0, 1.5, 7)


@given(edge_lists(), st.integers(0, 10**6), st.sampled_from(["current", "voltage", "voltage_eq61"]))
@settings(max_examples=40, deadline=None)
def test_fluxes_alone_give_the_states(edges, seed, control):
    network = random_network(edges, seed, device=caravelli(alpha=0.0, control=control))
    found = flux_states(network, T)
    reference = integrate(network, T, rtol=1e-12, atol=1e-14).state
    assert np.abs(found - reference).max() < 1e-11


def test_mixed_laws_resistors_and_active_edges():
    edges = graph_edges("complete_graph", 5)
    laws = [caravelli(alpha=0.0), sb.Resistor(2.0), sb.HPMemristor(1.0, 16.0, 0.5)]
    laws.append(caravelli(alpha=0.0, control="voltage"))
    network = sb.Network.from_edges(
        edges,
        device=[laws[k % 4] for k in range(10)],
        drive=[sb.Sine(0.2, 0.4, phase=k) + sb.PWL((0.0, 1.0), (0.0, 0.1)) for k in range(10)],
        initial_state=0.5,
        active=[4],
    )
    difference = np.abs(flux_states(network, T) - integrate(network, T, rtol=1e-12, atol=1e-14).state).max()
    assert difference < 1e-11
    wrong = network.with_drive(sb.DC(0.1))
    assert np.abs(flux_states(wrong, T) - integrate(network, T).state).max() > 1e-3


def test_the_path_does_not_matter_and_ac_is_periodic():
    edges = graph_edges("complete_graph", 4)
    base = sb.Network.from_edges(edges, device=caravelli(alpha=0.0), initial_state=0.4)
    ramp = base.with_drive({0: sb.PWL((0.0, 1.0), (0.0, 0.8))})
    step = base.with_drive({0: sb.DC(0.4)})
    assert np.abs(flux_states(ramp, [1.0]) - flux_states(step, [1.0])).max() < 1e-14
    sine = base.with_drive({0: sb.Sine(1.0, 2.0)})
    assert np.abs(flux_states(sine, [0.5, 1.0]) - 0.4).max() < 1e-14
    assert np.abs(flux_states(sine, [0.25]) - 0.4).max() > 1e-3


@pytest.mark.parametrize(
    ("device", "why"),
    [
        (caravelli(alpha=0.1), "decay"),
        (caravelli(alpha=0.0, window=sb.Hard()), "hard bounds"),
        (caravelli(alpha=0.0, window=sb.Joglekar()), "window"),
    ],
)
def test_where_the_law_does_not_hold_it_says_so(device, why):
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=device, drive={0: 0.1}, initial_state=0.5)
    assert why in flux_objection(network)
    with pytest.raises(NetworkError, match=why):
        flux_states(network, [1.0])


def test_a_flux_that_no_state_can_carry_is_refused():
    network = sb.Network.from_edges([(0, 1), (1, 0)], device=caravelli(alpha=0.0), drive={0: 5.0}, initial_state=0.5)
    with pytest.raises(sb.SpiceBridgeError, match="flux law"):
        flux_states(network, [5.0])
