"""The ladder on made-up deviations whose error law is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spicebridge.verify.judge import Evidence, rule
from spicebridge.verify.norms import Deviation, difference
from spicebridge.verify.refinement import Ladder, ladder
from spicebridge.verify.verdict import Outcome

FLOOR = 1e-12


def rung(n: int, size: float) -> Deviation:
    """A smooth deviation of the given size on n + 1 points that do not nest with other n."""
    t = np.concatenate([[0.0], (np.arange(n) + 0.3) / n, [1.0]])
    return Deviation(t, size * np.column_stack([np.sin(2 * t), t**2]))


def decide(rungs: Ladder, tolerance: float, **facts: float) -> tuple[Outcome, float, str]:
    """(outcome, U, reason) of the rule on one signal."""
    signal = rule(Evidence(name="state", ladder=rungs, **facts), tolerance)  # type: ignore[arg-type]
    return signal.outcome, signal.uncertainty, signal.reason


def made(order: float, scale: float = 1e-4, offset: float = 0.0, floor: float = FLOOR) -> Ladder:
    runs = [rung(400 * 2**k, scale * 2.0 ** (-order * k) + offset) for k in range(3)]
    return ladder((0.1, 0.05, 0.025), (runs[0], runs[1], runs[2]), floor)


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0])
def test_observed_order_and_richardson_value(order: float) -> None:
    rungs = made(order)
    assert rungs.order == pytest.approx(order, abs=0.02)
    assert rungs.richardson < 0.02 * rungs.errors[-1]


@pytest.mark.parametrize("order", [1.1, 2.0, 4.0])
def test_uncertainty_bounds_the_error_for_orders_of_at_least_one(order: float) -> None:
    rungs = made(order)
    assert rungs.converging
    assert rungs.errors[-1] <= rungs.uncertainty


def test_uncertainty_is_three_times_the_error_at_order_two() -> None:
    rungs = made(2.0)
    assert rungs.uncertainty / rungs.errors[-1] == pytest.approx(3.0, rel=0.02)
    assert rungs.gci / rungs.errors[-1] == pytest.approx(1.25, rel=0.02)


def test_richardson_value_finds_a_constant_difference_of_the_equations() -> None:
    rungs = made(2.0, offset=1e-3)
    largest = float(np.abs(rung(1600, 1.0).values).max())
    assert rungs.richardson == pytest.approx(1e-3 * largest, rel=1e-3)


def test_a_ladder_that_does_not_fall_is_unresolved_and_never_agrees() -> None:
    runs = (rung(400, 1e-4), rung(800, -1e-4), rung(1600, 1e-4))
    rungs = ladder((0.1, 0.05, 0.025), runs, FLOOR)
    assert not rungs.converging
    assert decide(rungs, tolerance=1.0)[0] is Outcome.UNRESOLVED


def test_half_order_is_outside_the_asymptotic_range() -> None:
    rungs = made(0.5)
    assert rungs.errors[-1] > rungs.uncertainty
    assert decide(rungs, tolerance=1.0)[0] is Outcome.UNRESOLVED


def test_order_at_the_floor_is_not_observable_and_no_failure() -> None:
    rungs = made(2.0, scale=1e-14)
    assert rungs.order is None
    assert rungs.converging
    assert decide(rungs, tolerance=1e-6)[0] is Outcome.AGREES


def test_the_rule_is_applied_in_its_order() -> None:
    good = made(2.0)
    assert decide(good, 1e-3)[0] is Outcome.AGREES
    wrong = made(2.0, offset=1e-3)
    assert decide(wrong, 1e-9)[0] is Outcome.DISAGREES
    outcome, U, reason = decide(good, good.uncertainty / 100)
    assert outcome is Outcome.UNRESOLVED
    step = float(reason.split("finest step of ")[1].split(" s")[0])
    assert U * (step / 0.025) ** 2 < good.uncertainty / 100


def test_a_step_that_the_reason_names_does_resolve() -> None:
    coarse = made(2.0)
    tolerance = coarse.uncertainty / 50
    reason = decide(coarse, tolerance)[2]
    step = float(reason.split("finest step of ")[1].split(" s")[0])
    finer = made(2.0, scale=1e-4 * (step / 0.025) ** 2)
    assert decide(finer, tolerance)[0] is Outcome.AGREES


def test_nan_is_never_agreement() -> None:
    lost = replace(made(2.0), errors=(1e-4, 1e-5, float("nan")))
    assert decide(lost, 1.0)[0] is Outcome.UNRESOLVED
    assert decide(made(2.0), 1.0, reference=float("nan"))[0] is Outcome.UNRESOLVED


def test_deviations_are_compared_over_the_span_they_share() -> None:
    a, b = rung(100, 1e-3), rung(137, 1e-3)
    assert difference(a, b) < 1e-6
    assert difference(a, rung(137, 2e-3)) == pytest.approx(1e-3 * np.abs(rung(137, 1).values).max(), rel=1e-3)
