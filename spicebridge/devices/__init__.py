"""Memristor laws as frozen records, vectorised over edges. One law, one file.

`LAWS` maps the word in a case file to the law; a new device is one file and one line here.
"""

from spicebridge.devices.affine import LinearMemristor
from spicebridge.devices.base import Device, Group, group_devices
from spicebridge.devices.law import Law, law_of
from spicebridge.devices.resistor import Resistor

LAWS: dict[str, Law] = {
    "caravelli2017": Law(
        LinearMemristor.caravelli2017, LinearMemristor, fixed=(("law", "caravelli2017"),)
    ),
    "tunneling": Law(LinearMemristor.tunneling, LinearMemristor, fixed=(("law", "tunneling"),)),
    "resistor": Law(Resistor, Resistor),
}

__all__ = ["LAWS", "Device", "Group", "Law", "LinearMemristor", "Resistor", "group_devices", "law_of"]
