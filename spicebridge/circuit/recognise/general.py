"""The deck's own expressions as a law of text, for laws that no device of the library has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spicebridge.circuit.deck import elements as ir
from spicebridge.errors import DeviceError

if TYPE_CHECKING:
    from spicebridge.circuit.recognise.clamps import Range
    from spicebridge.circuit.recognise.law_of_edge import Characteristic


def general_law(
    name: str, law: Characteristic, bounds: Range | None, drop: float, deck: ir.Deck
) -> tuple[Any, float, str]:
    """(device, P, a sentence for the reader); raises `SpiceBridgeError` for what is no law."""
    raise DeviceError(
        "it is none of the known ones: a resistance linear in the state, a rate a s + g q, q = current or voltage, with "
        "a window of windows.py (none, switches at 0 and 1, tanh, Joglekar, Biolek, Prodromakis, Zha)"
    )
