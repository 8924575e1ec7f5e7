"""The affine family as vectors over the edges, and the assumptions that exact statements of the papers need.

    R = r0 (1 + kappa s),   ds/dt = a s + J g q,   q = r0 i (current control) or v (voltage control)

Memoryless edges have kappa = a = g = 0. Everything in this room that speaks of r0, kappa, a or g asks here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import NetworkError
from spicebridge.laws.base import imposes
from spicebridge.network import Network
from spicebridge.windows import NoWindow


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine:
    """r0 in ohm, kappa dimensionless, a in 1/s, g in 1/(V s), each (n_e,).

    `control` is "current" or "voltage", the one of all edges with memory, or "mixed". `windowed` says whether a
    smooth window changes the rate in the bulk.
    """

    r0: Array
    kappa: Array
    a: Array
    g: Array
    control: str
    windowed: bool


def affine(network: Network) -> Affine:
    """The parameters of a network whose every law has R affine in its state and a linear rate.

    Raises `NetworkError` naming the first edge that has another law.
    """
    r0, kappa, a, g = (np.zeros(network.n_edges) for _ in range(4))
    controls: set[str] = set()
    windowed = False
    for group in network.groups:
        device, edges, J = group.device, group.edges, network.J[group.edges]
        resistance = device.affine()
        rate = device.linear_rate(network.P[edges], J) if device.stateful else (0.0, 0.0, 0.0)
        if resistance is None or rate is None or imposes(device):
            raise NetworkError(
                f"{network.edge_name(int(edges[0]))}: this quantity needs a law with R = r0 (1 + kappa s) and "
                f"ds/dt = a s + J g q; a {device.kind} is another one"
            )
        r0[edges] = resistance[0]
        kappa[edges] = resistance[1] / resistance[0]
        a[edges] = rate[0]
        by_current, by_voltage = bool(np.any(rate[1])), bool(np.any(rate[2]))
        if by_current:
            g[edges] = J * rate[1] / resistance[0]
        elif by_voltage:
            g[edges] = J * rate[2]
        if device.stateful:
            controls.add("mixed" if by_current and by_voltage else "current" if by_current else "voltage")
            windowed = windowed or not (device.window.hard or isinstance(device.window, NoWindow))
    control = controls.pop() if len(controls) == 1 else "mixed"
    return Affine(r0=r0, kappa=kappa, a=a, g=g, control=control, windowed=windowed)


Rule = tuple[str, Callable[[Network, Affine], bool]]


def _same(values: Array, network: Network) -> bool:
    chosen = values[network.stateful]
    return bool(chosen.size == 0 or np.ptp(chosen) == 0.0)


RULES: dict[str, Rule] = {
    "memory": ("memory on every edge", lambda network, _: bool(network.stateful.all())),
    "no window": ("no window but hard bounds", lambda _, law: not law.windowed),
    "passive": ("passive edges only (P = I)", lambda network, _: bool((network.P > 0).all())),
    "forward": ("polarity +1 on every edge (J = I)", lambda network, _: bool((network.J > 0).all())),
    "constant": ("constant sources; use network.with_drive", lambda network, _: network.bank.constant),
    "current": ("current control on every edge", lambda _, law: law.control == "current"),
    "voltage": ("voltage control on every edge", lambda _, law: law.control == "voltage"),
    "one alpha": ("one alpha for all edges", lambda network, law: _same(law.a, network)),
    "no alpha": ("alpha = 0", lambda network, law: not law.a.any()),
    "one law": (
        "the same Ron, Roff and beta on every edge",
        lambda network, law: _same(law.r0, network) and _same(law.kappa, network) and _same(law.g, network),
    ),
}
"""Name of an assumption -> what it is called in a message, and its test."""


def missing(network: Network, *rules: str) -> str:
    """What a network lacks of `rules` (keys of `RULES`) and "no window", as text; "" where nothing is missing."""
    law = affine(network)
    return "; ".join(RULES[rule][0] for rule in ("no window", *rules) if not RULES[rule][1](network, law))


def require(network: Network, what: str, *rules: str) -> Affine:
    """The parameters of a network that meets `rules`; `what` is the quantity for the message.

    Raises `NetworkError` naming every assumption that does not hold.
    """
    lacking = missing(network, *rules)
    if lacking:
        raise NetworkError(f"{what} needs {lacking}")
    return affine(network)
