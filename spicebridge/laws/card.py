"""What a law says about itself: where it is from, in which units, where it holds, how smooth it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """For people and for the check-up of a model.

    `law` is the pair of equations; `source` paper and equation; `units` of the parameters; `valid` where the
    law may be used; `smoothness` which derivatives exist and where they do not. No law hides a state: what
    persists is `s`, a node of the circuit.
    """

    law: str
    source: str
    units: str
    valid: str
    smoothness: str
