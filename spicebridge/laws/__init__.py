"""Memristor laws as frozen records, vectorised over edges. One law, one file.

`LAWS` maps the word in a case file to the law; a new device is one file and one line here.
"""

from spicebridge.laws.affine import LinearMemristor
from spicebridge.laws.base import Device, Group, group_devices
from spicebridge.laws.capacitor import Capacitor
from spicebridge.laws.card import Card
from spicebridge.laws.current_source import CurrentSource
from spicebridge.laws.hp import HPMemristor
from spicebridge.laws.ideal import IdealMemristor
from spicebridge.laws.inductor import Inductor
from spicebridge.laws.law import Law, law_of
from spicebridge.laws.piecewise import PiecewiseMemristor, read_table
from spicebridge.laws.resistor import Resistor
from spicebridge.laws.team import TEAM
from spicebridge.laws.threshold import ThresholdMemristor
from spicebridge.laws.vteam import VTEAM
from spicebridge.laws.yakopcic import YakopcicMemristor

LAWS: dict[str, Law] = {
    "caravelli2017": Law(LinearMemristor.caravelli2017, LinearMemristor, fixed=(("law", "caravelli2017"),)),
    "tunneling": Law(LinearMemristor.tunneling, LinearMemristor, fixed=(("law", "tunneling"),)),
    "resistor": Law(Resistor, Resistor),
    "capacitor": Law(Capacitor, Capacitor),
    "inductor": Law(Inductor, Inductor),
    "current_source": Law(CurrentSource, CurrentSource),
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
    "Capacitor",
    "Card",
    "CurrentSource",
    "Device",
    "Group",
    "HPMemristor",
    "IdealMemristor",
    "Inductor",
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
