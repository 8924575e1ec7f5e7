"""Small-signal impedance between two nodes at a state: what an AC analysis measures there.

    Z(f) = (e_a - e_b)^t (B Y B^t)^-1 (e_a - e_b),     Y the admittances of all edges at sigma = 2 pi i f

with every source at zero AC. A memristor's admittance contains its state's own response, J = d(dw/dt)/d(w, v, i) frozen
at the state: at high f it is 1 / (P R(w)), at low f that of its slow branch (see ``currents.linearised``).
"""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import ComplexArray
from spicebridge.errors import NetworkError, nearest
from spicebridge.network import Network
from spicebridge.theory.currents.linearised import AdmittancePattern, Linearised
from spicebridge.theory.currents.topology import Topology
from spicebridge.theory.results.stability import require_regular
from spicebridge.theory.time.dynamics import network_branch


def impedance(
    network: Network,
    nodes: tuple[Hashable, Hashable],
    frequencies: ArrayLike,
    *,
    state: ArrayLike | None = None,
    t: float = 0.0,
) -> ComplexArray:
    """Return the impedance between two nodes at a state of the network.

    Parameters
    ----------
    network : Network
        A graph with edges of any kind.
    nodes : (node, node)
        Names of two nodes of one connected part: 1 A of small signal enters the first and leaves the second.
    frequencies : (n_f,) or ()
        In Hz, positive.
    state : (n_e,), optional
        States about which everything is linear, in ``network.state_units``; by default the initial state. It
        need not be at rest: the Jacobian is taken where it is.
    t : float
        Time in s at which the sources give currents and drops their bias.

    Returns
    -------
    (n_f,) or () complex
        (p_a - p_b) in V for that 1 A: ohm.

    Raises
    ------
    NetworkError
        For nodes that do not exist or are not connected, frequencies that are not positive, a loop matrix.
    ScreenError
        For a state that loops of capacitors or cutsets of inductors do not allow, or a singular network.
    """
    if not network.is_graph:
        raise NetworkError("impedance: a loop matrix has no nodes; give a graph")
    try:
        first, second = (_index(network, node) for node in nodes)
    except (TypeError, ValueError) as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(f"impedance: {nodes!r} must be two nodes of the network") from None
    f = np.asarray(frequencies, float)
    if f.ndim > 1 or not np.isfinite(f).all() or (f <= 0.0).any():
        raise NetworkError("impedance: frequencies must be positive and finite, in Hz, one or a list of them")
    topology = Topology.of(network)
    if topology.component[first] != topology.component[second]:
        raise NetworkError(f"impedance: nodes {nodes[0]} and {nodes[1]} are in parts that no edge connects")
    if state is not None:
        network = network.with_initial_state(state)
    here = network.initial_state
    require_regular(network, here)
    current, voltage = network_branch(network)[0](here, t)
    pattern = AdmittancePattern(network)
    about = Linearised(network, pattern, here, current, voltage)
    ends = np.zeros(network.n_nodes)
    ends[first] += 1.0
    ends[second] -= 1.0
    load = ends[pattern.free].astype(np.complex128)
    out = np.array([load @ about.at(2j * np.pi * value).factored(load) for value in f.ravel()], dtype=np.complex128)
    return out.reshape(f.shape)


def _index(network: Network, node: Hashable) -> int:
    try:
        return network.nodes.index(node)
    except ValueError:
        known = [str(name) for name in network.nodes]
        raise NetworkError(f"impedance: {node!r} is no node of the network{nearest(str(node), known)}") from None
