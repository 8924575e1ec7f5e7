"""The deck's own expressions as a law of text, for laws that no device of the library has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spicebridge.errors import DeviceError

if TYPE_CHECKING:
    from spicebridge.circuit.recognise.clamps import Range
    from spicebridge.circuit.recognise.law_of_edge import Characteristic


def general_law(name: str, law: Characteristic, bounds: Range | None) -> tuple[Any, float, str]:
    """(device, P, a sentence for the reader); raises `SpiceBridgeError` for what is no law."""
    raise DeviceError("laws of text are not taken over yet")
