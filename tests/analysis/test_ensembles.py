"""Distributions of circuits and theory: equal ones agree, planted differences are found, the error is what is stated."""

from __future__ import annotations

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.analysis.ensembles import _intervals
from spicebridge.errors import NetworkError

TUNNEL = sb.LinearMemristor.tunneling(0.1, 1.0, 1.0, 1.0, window=sb.Hard())
EDGES = [(k, (k + d) % 10) for d in (1, 3) for k in range(10)]


def ring(s: float) -> sb.Network:
    """A ring with chords, Omega S = S: near s = 0.235 about a quarter of random starts tunnels."""
    return sb.Network.from_edges(EDGES, device=TUNNEL, drive=s)


STATES = np.random.default_rng(6).random((80, 20))


def test_equal_ensembles_agree_and_planted_ones_do_not() -> None:
    same = sb.validate_ensemble(ring(0.235), [0.0, 30.0], initial_states=STATES, statistic="tunnelled")
    assert same.agrees
    assert 0.1 < same.theory["probability"] < 0.5
    other = sb.validate_ensemble(
        ring(0.235), [0.0, 30.0], initial_states=STATES, statistic="x_cg", circuit=ring(0.2), margin=0.05
    )
    assert other.outcome is sb.Outcome.DISAGREES
    assert other.interval[1] < -0.05


def test_too_few_runs_leave_it_open_and_say_how_many_would_do() -> None:
    found = sb.validate_ensemble(
        ring(0.235), [0.0, 20.0], initial_states=STATES[:8], statistic=lambda waves: bool(waves.state[-1].mean() > 0.5)
    )
    assert found.outcome is sb.Outcome.UNRESOLVED
    assert "runs would decide" in found.reason


def test_categories_are_compared_one_by_one() -> None:
    def side(waves: sb.Waveforms) -> str:
        return "up" if waves.state[-1].mean() > 0.5 else "down"

    found = sb.validate_ensemble(
        ring(0.235), [0.0, 30.0], initial_states=STATES[:60], statistic=side, circuit=ring(0.27), margin=0.2
    )
    assert found.outcome is sb.Outcome.DISAGREES
    assert set(found.theory) == {"up", "down"}
    assert sum(found.circuit.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("p", [0.02, 0.2, 0.5])
def test_intervals_of_probabilities_cover_what_they_should(p: float) -> None:
    """Two independent samples with the same p: the true difference 0 lies outside in about 2.5 % a side or fewer."""
    rng = np.random.default_rng(1)
    outside = 0
    for _ in range(2000):
        d = (rng.random((80, 1)) < p).astype(float) - (rng.random((80, 1)) < p)
        low, high, _ = _intervals(d, 0.025, True)
        outside += bool(low[0] > 0.0 or high[0] < 0.0)
    assert outside / 2000 < 0.065


def test_misuse_is_named() -> None:
    with pytest.raises(NetworkError, match="at least 4 rows of 20"):
        sb.validate_ensemble(ring(0.2), [0, 1], initial_states=np.zeros((3, 20)))
    with pytest.raises(NetworkError, match="did you mean 'tunnelled'"):
        sb.validate_ensemble(ring(0.2), [0, 1], initial_states=STATES, statistic="tunneled")
    with pytest.raises(NetworkError, match="margin"):
        sb.validate_ensemble(ring(0.2), [0, 1], initial_states=STATES, margin=-1.0)
    with pytest.raises(NetworkError, match="number, a bool or a category"):
        sb.validate_ensemble(ring(0.2), [0, 0.1], initial_states=STATES[:4], statistic=lambda waves: [1, 2])
