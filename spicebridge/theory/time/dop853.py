"""The explicit eighth-order method of Hairer, Norsett and Wanner (Solving ODEs I, II.5), loaded where it is used."""

from __future__ import annotations

import numpy as np
from scipy.integrate import DOP853

from spicebridge.arrays import Array


class ExplicitStepper(DOP853):
    """DOP853 with the largest scaled error over the components instead of the mean square."""

    def _estimate_error_norm(self, K: Array, h: float, scale: Array) -> float:
        fifth = (self.E5 @ K / scale) ** 2
        third = (self.E3 @ K / scale) ** 2
        root = np.sqrt(fifth + 0.01 * third)
        ratio = np.divide(fifth, root, out=np.where(np.isnan(root), np.nan, 0.0), where=root > 0.0)
        return float(abs(h) * ratio.max())
