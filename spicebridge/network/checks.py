"""What a network may not be, edge by edge; every message names the edge."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np

from spicebridge.errors import NetworkError, StateRangeWarning
from spicebridge.laws import CurrentSource
from spicebridge.laws.base import Group, imposes, take

if TYPE_CHECKING:
    from spicebridge.network.network import Network


def check(network: Network) -> None:
    """Raise `NetworkError` for signs, sources and initial states that no law allows."""
    wrong = np.flatnonzero(~np.isin(network.J, (-1.0, 1.0)))
    if wrong.size:
        k = int(wrong[0])
        raise NetworkError(f"{network.edge_name(k)}: polarity {network.J[k]:g} must be +1 or -1")
    for group in network.groups:
        if not group.device.ohmic and (network.P[group.edges] < 0).any():
            k = int(group.edges[np.argmin(network.P[group.edges])])
            raise NetworkError(
                f"{network.edge_name(k)}: a {group.device.kind} cannot be active; "
                "only devices with v = R(s) i have a negative twin"
            )
        if imposes(group.device):
            _check_imposing(network, group)
        problem = _state_problem(network, group)
        if problem:
            k = _offender(network, group)
            raise NetworkError(f"{network.edge_name(k)}: initial state {network.initial_state[k]:g} {problem}")


def _state_problem(network: Network, group: Group) -> str | None:
    """What is wrong with the states of a group. With reactive edges in the network it is not known here whether a
    resistance of zero or below matters; `spicebridge.reactive` refuses it where it does."""
    state = network.initial_state[group.edges]
    if not (network.reactive and group.device.ohmic):
        return group.device.check_state(state)
    looked_at = np.flatnonzero(~(np.asarray(group.resistive.resistance(state)) <= 0.0))
    return take(group.device, looked_at).check_state(state[looked_at]) if looked_at.size else None


def _check_imposing(network: Network, group: Group) -> None:
    if not network.is_graph:
        raise NetworkError(
            f"{network.edge_name(int(group.edges[0]))}: a {group.device.kind} needs a graph; a loop matrix knows "
            "resistances only"
        )
    if isinstance(group.device, CurrentSource):
        for k in group.edges.tolist():
            if network.drives[k] is not None:
                raise NetworkError(
                    f"{network.edge_name(k)}: a current source has no series source, as it fixes the current whatever "
                    "stands beside it; remove the drive of this edge and give CurrentSource(drive) the current in A"
                )


def _offender(network: Network, group: Group) -> int:
    for position, k in enumerate(group.edges.tolist()):
        if group.single(position).check_state(network.initial_state[k : k + 1]):
            return int(k)
    return int(group.edges[0])


def say_states_outside(network: Network) -> None:
    """Warn of the first initial state outside the range that its law describes (`StateRangeWarning`)."""
    for group in network.groups:
        low, high = getattr(group.device, "state_range", (-math.inf, math.inf))
        outside = (network.initial_state[group.edges] < low) | (network.initial_state[group.edges] > high)
        if outside.any():
            k = int(group.edges[int(np.argmax(outside))])
            warnings.warn(
                f"{network.edge_name(k)}: initial state {network.initial_state[k]:g} lies outside [{low:g}, {high:g}], "
                f"where {group.device.kind} has its meaning; it is taken as it stands",
                StateRangeWarning,
                stacklevel=3,
            )
            return
