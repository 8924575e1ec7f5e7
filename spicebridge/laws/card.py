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

    def unit(self, name: str) -> str | None:
        """The unit of parameter `name` by `units`, where "alpha 1" speaks for alpha_on and alpha_off, too."""
        for clause in self.units.split("; "):
            *names, last = clause.split(", ")
            final, _, unit = last.partition(" ")
            if {name, name.rpartition("_")[0]} & {*names, final}:
                return unit
        return None
