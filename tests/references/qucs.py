"""Crossbars that Qucs solved, as networks of memristors with frozen states and resistors.

Word line i starts at its source V_i, bit line j ends at ground. A line segment of zero ohm is no edge: its
nodes are one, and the source moves into the devices of the row. An infinite device is no edge either.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import spicebridge as sb
from spicebridge.arrays import Array
from spicebridge.circuit.circuit_run import run_lowered, usable
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.lowered_network import lower

DATA = Path(__file__).parent / "data" / "qucs_crossbar" / "qucs_reference.json"
ALLOWED = 1e-9
"""A and V."""
XI = 9.0
FROZEN = 1e30
"""beta in V s at which no state moves."""


@dataclass(frozen=True)
class Crossbar:
    """R (m, n) in ohm, V (m,) in V, segments in ohm, and Qucs's answers (A, V)."""

    R: Array
    V: Array
    word: float
    bit: float
    answers: dict[str, Array]


def cases() -> dict[str, Crossbar]:
    """All 33."""
    names = ("I_out", "I_device", "I_word", "I_bit", "V_word", "V_bit")
    out = {}
    for key, (R, V, word, bit, *rest) in json.loads(DATA.read_text(encoding="utf-8")).items():
        answers = {name: np.array(x, float) for name, x in zip(names, rest, strict=True)}
        out[key] = Crossbar(np.array(R, float), np.ravel(V), float(word), float(bit), answers)
    return out


def network(bar: Crossbar, seed: int = 1) -> tuple[sb.Network, dict[tuple[int, int], int]] | None:
    """The network, and the edge of every device that conducts; None where no edge is left."""
    rng = np.random.default_rng(seed)
    m, n = bar.R.shape
    edges, devices, drives, states = [], [], {}, []
    place: dict[tuple[int, int], int] = {}

    def word(i: int, j: int) -> object:
        return ("w", i, j) if bar.word else 0

    def bit(i: int, j: int) -> object:
        return ("b", i, j) if bar.bit and i < m else 0

    for i in range(m):
        for j in range(n):
            if np.isfinite(bar.R[i, j]):
                w = rng.uniform(0.1, 0.9)
                r_on = bar.R[i, j] / (1.0 + XI * w)
                place[i, j] = len(edges)
                if not bar.word:
                    drives[len(edges)] = sb.DC(float(bar.V[i]))
                edges.append((word(i, j), bit(i, j)))
                devices.append(sb.LinearMemristor.caravelli2017(r_on, r_on * (1.0 + XI), 0.0, FROZEN))
                states.append(w)
    if bar.word:
        for i in range(m):
            for j in range(n):
                if j == 0:
                    drives[len(edges)] = sb.DC(float(bar.V[i]))
                edges.append((word(i, j - 1) if j else 0, word(i, j)))
                devices.append(sb.Resistor(bar.word))
                states.append(0.0)
    if bar.bit:
        for i in range(m):
            for j in range(n):
                edges.append((bit(i, j), bit(i + 1, j)))
                devices.append(sb.Resistor(bar.bit))
                states.append(0.0)
    if not edges:
        return None
    made = sb.Network.from_edges(edges, device=devices, drive=drives, initial_state=states)
    return made, place


def solved(bar: Crossbar, branch: str) -> dict[str, Array]:
    """The same answers by one branch: "projector", "nodal" or "circuit"."""
    made = network(bar)
    device = np.zeros(bar.R.shape)
    if made is not None:
        net, place = made
        if branch == "circuit":
            waves = usable(net, run_lowered(lower(net, 1.0, 0.5), engine=get_engine("ngspice")))
        else:
            waves = sb.integrate(net, np.array([0.0, 1.0]), method=branch)
        for (i, j), k in place.items():
            device[i, j] = waves.current[0, k]
    # Along a line the currents are sums of those of the devices, by Kirchhoff's law.
    word = np.cumsum(device[:, ::-1], axis=1)[:, ::-1]
    bit = np.cumsum(device, axis=0)
    V_word = bar.V[:, None] - bar.word * np.cumsum(word, axis=1)
    V_bit = bar.bit * np.cumsum(bit[::-1], axis=0)[::-1]
    return {"I_out": bit[-1:], "I_device": device, "I_word": word, "I_bit": bit, "V_word": V_word, "V_bit": V_bit}


def error(bar: Crossbar, branch: str) -> float:
    """Largest difference to any of Qucs's answers, in A and V."""
    found = solved(bar, branch)
    return max(float(np.abs(found[name] - answer).max()) for name, answer in bar.answers.items())
