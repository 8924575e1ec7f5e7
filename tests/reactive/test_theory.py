"""States x = (w, v_C, i_L): the theory against closed forms, a tableau of another make, and itself in other forms."""

from __future__ import annotations

import numpy as np
import pytest
from devices.laws import EXAMPLES
from threadpoolctl import threadpool_limits

import spicebridge as sb
from bench.reactive import STOP, random_network
from spicebridge.errors import NetworkError, ProjectorSingular
from tests.reactive.tableau import Tableau

T = np.linspace(0.0, STOP, 101)


def ring(*devices: object, **kwargs: object) -> sb.Network:
    n = len(devices)
    return sb.Network.from_edges([(k, (k + 1) % n) for k in range(n)], device=list(devices), **kwargs)  # type: ignore[arg-type]


def test_rc_charges_exponentially() -> None:
    network = ring(sb.Resistor(2e3), sb.Capacitor(1e-6), drive={0: 5.0}, initial_state={1: 1.0})
    t = np.linspace(0.0, 8e-3, 33)
    waves = sb.integrate(network, t)
    decay = np.exp(-t / 2e-3)
    assert waves.units == ("1", "V")
    np.testing.assert_allclose(waves.state[:, 1], 5.0 - 4.0 * decay, atol=1e-9)
    np.testing.assert_allclose(waves.current[:, 1], 2e-3 * decay, atol=1e-12)
    np.testing.assert_array_equal(waves.voltage[:, 1], waves.state[:, 1])


def test_rl_current_rises_with_small_numbers() -> None:
    """Currents of 1e-6 A are as accurate as voltages of 1 V: tolerances follow the scale of a state with a unit."""
    network = ring(sb.Resistor(1e6), sb.Inductor(1.0), drive={0: 1.0}, initial_state={1: -1e-6})
    t = np.linspace(0.0, 5e-6, 21)
    waves = sb.integrate(network, t)
    assert waves.units == ("1", "A")
    np.testing.assert_allclose(waves.state[:, 1], 1e-6 - 2e-6 * np.exp(-t / 1e-6), atol=1e-15)


def test_a_series_source_stands_outside_the_capacitor() -> None:
    """v_C is the drop over the element alone: at rest it equals the source that aids it."""
    network = ring(sb.Resistor(1.0), sb.Capacitor(1e-2), drive={1: 3.0})
    assert sb.integrate(network, [1.0]).state[0, 1] == pytest.approx(3.0, abs=1e-9)


def test_current_source_flows_from_tail_to_head() -> None:
    network = ring(sb.CurrentSource(2e-3), sb.Resistor(1e3))
    waves = sb.integrate(network, [0.0, 1.0])
    np.testing.assert_allclose(waves.current, 2e-3, rtol=1e-14)
    np.testing.assert_allclose(waves.voltage, [[-2.0, 2.0]] * 2, rtol=1e-14)


@pytest.mark.parametrize(
    "drive", [sb.PWL((0.0, 0.1, 0.3), (0.0, 1.0, 1.0)), sb.Pulse(0.0, 1.0, 0.0, 0.1, 0.1, 0.3, 1.0)]
)
def test_a_ramp_that_starts_at_zero_charges_no_capacitor_yet(drive: object) -> None:
    """Two capacitors and a source are a loop whose current is C dS/dt; both branches show none at t = 0, 10 C after."""
    network = ring(sb.Capacitor(1e-4), sb.Capacitor(1e-4), drive={0: drive})
    t = np.linspace(0.0, 0.2, 41)
    found = sb.integrate(network, t).current[:, 0]
    expected = np.where((t > 0.0) & (t <= 0.1 + 1e-9), 10.0 * 0.5e-4, 0.0)
    np.testing.assert_allclose(found, expected, atol=1e-15)
    verdict = sb.validate(network, t)
    assert verdict, str(verdict)


def test_resonance_of_a_lossless_circuit_keeps_its_energy() -> None:
    network = ring(sb.Inductor(0.1), sb.Capacitor(0.4), initial_state=[0.0, 1.0])
    t = np.linspace(0.0, 20.0, 201)
    waves = sb.integrate(network, t)
    np.testing.assert_allclose(waves.state[:, 1], np.cos(5.0 * t), atol=2e-9)
    energy = 0.5 * 0.1 * waves.state[:, 0] ** 2 + 0.5 * 0.4 * waves.state[:, 1] ** 2
    np.testing.assert_allclose(energy, 0.2, rtol=1e-8)


@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 6, 8])
def test_random_networks_against_the_tableau(seed: int, reduced: bool) -> None:
    network = random_network(seed, reduced=reduced)
    with threadpool_limits(1):
        t, states = Tableau(network).run(STOP, 200)
    waves = sb.integrate(network, t)
    np.testing.assert_allclose(waves.state, states, atol=1e-7)


@pytest.mark.parametrize("seed", range(20, 26))
def test_nodal_loop_and_literal_projector_form_agree(seed: int) -> None:
    network = random_network(seed)
    reference = sb.integrate(network, T, method="nodal")
    for method in ("loop", "projector"):
        other = sb.integrate(network, T, method=method)
        assert other.source.startswith(f"theory ({method}")
        for name in ("state", "current", "voltage"):
            np.testing.assert_allclose(getattr(other, name), getattr(reference, name), atol=1e-9, err_msg=name)


@pytest.mark.parametrize("seed", [3, 4])
@pytest.mark.parametrize("reduced", [False, True])
def test_kirchhoff_and_tellegen_hold_at_every_time(seed: int, reduced: bool) -> None:
    """Power of all sources = power into resistances + d/dt of the stored energy, from the states' own slopes."""
    network = random_network(seed, reduced=reduced)
    waves = sb.integrate(network, T)
    B = np.zeros((network.n_nodes, network.n_edges))
    np.add.at(B, (network.tail, np.arange(network.n_edges)), -1.0)
    np.add.at(B, (network.head, np.arange(network.n_edges)), 1.0)
    assert np.abs(B @ waves.current.T).max() < 1e-10
    drop = waves.voltage - network.bank(T)
    assert np.abs((waves.current * drop).sum(axis=1)).max() < 1e-10
    residual = drop.T - B.T @ np.linalg.lstsq(B.T, drop.T, rcond=None)[0]
    assert np.abs(residual).max() < 1e-10


def test_the_projector_of_two_memristors_and_a_capacitor() -> None:
    """In one loop Ob has a zero column for the capacitor: its voltage does not depend on its current."""
    from spicebridge.theory.currents.hybrid import LiteralProjector

    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.0, 1.0)
    network = ring(device, device, sb.Capacitor(1.0))
    literal = LiteralProjector(network, np.array([0, 1]), np.array([2]))
    np.testing.assert_allclose(literal.Ob, [[0.5, 0.5, 0.0]] * 3, atol=1e-15)


def test_projector_form_does_not_exist_with_a_loop_of_capacitors() -> None:
    network = sb.Network.from_edges([(0, 1), (1, 0), (0, 1)], device=[sb.Capacitor(1.0)] * 2 + [sb.Resistor(1.0)])
    with pytest.raises(ProjectorSingular, match="capacitors form a loop"):
        sb.integrate(network, [1.0], method="projector")


def test_a_general_device_among_reactive_ones() -> None:
    """Newton's method on the conducting rest takes currents from outside: from an inductor and a capacitor."""
    device = EXAMPLES["yakopcic"].device
    network = sb.Network.from_edges(
        [(0, 1), (0, 1), (1, 0), (0, 1)],
        device=[device, sb.Capacitor(1e-9), sb.Inductor(1e-3), sb.Resistor(1e4)],
        drive={0: 0.1, 2: sb.Sine(0.5, 1e4)},
        initial_state={0: 0.3},
    )
    waves = sb.integrate(network, np.linspace(0, 2e-4, 21))
    assert waves.source == "theory (newton, implicit)"
    law = device.current(waves.voltage[:, 0], waves.state[:, 0])
    np.testing.assert_allclose(waves.current[:, 0], law, rtol=1e-9, atol=1e-15)
    total = waves.current @ np.array([1.0, 1.0, -1.0, 1.0])
    assert np.abs(total).max() < 1e-9 * np.abs(waves.current).max()


@pytest.mark.parametrize(
    ("device", "kwargs", "message"),
    [
        (sb.Capacitor(1.0), {"active": [0]}, "cannot be active"),
        (sb.CurrentSource(1.0), {"drive": {0: 1.0}}, "edge 0-1.*no series source"),
        (sb.Capacitor(1.0), {"initial_state": {0: float("nan")}}, "initial_state"),
    ],
)
def test_misuse_is_refused(device: object, kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        sb.Network.from_edges([(0, 1), (1, 0)], device=[device, sb.Resistor(1.0)], **kwargs)  # type: ignore[arg-type,list-item]


def test_a_loop_matrix_has_no_nodes_for_a_capacitor() -> None:
    with pytest.raises(NetworkError, match="needs a graph"):
        sb.Network.from_loop_matrix([[1.0, 1.0]], device=[sb.Capacitor(1.0), sb.Resistor(1.0)])


@pytest.mark.parametrize("make", [lambda: sb.Capacitor(0.0), lambda: sb.Inductor(-1.0), lambda: sb.CurrentSource("x")])
def test_parameters_that_make_no_element(make: object) -> None:
    with pytest.raises(sb.SpiceBridgeError, match=r"must be positive|is no drive"):
        make()  # type: ignore[operator]


def active_loop(initial: float) -> sb.Network:
    """Two memristors of opposite sign in parallel beside a capacitor and a resistor: w moves R2 - R1 through zero."""
    one = sb.LinearMemristor.caravelli2017(1.0, 2.0, 0.0, 1.0)
    return sb.Network.from_edges(
        [(0, 1), (0, 1), (1, 2), (2, 0)],
        device=[one, sb.Resistor(1.6), sb.Inductor(1.0), sb.Resistor(1.0)],
        active=[1],
        initial_state={0: initial, 2: -0.2},
    )


@pytest.mark.parametrize("stepping", ["explicit", "implicit"])
def test_a_loop_that_becomes_singular_ends_the_run_with_its_time(stepping: str) -> None:
    """Currents grow without bound as R1 - R2 -> 0; the run ends there and never steps across."""
    from spicebridge.theory import solve

    run = solve(active_loop(0.5), 5.0, stepping=stepping)
    assert not run.complete
    assert 0.0 < run.stop < 5.0
    assert "A' P R A'^t" in run.reason
    assert float(run(run.stop)[0]) == pytest.approx(0.6, abs=1e-6)
    assert run.stop == pytest.approx(0.02309461766, abs=1e-10)


def test_a_singular_loop_is_refused_at_the_start() -> None:
    from spicebridge.errors import ScreenError

    with pytest.raises(ScreenError, match=r"edge 0-1 \(index"):
        sb.integrate(active_loop(0.6), [1.0])


def test_a_resistance_may_pass_zero_where_only_forced_currents_pass() -> None:
    """R = b (s^2 - 1) starts at -b: with an inductor in series fine, in a loop with a resistor refused by name."""
    from spicebridge.errors import ScreenError

    law = sb.Law("curved", resistance="b*(s*s-1)", rate="-a*s + k*i", parameters={"b": 1.5, "a": 0.5, "k": 1.0})
    series = ring(sb.Inductor(3.0), sb.Capacitor(1.0), law(), initial_state=[0.1, 0.0, 0.0])
    waves = sb.integrate(series, np.linspace(0.0, 3.0, 31))
    np.testing.assert_allclose(
        waves.voltage[:, 2], 1.5 * (waves.state[:, 2] ** 2 - 1.0) * waves.current[:, 2], atol=1e-14
    )
    closed = ring(sb.Resistor(5.0), sb.Capacitor(1.0), law(), initial_state=[0.0, 0.1, 0.0])
    with pytest.raises(ScreenError, match=r"edge 2-0: initial state 0 makes the resistance zero or negative"):
        sb.integrate(closed, [1.0])
