"""By how much a circuit as built differs from the equations although every part is perfect.

Two simulations say it: the realistic deck (op-amps, delay of the emulators) and the sampled, quantised loop of the
firmware. What counts is the mean over a block of a measurement, for that is what `compare` judges.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.lab.design.plan import Plan, node_voltages
from spicebridge.lab.design.realistic import BenchRun
from spicebridge.lab.measure.channels import BLOCKS
from spicebridge.lab.measure.measurement import Signal
from spicebridge.network import Network
from spicebridge.theory import integrate
from spicebridge.theory.currents.topology import Topology
from spicebridge.waveforms import Waveforms


@dataclass(frozen=True, eq=False)
class Discrepancy:
    """Largest differences: `nodes` (n,) V, `current` (n_e,) A, `voltage` (n_e,) V, `state` (n_e,)."""

    nodes: Array
    current: Array
    voltage: Array
    state: Array

    def __add__(self, other: Discrepancy) -> Discrepancy:
        return Discrepancy(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))

    def of(self, network: Network, signal: Signal) -> float:
        """The largest difference of one signal, in the channel's unit."""
        if signal.kind == "p":
            at = [str(node) for node in network.nodes].index(signal.name)
            return abs(signal.factor) * float(self.nodes[at])
        table = {"i": self.current, "v": self.voltage, "w": self.state}[signal.kind]
        return abs(signal.factor) * float(table[int(signal.name)])

    def record(self) -> dict[str, list[float]]:
        """Lists for JSON."""
        return {name: [float(f"{x:.6g}") for x in value] for name, value in asdict(self).items()}

    @classmethod
    def from_record(cls, record: dict[str, list[float]]) -> Discrepancy:
        """The inverse of `record`."""
        return cls(*(np.array(record[name], float) for name in ("nodes", "current", "voltage", "state")))


def built_minus_ideal(plan: Plan, run: BenchRun, loop: Waveforms | None) -> Discrepancy:
    """The sum of what parts (`run`) and firmware (`loop`, None without emulators) do to every signal."""
    total = _of_parts(plan, run)
    return total if loop is None else total + _of_firmware(plan, loop)


def _block_peak(t: Array, stop: float, values: Array) -> Array:
    """Largest absolute block mean (m,) of (n_t, m) values at times `t` (s)."""
    starts = np.unique(np.searchsorted(t, np.linspace(0.0, stop, BLOCKS + 1)[:-1]))
    sizes = np.diff([*starts, t.size])
    return np.asarray(np.abs(np.add.reduceat(values, starts, axis=0) / sizes[:, None]).max(axis=0))


def _of_firmware(plan: Plan, loop: Waveforms) -> Discrepancy:
    inside = loop.t <= plan.stop
    t = loop.t[inside]
    ideal = integrate(plan.network, t)
    voltage = loop.voltage[inside] - ideal.voltage
    nodes = node_voltages(plan.network, plan.gauge.ground, voltage)
    parts = (nodes, loop.current[inside] - ideal.current, voltage, loop.state[inside] - ideal.state)
    return Discrepancy(*(_block_peak(t, plan.stop, x) for x in parts))


def _of_parts(plan: Plan, run: BenchRun) -> Discrepancy:
    network, gauge = plan.network, plan.gauge
    times, at = np.unique(np.clip(run.t, 0.0, plan.stop), return_inverse=True)
    ideal = integrate(network, times)
    nodes = run.nodes - node_voltages(network, gauge.ground, ideal.voltage - network.bank(times))[at]
    chords = list(run.chord_current)
    A = Topology.of(network).A.toarray()
    # Chord currents determine all: i = A^t y and i_chords = A_chords^t y.
    spread = np.linalg.solve(A[:, chords].T, np.eye(len(chords))).T @ A if chords else np.zeros((0, network.n_edges))
    measured = np.column_stack([run.chord_current[k] - ideal.current[at, k] for k in chords])
    current = measured @ spread
    voltage = -nodes @ Topology.of(network).B.toarray()
    imposed = np.array(network.imposed)
    own = np.where(imposed == "voltage", voltage, current)
    state = np.where(imposed != "", own, run.state - ideal.state[at])
    return Discrepancy(*(_block_peak(times[at], plan.stop, x) for x in (nodes, current, voltage, state)))
