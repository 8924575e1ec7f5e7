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
    "IdealMemristor": "devices",
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
    "integrate_ensemble": "theory.ensembles",
    "EnsembleWaveforms": "theory.ensembles",
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
    from spicebridge.case.case import Case as Case, load_case as load_case
    from spicebridge.circuit import netlist as netlist, read_netlist as read_netlist, simulate as simulate
    from spicebridge.circuit.pyspice import from_pyspice as from_pyspice, to_pyspice as to_pyspice
    from spicebridge.circuit.recognise import recognise as recognise
    from spicebridge.devices import (
        TEAM as TEAM,
        VTEAM as VTEAM,
        HPMemristor as HPMemristor,
        LinearMemristor as LinearMemristor,
        PiecewiseMemristor as PiecewiseMemristor,
        Resistor as Resistor,
        ThresholdMemristor as ThresholdMemristor,
        YakopcicMemristor as YakopcicMemristor,
    )
    from spicebridge.drives import DC as DC, PWL as PWL, Pulse as Pulse, Sine as Sine, Sum as Sum
    from spicebridge.theory.ensembles import (
        EnsembleWaveforms as EnsembleWaveforms,
        integrate_ensemble as integrate_ensemble,
    )
    from spicebridge.errors import SpiceBridgeError as SpiceBridgeError
    from spicebridge.network import Network as Network
    from spicebridge.theory import integrate as integrate
    from spicebridge.verify import Outcome as Outcome, Verdict as Verdict, validate as validate
    from spicebridge.waveforms import Waveforms as Waveforms
    from spicebridge.windows import (
        Biolek as Biolek,
        Hard as Hard,
        Joglekar as Joglekar,
        NoWindow as NoWindow,
        Prodromakis as Prodromakis,
        Tanh as Tanh,
        Zha as Zha,
    )


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'spicebridge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spicebridge.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
