"""How one edge is written, in the fast and in the readable form. See ``lower`` for the equations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spicebridge.circuit.bounds import is_linear, windowed_rate
from spicebridge.circuit.calls import subcircuit_call
from spicebridge.circuit.deck import (
    BehaviouralCurrent,
    Capacitor,
    CurrentSource,
    Element,
    Instance,
    Resistor,
    Subcircuit,
    VoltageControlledCurrent,
    VoltageSource,
)
from spicebridge.circuit.expressions import Binary, Expression, NodeVoltage, Number
from spicebridge.circuit.signals import EdgeSignals
from spicebridge.circuit.sources import waves
from spicebridge.devices import Group, LinearMemristor
from spicebridge.devices import Resistor as ResistorLaw
from spicebridge.network import Network

Array = NDArray[np.float64]


class EdgeWriter(Protocol):
    """Writes the edges of one group."""

    subcircuits: dict[str, Subcircuit]

    def elements(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        """Elements of edge k, the `position`-th of its group, between two deck nodes."""
        ...

    def signals(self, position: int, k: int, tail: str, head: str) -> EdgeSignals:
        """Where its signals come back."""
        ...


def fast_edge(network: Network, group: Group) -> EdgeWriter:
    """The fast writer where the law is affine, else the readable one."""
    device = group.device
    if isinstance(device, LinearMemristor):
        return FastAffine(network, group)
    if isinstance(device, ResistorLaw):
        return FastResistor(network, group)
    return readable_edge(network, group)


def readable_edge(network: Network, group: Group) -> EdgeWriter:
    """A series source and a subcircuit of ``models/`` (or a plain resistor)."""
    device = group.device
    if isinstance(device, ResistorLaw):
        return ReadableResistor(network, group)
    return ReadableMemristor(network, group)


def _spread(value: Any, n: int) -> list[float]:
    return np.broadcast_to(np.asarray(value, float), (n,)).tolist()  # type: ignore[no-any-return]


def _fast_port(network: Network, k: int, tail: str, head: str, r0: float) -> list[Element]:
    """The linear part of an edge: what enters node y, and the current it sends round the edge."""
    y = f"y{k}"
    elements: list[Element] = [VoltageControlledCurrent(f"GA{k}", "0", y, tail, head, 1.0)]
    drive = network.drives[k]
    if drive is not None:
        elements += [
            CurrentSource(f"I{k}{_suffix(n)}", "0", y, wave) for n, wave in enumerate(waves(drive))
        ]
    elements.append(VoltageControlledCurrent(f"GE{k}", tail, head, y, "0", 1.0 / r0))
    return elements


def _suffix(n: int) -> str:
    return "" if n == 0 else f"_{n}"


def _fast_signals(k: int, tail: str, head: str, r0: float, stateful: bool) -> EdgeSignals:
    return EdgeSignals(
        state=f"v(w{k})" if stateful else "",
        current=f"v(y{k})",
        current_scale=1.0 / r0,
        plus="" if tail == "0" else f"v({tail})",
        minus="" if head == "0" else f"v({head})",
        aided=True,
    )


class FastAffine:
    """y, w and at most eight elements per edge; no division, no voltage source."""

    def __init__(self, network: Network, group: Group) -> None:
        device: LinearMemristor = group.device
        n = group.edges.size
        self.network = network
        self.device = device
        self.subcircuits: dict[str, Subcircuit] = {}
        self.r0 = _spread(device.r0, n)
        self.kappa = _spread(device.kappa, n)
        self.a = _spread(device.a, n)
        P, J = network.P[group.edges], network.J[group.edges]
        self.P = P.tolist()
        gain = J * device.g * (P if device.control == "voltage_eq61" else 1.0)
        self.gain = _spread(gain, n)

    def elements(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        y, w = f"y{k}", f"w{k}"
        P, kappa, a = self.P[position], self.kappa[position], self.a[position]
        one_plus = Binary("+", Number(1.0), Binary("*", Number(kappa), NodeVoltage(w)))
        drop: Expression = Binary("*", NodeVoltage(y), one_plus)
        signed = drop if P > 0 else Binary("*", Number(-1.0), drop)
        name = f"{self.network.edge_name(k)}: {tail} -> {head}, state {w}"
        out: list[Element] = [BehaviouralCurrent(f"B{k}", y, "0", signed, name)]
        out += _fast_port(self.network, k, tail, head, self.r0[position])
        window = self.device.window
        if is_linear(window):
            out += self._linear_drift(position, k, tail, head)
        else:
            drift = self._drift(position, k, signed)
            decay = Binary("*", Number(a), NodeVoltage(w)) if a else None
            rate = windowed_rate(window, w, decay, drift)
            out.append(BehaviouralCurrent(f"BW{k}", "0", w, rate))
        out.append(Capacitor(f"C{k}", w, "0", 1.0))
        if a and window.name != "tanh":
            out.append(Resistor(f"RW{k}", w, "0", -1.0 / a))
        return out

    def _linear_drift(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        gain, w = self.gain[position], f"w{k}"
        if self.device.control == "current":
            return [VoltageControlledCurrent(f"GW{k}", "0", w, f"y{k}", "0", gain)]
        drive = self.network.drives[k]
        out: list[Element] = [VoltageControlledCurrent(f"GW{k}", "0", w, tail, head, gain)]
        if drive is not None:
            scaled = waves(drive.scaled(gain))
            out += [CurrentSource(f"IW{k}{_suffix(n)}", "0", w, wave) for n, wave in enumerate(scaled)]
        return out

    def _drift(self, position: int, k: int, drop: Expression) -> Expression:
        gain = Number(self.gain[position])
        if self.device.control == "current":
            return Binary("*", gain, NodeVoltage(f"y{k}"))
        return Binary("*", gain, drop)

    def signals(self, position: int, k: int, tail: str, head: str) -> EdgeSignals:
        return _fast_signals(k, tail, head, self.r0[position], stateful=True)


class FastResistor:
    """A memoryless edge in the same form: y = r i with a resistor of P ohm at node y."""

    def __init__(self, network: Network, group: Group) -> None:
        self.network = network
        self.subcircuits: dict[str, Subcircuit] = {}
        self.r = _spread(group.device.r, group.edges.size)
        self.P = network.P[group.edges].tolist()

    def elements(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        name = f"{self.network.edge_name(k)}: {tail} -> {head}, memoryless"
        first = Resistor(f"R{k}", f"y{k}", "0", self.P[position], name)
        return [first, *_fast_port(self.network, k, tail, head, self.r[position])]

    def signals(self, position: int, k: int, tail: str, head: str) -> EdgeSignals:
        return _fast_signals(k, tail, head, self.r[position], stateful=False)


@dataclass
class _Readable:
    """The series sources of an edge: V(m) = V(tail) + S; the last one meets the device at node m."""

    network: Network
    group: Group
    subcircuits: dict[str, Subcircuit] = field(default_factory=dict)

    def sources(self, k: int, tail: str, head: str, what: str) -> list[Element]:
        wave_list = waves(self.network.drives[k])
        comment = f"{self.network.edge_name(k)}: {tail} -> {head}, {what}"
        out: list[Element] = []
        below = tail
        for n, wave in enumerate(wave_list):
            above = f"m{k}" if n == len(wave_list) - 1 else f"m{k}_{n}"
            out.append(VoltageSource(f"V{k}{_suffix(n)}", above, below, wave, comment if n == 0 else ""))
            below = above
        return out

    def signals(self, position: int, k: int, tail: str, head: str) -> EdgeSignals:
        return EdgeSignals(
            state=f"v(w{k})" if self.group.device.stateful else "",
            current=f"i(v{k})",
            current_scale=-1.0,
            plus=f"v(m{k})",
            minus="" if head == "0" else f"v({head})",
            aided=False,
        )


class ReadableResistor(_Readable):
    """A series source and a plain resistor."""

    def elements(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        r = float(np.broadcast_to(self.group.device.r, self.group.edges.shape)[position])
        return [
            *self.sources(k, tail, head, "memoryless"),
            Resistor(f"R{k}", f"m{k}", head, float(self.network.P[k]) * r),
        ]


class ReadableMemristor(_Readable):
    """A series source and one instance of the device's subcircuit, plus its window."""

    def __init__(self, network: Network, group: Group) -> None:
        super().__init__(network, group)
        from spicebridge.circuit.models import load_model

        self.call = subcircuit_call(group.device)
        models = [load_model(name) for name in dict.fromkeys(self.call.names)]
        self.subcircuits = {model.name: model for model in models}

    def elements(self, position: int, k: int, tail: str, head: str) -> list[Element]:
        w = f"w{k}"
        window = self.group.device.window
        P, J = float(self.network.P[k]), float(self.network.J[k])
        parameters = self.call.parameters(self.group, position, P, J)
        drift = w if is_linear(window) else f"d{k}"
        nodes = (f"m{k}", head, w, drift, *(f"{table.pin}{k}" for table in self.call.tables))
        out: list[Element] = [
            *self.sources(k, tail, head, f"state {w}"),
            Instance(f"X{k}", nodes, self.call.name(position), parameters),
        ]
        for table in self.call.tables:
            node = f"{table.pin}{k}"
            out.append(BehaviouralCurrent(f"BT{node}", "0", node, table.expression(w)))
            out.append(Resistor(f"RT{node}", node, "0", 1.0))
        if not is_linear(window):
            a = float(np.broadcast_to(self.call.decay, self.group.edges.shape)[position])
            decay = Binary("*", Number(a), NodeVoltage(w)) if a else None
            rate = windowed_rate(window, w, decay, NodeVoltage(drift))
            if decay is not None and window.name == "tanh":
                rate = Binary("-", rate, decay)
            out.append(Resistor(f"RD{k}", drift, "0", 1.0))
            out.append(BehaviouralCurrent(f"BW{k}", "0", w, rate))
        return out
