"""Published and exact solutions, met by both branches.

Biolek, Di Ventra and Pershin, Radioengineering 22 (2013) 945: R.1, the ideal memristor with Joglekar's window
p = 1 (Eq. 11), and R.2, the threshold device (Eq. 18; the paper prints 3.1847 kohm for a formula that gives
3.18187). Georgiou, Yaliraki, Drakakis and Barahona, arXiv:1605.02021: every window f makes a sigmoid of the
charge, because y = integral of dx/f(x) is linear in it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

import spicebridge as sb
from spicebridge.circuit.circuit_run import run_lowered
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.theory import solve

R_ON, R_OFF, R_START, K = 100.0, 1e4, 5e3, 1e4
Q_MAX = 1.4924341712e-3
RTOL = 1e-6


def circuit(network: sb.Network, stop: float, step: float) -> sb.Waveforms:
    """The circuit at the simulator's own time points."""
    waves = run_lowered(lower(network, stop, step), engine=get_engine("ngspice")).waveforms
    assert waves is not None
    return waves


def ideal(k: float = K) -> sb.Network:
    """R.1 in the charge, its native variable."""
    device = sb.IdealMemristor(R_ON, R_OFF, k)
    start = float(device.state_of(R_START))
    return sb.Network.from_edges([(0, 0)], device=device, drive=sb.Sine(1.0, 1.0), initial_state=start)


def windowed(k: float, window: sb.Joglekar | None = None) -> sb.Network:
    """The same device in x, as a drift with a window."""
    device = sb.HPMemristor(R_ON, R_OFF, k, window or sb.Joglekar(1))
    x0 = (R_OFF - R_START) / (R_OFF - R_ON)
    return sb.Network.from_edges([(0, 0)], device=device, drive=sb.Sine(1.0, 1.0), initial_state=x0)


def exact_charge(t: np.ndarray, k: float = K) -> np.ndarray:
    """q(t) of R.1: the root of phi(q) = integral of R(q) dq = flux(t)."""
    a = (R_START - R_ON) / (R_OFF - R_START)

    def flux(q: float) -> float:
        # integral of 1/(a exp(-4 k q) + 1) = ln((exp(4 k q) + a)/(1 + a))/(4 k)
        return R_OFF * q + (R_ON - R_OFF) * np.log((np.exp(4 * k * q) + a) / (1 + a)) / (4 * k)

    phi = (1 - np.cos(2 * np.pi * t)) / (2 * np.pi)
    return np.array([brentq(lambda q, p=p: flux(q) - p, 0.0, 2e-3, xtol=1e-18, rtol=1e-14) for p in phi])


def exact_x(q: np.ndarray, k: float = K) -> np.ndarray:
    a = (R_START - R_ON) / (R_OFF - R_START)
    return np.asarray(1.0 / (a * np.exp(-4 * k * q) + 1.0))


def test_ideal_memristor_formula_gives_the_published_charge():
    assert exact_charge(np.array([0.5]))[0] == pytest.approx(Q_MAX, rel=1e-10)


def both_branches(network: sb.Network, branch: str) -> sb.Waveforms:
    """One period, with a point at its middle."""
    return sb.integrate(network, np.linspace(0.0, 1.0, 201)) if branch == "theory" else circuit(network, 1.0, 2e-5)


@pytest.mark.parametrize("branch", ["theory", "circuit"])
def test_ideal_memristor_by_both_branches(branch):
    """q(t), its maximum and i(t) over one period; 1 - x falls to 1e-26 on the way."""
    network = ideal()
    waves = both_branches(network, branch)
    points = np.arange(0, waves.t.size, max(1, waves.t.size // 200))
    q = exact_charge(waves.t[points])
    found = (waves.state[:, 0] - network.initial_state[0]) / K
    assert np.abs(found[points] - q).max() < RTOL * Q_MAX
    assert found.max() == pytest.approx(Q_MAX, rel=RTOL)
    i = np.sin(2 * np.pi * waves.t[points]) / (R_OFF + (R_ON - R_OFF) * exact_x(q))
    assert np.abs(waves.current[points, 0] - i).max() < RTOL * np.abs(i).max()


@pytest.mark.parametrize("branch", ["theory", "circuit"])
def test_joglekar_window_is_the_ideal_memristor(branch):
    """x(t) where doubles can hold it: a mobility at which 1 - x stays above 1e-4."""
    k = 5.5e3
    waves = both_branches(windowed(k), branch)
    points = np.arange(0, waves.t.size, max(1, waves.t.size // 200))
    x = exact_x(exact_charge(waves.t[points], k), k)
    assert x.max() > 0.98
    assert np.abs(waves.state[points, 0] - x).max() < RTOL


def test_what_the_tolerance_of_the_ideal_memristor_is_worth():
    """The window's order by one and the mobility by one part in 1e5 are seen."""
    t = np.array([0.0, 0.5])
    x = exact_x(exact_charge(t, 5.5e3), 5.5e3)[1]
    assert abs(sb.integrate(windowed(5.5e3, sb.Joglekar(2)), t).state[1, 0] - x) > 1e-3
    network = ideal(K * (1 + 1e-5))
    q = (sb.integrate(network, t).state[1, 0] - network.initial_state[0]) / K
    assert abs(q / Q_MAX - 1) > RTOL


def test_a_window_driven_too_far_ends_with_a_reason():
    """The published drive in x: 1 - x is rounded away, and the run says so instead of sticking."""
    trajectory = solve(windowed(K), 1.0)
    assert not trajectory.complete
    assert "within rounding of its bound" in trajectory.reason


V_T, V_M, FREQUENCY, BETA = 4.6, 5.0, 50e6, 1e13
LOWER = 3181.871


def threshold_device(b: float) -> sb.Network:
    device = sb.ThresholdMemristor(1e3, R_OFF, V_T, BETA, b=b)
    return sb.Network.from_edges([(0, 0)], device=device, drive=sb.Sine(V_M, FREQUENCY), initial_state=0.5)


def lower_memristance() -> float:
    ratio = V_M / V_T
    bracket = 2 * np.sqrt(ratio**2 - 1) - np.pi + 2 * np.arcsin(1 / ratio)
    return float(R_OFF - BETA * V_T / (2 * np.pi * FREQUENCY) * bracket)


def test_threshold_formula():
    assert lower_memristance() == pytest.approx(LOWER, abs=1e-3)


@pytest.mark.parametrize(("b", "rtol"), [(0.0, 1e-6), (1e-5, 3e-5)])
@pytest.mark.parametrize("branch", ["theory", "circuit"])
def test_threshold_device_by_both_branches(branch, b, rtol):
    """The steady loop runs between Roff, where the state is held, and the lower memristance."""
    network, stop = threshold_device(b), 3.0 / FREQUENCY
    if branch == "theory":
        trajectory = solve(network, stop)
        assert trajectory.complete, trajectory.reason
        t = np.array([1.5, 2.0, 2.5, 3.0]) / FREQUENCY
        state = trajectory(np.minimum(t, stop))[:, 0]
        highest, lowest = state[[0, 2]], state[[1, 3]]
    else:
        waves = circuit(network, stop, 1e-5 / FREQUENCY * (1.0 if b == 0.0 else 4.0))
        last = waves.t > 1.0 / FREQUENCY
        highest, lowest = waves.state[last, 0].max(keepdims=True), waves.state[last, 0].min(keepdims=True)
    R = 1e3 + 9e3 * lowest
    assert pytest.approx(np.full(R.shape, lower_memristance()), rel=rtol) == R
    assert 1e3 + 9e3 * highest == pytest.approx(np.full(highest.shape, R_OFF), rel=1e-7)


def test_the_smoothing_is_seen_where_it_is_too_wide():
    trajectory = solve(threshold_device(1e-2), 2.0 / FREQUENCY)
    R = 1e3 + 9e3 * trajectory(2.0 / FREQUENCY)[0]
    assert abs(R / lower_memristance() - 1) > 3e-5


@pytest.mark.parametrize(
    "window", [sb.Joglekar(1), sb.Joglekar(3), sb.Prodromakis(2.5, 1.2), sb.Zha(2.0), sb.Biolek(2)]
)
def test_every_window_is_a_sigmoid_of_the_charge(window):
    """One direction of drift (a DC source): y(x(t)) - y(x(0)) = k q(t), with q the integral of the current."""
    k = 2e3
    device = sb.HPMemristor(R_ON, R_OFF, k, window)
    network = sb.Network.from_edges([(0, 0)], device=device, drive=1.0, initial_state=0.2)

    def y(x: float) -> float:
        return quad(
            lambda s: 1.0 / float(window.rate(np.array(s), np.array(0.0), np.array(1.0))), 0.2, x, epsrel=1e-12
        )[0]

    for waves in (sb.integrate(network, np.linspace(0.0, 1.0, 401)), circuit(network, 1.0, 2.5e-4)):
        # v = 1 V, so the charge is the integral of 1/R: Simpson on the theory, trapezoid on the circuit's own points
        i = waves.current[:, 0]
        h = np.diff(waves.t)
        q = float((h * 0.5 * (i[1:] + i[:-1])).sum())
        # end correction of the trapezoidal rule, h^2/12 (i'(0) - i'(T)), uniform steps
        slope = [(i[1] - i[0]) / h[0], (i[-1] - i[-2]) / h[-1]]
        q += float(np.median(h)) ** 2 / 12 * (slope[0] - slope[1])
        assert y(float(waves.state[-1, 0])) == pytest.approx(k * q, rel=1e-6)


def test_joglekar_sigmoid_over_a_whole_period():
    """x = 1/(1 + a exp(-4 k q)) for p = 1 at every sample of the circuit, with q from the loop's own current."""
    k = 5.5e3
    waves = circuit(windowed(k), 1.0, 2e-5)
    q = np.concatenate([[0.0], np.cumsum(np.diff(waves.t) * 0.5 * (waves.current[1:, 0] + waves.current[:-1, 0]))])
    assert np.abs(waves.state[:, 0] - exact_x(q, k)).max() < 1e-6


def triangle(stop: float, v_max: float) -> sb.PWL:
    return sb.PWL(tuple(stop * np.array([0, 0.25, 0.75, 1.0])), (0.0, v_max, -v_max, 0.0))


EXAMPLE_STOP = 10e-9


def example_of_ngspice(drive: str, v_max: float) -> tuple[sb.Network, Callable[[float], float]]:
    """The equations of ngspice's examples/memristor/memristor.sp (Pershin and Di Ventra, arXiv:1204.2600), and R(t).

    Ron = 1k, Roff = 10k, Rinit = 7k, alpha = 0, beta = 20e3/stime, Vt = 1.6, stime = 10 ns, 3 V; at 4 V it reaches
    its limits. R depends on the drive alone, so between hits of the limits R(t) - R(t0) = integral of f(V):
    exact, and piecewise elementary. The source of the example points the other way (V1 0 1).
    """
    stop, v_t = EXAMPLE_STOP, 1.6
    beta = 20e3 / stop
    source = sb.Sine(-v_max, 1.0 / stop) if drive == "sine" else triangle(stop, -v_max)
    device = sb.ThresholdMemristor(1e3, 1e4, v_t, beta)
    network = sb.Network.from_edges([(0, 0)], device=device, drive=source, initial_state=6.0 / 9.0)

    def excess(t: float) -> float:
        """Integral of max(v_max shape - Vt, 0) from the start of a half wave to t into it."""
        if drive == "sine":
            w = 2 * np.pi / stop
            first = np.arcsin(v_t / v_max) / w
            end = min(max(t, first), stop / 2 - first)
            return v_max / w * (np.cos(w * first) - np.cos(w * end)) - v_t * (end - first)
        ramp = v_max / (0.25 * stop)
        first = v_t / ramp
        up = min(max(t, first), 0.25 * stop)
        down = min(max(t, 0.25 * stop), 0.5 * stop - first)
        return 0.5 * ramp * (up - first) ** 2 + (
            (v_max - v_t) * (down - 0.25 * stop) - 0.5 * ramp * (down - 0.25 * stop) ** 2
        )

    def exact(t: float) -> float:
        fallen = max(7e3 - beta * excess(min(t, stop / 2)), 1e3)
        return fallen if t <= stop / 2 else min(fallen + beta * excess(t - stop / 2), 1e4)

    return network, exact


@pytest.mark.parametrize("v_max", [3.0, 4.0])
@pytest.mark.parametrize("drive", ["sine", "triangle"])
def test_example_memristor_of_ngspice(drive, v_max):
    network, exact = example_of_ngspice(drive, v_max)
    waves = circuit(network, EXAMPLE_STOP, EXAMPLE_STOP / 1e4)
    points = np.arange(0, waves.t.size, 37)
    reference = np.array([exact(t) for t in waves.t[points]])
    assert (reference.min() == 1e3) == (v_max == 4.0), "the lower limit is reached at 4 V"
    R = 1e3 + 9e3 * waves.state[points, 0]
    assert np.abs(R / reference - 1).max() < 5e-6
    theory = 1e3 + 9e3 * sb.integrate(network, waves.t[points]).state[:, 0]
    assert np.abs(theory / reference - 1).max() < 1e-8
    assert waves.state.min() > -1e-8
    assert waves.state.max() < 1 + 1e-8
