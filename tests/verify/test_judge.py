"""The rule on made-up ladders: no simulator, every number known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spicebridge.verify.judge import Evidence, judge
from spicebridge.verify.norms import Deviation, without_rounding_of_time
from spicebridge.verify.refinement import Ladder, resolved_until
from spicebridge.verify.settle import Rules, refinement, unconfirmed
from spicebridge.verify.verdict import Outcome, Verdict

TOLERANCE = 1e-5
STEPS = (0.04, 0.02, 0.01)


def evidence(
    name: str = "state", error: float = 1e-7, d2: float = 3e-7, order: float = 2.0, **facts: object
) -> Evidence:
    d1 = d2 * 2.0**order
    rungs = Ladder(
        steps=STEPS,
        errors=(16 * error, 4 * error, error),
        d1=d1,
        d2=d2,
        floor=2e-9,
        order=order,
        richardson=0.0,
        gci=d2,
    )
    return Evidence(name=name, ladder=rungs, edge="edge a-b", time=1.0, **facts)  # type: ignore[arg-type]


def test_the_verdict_is_the_worst_signal() -> None:
    good, wrong = evidence("state"), evidence("current", error=1e-2)
    ruling = judge([good, wrong], TOLERANCE)
    assert (ruling.outcome, ruling.deciding) == (Outcome.DISAGREES, "current")
    assert "current of edge a-b at t = 1 s" in ruling.reason
    assert ruling.signals["state"].outcome is Outcome.AGREES


def test_a_large_U_of_one_signal_hides_nothing_of_another() -> None:
    """One maximum against one maximum would find E = 1e-4 below U = 3e-3."""
    ruling = judge([evidence("state", error=1e-4), evidence("current", error=1e-3, d2=3e-3)], TOLERANCE)
    assert (ruling.outcome, ruling.deciding) == (Outcome.DISAGREES, "state")


def test_one_open_signal_leaves_the_verdict_open() -> None:
    ruling = judge([evidence("state"), evidence("voltage", d2=1e-4)], TOLERANCE)
    assert (ruling.outcome, ruling.deciding) == (Outcome.UNRESOLVED, "voltage")


@pytest.mark.parametrize("bound", [None, 0.0, 2e-6])
def test_what_no_step_changes_belongs_to_U(bound: float | None) -> None:
    signal = judge([evidence(bound=bound)], TOLERANCE).signals["state"]
    assert signal.uncertainty == pytest.approx(3e-7 + 2e-9 + (bound or 0.0))


@pytest.mark.parametrize("error", [1e-7, 1e-2])
def test_a_bound_that_is_missing_is_not_one_of_zero(error: float) -> None:
    """Without the run of another kind U is not known: nothing is decided, and no finer ladder changes that."""
    ruling = judge([evidence(error=error)], TOLERANCE, unchecked="it took longer than 20 s")
    assert ruling.outcome is Outcome.UNRESOLVED
    assert "what all rungs share was not checked: it took longer than 20 s" in ruling.reason
    assert ruling.unchecked
    assert refinement(ruling, Rules()) == 1.0


def test_a_shared_error_that_another_kind_of_run_finds_is_no_disagreement() -> None:
    """All rungs are wrong by 4e-4 alike; the run of another kind sees it."""
    blind = judge([evidence(error=4e-4)], TOLERANCE)
    seen = judge([evidence(error=4e-4, bound=5e-4)], TOLERANCE)
    assert blind.outcome is Outcome.DISAGREES
    assert seen.outcome is Outcome.UNRESOLVED
    assert "corners" in seen.reason


def test_a_close_disagreement_waits_for_a_finer_ladder() -> None:
    close = [evidence(error=5e-7)]
    first = judge(close, TOLERANCE)
    assert first.doubtful
    assert refinement(first, Rules(adaptive=False)) == 2
    assert unconfirmed(first).outcome is Outcome.UNRESOLVED
    same = judge(close, TOLERANCE, before={"state": 5.1e-7})
    assert (same.outcome, same.doubtful) == (Outcome.DISAGREES, False)
    fell = judge(close, TOLERANCE, before={"state": 2e-6})
    assert fell.doubtful


def test_a_clear_disagreement_needs_no_confirmation() -> None:
    ruling = judge([evidence(error=1e-3)], TOLERANCE)
    assert (ruling.outcome, ruling.doubtful) == (Outcome.DISAGREES, False)
    assert refinement(ruling, Rules()) == 1


def test_a_ladder_that_does_not_converge_spoils_the_others() -> None:
    lost = evidence("state", d2=1e-2, order=0.1)
    assert judge([lost, evidence("current", error=1e-3)], TOLERANCE).outcome is Outcome.UNRESOLVED
    assert judge([lost, evidence("current", error=5.0)], TOLERANCE).outcome is Outcome.DISAGREES


def test_untested_edges_are_named_where_signals_agree() -> None:
    pairs = (("edge a-b", "state"), ("edge a-b", "current"), ("edge c-d", "state"))
    assert "state and current of edge a-b, state of edge c-d" in judge([evidence()], TOLERANCE, untested=pairs).reason
    assert "edge c-d" not in judge([evidence(error=1.0)], TOLERANCE, untested=pairs).reason


@pytest.mark.parametrize(("U", "factor"), [(1.5e-5, 2.0), (6e-5, 8.0**0.5), (1e-4, 4.0), (7.5e-4, 10.0), (1.0, 16.0)])
def test_the_next_ladder_aims_at_three_quarters_of_the_tolerance_at_the_least_cost(U: float, factor: float) -> None:
    assert refinement(judge([evidence(d2=U, error=U / 3)], TOLERANCE), Rules()) == pytest.approx(factor, rel=1e-3)


def test_what_no_step_can_better_is_not_refined() -> None:
    assert refinement(judge([evidence(reference=1e-3)], TOLERANCE), Rules()) == 1


@pytest.mark.parametrize("outcome", Outcome)
def test_a_verdict_is_true_only_if_it_agrees(outcome: Outcome) -> None:
    verdict = Verdict(outcome=outcome, reason="because", tolerance=1e-5)
    assert bool(verdict) is (outcome is Outcome.AGREES)
    assert np.isnan(verdict.max_error)
    assert np.isnan(verdict.uncertainty)
    assert verdict.observed_order is None


def growing(n: int, scale: float) -> Deviation:
    """An error that grows as exp(8 t) on [0, 1]."""
    t = np.linspace(0.0, 1.0, n)
    return Deviation(t, scale * np.exp(8.0 * t)[:, None])


def test_the_horizon_is_where_the_rule_first_fails() -> None:
    runs = growing(401, 16e-8), growing(801, 4e-8), growing(1601, 1e-8)
    until = resolved_until(runs, 1e-12, 0.0, 1e-5)
    # U = d2 = 3e-8 exp(8 t) meets the tolerance there
    assert until == pytest.approx(np.log(1e-5 / 3e-8) / 8.0, abs=2e-3)
    assert resolved_until(runs, 1e-12, 0.0, 1.0) == 1.0
    offset = replace(runs[2], values=runs[2].values + 1e-3)
    assert resolved_until((runs[0], runs[1], offset), 1e-12, 0.0, 1.0) == 0.0


def test_a_rounding_of_the_time_on_a_steep_edge_is_no_error() -> None:
    """1 V in 1 ns, read 2e-16 s apart after 1 s: 2e-7 V, which nobody means."""
    t = np.array([0.9, 1.0, 1.0 + 0.5e-9, 1.0 + 1e-9, 1.1])
    edge = np.interp(t, [1.0, 1.0 + 1e-9], [0.0, 1.0])[:, None]
    late = np.array([0.0, 0.0, 2e-7, 0.0, 0.0])[:, None]
    assert without_rounding_of_time(t, late, edge).max() == 0.0
    assert without_rounding_of_time(t, 1e-2 + late, edge).max() > 0.9e-2
