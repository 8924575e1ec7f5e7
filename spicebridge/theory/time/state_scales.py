"""How large the states of a network may become: what an absolute tolerance is measured by.

A memristor's state is of order one. A voltage or current is compared with what drives it::

    V = max(|S|, |v_C(0)|, I0 r_least),     I = max(|J|, |i_L(0)|, V0 / r_most)

V0 and I0 without the last terms, r the resistances at the start and sqrt(L/C): an estimate from below.
"""

from __future__ import annotations

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.theory.currents.hybrid import per_edge

SAMPLES = 200
"""Samples of the sources over the span, beside their breakpoints."""


def state_scale(network: Network, stop: float) -> Array:
    """(n_e,) the unit of the absolute tolerance of every state: 1, or a voltage in V or current in A."""
    scale = np.ones(network.n_edges)
    corners = [t for drive in network.waveforms_of_sources for t in drive.breakpoints(stop)]
    times = np.unique([*np.linspace(0.0, stop, SAMPLES), *corners])
    units = np.array(network.state_units)
    voltage = max(_largest(network.bank(times)), _largest(network.initial_state[units == "V"]))
    current = max(_largest(network.forced(times)), _largest(network.initial_state[units == "A"]))
    least, most = _resistances(network)
    scale[units == "V"] = max(voltage, current * least) or 1.0
    scale[units == "A"] = max(current, voltage / most) or 1.0
    return scale


def _largest(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))


def _resistances(network: Network) -> tuple[float, float]:
    found = [np.ones(0)]
    for group in network.groups:
        if group.device.ohmic:
            found.append(np.abs(np.atleast_1d(group.resistive.resistance(network.initial_state[group.edges]))))
    c, l_ = per_edge(network, "c"), per_edge(network, "l")
    if c.any() and l_.any():
        found.append(np.sqrt([l_[l_ > 0].min() / c.max(), l_.max() / c[c > 0].min()]))
    r = np.concatenate(found)
    r = r[r > 0]
    return (float(r.min()), float(r.max())) if r.size else (1.0, 1.0)
