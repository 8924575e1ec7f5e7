"""A campaign run: what is stored is kept, what is missing runs, and every finished point is stored at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from spicebridge.campaign.campaign_plan import Campaign, Point
from spicebridge.campaign.parquet_parts import LOOSE, arrow
from spicebridge.campaign.point import PointTask, Row, lost, run_point
from spicebridge.campaign.point_store import Store, axis_kinds
from spicebridge.errors import CampaignError
from spicebridge.pools import cores, on_cluster, on_this_machine


@dataclass
class Tally:
    """How far a run is; given to `progress` at the start and after every point.

    `points` in the campaign, `todo` of them to run now, `ran` so far, `outcomes` of these by word
    ("failed" among them), `point` the last one and `row` its result.
    """

    points: int
    todo: int
    ran: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    point: Point | None = None
    row: Row | None = None


Progress = Callable[[Tally], None]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run left: how many points ran now and were there before, and keys of stored points not in the campaign."""

    folder: Path
    points: int
    ran: int
    kept: int
    failed: int
    old: frozenset[str]
    seconds: float


@dataclass(frozen=True)
class CampaignState:
    """Which points of a campaign are stored: with a verdict, failed, to run; and others in the same folder."""

    done: frozenset[str]
    failed: frozenset[str]
    missing: tuple[Point, ...]
    old: frozenset[str]


def state(campaign: Campaign, folder: str | Path | None = None) -> CampaignState:
    """Compare the campaign with its folder; nothing is read but file names. Raises `OutputError`."""
    store = Store(Path(folder) if folder else campaign.folder)
    store.check()
    done, failed = store.stored()
    keys = frozenset(point.key for point in campaign.points)
    missing = tuple(point for point in campaign.points if point.key not in done and point.key not in failed)
    return CampaignState(done & keys, failed & keys, missing, (done | failed) - keys)


def run(
    campaign: Campaign,
    *,
    folder: str | Path | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    retry: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Run the points that are not stored yet and return a `Summary`; results are in `folder`.

    `workers` processes on this machine (default: one for every processor), or the Dask cluster at `scheduler`.
    `retry` runs failed points again. The numbers do not depend on either. A point that cannot be judged
    is stored with its reason. Raises `CampaignError`, `OutputError`, and `SimulatorMissing` before any run
    if a simulator is not on this machine (on a cluster the points that need it fail).
    """
    began = time.monotonic()
    if workers is not None and workers < 1:
        raise CampaignError(f"workers {workers!r} must be at least 1")
    if workers is not None and scheduler is not None:
        raise CampaignError("workers and scheduler exclude each other: a cluster has its own workers")
    store = Store(Path(folder) if folder else campaign.folder)
    arrow()
    store.check()
    with store.alone():
        store.prepare(campaign)
        store.compact(LOOSE)
        found = state(campaign, store.folder)
        todo = [p for p in campaign.points if p.key not in found.done and (retry or p.key not in found.failed)]
        tally = Tally(len(campaign.points), len(todo))
        if progress:
            progress(tally)
        if todo:
            _work(campaign, store, todo, workers, scheduler, tally, progress)
    after = state(campaign, store.folder)
    return Summary(
        folder=store.folder,
        points=len(campaign.points),
        ran=tally.ran,
        kept=len(campaign.points) - len(todo),
        failed=len(after.failed),
        old=after.old,
        seconds=time.monotonic() - began,
    )


def _work(
    campaign: Campaign,
    store: Store,
    todo: list[Point],
    workers: int | None,
    scheduler: str | None,
    tally: Tally,
    progress: Progress | None,
) -> None:
    points: Mapping[str, Point] = {point.key: point for point in todo}
    tasks = (_task(campaign, point) for point in todo)
    if scheduler is None:
        _require_simulators(todo)
        finished = on_this_machine(run_point, tasks, min(workers or cores(), len(todo)), lost)
    else:
        finished = on_cluster(run_point, tasks, scheduler, lost)
    kinds = axis_kinds(campaign)
    # closed at once when storing fails or somebody interrupts, so that no worker goes on for nothing
    with closing(finished):
        for task, done in finished:
            point = points[task.key]
            tally.row = store.save(point, done, kinds)
            tally.point = point
            tally.ran += 1
            tally.outcomes[tally.row["outcome"] or "failed"] += 1
            if tally.ran % LOOSE == 0:
                store.compact(LOOSE)
            if progress:
                progress(tally)


def _task(campaign: Campaign, point: Point) -> PointTask:
    return PointTask(
        key=point.key,
        name=campaign.name,
        case=point.case,
        folder=str(campaign.base.folder.resolve()),
        run=point.run,
        timeout=campaign.timeout,
        record=campaign.record,
    )


def _require_simulators(todo: list[Point]) -> None:
    """Raise `SimulatorMissing` now rather than once for every point."""
    from spicebridge.circuit.engines import get_engine

    for name in sorted({point.engine for point in todo}):
        get_engine(name).version()
