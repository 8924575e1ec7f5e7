"""Campaigns: one case swept over parameters, seeds, engines and sizes, stored point by point and resumable.

    from spicebridge.campaign import load, run, results

    campaign = load("ratio.campaign.toml")
    run(campaign, workers=2)              # a second call goes on where the first stopped
    table = results(campaign)             # pandas.DataFrame, one row a point

Names below are loaded on first use: the store needs the extra ``campaign`` (pyarrow, pandas, dask).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Campaign": "plan",
    "Point": "plan",
    "load": "plan",
    "Summary": "execution",
    "run": "execution",
    "results": "table",
}

__all__ = ["Campaign", "Point", "Summary", "load", "results", "run"]

if TYPE_CHECKING:
    from spicebridge.campaign.execution import Summary, run
    from spicebridge.campaign.plan import Campaign, Point, load
    from spicebridge.campaign.table import results


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'spicebridge.campaign' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"spicebridge.campaign.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
