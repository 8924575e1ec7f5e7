"""One example of every law, with drives that make it work, and states away from kinks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import spicebridge as sb

UP = ((0.0, 0.6), (0.3, 0.55), (0.7, 0.2), (1.0, 0.05))
DOWN = ((0.0, -0.1), (0.4, -0.3), (0.8, -0.5), (1.0, -0.2))

YAKOPCIC = dict(
    a_1=0.17, a_2=0.13, b=0.05, v_p=0.16, v_n=0.15, a_p=4000.0, a_n=3000.0, x_p=0.3, x_n=0.5, alpha_p=1.0, alpha_n=5.0
)
TEAM = dict(
    r_on=50.0, r_off=1000.0, k_on=-300.0, k_off=300.0, alpha_on=3.0, alpha_off=2.0, i_on=-1e-3, i_off=1e-3,
    a_on=0.1, a_off=0.8, w_c=0.1,
)  # fmt: skip
VTEAM = dict(r_on=50.0, r_off=1000.0, k_on=-300.0, k_off=300.0, alpha_on=3.0, alpha_off=2.0, v_on=-0.6, v_off=0.5)
PIECEWISE = dict(
    i_1=85.37e-6, i_2=90.16e-6, v_1=0.265, v_2=0.265, g_0=130.72e-6, v_p=0.3, v_n=-0.2, d_1=9.87, d_2=-4.82,
    c_1=100.0, c_2=60.0,
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A device with a drive and an initial state that exercise both directions of its state."""

    device: Any
    drive: Any
    state: float
    stop: float

    def network(self, **changes: Any) -> sb.Network:
        """The device alone on its source."""
        values: dict[str, Any] = dict(device=self.device, drive=self.drive, initial_state=self.state, polarity=1)
        return sb.Network.from_edges([(0, 0)], **(values | changes))

    def with_device(self, **changes: Any) -> Example:
        return replace(self, device=replace(self.device, **changes))


EXAMPLES = {
    "hp": Example(sb.HPMemristor(100.0, 1e4, 2e3, sb.Joglekar(1)), sb.Sine(1.0, 1.0), 0.3, 1.0),
    "ideal": Example(sb.IdealMemristor(100.0, 1e4, 2e3), sb.Sine(1.0, 1.0), -0.2, 1.0),
    "threshold": Example(sb.ThresholdMemristor(1e3, 1e4, 1.6, 2e12, alpha=1e10), sb.Sine(3.0, 1e8), 0.6, 1e-8),
    "threshold_smooth": Example(
        sb.ThresholdMemristor(1e3, 1e4, 1.6, 2e12, alpha=1e10, b=0.05), sb.Sine(3.0, 1e8), 0.6, 1e-8
    ),
    "yakopcic": Example(sb.YakopcicMemristor(**YAKOPCIC), sb.Sine(0.5, 100.0), 0.11, 1e-2),
    "team_linear": Example(sb.TEAM(**TEAM), sb.Sine(1.0, 10.0), 0.5, 0.1),
    "team_exponential": Example(sb.TEAM(**TEAM, curve="exponential"), sb.Sine(0.8, 10.0), 0.5, 0.1),
    "vteam_linear": Example(sb.VTEAM(**VTEAM, window=sb.Biolek(2)), sb.Sine(1.0, 10.0), 0.5, 0.1),
    "vteam_exponential": Example(
        sb.VTEAM(**VTEAM, window=sb.Prodromakis(2.5, 1.2), curve="exponential"), sb.Sine(1.0, 10.0), 0.5, 0.1
    ),
    "piecewise": Example(sb.PiecewiseMemristor(UP, DOWN, **PIECEWISE), sb.Sine(0.6, 100.0), 0.2, 1e-2),
}

AFFINE = {
    f"{law}_{control}": Example(
        getattr(sb.LinearMemristor, law)(100.0, 1600.0, 0.3, 0.5, control), sb.Sine(1.0, 1.0), 0.4, 1.0
    )
    for law in ("caravelli2017", "tunneling")
    for control in ("current", "voltage", "voltage_eq61")
}

WINDOWS = (
    None, sb.Hard(), sb.Tanh(5.0, 3.0), sb.Joglekar(1), sb.Joglekar(3), sb.Biolek(2), sb.Prodromakis(3),
    sb.Prodromakis(2.5, 1.3), sb.Zha(1), sb.Zha(1.7, 0.9),
)  # fmt: skip


def edges(n: int, *values: float) -> tuple[np.ndarray, ...]:
    """Arrays (n,) filled with single values."""
    return tuple(np.full(n, value) for value in values)
