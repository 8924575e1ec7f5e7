"""Ensembles: many trajectories of one network, integrated together.

Names below are loaded on first use, so that importing the package stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_WHERE = {"integrate_ensemble": "integration", "EnsembleWaveforms": "waveforms"}

__all__ = ["EnsembleWaveforms", "integrate_ensemble"]

if TYPE_CHECKING:
    from spicebridge.theory.ensembles.integration import integrate_ensemble
    from spicebridge.theory.ensembles.waveforms import EnsembleWaveforms


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'spicebridge.theory.ensembles' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spicebridge.theory.ensembles.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
