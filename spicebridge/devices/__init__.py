"""Memristor laws as frozen records, vectorised over edges. One law, one file.

`LAWS` maps the word in a case file to the law; a new device is one file and one line here.
"""

from spicebridge.devices.affine import LinearMemristor
from spicebridge.devices.base import Device, Group, group_devices
from spicebridge.devices.card import Card
from spicebridge.devices.hp import HPMemristor
from spicebridge.devices.ideal import IdealMemristor
from spicebridge.devices.law import Law, law_of
from spicebridge.devices.piecewise import PiecewiseMemristor, read_table
from spicebridge.devices.resistor import Resistor
from spicebridge.devices.team import TEAM
from spicebridge.devices.threshold import ThresholdMemristor
from spicebridge.devices.vteam import VTEAM
from spicebridge.devices.yakopcic import YakopcicMemristor

LAWS: dict[str, Law] = {
    "caravelli2017": Law(LinearMemristor.caravelli2017, LinearMemristor, fixed=(("law", "caravelli2017"),)),
    "tunneling": Law(LinearMemristor.tunneling, LinearMemristor, fixed=(("law", "tunneling"),)),
    "resistor": Law(Resistor, Resistor),
    "hp": Law(HPMemristor, HPMemristor),
    "ideal": Law(IdealMemristor, IdealMemristor),
    "threshold": Law(ThresholdMemristor, ThresholdMemristor),
    "yakopcic": Law(YakopcicMemristor, YakopcicMemristor),
    "team": Law(TEAM, TEAM),
    "vteam": Law(VTEAM, VTEAM),
    "piecewise": Law(PiecewiseMemristor, PiecewiseMemristor),
}

__all__ = [
    "LAWS",
    "TEAM",
    "VTEAM",
    "Card",
    "Device",
    "Group",
    "HPMemristor",
    "IdealMemristor",
    "Law",
    "LinearMemristor",
    "PiecewiseMemristor",
    "Resistor",
    "ThresholdMemristor",
    "YakopcicMemristor",
    "group_devices",
    "law_of",
    "read_table",
]
