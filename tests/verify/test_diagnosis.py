"""Mistakes planted in programs of another make are named from their trajectories alone."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import spicebridge as sb
from bench.own_programs import T, planted, random_case
from spicebridge.theory import solve
from spicebridge.verify.candidate.diagnosis import Reported, diagnose

SLICE = [
    ("orientation", 12, False),
    ("time_shift", 10, False),
]


@pytest.mark.parametrize(("cause", "seed", "hard"), SLICE)
def test_the_planted_mistake_is_named_first(cause, seed, hard):
    network, own = random_case(seed, hard=hard)
    every = 1 if hard else 2
    w = planted(cause, own, np.random.default_rng(seed))
    first = diagnose(network, Reported(t=T[::every], state=w[::every], error=1e-6))[0]
    assert first.certain, first.sentence
    assert cause in (first.cause, *first.same_as), first.sentence
    assert first.explains > 0.9


def test_a_published_clamp_is_found():
    """w[w < 1] = 0 where w < 0 is meant, after a step of explicit Euler: from the trajectories alone."""
    network, own = random_case(3, hard=True)
    bare = type(own)(**{**own.__dict__, "hard": False})

    def clamp(w):
        w = w.copy()
        w[w > 1] = 1
        w[w < 1] = 0
        return w

    first = diagnose(network, Reported(t=T, state=bare.steps(T, "euler", 1, clamp)))[0]
    assert first.certain, first.sentence
    assert first.cause == "clamp_at_walls"
    assert "below 1 to 0" in first.where


def test_a_right_program_has_no_mistake_but_that_of_its_columns():
    network, own = random_case(5)
    w = own.solve(T)[::2]
    found = diagnose(network, Reported(t=T[::2], state=w, error=1e-6))
    assert not any(finding.certain for finding in found)
    first = diagnose(network, Reported(t=T[::2], state=np.roll(w, 1, axis=1), error=1e-6))[0]
    assert first.certain, first.sentence
    assert first.cause == "edge_order"
    assert f"{network.edge_name(network.n_edges - 1)} in that of {network.edge_name(0)}" in first.where


def test_missing_bounds_are_named_where_a_resistance_vanishes_beyond_them():
    """Both states fall with the flux, (1 - cos 2 pi t) / (4 pi); R is 0 at -1/15, where the law ends and his program does not."""

    def network(window):
        law = sb.LinearMemristor.caravelli2017(100.0, 1600.0, alpha=0.0, beta=0.03, window=window)
        return sb.Network.from_edges(
            [(0, 1), (1, 0)], device=law, drive={0: sb.Sine(0.5, 1.0)}, initial_state=[0.15, 0.6]
        )

    def rhs(t, w):
        return np.full(2, -100.0 / 0.03 * 0.5 * np.sin(2.0 * np.pi * t) / np.sum(100.0 + 1500.0 * w))

    t = np.linspace(0.0, 0.26, 131)
    w = solve_ivp(rhs, (0.0, 0.26), [0.15, 0.6], rtol=1e-10, atol=1e-12, t_eval=t).y.T
    assert w.min() < -1.0 / 15.0
    assert not solve(network(sb.NoWindow()), 0.26).complete
    first = diagnose(network(sb.Hard()), Reported(t=t, state=w, error=1e-6))[0]
    assert first.certain, first.sentence
    assert first.cause == "missing_window"
