"""Capacitors, inductors and current sources as elements: every free v_C and i_L is a grounded state node.

    capacitor   C w' = i,  V(m, head) = V(w)          a controlled source carries the state into the circuit
    inductor    L w' = v,  i(m -> head) = V(w)
    source      i(tail -> head) = J(t), through an ammeter

so that an initial value is an ``.ic`` on a grounded node and the first row of a run is exact. (An inductor's or
floating capacitor's own ``IC=`` is ignored without uic, and ``.ic`` on both ends of a floating capacitor
falsifies the row at t = 0.) A state that a loop or cutset makes dependent (see ``spicebridge.reactive``) is no
state of the circuit either: the derivative of its law gives the current or the drop, algebraically::

    v_X - S_X + sum s_k (v_k - S_k) = 0   ->   i_X = C_X (S_X' + sum s_k S_k' - sum s_k i_k / C_k)
    i_X + sum s_k i_k = 0                 ->   v_X = -L_X (sum s_k v_k / L_k + sum s_j J_j')

A sine's derivative is a sine. That of other waveforms is the current of 1 F across a source of that waveform,
whose row at t = 0 shows none even if the waveform starts with a slope.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.lower.deck_nodes import node_names
from spicebridge.circuit.lower.drive_waves import suffix, waves
from spicebridge.circuit.lower.edge_elements import SeriesEdge
from spicebridge.drives import DC, Drive, Sine, terms
from spicebridge.laws import Group
from spicebridge.network import Network
from spicebridge.reactive import TopologicalLaw


class ReactiveEdge(SeriesEdge):
    """Writes the capacitors, inductors or current sources of one group; the same in both forms."""

    def __init__(self, network: Network, group: Group, dependent: Mapping[int, TopologicalLaw]) -> None:
        super().__init__(network, group)
        self.laws = dependent

    def elements(self, position: int, k: int, tail: str, head: str) -> list[ir.Element]:
        kind = self.group.device.kind
        if kind == "CurrentSource":
            return self._source(k, tail, head)
        out = self._series(k, tail, "capacitor" if kind == "Capacitor" else "inductor")
        write = self._capacitor if kind == "Capacitor" else self._inductor
        return [*out, *write(k, f"m{k}", head)]

    def _series(self, k: int, tail: str, what: str) -> list[ir.Element]:
        """The series sources from the tail to node m."""
        state = f", state w{k}" if self.network.stateful[k] else ""
        comment = what + state
        if k in self.laws:
            rest = ", ".join(self.network.edge_name(e) for e in self.laws[k].edges[1:6]) or "itself"
            comment += f", follows from its {'loop' if what == 'capacitor' else 'cutset'} with {rest}"
        return self.sources(k, tail, comment)

    def _source(self, k: int, tail: str, head: str) -> list[ir.Element]:
        out = self._series(k, tail, "current source")
        for n, wave in enumerate(waves(self.network.forcing[k])):
            out.append(ir.CurrentSourceElement(f"I{k}{suffix(n)}", f"m{k}", head, wave))
        return out

    def _capacitor(self, k: int, m: str, head: str) -> list[ir.Element]:
        w, c = f"w{k}", self._value(k, "c")
        law = self.laws.get(k)
        if law is None:
            return [
                ir.VoltageControlledVoltage(f"E{k}", m, head, w, "0", 1.0),
                ir.CurrentControlledCurrent(f"F{k}", "0", w, f"V{k}", -1.0),
                ir.CapacitorElement(f"C{k}", w, "0", c),
            ]
        out: list[ir.Element] = [ir.VoltageControlledVoltage(f"E{k}", w, "0", m, head, 1.0)]
        for e, sign in zip(law.edges, law.signs, strict=True):
            if e != k:
                out.append(ir.CurrentControlledCurrent(f"F{k}_{e}", m, head, f"V{e}", sign * c / self._value(e, "c")))
            out += _derivative(f"{k}_{e}", self.network.drives[e], sign * c, m, head)
        return out

    def _inductor(self, k: int, m: str, head: str) -> list[ir.Element]:
        w, inductance = f"w{k}", self._value(k, "l")
        law = self.laws.get(k)
        if law is None:
            return [
                ir.VoltageControlledCurrent(f"GE{k}", m, head, w, "0", 1.0),
                ir.VoltageControlledCurrent(f"GW{k}", "0", w, m, head, 1.0),
                ir.CapacitorElement(f"C{k}", w, "0", inductance),
            ]
        u = f"u{k}"
        out: list[ir.Element] = [
            ir.VoltageControlledVoltage(f"E{k}", m, head, u, "0", 1.0),
            ir.ResistorElement(f"RU{k}", u, "0", 1.0),
            ir.CurrentControlledCurrent(f"F{k}", "0", w, f"V{k}", -1.0),
            ir.ResistorElement(f"RW{k}", w, "0", 1.0),
        ]
        nodes = node_names(self.network)
        for e, sign in zip(law.edges[1:], law.signs[1:], strict=True):
            if self.network.stateful[e]:
                gain = -sign * inductance / self._value(e, "l")
                other = nodes[int(self.network.head[e])]
                out.append(ir.VoltageControlledCurrent(f"GU{k}_{e}", "0", u, f"m{e}", other, gain))
            else:
                out += _derivative(f"{k}_{e}", self.network.forcing[e], -sign * inductance, "0", u)
        return out

    def _value(self, k: int, name: str) -> float:
        for group in self.network.groups:
            at = int(np.searchsorted(group.edges, k))
            if at < group.edges.size and group.edges[at] == k:
                return float(np.broadcast_to(getattr(group.device, name), group.edges.shape)[at])
        raise KeyError(k)


def _derivative(name: str, drive: Drive | None, factor: float, plus: str, minus: str) -> list[ir.Element]:
    """Sources of the current `factor` d drive/dt from `plus` to `minus`; `name` tells them from others."""
    out: list[ir.Element] = []
    for n, term in enumerate(terms(drive)):
        tag = f"{name}_{n}"
        if isinstance(term, DC):
            continue
        if isinstance(term, Sine) and term.delay == 0.0:
            swing = factor * term.amplitude * 2.0 * np.pi * term.frequency
            wave = ir.SinWave(
                offset=0.0,
                amplitude=swing,
                frequency=term.frequency,
                delay=0.0,
                damping=0.0,
                phase=float(np.degrees(term.phase)) + 90.0,
            )
            out.append(ir.CurrentSourceElement(f"ID{tag}", plus, minus, wave))
            continue
        for part, shape in enumerate(waves(term)):
            if isinstance(shape, ir.DcWave):
                continue
            node = f"d{tag}_{part}"
            out.append(ir.VoltageSourceElement(f"VD{tag}_{part}", node, "0", shape))
            out.append(ir.CapacitorElement(f"CD{tag}_{part}", node, "0", 1.0))
            out.append(ir.CurrentControlledCurrent(f"FD{tag}_{part}", plus, minus, f"VD{tag}_{part}", -factor))
    return out
