"""What all rungs of a ladder pass over: smooth paths give nothing, a transient below the step gives its size."""

from __future__ import annotations

import numpy as np
import pytest

from spicebridge.verify.transients import passed_over

COARSE, FINE = np.linspace(0.0, 1.0, 101), np.linspace(0.0, 1.0, 201)


def test_resolved_curvature_counts_nothing() -> None:
    assert passed_over(lambda t: np.stack([np.sin(9 * t), np.exp(-20 * t)], axis=1), COARSE, FINE).max() == 0.0


@pytest.mark.parametrize("tau", [1e-3, 1e-5, 1e-9])
def test_a_transient_below_the_step_counts_with_its_size(tau: float) -> None:
    a = passed_over(lambda t: (np.sin(9 * t) + 0.3 * np.exp(-t / tau))[:, None], COARSE, FINE)
    assert 0.2 < a[0] < 0.33
