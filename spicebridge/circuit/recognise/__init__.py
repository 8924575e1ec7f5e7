"""Deck -> Network, when it is one."""

from spicebridge.circuit.recognise.network import EdgeOrigin, Recognised, recognise, recognise_circuit

__all__ = ["EdgeOrigin", "Recognised", "recognise", "recognise_circuit"]
