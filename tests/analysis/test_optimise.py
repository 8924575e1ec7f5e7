"""The optimiser: energy and Lyapunov function are one on the vertices, the answers are those of brute force."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spicebridge as sb
from spicebridge.analysis.lyapunov import LyapunovFunction
from spicebridge.errors import NetworkError


def cube(n: int) -> np.ndarray:
    return np.array(list(product((0, 1), repeat=n)), float)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 7))
def test_the_lyapunov_function_is_the_energy_on_every_vertex(seed: int, n: int) -> None:
    Q = np.random.default_rng(seed).normal(size=(n, n))
    problem = sb.optimise.from_qubo(Q)
    x = cube(n)
    np.testing.assert_allclose(problem.energy(x), [v @ Q @ v for v in x], atol=1e-12)
    L = LyapunovFunction.of(problem.network)
    gap = L(np.hstack([x, np.zeros_like(x)])) - problem.scale * problem.energy(x)
    assert np.ptp(gap) < 1e-9 * (1.0 + np.abs(problem.scale * problem.energy(x)).max())


def test_no_point_of_the_bulk_is_stable() -> None:
    problem = sb.optimise.from_qubo(np.random.default_rng(1).normal(size=(4, 4)))
    for point in sb.analyse(problem.network).fixed_points(starts=64).stable:
        assert (point.held[:4] != 0).all()


def test_the_optimum_is_found_and_ngspice_ends_there() -> None:
    rng = np.random.default_rng(4)
    for n in (6, 10):
        Q = rng.normal(size=(n, n))
        found = sb.optimise.from_qubo(Q).solve(seed=1, trajectories=400)
        assert found.energy == pytest.approx(min(v @ Q @ v for v in cube(n)))
        assert found.energy == pytest.approx(found.state @ Q @ found.state)
        assert found.confirmed is True
        assert found.trajectories == 400
        again = sb.optimise.from_qubo(Q).solve(seed=1, trajectories=400, confirm=False)
        assert (again.state == found.state).all()
        assert again.confirmed is None


def test_the_optimum_of_few_variables_is_a_stable_vertex() -> None:
    """Where the coupling is strong it may be unstable, so that no run can end there: three of eight were missed."""
    rng = np.random.default_rng(77)
    matrices = [rng.normal(size=(n, n)) for n in (1, 2, 3) for _ in range(4)][4:]
    for Q in matrices:
        found = sb.optimise.from_qubo(Q).solve(trajectories=100, confirm=False)
        assert found.energy == pytest.approx(min(v @ Q @ v for v in cube(len(Q))))


def test_spins_and_portfolios() -> None:
    rng = np.random.default_rng(5)
    J, h = np.triu(rng.normal(size=(6, 6)), 1), rng.normal(size=6)
    spins = 2 * cube(6) - 1
    found = sb.optimise.from_ising(J, h).solve(trajectories=300, confirm=False)
    energies = np.einsum("ij,jk,ik->i", spins, J, spins) + spins @ h
    assert found.energy == pytest.approx(energies.min())
    assert found.energy == pytest.approx(found.spins @ J @ found.spins + h @ found.spins)
    C, mu = np.cov(rng.normal(size=(7, 50))), rng.uniform(0.0, 0.5, 7)
    bought = sb.optimise.from_portfolio(mu, C, risk_aversion=2.0, budget=3).solve(trajectories=400, confirm=False)
    best = min(C[np.ix_(c, c)].sum() - mu[list(c)].sum() for c in combinations(range(7), 3))
    assert bought.state.sum() == 3
    assert bought.energy == pytest.approx(best)


def test_linear_problems_and_single_variables() -> None:
    assert (sb.optimise.from_qubo(np.diag([1.0, -2.0, 0.5])).solve(confirm=False).state == [0, 1, 0]).all()
    assert sb.optimise.from_qubo([[-3.0]]).solve(confirm=False).energy == -3.0


def test_misuse_is_named() -> None:
    with pytest.raises(NetworkError, match=r"shape \(2, 3\)"):
        sb.optimise.from_qubo(np.zeros((2, 3)))
    with pytest.raises(NetworkError, match=r"entry \(0, 1\) must be finite"):
        sb.optimise.from_qubo([[0.0, np.nan], [0.0, 1.0]])
    with pytest.raises(NetworkError, match="real numbers"):
        sb.optimise.from_qubo([["a"]])
    with pytest.raises(NetworkError, match="trajectories"):
        sb.optimise.from_qubo([[1.0]]).solve(trajectories=0)
    with pytest.raises(NetworkError, match="budget"):
        sb.optimise.from_portfolio([0.1, 0.2], np.eye(2), budget=3)
