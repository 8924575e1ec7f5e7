"""Closed forms of others, as relative errors of one branch; the formulas are in ``devices/test_closed_forms``."""

from __future__ import annotations

import numpy as np
from devices import test_closed_forms as forms

import spicebridge as sb
from spicebridge.theory import solve


def ideal_charge(branch: str) -> float:
    """q_max of the ideal memristor (1 V, 1 Hz sine), relative."""
    network = forms.ideal()
    waves = forms.both_branches(network, branch)
    q = (waves.state[:, 0].max() - network.initial_state[0]) / forms.K
    return float(abs(q / forms.Q_MAX - 1))


def threshold_resistance(branch: str, b: float) -> float:
    """Lower memristance of the threshold device in its steady loop, relative; `b` smooths it."""
    network, stop = forms.threshold_device(b), 2.0 / forms.FREQUENCY
    if branch == "theory":
        trajectory = solve(network, stop)
        assert trajectory.complete, trajectory.reason
        lowest = float(trajectory(np.array([stop]))[0, 0])
    else:
        waves = forms.circuit(network, stop, 1e-5 / forms.FREQUENCY * (1.0 if b == 0.0 else 4.0))
        lowest = float(waves.state[waves.t > 1.0 / forms.FREQUENCY, 0].min())
    return abs((1e3 + 9e3 * lowest) / forms.lower_memristance() - 1)


def printed_resistance() -> float:
    """What the paper prints for its formula (3.1847 kohm), relative to the formula."""
    return abs(3184.7 / forms.lower_memristance() - 1)


def ngspice_example(branch: str) -> float:
    """Resistance of ngspice's example memristor.sp over its whole run, relative to its exact form."""
    network, exact = forms.example_of_ngspice("sine", 3.0)
    if branch == "theory":
        t = np.linspace(0.0, forms.EXAMPLE_STOP, 501)
        state = sb.integrate(network, t).state[:, 0]
    else:
        waves = forms.circuit(network, forms.EXAMPLE_STOP, forms.EXAMPLE_STOP / 1e4)
        t, state = waves.t[::37], waves.state[::37, 0]
    reference = np.array([exact(x) for x in t])
    return float(np.abs((1e3 + 9e3 * state) / reference - 1).max())
