"""Branch B: the network ODE, integrated without any simulator.

Names below are loaded on first use, so that importing the package stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_WHERE = {
    "integrate": "time.integration",
    "solve": "time.integration",
    "Trajectory": "time.trajectory",
    "Event": "time.trajectory",
    "Screen": "results.stability",
    "screen": "results.stability",
    "Topology": "currents.topology",
}

__all__ = ["Event", "Screen", "Topology", "Trajectory", "integrate", "screen", "solve"]

if TYPE_CHECKING:
    from spicebridge.theory.currents.topology import Topology
    from spicebridge.theory.results.stability import Screen, screen
    from spicebridge.theory.time.integration import integrate, solve
    from spicebridge.theory.time.trajectory import Event, Trajectory


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'spicebridge.theory' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spicebridge.theory.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
