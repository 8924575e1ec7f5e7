"""Networks as PySpice circuits, and back.

`to_pyspice` builds the readable form from PySpice's own elements and subcircuits, with initial states and
solver options as raw lines, so that a PySpice user can add to it, change values and run it;
`from_pyspice` reads the text of any PySpice circuit. The analysis is the user's:
``circuit.simulator().transient(step_time=…, end_time=…, max_time=…)``, without ``use_initial_condition``,
because the initial states stand in ``.ic``.
"""

from __future__ import annotations

import importlib
import warnings
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.circuit.deck import elements as ir
from spicebridge.errors import DeckError
from spicebridge.network import Network

DEFAULT_SPAN = 1.0
"""Span in s for which hard bounds are laid out where no times are given."""


def _pyspice() -> ModuleType:
    """PySpice's netlist module, imported once it is needed; its own warnings are not our users' business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("PySpice.Spice.Netlist")
        except ImportError as error:
            raise DeckError(f"PySpice cannot be imported ({error}); pip install PySpice") from None


def to_pyspice(network: Network, t: ArrayLike | None = None, *, form: str = "readable") -> Any:
    """Return a PySpice circuit of `network`.

    Parameters
    ----------
    network : Network
    t : array_like (n_t,), optional
        The span in s that the circuit is meant for; it sets the resistances of clamps (hard bounds) and nothing else.
    form : str
        "readable" or "fast".

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        Node names are those of the netlist: w<k> is the state of edge k.

    Raises
    ------
    DeckError
        Where PySpice is missing.
    """
    from spicebridge.circuit.circuit_run import to_deck

    netlist = _pyspice()
    deck = to_deck(network, np.array([0.0, DEFAULT_SPAN]) if t is None else t, form=form)
    circuit = netlist.Circuit(" ".join(deck.title.split()))
    for sub in deck.subcircuits:
        circuit.subcircuit(_subcircuit(netlist, sub))
    for model in deck.models:
        circuit.model(model.name, model.kind, **{name: _text(value) for name, value in model.parameters})
    for element in deck.elements:
        _add(circuit, element)
    conditions = " ".join(f"v({node})={_text(value)}" for node, value in deck.initial_conditions)
    options = " ".join(f"{name}={value if isinstance(value, str) else _text(value)}" for name, value in deck.options)
    circuit.raw_spice += (f".ic {conditions}\n" if conditions else "") + f".options {options}\n"
    return circuit


def from_pyspice(circuit: object, *, dialect: str = "ngspice") -> Network:
    """Return the network that a PySpice circuit describes.

    Parameters
    ----------
    circuit : PySpice.Spice.Netlist.Circuit
    dialect : str
        That of the simulator it is meant for.

    Returns
    -------
    Network

    Raises
    ------
    DeckError
        For text that cannot be read.
    NotANetwork
        For a circuit that is none.
    """
    from spicebridge.circuit.reader import read_deck
    from spicebridge.circuit.recognise import recognise

    text = str(circuit)
    first, _, rest = text.partition("\n")
    title = first.removeprefix(".title").strip()
    return recognise(read_deck(f"* {title}\n{rest}\n", name="PySpice circuit", dialect=dialect))


def _subcircuit(netlist: Any, sub: ir.Subcircuit) -> Any:
    parameters = {name: _text(value) for name, value in sub.parameters}
    made = netlist.SubCircuit(sub.name, *sub.pins, **parameters)
    for element in sub.elements:
        _add(made, element)
    return made


def _text(value: Any) -> str:
    """A number as the ngspice dialect writes it."""
    line = _line(ir.CapacitorElement("Cx", "a", "b", value))
    return line.split(None, 3)[3]


def _line(element: ir.Element) -> str:
    from spicebridge.circuit.dialects.ngspice import DIALECT

    return DIALECT.element(replace(element, comment=""))


def _add(circuit: Any, element: ir.Element) -> None:
    """One element as PySpice's own, its last words as raw text where PySpice has no field for them."""
    name = element.name[1:]
    match element:
        case ir.Instance():
            parameters = {key: _text(value) for key, value in element.parameters}
            circuit.X(name, element.subcircuit, *element.nodes, **parameters)
            return
        case ir.Switch():
            ends = (element.plus, element.minus, element.control_plus, element.control_minus)
            circuit.VoltageControlledSwitch(name, *ends, model=element.model)
            return
        case ir.VoltageControlledCurrent() | ir.VoltageControlledVoltage():
            make = circuit.VCCS if isinstance(element, ir.VoltageControlledCurrent) else circuit.VCVS
            ends = (element.plus, element.minus, element.control_plus, element.control_minus)
            make(name, *ends, _text(element.gain))
            return
        case ir.CurrentControlledCurrent() | ir.CurrentControlledVoltage():
            make = circuit.CCCS if isinstance(element, ir.CurrentControlledCurrent) else circuit.CCVS
            make(name, element.plus, element.minus, element.source, _text(element.gain))
            return
    words = _line(element).split(None, 3)[3]
    pair = (element.plus, element.minus)
    match element:
        case ir.VoltageSourceElement():
            circuit.V(name, *pair, raw_spice=words)
        case ir.CurrentSourceElement():
            circuit.I(name, *pair, raw_spice=words)
        case ir.BehaviouralCurrent():
            circuit.B(name, *pair, current_expression=words.partition("=")[2])
        case ir.BehaviouralVoltage():
            circuit.B(name, *pair, voltage_expression=words.partition("=")[2])
        case ir.ResistorElement(value=float()):
            circuit.R(name, *pair, element.value)
        case ir.ResistorElement():
            circuit.R(name, *pair, raw_spice=words)
        case ir.CapacitorElement(value=float()):
            circuit.C(name, *pair, element.value)
        case _:
            raise DeckError(f"element {element.name!r} has no PySpice twin here; add it to circuit/pyspice.py")
