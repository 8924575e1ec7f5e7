"""Gradients against differences of an event-driven reference and of ngspice, with and without hard bounds."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from spicebridge.analysis import variables
from spicebridge.arrays import Array
from spicebridge.errors import GradientError, NetworkError
from spicebridge.theory import solve
from tests.devices.laws import EXAMPLES

NAMES = ("drive", "r_on", "r_off", "alpha", "beta", "initial_state")


def network(graph: nx.Graph, seed: int, *, window: object = None, amplitude: float = 0.2) -> sb.Network:
    rng = np.random.default_rng(seed)
    n = graph.number_of_edges()
    device = sb.LinearMemristor.caravelli2017(
        rng.uniform(80, 120, n), rng.uniform(600, 1200, n), 0.2, rng.uniform(0.8, 1.2, n), window=window
    )
    drives = [sb.DC(float(a)) + sb.Sine(float(b), 0.7) for a, b in rng.uniform(-amplitude, amplitude, (n, 2))]
    return sb.Network.from_graph(
        graph, device=device, drive=drives, initial_state=rng.uniform(0.3, 0.6, n), polarity=rng.choice([-1, 1], n)
    )


def difference(net: sb.Network, t: Array, loss: object, name: str, entry: tuple[int, ...]) -> float:
    """Four-point difference of the event-driven theory at a tolerance far below the gradient's."""
    own = variables.values(net, name)
    h = 1e-4 * (np.nanmax(np.abs(own)) or 1.0)
    values = []
    for factor in (1, -1, 2, -2):
        change = np.zeros_like(own)
        change[entry] = factor * h
        other = variables.moved(net, name, change)
        path = solve(other, float(t[-1]), rtol=1e-12, atol=1e-14)
        values.append(loss(path.waveforms(t))[0])  # type: ignore[operator]
    return (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * h)


@pytest.mark.parametrize("graph", [nx.complete_graph(4), nx.grid_2d_graph(5, 5)], ids=["K4", "grid 5x5"])
@pytest.mark.parametrize(("window", "amplitude"), [(None, 0.2), (sb.Hard(), 1.5)], ids=["bulk", "walls"])
def test_every_gradient_is_the_difference_of_the_reference(graph: nx.Graph, window: object, amplitude: float) -> None:
    net = network(graph, 5, window=window, amplitude=amplitude)
    t = np.linspace(0.0, 3.0, 6)
    rng = np.random.default_rng(2)
    target = rng.uniform(0.2, 0.8, net.n_edges)
    loss = sb.loss.total(
        sb.loss.final_state(target), sb.loss.squared("current", 1e-3, 1e5), sb.loss.squared("voltage", 0.1)
    )
    found = sb.gradient(net, t, loss, NAMES, rtol=1e-10)
    assert list(found) == list(NAMES)
    if window is not None:
        assert len(solve(net, 3.0).events) > 3
    for name in NAMES:
        for k in rng.choice(net.n_edges, 2 if net.n_edges < 10 else 1, replace=False):
            gap = abs(difference(net, t, loss, name, (int(k),)) - found[name][k])
            assert gap < 1e-7 * np.abs(found[name]).max(), (name, k)


def test_what_a_bound_holds_has_no_gradient() -> None:
    net = network(nx.complete_graph(4), 5, window=sb.Hard(), amplitude=1.5)
    held = net.with_initial_state([0.0, 1.0, 0.4, 0.5, 0.5, 0.5])
    rate = sb.analyse(held).rate()
    found = sb.gradient(held, [0.0, 0.05], sb.loss.final_state(0.3), ("initial_state",))
    for k, side in ((0, -1.0), (1, 1.0)):
        assert (found["initial_state"][k] == 0.0) == (rate[k] * side > 0.0)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_law_and_every_parameter_of_it(name: str) -> None:
    example = EXAMPLES[name]
    net = sb.Network.from_edges(
        [(0, 1), (1, 2), (2, 0), (0, 1)],
        device=example.device,
        drive=example.drive.amplitude * np.array([0.9, 0.4, -0.3, 0.2]),
        initial_state=example.state,
    )
    t = np.array([0.0, 0.05 * example.stop])
    every = [n for n in variables.known(net) if "." not in n]
    names = every if len(every) < 9 else every[::3]
    loss = sb.loss.final_state(0.7)
    try:
        found = sb.gradient(net, t, loss, names)
    except GradientError as error:
        assert name == "piecewise", error
        return
    # a kink passed in between costs the differences accuracy, not the adjoint
    tolerance = 2e-5 if example.device.smooth else 2e-4
    for variable in names:
        used = np.isfinite(variables.values(net, variable))
        slope = found[variable]
        if not np.abs(slope[used]).max(initial=0.0):
            continue
        k = int(np.abs(slope).argmax())
        assert difference(net, t, loss, variable, (k,)) == pytest.approx(slope[k], rel=tolerance), variable


def test_values_of_straight_lines_and_fields_of_sines() -> None:
    lines = network(nx.complete_graph(4), 3).with_drive(
        [sb.PWL([0.0, 0.7, 1.1, 2.0], row) for row in np.random.default_rng(1).uniform(-0.3, 0.3, (6, 4))]
    )
    t, loss = np.linspace(0, 2.0, 5), sb.loss.squared("current", 1e-3, 1e5)
    found = sb.gradient(lines, t, loss, ("drive.values", "drive"), rtol=1e-10)
    assert found["drive.values"].shape == (6, 4)
    np.testing.assert_allclose(found["drive.values"].sum(axis=1), found["drive"], rtol=1e-9)
    for entry in ((0, 0), (2, 1), (5, 3)):
        assert difference(lines, t, loss, "drive.values", entry) == pytest.approx(
            found["drive.values"][entry], rel=1e-6
        )
    sines = lines.with_drive([sb.Sine(0.2, 0.5 + 0.1 * k, phase=0.3 * k) for k in range(6)])
    names = ("drive.amplitude", "drive.frequency", "drive.phase", "drive.offset")
    found = sb.gradient(sines, t, loss, names, rtol=1e-10)
    for name in names:
        assert difference(sines, t, loss, name, (3,)) == pytest.approx(found[name][3], rel=1e-6)


def test_ngspice_has_the_same_derivative() -> None:
    net = network(nx.complete_graph(4), 7)
    found = sb.gradient(net, [0.0, 2.0], sb.loss.final_state(0.5), ("drive", "beta"), confirm=True)
    for name, measured in found.confirmed.items():
        assert measured.agrees, (name, measured)
        assert measured.difference < 1e-6
    # a mutant: another gradient is not confirmed
    from spicebridge.analysis.gradient import on_circuit

    wrong = found["drive"] * np.array([1, 1, 1, 1, 1, 0.5])
    other = on_circuit(net, np.array([0.0, 2.0]), sb.loss.final_state(0.5), "drive", wrong)
    way = wrong / np.abs(wrong).max()
    assert abs(other.circuit - float(found["drive"] @ way)) < 1e-6 * abs(other.circuit)


def test_a_grazing_run_is_refused() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.0, 1.0, window=sb.Hard())
    # one memristor: c = w + xi w^2/2 follows the flux, whose extreme is set to touch w = 1 exactly
    start, xi = 0.5, 9.0
    amplitude = (1 + xi / 2 - start - xi * start**2 / 2) * np.pi
    one = sb.Network.from_edges(
        [(0, 1), (1, 0)],
        device=[device, sb.Resistor(1e-6)],
        drive=[sb.Sine(-amplitude, 1.0), None],
        initial_state=[start, 0.0],
    )
    with pytest.raises(GradientError, match=r"edge 0-1 grazes a hard bound near t = 0\.[45]"):
        sb.gradient(one, [0.0, 0.9], sb.loss.final_state(0.3), ("drive",))
    for factor in (0.99, 1.01):
        away = one.with_drive([sb.Sine(-amplitude * factor, 1.0), None])
        assert np.isfinite(sb.gradient(away, [0.0, 0.9], sb.loss.final_state(0.3), ("drive",))["drive"]).all()


def test_misuse_is_named() -> None:
    net = network(nx.complete_graph(4), 7)
    t = np.linspace(0, 1, 3)

    def bad(waves: sb.Waveforms) -> tuple[float, Mapping[str, Array]]:
        return 1.0, {"state": np.zeros(3)}

    with pytest.raises(NetworkError, match=r"'state' has shape \(3,\), not \(3, 6\)"):
        sb.gradient(net, t, bad)
    with pytest.raises(NetworkError, match=r"did you mean 'beta'"):
        sb.gradient(net, t, sb.loss.final_state(0.5), ("bta",))
    with pytest.raises(NetworkError, match="did you mean 'current'"):
        sb.loss.squared("curent", 0.0)
    with pytest.raises(NetworkError, match="target has shape"):
        sb.gradient(net, t, sb.loss.final_state([0.1, 0.2]))
    with pytest.raises(NetworkError, match=r"returns \(value"):
        sb.gradient(net, t, lambda waves: 3.0)  # type: ignore[arg-type,return-value]
    reactive = sb.Network.from_edges(
        [(0, 1), (0, 1)], device=[net.device(0), sb.Capacitor(1e-6)], initial_state=[0.4, 0.0]
    )
    with pytest.raises(NetworkError, match="capacitors"):
        sb.gradient(reactive, t, sb.loss.final_state(0.5))
