"""Campaigns: one case swept over parameters, seeds, engines and sizes, stored point by point and resumable.

    from spicebridge.campaign import load, run, results

    campaign = load("ratio.campaign.toml")
    run(campaign, workers=2)              # a second call goes on where the first stopped
    table = results(campaign)             # pandas.DataFrame, one row a point

Names below are loaded on first use: the store needs the extra ``campaign`` (pyarrow, pandas, dask).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
