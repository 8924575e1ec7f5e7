"""Every Python block of the pages on analysis and on gradients is run, one page a namespace."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.analysis import adapters
from spicebridge.errors import NetworkError

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", ["analysis.md", "gradients_and_design.md"])
def test_the_page_runs(page: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    if page == "analysis.md":
        assert names["verdict"].agrees  # type: ignore[attr-defined]
    else:
        assert names["answer"].confirmed  # type: ignore[attr-defined]
        assert names["design"].found  # type: ignore[attr-defined]


def test_both_passes_of_the_adapters_without_the_libraries() -> None:
    device = sb.LinearMemristor.caravelli2017(100.0, 1000.0, 0.2, 1.0)
    network = sb.Network.from_edges([(0, 1), (1, 2), (2, 0)], device=device, drive=0.2, initial_state=0.4)
    passes = adapters.FinalStates(network, [0.0, 1.0], ("drive", "beta"))
    values = (np.array([0.1, 0.2, -0.1]), np.array([1.0, 1.1, 0.9]))
    weight = np.array([1.0, -2.0, 0.5])
    states, slopes = passes.pull(values, weight)
    np.testing.assert_allclose(states, sb.integrate(passes.at(values), [0.0, 1.0]).state[-1], atol=1e-8)
    for which in (0, 1):
        h = 1e-5 * np.eye(3)[1]
        up = tuple(v + h if k == which else v for k, v in enumerate(values))
        down = tuple(v - h if k == which else v for k, v in enumerate(values))
        sides = [passes.pull(v, weight)[0] @ weight for v in (up, down)]
        assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(slopes[which][1], rel=1e-4)
    with pytest.raises(NetworkError, match="nosuchlibrary is not installed"):
        adapters._library("nosuchlibrary")
    with pytest.raises(NetworkError, match="replaces constant levels"):
        adapters.FinalStates(network.with_drive(sb.Sine(1.0, 1.0)), [0.0, 1.0], ("drive",))
