"""Results as a table: one row a point, the coordinates first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from spicebridge.campaign.plan import Campaign, load
from spicebridge.campaign.point import Row
from spicebridge.campaign.store import Store, axis_cell, axis_kinds, column_names
from spicebridge.errors import CampaignError

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


def results(campaign: Campaign | str | Path, folder: str | Path | None = None) -> pandas.DataFrame:
    """The stored points of a campaign, or of a campaign file, as a `pandas.DataFrame`.

    One row a point, in the order of the sweep: its coordinates, then the columns of `store.COLUMNS`. Points
    that have not run are missing; stored points that are no longer in the campaign are left out (they are
    in the Parquet files of ``folder/points``). Raises `CampaignError`.
    """
    try:
        import pandas
    except ImportError:
        raise CampaignError("results need pandas; pip install 'spicebridge-memristor[campaign]'") from None
    plan = campaign if isinstance(campaign, Campaign) else load(campaign)
    names = column_names(axis_kinds(plan))
    table: Any = pandas.DataFrame.from_records(rows(plan, folder), columns=names)
    return table
