"""What the error of a signal is relative to, edge by edge.

A state without unit counts as it is. A current, a voltage, or a state with a unit is compared with the largest of its
kind in the edge's own connected part: an edge that carries little is then held to what matters in its circuit, and a
part that is loud elsewhere does not excuse it. Beside them stand the times in which a switching device may be late.
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.circuit.lower.deck_nodes import connected_parts
from spicebridge.network import Network
from spicebridge.waveforms import SIGNALS, Waveforms

QUIET = 1e-6
"""A part that is this much quieter than its sources could make it, or than the loudest part, is held to this."""


def signal_scales(network: Network, waves: Waveforms) -> dict[str, Array]:
    """Scale of every signal of every edge, (n_e,) in the signal's unit, from the reference `waves`."""
    part = connected_parts(network)
    S = np.abs(network.bank(waves.t)).max(axis=0, initial=0.0)
    peak = _largest(part, S)
    least = _largest(part, -_resistance(network, waves), start=-np.inf)
    short = np.divide(peak, -least, out=np.zeros_like(peak), where=np.isfinite(least))
    units = np.array(network.state_units)
    state = np.ones(network.n_edges)
    for unit, possible in (("V", peak), ("A", short)):
        chosen = np.where(units == unit, waves.state, 0.0)
        state = np.where(units == unit, _scale(part, chosen, possible), state)
    return {
        "state": state,
        "current": _scale(part, waves.current, short),
        "voltage": _scale(part, waves.voltage, peak),
    }


def _scale(part: IntArray, values: Array, possible: Array) -> Array:
    largest = _largest(part, np.abs(values).max(axis=0, initial=0.0))
    loudest = float(largest.max(initial=0.0))
    held = np.maximum(largest, QUIET * np.maximum(possible, loudest))
    return np.asarray(np.where(held > 0.0, held, 1.0))


def _largest(part: IntArray, values: Array, start: float = 0.0) -> Array:
    """The largest of `values` (n_e,) in every edge's part, (n_e,)."""
    top = np.full(int(part.max(initial=-1)) + 1, start)
    np.maximum.at(top, part, values)
    return np.asarray(top[part])


def _resistance(network: Network, waves: Waveforms) -> Array:
    """Least |R| of every edge along the run, infinite where there is none, (n_e,) in ohm."""
    least = np.full(network.n_edges, np.inf)
    for group in network.groups:
        if group.device.ohmic:
            R = np.abs(group.resistive.resistance(waves.state[:, group.edges]))
            least[group.edges] = np.broadcast_to(R, waves.state[:, group.edges].shape).min(axis=0, initial=np.inf)
    return np.asarray(np.maximum(least, np.finfo(float).tiny))


def swings(waves: Waveforms, scales: dict[str, Array]) -> dict[str, Array]:
    """How much of every signal there is to test, (n_e,) in units of its scale.

    For a state how far it departs from its start, for a current or a voltage its largest value.
    """
    found = {name: np.abs(getattr(waves, name)).max(axis=0, initial=0.0) / scales[name] for name in SIGNALS}
    return found | {"state": np.abs(waves.state - waves.state[0]).max(axis=0, initial=0.0) / scales["state"]}


def time_scales(network: Network, stop: float, norm: str) -> dict[str, Array]:
    """T of ``norms`` of every edge in s, (n_e,) for each signal: 0 where the error is taken pointwise.

    "auto" is tolerant where a law has thresholds: in the states of such edges, and in the currents and voltages of
    the connected part that feels their switching. "events" is so everywhere, "pointwise" nowhere. T is the shortest
    time scale of the drives of the part, and no more than the span.
    """
    n = network.n_edges
    if norm == "pointwise":
        return dict.fromkeys(SIGNALS, np.zeros(n))
    switching = np.full(n, norm == "events")
    if norm == "auto":
        for group in network.groups:
            if not group.device.smooth:
                switching[group.edges] = True
    part = connected_parts(network)
    n_parts = int(part.max(initial=-1)) + 1
    shortest, felt = np.full(n_parts, stop), np.zeros(n_parts, dtype=bool)
    for drives in (network.drives, network.forcing):
        for k, drive in enumerate(drives):
            if drive is not None:
                shortest[part[k]] = min(shortest[part[k]], drive.timescale())
    np.logical_or.at(felt, part, switching)
    scale = shortest[part]
    around = np.where(felt[part], scale, 0.0)
    return {"state": np.where(switching, scale, 0.0), "current": around, "voltage": around}
