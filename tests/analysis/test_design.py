"""Designs: targets inside the reachable set are reached, those outside are refused with the distance."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from bench.analysis import reachable_target
from spicebridge.errors import NetworkError


def test_targets_inside_are_reached_and_agree_in_ngspice() -> None:
    for seed in range(3):
        network, target = reachable_target(seed)
        found = sb.design(network, [0.0, 1.0], target)
        assert found.found
        assert found.distance < 1e-4
        assert found.verdict is not None
        assert found.verdict.agrees
        assert np.abs(found.verdict.spice.state[-1] - target).max() < 1e-4  # type: ignore[union-attr]


def test_targets_outside_are_refused_with_the_distance_that_nothing_undercuts() -> None:
    for seed in range(3):
        network, target = reachable_target(seed)
        rng = np.random.default_rng(seed)
        # off the plane B J (w - w0) = 0 along its normal
        B, J = sb.analyse(network).incidence, network.J
        normal = (rng.normal(size=len(B)) @ B) * J
        outside = target + 0.03 * normal / np.abs(normal).max()
        refused = sb.design(network, [0.0, 1.0], outside)
        assert refused.status == "unreachable"
        charge = np.abs(B * J @ (outside - network.initial_state)).max()
        # every node's sum needs a change of a state by at least its share
        assert refused.distance >= charge / np.abs(B).sum(axis=1).max() - 1e-12
        assert refused.distance <= 0.03 + 1e-12
        # moving that far is enough
        near = sb.design(network, [0.0, 1.0], outside, tolerance=1.01 * refused.distance, validated=False)
        assert near.status != "unreachable"


def test_elsewhere_failure_is_not_found_and_never_unreachable() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.3, 1.0, window=sb.Hard())
    network = sb.Network.from_graph(nx.complete_graph(4), device=device, initial_state=0.5)
    missed = sb.design(network, [0.0, 1.0], [0.2, 0.3, 0.4, 0.5, 0.6, 0.7], starts=2)
    assert missed.status == "not found"
    assert "does not prove" in missed.reason
    vertex = sb.design(network, [0.0, 1.0], [0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    assert vertex.found
    assert vertex.verdict is not None
    assert vertex.verdict.agrees


def test_parameters_limits_and_straight_lines() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.3, 1.0, window=sb.Hard())
    network = sb.Network.from_graph(nx.complete_graph(4), device=device, initial_state=0.5, drive=0.2)
    lines = network.with_drive([sb.PWL([0.0, 0.5, 1.0], [0.1, 0.0, 0.1])] * 6)
    found = sb.design(lines, [0.0, 1.0], {0: 0.3, 3: 0.7}, {"drive.values": (-3.0, 3.0)}, validated=False)
    assert found.found
    assert found.values["drive.values"].shape == (6, 3)
    assert np.abs(found.values["drive.values"]).max() <= 3.0
    limited = sb.design(network, [0.0, 1.0], {0: 0.3}, {"beta": (0.9, 1.1)}, starts=1)
    assert limited.status == "not found"
    assert ((limited.values["beta"] >= 0.9) & (limited.values["beta"] <= 1.1)).all()


def test_a_loss_is_made_least() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.3, 1.0)
    network = sb.Network.from_graph(nx.complete_graph(4), device=device, initial_state=0.5)
    t = np.linspace(0.0, 1.0, 6)
    loss = sb.loss.squared("current", [1e-3, 0, 0, 0, 0, -1e-3], 1e6)
    found = sb.design(network, t, loss, {"drive": (-1.0, 1.0)}, starts=1)
    assert found.verdict is not None
    assert found.verdict.agrees
    slope = sb.gradient(found.network, t, loss, ("drive",))["drive"]
    assert np.abs(slope).max() < 1e-3
    assert found.loss == pytest.approx(sb.gradient(found.network, t, loss, ("drive",)).value, rel=1e-9)


def test_misuse_is_named() -> None:
    network, _ = reachable_target(0)
    tail, head = network.structure.keys[3][:2]
    named = sb.design(network, [0, 1], {(tail, head): 0.45}, validated=False)
    assert named.distance == sb.design(network, [0, 1], {3: 0.45}, validated=False).distance
    with pytest.raises(NetworkError, match="edge 99 does not exist"):
        sb.design(network, [0, 1], {99: 0.3})
    with pytest.raises(NetworkError, match="did you mean 'drive'"):
        sb.design(network, [0, 1], 0.4, "drives")
    with pytest.raises(NetworkError, match="low must be below high"):
        sb.design(network, [0, 1], 0.4, {"drive": (1.0, 0.0)})
    with pytest.raises(NetworkError, match="at least one edge"):
        sb.design(network, [0, 1], np.nan)
    hard = network.with_device(network.device(0).with_window(sb.Hard()))
    with pytest.raises(NetworkError, match="outside the hard bounds"):
        sb.design(hard, [0, 1], 1.2)
