"""Results as a table: one row a point, the coordinates first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spicebridge.campaign.campaign_plan import Campaign, load
from spicebridge.campaign.parquet_parts import arrow
from spicebridge.campaign.point import Row
from spicebridge.campaign.point_store import COLUMNS, Store, axis_cell, axis_kinds
from spicebridge.errors import CampaignError, nearest

if TYPE_CHECKING:
    import pandas


def rows(campaign: Campaign, folder: str | Path | None = None) -> list[Row]:
    """Rows of the stored points in the order of the campaign; coordinates as the campaign has them now."""
    store = Store(Path(folder) if folder else campaign.folder)
    store.check()
    found = store.read(point.key for point in campaign.points)
    kinds = axis_kinds(campaign)
    out = []
    for point in campaign.points:
        if point.key in found:
            cells = {key: axis_cell(value, kinds[key]) for key, value in point.coordinates.items()}
            out.append(found[point.key] | cells)
    return out


def results(
    campaign: Campaign | str | Path, folder: str | Path | None = None, *, columns: Sequence[str] | None = None
) -> pandas.DataFrame:
    """The stored points of a campaign, or of a campaign file, as a `pandas.DataFrame`.

    One row a point, in the order of the sweep: its coordinates, then the columns of `store.COLUMNS`, or those
    of them named in `columns` (the texts of the cases are most of a large campaign's bytes). Points
    that have not run are missing; stored points that are no longer in the campaign are left out (they are
    in the Parquet files of ``folder/points``). Raises `CampaignError`.
    """
    try:
        import pandas
    except ImportError:
        raise CampaignError("results need pandas; pip install pandas pyarrow") from None
    plan = campaign if isinstance(campaign, Campaign) else load(campaign)
    store = Store(Path(folder) if folder else plan.folder)
    store.check()
    kinds = axis_kinds(plan)
    wanted = [name for name in COLUMNS if columns is None or name in columns]
    for name in columns or ():
        if name not in COLUMNS:
            raise CampaignError(f"column {name!r} must be one of {', '.join(COLUMNS)}{nearest(name, COLUMNS)}")
    tables = list(store.tables(["key", *(name for name in wanted if name != "key")]))
    axes = pandas.DataFrame(
        {key: [axis_cell(point.coordinates[key], kind) for point in plan.points] for key, kind in kinds.items()},
        index=[point.key for point in plan.points],
    )
    if not tables:
        return axes.iloc[:0].reindex(columns=[*kinds, *(name for name in wanted if name not in kinds)])
    joined = arrow().concat_tables(tables, promote_options="default")
    tables.clear()
    whole = joined.to_pandas(self_destruct=True).drop_duplicates("key", keep="last")
    del joined
    whole.index = whole["key"]
    there = [point.key for point in plan.points if point.key in whole.index]
    names = [name for name in wanted if name in whole.columns and name not in kinds]
    return pandas.concat([axes.loc[there], whole.loc[there, names]], axis=1).reset_index(drop=True)
