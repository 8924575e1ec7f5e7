"""What a claim asks of a network of the user, and why a network does not have it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from spicebridge.analysis import affine
from spicebridge.atlas.circuits import bulk_points, reversed_drive
from spicebridge.errors import NetworkError, ProjectorSingular
from spicebridge.laws import LinearMemristor
from spicebridge.network import Network
from spicebridge.theory.currents.topology import Topology
from spicebridge.windows import NoWindow, Window


def _uniform(network: Network) -> bool:
    S = network.bank(0.0)
    return bool(np.ptp(S) == 0.0 and np.allclose(Topology.of(network).Omega @ S, S, rtol=0.0, atol=1e-12 * abs(S[0])))


def _both_signs(network: Network) -> bool:
    drawn = Topology.of(network).Omega @ network.bank(0.0)
    return bool((drawn > 0.0).any() and (drawn < 0.0).any())


def _one_charge(network: Network) -> bool:
    law = affine.affine(network)
    return float(np.ptp(law.g * law.r0)) == 0.0


def _windows(network: Network, good: Callable[[Window], bool]) -> bool:
    return all(good(group.device.window) for group in network.groups if group.device.stateful)


def _oblique(network: Network) -> bool:
    try:
        return bool(np.abs(Topology.of(network).oblique(network.P * affine.affine(network).r0)).max() < 1e3)
    except ProjectorSingular:
        return False


def _reversible(network: Network) -> bool:
    try:
        for drive in network.drives:
            reversed_drive(drive, 1.0)
    except TypeError:
        return False
    return True


RULES: dict[str, tuple[str, Callable[[Network], bool]]] = {
    "graph": ("a graph, not a loop matrix", lambda network: network.is_graph),
    "loop": ("a loop: in a tree no current flows", lambda network: Topology.of(network).n_loops > 0),
    "one loop": (
        "one loop through all its edges",
        lambda network: Topology.of(network).n_loops == 1 and not Topology.of(network).bridges.size,
    ),
    "source": (
        "a source: without one no current flows",
        lambda network: not network.bank.constant or bool(network.bank(0.0).any()),
    ),
    "in line": (
        "polarities that follow the loop",
        lambda network: float(np.ptp(network.J * Topology.of(network).A.toarray()[0])) == 0.0,
    ),
    "tree": ("a loop of at least two edges", lambda network: Topology.of(network).n_loops < network.n_edges),
    "linear": (
        "linear memristors",
        lambda network: all(isinstance(group.device, LinearMemristor) for group in network.groups),
    ),
    "bridge": ("a bridge", lambda network: Topology.of(network).bridges.size > 0),
    "mixed": ("active and passive edges", lambda network: 0 < (network.P < 0).sum() < network.n_edges),
    "projector": ("a regular A P A^t", _oblique),
    "one sign": ("P = I or P = -I", lambda network: abs(float(network.P.sum())) == network.n_edges),
    "uniform": ("Omega S = S and one source on every edge", _uniform),
    "equal": ("one source on every edge", lambda network: bool(np.ptp(network.bank(0.0)) == 0.0)),
    "alpha": ("alpha other than 0", lambda network: bool(affine.affine(network).a.all())),
    "growth": ("alpha > 0", lambda network: bool((affine.affine(network).a > 0.0).all())),
    "both signs": ("sources that draw currents of both signs", _both_signs),
    "one J": ("one polarity", lambda network: float(np.ptp(network.J)) == 0.0),
    "one beta": ("the same beta/Ron on every edge", _one_charge),
    "rises": ("R that rises with the state", lambda network: bool((affine.affine(network).kappa >= 0.0).all())),
    "falls": ("R that falls with the state", lambda network: bool((affine.affine(network).kappa <= 0.0).all())),
    "hard": ("hard bounds on every edge", lambda network: _windows(network, lambda window: bool(window.hard))),
    "free": ("no bounds", lambda network: _windows(network, lambda window: isinstance(window, NoWindow))),
    "small": ("at most 40 edges", lambda network: network.n_edges <= 40),
    "steady": ("fixed points in the bulk", lambda network: network.bank.constant and bool(bulk_points(network))),
    "reversible": ("constant sources or sines, which can be run backwards", _reversible),
}
"""Name -> what it is called in a message, and its test; beside those of ``analysis/affine``."""


def objection(network: Network, rules: tuple[str, ...]) -> str:
    """What a network lacks of `rules`, as text; "" where nothing is missing."""
    try:
        lacking = [affine.missing(network, *(rule for rule in rules if rule in affine.RULES))]
        for rule in rules:
            # what is costly to find out is asked last
            if rule in RULES and not (rule == "steady" and any(lacking)) and not RULES[rule][1](network):
                lacking.append(RULES[rule][0])
    except NetworkError as error:
        return str(error)
    found = "; ".join(text for text in lacking if text)
    return f"it needs {found}" if found else ""
