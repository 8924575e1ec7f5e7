"""Device laws of the library inside the realistic circuit.

A controller that runs another law than the affine one contains the library's own subcircuit: the voltage it reads,
turned into that over the device, stands over it, and its state node is the state. A discrete memristor is that
subcircuit in the place of the part.
"""

from __future__ import annotations

from dataclasses import replace

from spicebridge.circuit.deck.elements import (
    BehaviouralVoltage,
    CapacitorElement,
    Element,
    Instance,
    ResistorElement,
    Subcircuit,
    VoltageControlledVoltage,
)
from spicebridge.circuit.lower.bounds import clamp_level, clamps_by_edge
from spicebridge.circuit.lower.deck_nodes import wire
from spicebridge.circuit.lower.forms import ReadableMemristor
from spicebridge.expressions.tree import Binary, Expression, NodeVoltage, Number
from spicebridge.lab.design.laws import raises_resistance, resistance_expression
from spicebridge.lab.design.macros import plus, times
from spicebridge.lab.design.plan import Plan
from spicebridge.lab.design.wiring import target_offset
from spicebridge.laws import LinearMemristor

LAG_PERIODS = 1.5
"""Mean delay of sensing to setting, in update periods."""
CODE_RESISTANCE = 1e3
"""Resistor of the lag, ohm; sets the impedance level only."""


def set_resistance(plan: Plan, k: int, code: Expression) -> Expression:
    """Resistance that the firmware sets for a state: R(s) corrected for the sense resistor."""
    R, offset = resistance_expression(plan.network.device(k), code), target_offset(plan, k)
    return plus(R, Number(offset)) if offset else R


def delayed(plan: Plan, state: str, code: str, lag: bool) -> list[Element]:
    """The code node follows the state with the mean delay of the sampled loop."""
    out: list[Element] = [
        VoltageControlledVoltage("E1", "held", "0", state, "0", 1.0),
        ResistorElement("R1", "held", code, CODE_RESISTANCE),
    ]
    if lag:
        tau = LAG_PERIODS / plan.bench.update_rate
        out.append(CapacitorElement("C2", code, "0", tau / CODE_RESISTANCE, comment="delay of the sampled loop"))
    return out


class LawWriter:
    """Subcircuits of the memristors of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        quiet = plan.network.with_drive([None] * plan.network.n_edges)
        self.place = {k: (n, j) for n, g in enumerate(quiet.groups) for j, k in enumerate(g.edges.tolist())}
        self.groups = quiet.groups
        self.quiet = quiet
        self.clamps = clamps_by_edge(wire(plan.network), plan.stop)

    def inside(self, k: int) -> bool:
        """Whether the law of edge k, with its bounds, is a subcircuit of the library."""
        return self.plan.memristor is not None or not isinstance(self.plan.network.device(k), LinearMemristor)

    def controller(self, k: int, subcircuits: dict[str, Subcircuit], lag: bool) -> Subcircuit:
        """Pins sp sn state code, as those of the affine controller."""
        code, sensed = NodeVoltage("code"), NodeVoltage("sp", "sn")
        ratio = Binary(
            "/",
            resistance_expression(self.plan.network.device(k), NodeVoltage(f"w{k}")),
            set_resistance(self.plan, k, code),
        )
        drop = times(Number(float(self.plan.network.P[k])), times(sensed, ratio))
        P, J = float(self.plan.network.P[k]), float(self.plan.network.J[k])
        elements = [
            BehaviouralVoltage("BV", f"m{k}", "0", drop, "the voltage over the device, from what is read"),
            *self._law(k, "0", P, J, subcircuits),
            *delayed(self.plan, f"w{k}", "code", lag),
        ]
        return Subcircuit(name=f"CTRL{k}", pins=("sp", "sn", f"w{k}", "code"), elements=tuple(elements))

    def part(self, k: int, subcircuits: dict[str, Subcircuit]) -> Subcircuit:
        """Pins te be state; wired so that its polarity is that of the part."""
        J = -1.0 if raises_resistance(self.plan.network.device(k)) else 1.0
        return Subcircuit(
            name=f"MEM{k}", pins=(f"m{k}", "be", f"w{k}"), elements=tuple(self._law(k, "be", 1.0, J, subcircuits))
        )

    def _law(self, k: int, head: str, P: float, J: float, subcircuits: dict[str, Subcircuit]) -> list[Element]:
        number, position = self.place[k]
        group = self.groups[number]
        writer = ReadableMemristor(self.quiet, group)
        subcircuits.update(writer.subcircuits)
        signs = {"active": P, "polarity": J}
        out: list[Element] = []
        for element in writer.elements(position, k, "unused", head):
            if isinstance(element, Instance):
                element = replace(element, parameters=tuple((n, signs.get(n, v)) for n, v in element.parameters))
            out.append(element)
        if k in self.clamps:
            out += [clamp_level(), *self.clamps[k].switches(k, f"w{k}")]
        return out
