"""Equal steps for statistics: near the adaptive ensemble, and the bias that is stated is the one there is."""

from __future__ import annotations

import numpy as np
import pytest
from test_ensembles import paper2, starts

import spicebridge as sb
from spicebridge.errors import NetworkError
from spicebridge.theory.ensembles import fixed_step

T = np.array([0.0, 3.0, 20.0])


@pytest.mark.parametrize("s", [0.15, 0.25])
def test_the_stated_bias_is_the_true_one(s):
    network, x0 = paper2(40, s), starts(48, 40)
    exact = sb.integrate_ensemble(network, T, initial_states=x0, rtol=1e-9, atol=1e-11).state
    found = sb.integrate_ensemble(network, T, initial_states=x0, step=0.1)
    assert (found.state[:, 0] == x0).all()
    true = (found.state - exact).mean(axis=(0, 2))
    bias, error = found.bias
    assert (np.abs(true - bias) <= 4.0 * error + 1e-4).all()
    assert np.abs(true).max() < 5e-3
    same = (found.state[:, -1].mean(axis=1) > 0.5) == (exact[:, -1].mean(axis=1) > 0.5)
    assert same.mean() >= 1.0 - found.strayed() - 0.05


def test_steps_converge_and_a_mutant_without_clipping_is_far_off(monkeypatch):
    network, x0 = paper2(40, 0.25), starts(16, 40)
    exact = sb.integrate_ensemble(network, [4.0], initial_states=x0, rtol=1e-9, atol=1e-11).state
    monkeypatch.setattr(fixed_step, "RESIDUAL", 1e-10)

    def error(step: float) -> float:
        return float(np.abs(sb.integrate_ensemble(network, [4.0], initial_states=x0, step=step).state - exact).mean())

    coarse, fine = error(0.2), error(0.025)
    assert fine < coarse / 8.0
    good = error(0.1)
    monkeypatch.setattr(np, "clip", lambda s, *_: s)
    assert error(0.1) > 10.0 * good


def test_sources_parameters_and_breakpoints():
    device = sb.LinearMemristor.caravelli2017(1.0, 10.0, 0.1, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 2), (2, 0), (0, 2)], device=device, initial_state=0.5)
    drives = [sb.PWL((0.0, 0.37, 0.4), (0.0, 0.0, a)) for a in (0.1, 0.3, 0.5)]
    t, alpha = np.linspace(0.0, 1.0, 5), np.array([0.0, 0.5, -0.5])
    found = sb.integrate_ensemble(network, t, sources=drives, parameters={"alpha": alpha}, step=0.02)
    exact = sb.integrate_ensemble(network, t, sources=drives, parameters={"alpha": alpha}, rtol=1e-9, atol=1e-11)
    assert np.abs(found.state - exact.state).max() < 1e-6


@pytest.mark.parametrize("step", [0.0, -1.0, np.nan, "a"])
def test_a_step_that_is_none_is_named(step):
    with pytest.raises(NetworkError, match="step"):
        sb.integrate_ensemble(paper2(10, 0.15), [1.0], initial_states=starts(2, 10), step=step)


def test_the_usual_ensemble_has_no_bias():
    found = sb.integrate_ensemble(paper2(10, 0.15), [1.0], initial_states=starts(2, 10))
    assert found.half_step is None
    assert found.strayed() == 0.0
    assert not found.bias[0].any()
