"""What a report of a campaign says, chosen once for all its formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from spicebridge.campaign.axes import REPEAT, Axis, format_value
from spicebridge.campaign.campaign_plan import Campaign
from spicebridge.campaign.execution import state
from spicebridge.campaign.point import Row
from spicebridge.campaign.point_store import axis_kinds
from spicebridge.campaign.point_table import rows
from spicebridge.verify.verdict import Outcome

FORMAT = "spicebridge.sweep/1"

FAILED = "failed"
ORDER = (FAILED, Outcome.DISAGREES.value, Outcome.UNRESOLVED.value, Outcome.AGREES.value)
"""Verdicts from the one to look at first."""

NOT_IN_JSON = ("log", "case", "coordinates")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The stored points of a campaign (`rows`, in its order) and what is not there.

    `missing` points have not run; `old` are keys of stored points that are no longer in the campaign.
    """

    campaign: Campaign
    folder: Path
    rows: tuple[Row, ...] = field(repr=False)
    missing: int
    old: tuple[str, ...]

    @classmethod
    def of(cls, campaign: Campaign, folder: str | Path | None = None) -> Sweep:
        """Read the results of a campaign. Raises `CampaignError`, `OutputError`."""
        found = state(campaign, folder)
        place = Path(folder) if folder else campaign.folder
        return cls(
            campaign=campaign,
            folder=place,
            rows=tuple(rows(campaign, folder)),
            missing=len(found.missing),
            old=tuple(sorted(found.old)),
        )

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many points ended how, failed ones among them."""
        found = Counter(verdict(row) for row in self.rows)
        return {name: found[name] for name in ORDER}

    @cached_property
    def by_verdict(self) -> list[Row]:
        """Rows, failures first, then the verdicts in `ORDER`; the largest E first among equals."""

        def rank(row: Row) -> tuple[int, float]:
            error = row["max_error"]
            return ORDER.index(verdict(row)), -1.0 if error is None else -error

        return sorted(self.rows, key=rank)

    @property
    def summary(self) -> str:
        """One sentence."""
        words = {FAILED: "failed", "disagrees": "disagree", "unresolved": "unresolved", "agrees": "agree"}
        parts = [f"{count} {words[name]}" for name, count in reversed(self.counts.items()) if count]
        if self.missing:
            parts.append(f"{self.missing} not run yet")
        total = len(self.rows) + self.missing
        return f"{total} {'point' if total == 1 else 'points'}: {', '.join(parts)}"

    @cached_property
    def drawn_axes(self) -> tuple[Axis, ...]:
        """The axes worth a picture: those with several values; repetitions only where there is no other."""
        several = [axis for axis in self.campaign.axes if len(axis) > 1]
        return tuple(axis for axis in several if axis.keys != (REPEAT,)) or tuple(several)

    @cached_property
    def kinds(self) -> dict[str, str]:
        return axis_kinds(self.campaign)

    def distinct(self, column: str) -> str:
        """The values of a column that occur, in words."""
        found = sorted({str(row[column]) for row in self.rows if row[column] is not None})
        return ", ".join(found) or "none"

    def total(self, column: str) -> float:
        return sum(row[column] or 0.0 for row in self.rows)

    @property
    def provenance(self) -> list[tuple[str, str]]:
        """Everything needed to do it again, except the campaign's text."""
        simulators = sorted({f"{r['simulator']} {r['simulator_version']}" for r in self.rows if r["simulator"]})
        out = [
            ("campaign", str(self.campaign.path)),
            ("results", str(self.folder)),
            ("simulator", ", ".join(simulators) or "none"),
            ("spicebridge", self.distinct("spicebridge")),
            ("simulator runs", f"{self.total('simulator_runs'):.0f}, {self.total('simulator_time'):.1f} s"),
            ("time of all points", f"{self.total('wall_time'):.1f} s summed over the workers"),
            ("seed", str(self.campaign.draws.seed) if self.campaign.draws else "those of the case"),
        ]
        if self.old:
            keys = ", ".join(self.old[:10]) + (", …" if len(self.old) > 10 else "")
            out.append(("not in the campaign any more", f"{len(self.old)} stored points, left out here: {keys}"))
        return out

    def record(self) -> dict[str, object]:
        """The whole sweep as plain data, for scripts."""
        return {
            "format": FORMAT,
            "title": self.campaign.title,
            "learn": self.campaign.what,
            "source": str(self.campaign.path),
            "folder": str(self.folder),
            "points": len(self.rows) + self.missing,
            "missing": self.missing,
            "counts": self.counts,
            "axes": [
                {"keys": list(axis.keys), "values": [list(place) for place in axis.places]}
                for axis in self.campaign.axes
            ],
            "old": list(self.old),
            "results": [_for_json(row, self.kinds) for row in self.rows],
        }


def verdict(row: Row) -> str:
    """The outcome of a row, or "failed"."""
    return row["outcome"] or FAILED


def coordinates(row: Row, kinds: Mapping[str, str]) -> str:
    """Where a point is, in words."""
    return ", ".join(f"{key} = {format_value(row[key])}" for key in kinds)


def _for_json(row: Row, kinds: Mapping[str, str]) -> dict[str, object]:
    rest = {name: value for name, value in row.items() if name not in kinds and name not in NOT_IN_JSON}
    return {"point": {key: row[key] for key in kinds}, **rest}
