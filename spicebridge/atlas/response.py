"""The linear response of a circuit, measured on the bench of the atlas; see ``analysis/response``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spicebridge.analysis.response import Response, measure_response
from spicebridge.atlas.runs import Bench
from spicebridge.network import Network

__all__ = ["Response", "response"]


def response(bench: Bench, network: Network, edges: NDArray[np.intp] | None = None) -> Response:
    """T of `network` in its initial state; `edges` limits the driven ones."""
    return measure_response(network, bench.run, edges)
