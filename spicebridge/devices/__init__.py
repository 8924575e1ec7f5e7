"""Memristor laws as frozen records, vectorised over edges. One law, one file."""

from spicebridge.devices.affine import LinearMemristor
from spicebridge.devices.base import Device, Group, group_devices
from spicebridge.devices.resistor import Resistor

__all__ = ["Device", "Group", "LinearMemristor", "Resistor", "group_devices"]
