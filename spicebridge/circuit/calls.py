"""How a device record calls its subcircuit in ``models/``: name and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spicebridge.devices import Group, LinearMemristor
from spicebridge.devices.base import parameter_names


@dataclass(frozen=True)
class SubcircuitCall:
    """`subcircuit` is its name; `own_window` says that it bounds its state itself."""

    subcircuit: str
    own_window: bool
    signs: tuple[str, ...]

    def parameters(self, group: Group, position: int, P: float, J: float) -> tuple[tuple[str, float], ...]:
        """The parameters of one edge: the record's own names, then the signs the model knows."""
        device = group.device
        out = [
            (name, float(np.broadcast_to(getattr(device, name), group.edges.shape)[position]))
            for name in parameter_names(device)
        ]
        signs = {"active": P, "polarity": J}
        return (*out, *((name, signs[name]) for name in self.signs))


def subcircuit_call(device: Any) -> SubcircuitCall:
    """Return the call for a device; other laws name theirs in the attribute ``spice_model``."""
    if isinstance(device, LinearMemristor):
        return SubcircuitCall(f"{device.law}_{device.control}", False, ("active", "polarity"))
    return SubcircuitCall(device.spice_model, True, ("polarity",))
