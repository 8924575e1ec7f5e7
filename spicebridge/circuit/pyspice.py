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

from spicebridge.circuit.circuit_run import to_deck
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.dialects.ngspice import DIALECT
from spicebridge.circuit.reader import read_deck
from spicebridge.circuit.recognise import recognise
from spicebridge.errors import DeckError
from spicebridge.expressions.tree import Value
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
    netlist = _pyspice()
    deck = to_deck(network, np.array([0.0, DEFAULT_SPAN]) if t is None else t, form=form)
    circuit = netlist.Circuit(" ".join(deck.title.split()))
    for sub in deck.subcircuits:
        made = netlist.SubCircuit(sub.name, *sub.pins, **{name: _text(value) for name, value in sub.parameters})
        for element in sub.elements:
            _add(made, element)
        circuit.subcircuit(made)
    for model in deck.models:
        circuit.model(model.name, model.kind, **{name: _text(value) for name, value in model.parameters})
    for element in deck.elements:
        _add(circuit, element)
    conditions = " ".join(f"v({node})={_text(value)}" for node, value in deck.initial_conditions)
    options = " ".join(DIALECT.settings(deck.options))
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
    text = str(circuit)
    first, _, rest = text.partition("\n")
    title = first.removeprefix(".title").strip()
    return recognise(read_deck(f"* {title}\n{rest}\n", name="PySpice circuit", dialect=dialect))


def _text(value: Value) -> str:
    """A number as the ngspice dialect writes it."""
    return DIALECT.element(ir.CapacitorElement("Cx", "a", "b", value)).split(None, 3)[3]


def _add(circuit: object, element: ir.Element) -> None:
    """One element as PySpice's own."""
    method, arguments, options = _call(element)
    getattr(circuit, method)(element.name[1:], *arguments, **options)


def _call(e: ir.Element) -> tuple[str, tuple[str | float, ...], dict[str, str]]:
    """PySpice's method, and what it takes: the last words as raw text where it has no field for them."""
    match e:
        case ir.Instance():
            return "X", (e.subcircuit, *e.nodes), {key: _text(value) for key, value in e.parameters}
        case ir.Switch():
            ends = (e.plus, e.minus, e.control_plus, e.control_minus)
            return "VoltageControlledSwitch", ends, {"model": e.model}
        case ir.VoltageControlledCurrent() | ir.VoltageControlledVoltage():
            ends = (e.plus, e.minus, e.control_plus, e.control_minus)
            return "VCCS" if isinstance(e, ir.VoltageControlledCurrent) else "VCVS", (*ends, _text(e.gain)), {}
        case ir.CurrentControlledCurrent() | ir.CurrentControlledVoltage():
            method = "CCCS" if isinstance(e, ir.CurrentControlledCurrent) else "CCVS"
            return method, (e.plus, e.minus, e.source, _text(e.gain)), {}
        case ir.ResistorElement(value=float(value)) | ir.CapacitorElement(value=float(value)):
            return e.letter, (e.plus, e.minus, value), {}
    words = DIALECT.element(replace(e, comment="")).split(None, 3)[3]
    match e:
        case ir.VoltageSourceElement() | ir.CurrentSourceElement() | ir.ResistorElement():
            return e.letter, (e.plus, e.minus), {"raw_spice": words}
        case ir.BehaviouralCurrent():
            return "B", (e.plus, e.minus), {"current_expression": words.partition("=")[2]}
        case ir.BehaviouralVoltage():
            return "B", (e.plus, e.minus), {"voltage_expression": words.partition("=")[2]}
    raise DeckError(f"element {e.name!r} has no PySpice twin here; add it to circuit/pyspice.py")
