"""Laws as text, and devices as frozen records over edges.

`LAWS` maps the word in a case file to the law; a new law is one file ``models/<law>.toml``.
"""

from spicebridge.laws.base import Device, Group, group_devices
from spicebridge.laws.card import Card
from spicebridge.laws.law import Law, LawDevice
from spicebridge.laws.library import (
    TEAM,
    VTEAM,
    HPMemristor,
    IdealMemristor,
    LinearMemristor,
    PiecewiseMemristor,
    ThresholdMemristor,
    YakopcicMemristor,
)
from spicebridge.laws.plain import Capacitor, CurrentSource, Inductor, Resistor
from spicebridge.laws.registry import LAWS, RecordLaw, law_of, register_law
from spicebridge.laws.tables import read_table

__all__ = [
    "LAWS",
    "TEAM",
    "VTEAM",
    "Capacitor",
    "Card",
    "CurrentSource",
    "Device",
    "Group",
    "HPMemristor",
    "IdealMemristor",
    "Inductor",
    "Law",
    "LawDevice",
    "LinearMemristor",
    "PiecewiseMemristor",
    "RecordLaw",
    "Resistor",
    "ThresholdMemristor",
    "YakopcicMemristor",
    "group_devices",
    "law_of",
    "read_table",
    "register_law",
]
