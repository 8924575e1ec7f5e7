"""Deck -> text, one file per simulator."""

from spicebridge.circuit.dialects.known import dialect_names, get_dialect

__all__ = ["dialect_names", "get_dialect"]
