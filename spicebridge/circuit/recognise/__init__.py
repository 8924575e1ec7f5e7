"""Deck -> Network, when it is one."""

from spicebridge.circuit.recognise.recognised_network import (
    EdgeOrigin,
    Recognised,
    read_netlist,
    recognise,
    recognise_circuit,
)

__all__ = ["EdgeOrigin", "Recognised", "read_netlist", "recognise", "recognise_circuit"]
