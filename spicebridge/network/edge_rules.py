"""What the edges of a network may not be; every message names the edge."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np

from spicebridge.arrays import Array
from spicebridge.drives import Drive
from spicebridge.errors import NetworkError, StateRangeWarning
from spicebridge.laws import CurrentSource
from spicebridge.laws.base import Group, imposes, take
from spicebridge.network.structure import LoopMatrix, Structure


def check_edges(
    structure: Structure,
    groups: Sequence[Group],
    drives: Sequence[Drive | None],
    initial_state: Array,
    P: Array,
    J: Array,
) -> None:
    """Raise `NetworkError` for signs, sources and initial states (n_e,) that no law allows."""
    wrong = np.flatnonzero(~np.isin(J, (-1.0, 1.0)))
    if wrong.size:
        k = int(wrong[0])
        raise NetworkError(f"{structure.names[k]}: polarity {J[k]:g} must be +1 or -1")
    reactive = any(imposes(group.device) for group in groups)
    for group in groups:
        if not group.device.ohmic and (P[group.edges] < 0).any():
            k = int(group.edges[np.argmin(P[group.edges])])
            raise NetworkError(
                f"{structure.names[k]}: a {group.device.kind} cannot be active; "
                "only devices with v = R(s) i have a negative twin"
            )
        if imposes(group.device):
            _check_imposing(structure, group, drives)
        problem = _state_problem(group, initial_state[group.edges], reactive=reactive)
        if problem:
            k = _offender(group, initial_state)
            raise NetworkError(f"{structure.names[k]}: initial state {initial_state[k]:g} {problem}")


def _state_problem(group: Group, state: Array, *, reactive: bool) -> str | None:
    """What is wrong with the states of a group. With reactive edges in the network it is not known here whether a
    resistance of zero or below matters; `spicebridge.reactive` refuses it where it does."""
    if not (reactive and group.device.ohmic):
        return group.device.check_state(state)
    looked_at = np.flatnonzero(~(np.asarray(group.resistive.resistance(state)) <= 0.0))
    return take(group.device, looked_at).check_state(state[looked_at]) if looked_at.size else None


def _check_imposing(structure: Structure, group: Group, drives: Sequence[Drive | None]) -> None:
    if isinstance(structure, LoopMatrix):
        raise NetworkError(
            f"{structure.names[int(group.edges[0])]}: a {group.device.kind} needs a graph; a loop matrix knows "
            "resistances only"
        )
    if isinstance(group.device, CurrentSource):
        for k in group.edges.tolist():
            if drives[k] is not None:
                raise NetworkError(
                    f"{structure.names[k]}: a current source has no series source, as it fixes the current whatever "
                    "stands beside it; remove the drive of this edge and give CurrentSource(drive) the current in A"
                )


def _offender(group: Group, initial_state: Array) -> int:
    for position, k in enumerate(group.edges.tolist()):
        if group.single(position).check_state(initial_state[k : k + 1]):
            return int(k)
    return int(group.edges[0])


def say_states_outside(structure: Structure, groups: Sequence[Group], initial_state: Array) -> None:
    """Warn of the first initial state outside the range that its law describes (`StateRangeWarning`)."""
    for group in groups:
        low, high = getattr(group.device, "state_range", (-math.inf, math.inf))
        outside = (initial_state[group.edges] < low) | (initial_state[group.edges] > high)
        if outside.any():
            k = int(group.edges[int(np.argmax(outside))])
            warnings.warn(
                f"{structure.names[k]}: initial state {initial_state[k]:g} lies outside [{low:g}, {high:g}], "
                f"where {group.device.kind} has its meaning; it is taken as it stands",
                StateRangeWarning,
                stacklevel=3,
            )
            return
