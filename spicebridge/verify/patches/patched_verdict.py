"""What many patches say of the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property

import numpy as np

from spicebridge.arrays import Array
from spicebridge.network import Network
from spicebridge.verify.patches.cover import Patch
from spicebridge.verify.patches.task import SAMPLES, PatchResult
from spicebridge.verify.verdict import Outcome, Verdict

WRONG_PART, CONFIDENCE = 0.01, 0.999
"""A sample of 688 patches excludes that one per cent of the edges is wrong with this confidence."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PatchedVerdict(Verdict):
    """The verdict of many patches, in the order of their `cover`; it has no signals, ladder or waveforms of its own.

    ``outcome`` and ``reason`` are those of the worst patch; with a sample (not `complete`) the reason has its
    confidence. ``global_bound`` is what the errors of the states of the whole cannot exceed (see ``bound``), infinite
    where that argument gives none, NaN where it was not asked (samples, patches that do not agree, laws that are not
    affine).
    """

    patches: tuple[PatchResult, ...] = field(default=(), repr=False)
    cover: tuple[Patch, ...] = field(default=(), repr=False)
    complete: bool = True
    global_bound: float = math.nan

    @property
    def max_error(self) -> float:
        """Largest E."""
        return max((p.error for p in self.patches if math.isfinite(p.error)), default=math.nan)

    @property
    def uncertainty(self) -> float:
        """Largest U + D."""
        return max(
            (p.uncertainty + p.departure for p in self.patches if math.isfinite(p.uncertainty)), default=math.nan
        )

    @property
    def worst(self) -> PatchResult:
        """The patch that decides: the first of a disagreement, of what is unresolved, else that of the largest E."""
        order = [Outcome.DISAGREES.value, Outcome.UNRESOLVED.value, Outcome.AGREES.value]
        return min(self.patches, key=lambda p: (order.index(p.outcome), -p.error if math.isfinite(p.error) else 0.0))

    @property
    def worst_edge(self) -> str:
        """Edge that breaks its law in the worst patch, else that of its largest error; "" where no run was compared."""
        if self.network is None or not self.patches or self.worst.edge < 0:
            return ""
        return self.network.edge_name(self.worst.edge)

    @cached_property
    def map(self) -> Array:
        """(n_e,) largest E / (U + D) of the patches that speak for each edge; NaN where none was compared."""
        assert self.network is not None
        out = np.full(self.network.n_edges, np.nan)
        for patch, result in zip(self.cover, self.patches, strict=True):
            if math.isfinite(result.error):
                ratio = result.error / (result.uncertainty + result.departure)
                out[patch.counted] = np.fmax(out[patch.counted], ratio)
        return out

    def record(self) -> dict[str, object]:
        """The verdict as plain data."""
        return {
            "outcome": self.outcome.value,
            "reason": self.reason,
            "tolerance": self.tolerance,
            "max_error": self.max_error,
            "uncertainty": self.uncertainty,
            "worst_edge": self.worst_edge,
            "complete": self.complete,
            "global_bound": self.global_bound,
            "patches": [asdict(p) for p in self.patches],
            **self.provenance,
        }


def overall(
    network: Network,
    tolerance: float,
    cover: Sequence[Patch],
    results: Sequence[PatchResult],
    complete: bool,
    bound: float = math.nan,
) -> PatchedVerdict:
    """The verdict of all patches; `bound` is that of ``bound_of_the_whole``."""
    unsure = [
        Outcome.UNRESOLVED.value if r.outcome == Outcome.AGREES.value and r.departure > tolerance else r.outcome
        for r in results
    ]
    outcomes = {Outcome(word) for word in unsure}
    outcome = next(o for o in (Outcome.DISAGREES, Outcome.UNRESOLVED, Outcome.AGREES) if o in outcomes)
    found = PatchedVerdict(
        outcome=outcome,
        reason="",
        tolerance=tolerance,
        network=network,
        patches=tuple(results),
        cover=tuple(cover),
        complete=complete,
        global_bound=bound,
    )
    bad = [k for k, word in enumerate(unsure) if word == outcome.value]
    n = len(results)
    if outcome is Outcome.AGREES:
        tested = "every node and edge" if complete else f"{n} edges drawn uniformly"
        reason = f"{n} patches agree, {tested} tested; E {found.max_error:.3g}, U {found.uncertainty:.3g} at most"
        if math.isfinite(bound) and bound <= tolerance:
            reason += f"; in the whole network states are off by {bound:.3g} at most"
        elif not math.isnan(bound):
            size = f"{bound:.3g}" if math.isfinite(bound) else "no finite one"
            reason += f"; bound of the error in the whole: {size}, exceeds the tolerance: the result is local only"
        if not complete:
            part = 1.0 - (1.0 - CONFIDENCE) ** (1.0 / n)
            reason += f"; less than {part:.2%} of the edges are wrong, with {CONFIDENCE:.1%} confidence"
    else:
        worst = found.worst if outcome is Outcome.DISAGREES else results[bad[0]]
        what = worst.reason
        if outcome is Outcome.UNRESOLVED and worst.outcome == Outcome.AGREES.value:
            what = (
                f"the theory of the patch departs from that of the whole by {worst.departure:.3g}, more than the "
                f"tolerance {tolerance:.3g}: {SAMPLES} straight lines do not follow its border; shorten the span"
            )
        where = "" if worst.edge < 0 else f", at {network.edge_name(worst.edge)}"
        reason = f"{len(bad)} of {n} patches; patch {worst.number}{where}: {what}"
    counted = {"counted_edges": int(np.unique(np.concatenate([p.counted for p in cover])).size)}
    return replace(found, reason=reason, provenance=counted)


def unsolved(network: Network, tolerance: float, reason: str, complete: bool) -> PatchedVerdict:
    return PatchedVerdict(
        outcome=Outcome.UNRESOLVED, reason=f"theory: {reason}", tolerance=tolerance, network=network, complete=complete
    )
