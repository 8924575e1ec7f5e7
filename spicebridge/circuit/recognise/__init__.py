"""Deck -> Network, when it is one."""

from spicebridge.circuit.recognise.recognised_network import EdgeOrigin, Recognised, recognise, recognise_circuit

__all__ = ["EdgeOrigin", "Recognised", "recognise", "recognise_circuit"]
