"""spicebridge: does the circuit really do what the equations say?

A graph becomes a circuit of memristors with series sources. Branch A runs it in SPICE, branch B
integrates the network ODE; ``validate`` measures their difference with an error bar.
Names below are loaded on first use, so that importing the package stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "Network": "network",
    "LinearMemristor": "devices",
    "Resistor": "devices",
    "HPMemristor": "devices",
    "ThresholdMemristor": "devices",
    "YakopcicMemristor": "devices",
    "TEAM": "devices",
    "VTEAM": "devices",
    "PiecewiseMemristor": "devices",
    "NoWindow": "windows",
    "Hard": "windows",
    "Tanh": "windows",
    "Joglekar": "windows",
    "Biolek": "windows",
    "Prodromakis": "windows",
    "Zha": "windows",
    "DC": "drives",
    "Sine": "drives",
    "Pulse": "drives",
    "PWL": "drives",
    "Sum": "drives",
    "Waveforms": "waveforms",
    "Case": "case",
    "load_case": "case",
    "integrate": "theory",
    "simulate": "circuit",
    "netlist": "circuit",
    "read_netlist": "circuit",
    "recognise": "circuit.recognise",
    "to_pyspice": "circuit.pyspice",
    "from_pyspice": "circuit.pyspice",
    "validate": "verify",
    "Verdict": "verify",
    "Outcome": "verify",
    "SpiceBridgeError": "errors",
}

__all__ = ["__version__", *sorted(_WHERE)]

if TYPE_CHECKING:
    from spicebridge.case import Case, load_case
    from spicebridge.circuit import netlist, read_netlist, simulate
    from spicebridge.circuit.pyspice import from_pyspice, to_pyspice
    from spicebridge.circuit.recognise import recognise
    from spicebridge.devices import (
        TEAM,
        VTEAM,
        HPMemristor,
        LinearMemristor,
        PiecewiseMemristor,
        Resistor,
        ThresholdMemristor,
        YakopcicMemristor,
    )
    from spicebridge.drives import DC, PWL, Pulse, Sine, Sum
    from spicebridge.errors import SpiceBridgeError
    from spicebridge.network import Network
    from spicebridge.theory import integrate
    from spicebridge.verify import Outcome, Verdict, validate
    from spicebridge.waveforms import Waveforms
    from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Prodromakis, Tanh, Zha


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'spicebridge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spicebridge.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
