"""Cost against size, with the fitted exponents, as bench/theory.png."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

PICTURE = Path(__file__).with_name("theory.png")


def exponent(edges: list[int], seconds: list[float]) -> float:
    """Slope of log(seconds) over log(edges)."""
    return float(np.polyfit(np.log(edges), np.log(seconds), 1)[0])


def draw(costs: Mapping[str, tuple[list[int], list[float]]]) -> None:
    """One line a name, (edges, seconds), on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7.0, 4.4), layout="constrained")
    for (name, (edges, seconds)), marker in zip(costs.items(), "os^v", strict=False):
        axes.loglog(edges, seconds, marker=marker, label=f"{name}, edges^{exponent(edges, seconds):.2f}")
    axes.set_xlabel("edges of the grid")
    axes.set_ylabel("wall time of one run over 5 s (s)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(PICTURE, dpi=130)
    plt.close(figure)
